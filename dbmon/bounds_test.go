package dbmon_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/dbmon"
	"github.com/chronoretrace/chronomon/monitor"
)

// TestHostileStatementsStayBounded: tables, statements and costs without end
// leave bounded labels, a bounded table, and the costly statement in it.
func TestHostileStatementsStayBounded(t *testing.T) {
	t.Parallel()
	n := 300_000
	if testing.Short() || raceEnabled {
		n = 20_000
	}
	b := setup(t, nil, dbmon.WithTableLimit(50), dbmon.WithTopQueries(100), dbmon.WithSlowThreshold(0))
	conn := idle(t)
	const costly = "select costly from reports"
	for i := range n {
		query(t.Context(), b.Tracer, conn, fmt.Sprintf("select c%d from t%d where v = 'secret'", i, i), nil)
		if i == 1000 {
			tracer := pgx.BatchTracer(b.Tracer)
			ctx := tracer.TraceBatchStart(t.Context(), conn, pgx.TraceBatchStartData{})
			tracer.TraceBatchQuery(ctx, conn, pgx.TraceBatchQueryData{SQL: costly, ReadStartTime: time.Now().Add(-time.Hour)})
			tracer.TraceBatchEnd(ctx, conn, pgx.TraceBatchEndData{})
		}
	}
	series := b.exposition("db_query_duration_seconds_count")
	require.LessOrEqual(t, len(series), 51)
	require.InDelta(t, n+1, total(t, series), 0, "nothing is lost")
	require.NotEmpty(t, b.exposition(`db_query_duration_seconds_count{query_type="SELECT",table="other"}`))
	require.NotEmpty(t, b.exposition(`monitor_label_overflow_total{metric="db_query_duration_seconds",label="table"}`))
	top := b.TopQueries(0)
	require.LessOrEqual(t, len(top), 100)
	require.Equal(t, "reports", top[0].Table)
	require.InEpsilon(t, time.Hour, top[0].P95, 0.07)
	require.NotContains(t, strings.Join(b.exposition(""), "\n"), "secret")
}

// TestTableLimitIsKept: it stands instead of the monitor's limit of labels.
func TestTableLimitIsKept(t *testing.T) {
	t.Parallel()
	b := setup(t, []monitor.Option{monitor.WithLabelLimit(5)}, dbmon.WithTableLimit(20))
	conn := idle(t)
	query(t.Context(), b.Tracer, conn, "select 1", nil)
	for i := range 21 {
		query(t.Context(), b.Tracer, conn, fmt.Sprintf("select 1 from t%d", i), &pgconn.PgError{Code: "42P01"})
	}
	for _, metric := range []string{"db_query_duration_seconds_count", "db_query_rows_total"} {
		require.Len(t, b.exposition(metric), 22, "20 tables, none, other")
	}
	require.Len(t, b.exposition("db_query_errors_total"), 21)
	require.InDelta(t, 1, b.queries(t, "SELECT", "none"), 0)
	require.InDelta(t, 1, b.failures(t, "SELECT", "other", "42"), 0)

	long := strings.Repeat("x", 100)
	c := setup(t, nil)
	query(t.Context(), c.Tracer, conn, "select 1 from "+long+"."+long, nil)
	require.InDelta(t, 1, c.queries(t, "SELECT", long[:63]+"."+long[:63]), 0, "PostgreSQL cuts names as well")
}

// TestPoolNamesAreLimited: the error says by what.
func TestPoolNamesAreLimited(t *testing.T) {
	t.Parallel()
	b := setup(t, []monitor.Option{monitor.WithLabelLimit(5)})
	config, err := pgxpool.ParseConfig(scriptedDSN)
	require.NoError(t, err)
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	defer pool.Close()
	for i := range 4 { // "unwatched" is one, too
		stop, err := b.WatchPool(fmt.Sprintf("tenant-%d", i), pool)
		require.NoError(t, err)
		stop()
	}
	_, err = b.WatchPool("tenant-4", pool)
	require.ErrorIs(t, err, monitor.ErrInvalidOption)
	require.ErrorContains(t, err, "one of the 5 names that were used first: monitor.WithLabelLimit")
	stop, err := b.WatchPool("tenant-0", pool)
	require.NoError(t, err)
	stop()
}

// TestPreparedNamesStayBounded: names that are in use are known however many
// there were; others are forgotten.
func TestPreparedNamesStayBounded(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	conn := idle(t)
	prepare := func(name, sql string) {
		ctx := b.TracePrepareStart(t.Context(), conn, pgx.TracePrepareStartData{Name: name, SQL: sql})
		b.TracePrepareEnd(ctx, conn, pgx.TracePrepareEndData{})
	}
	prepare("hot", "select 1 from hot")
	prepare("quiet", "select 1 from quiet")
	const n = 10_000
	for i := range n {
		name := fmt.Sprintf("p%d", i)
		prepare(name, "select 1 from a")
		query(t.Context(), b.Tracer, conn, name, nil)
		query(t.Context(), b.Tracer, conn, "hot", nil)
		if i == 2000 {
			query(t.Context(), b.Tracer, conn, "quiet", nil)
		}
	}
	require.InDelta(t, n, b.queries(t, "SELECT", "a"), 0)
	require.InDelta(t, n, b.queries(t, "SELECT", "hot"), 0)
	require.InDelta(t, 1, b.queries(t, "SELECT", "quiet"), 0)
	query(t.Context(), b.Tracer, conn, "quiet", nil)
	require.InDelta(t, 1, b.queries(t, "OTHER", "none"), 0)
}

// TestP95IsOfTheSlowOnes: a tenth of the calls is more than a twentieth.
func TestP95IsOfTheSlowOnes(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	conn := idle(t)
	ctx := b.TraceBatchStart(t.Context(), conn, pgx.TraceBatchStartData{})
	for i := range 20 {
		took := time.Minute
		if i%10 == 0 {
			took = time.Hour
		}
		b.TraceBatchQuery(ctx, conn, pgx.TraceBatchQueryData{SQL: "select 1 from a", ReadStartTime: time.Now().Add(-took)})
	}
	b.TraceBatchEnd(ctx, conn, pgx.TraceBatchEndData{})
	require.InEpsilon(t, time.Hour, b.TopQueries(1)[0].P95, 0.07)
}

// TestEndsWithoutStarts: whatever order a misbehaving layer calls in, nothing
// breaks and nothing is made up.
func TestEndsWithoutStarts(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	ctx := t.Context()
	for _, conn := range []*pgx.Conn{nil, {}, idle(t)} {
		b.TraceQueryEnd(ctx, conn, pgx.TraceQueryEndData{})
		b.TraceBatchEnd(ctx, conn, pgx.TraceBatchEndData{})
		b.TraceCopyFromEnd(ctx, conn, pgx.TraceCopyFromEndData{})
		b.TracePrepareEnd(ctx, conn, pgx.TracePrepareEndData{})
		b.TraceConnectEnd(ctx, pgx.TraceConnectEndData{Conn: conn})
		b.TraceAcquireEnd(ctx, nil, pgxpool.TraceAcquireEndData{Conn: conn})
		b.TraceRelease(nil, pgxpool.TraceReleaseData{Conn: conn})
		for range 20 { // more than may be open
			b.TraceQueryStart(ctx, conn, pgx.TraceQueryStartData{SQL: "select 1 from deep"})
		}
		for range 20 {
			b.TraceQueryEnd(ctx, conn, pgx.TraceQueryEndData{})
		}
		b.TraceBatchStart(ctx, conn, pgx.TraceBatchStartData{})
		b.TraceQueryEnd(ctx, conn, pgx.TraceQueryEndData{})
		b.TraceBatchEnd(ctx, conn, pgx.TraceBatchEndData{})
	}
	require.InDelta(t, 4, b.queries(t, "SELECT", "deep"), 0)
	require.InDelta(t, 1, b.value(t, "db_batch_duration_seconds_count"), 0)
	require.Empty(t, b.exposition("db_connect_duration_seconds"))
	require.Empty(t, b.exposition("db_pool_acquire_wait_seconds"))
}

// oddError cannot be compared.
type oddError []string

func (oddError) Error() string { return "odd" }

// TestBatchRefusedForAnyReason: its second end is known by its error, which may
// be of any kind.
func TestBatchRefusedForAnyReason(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	conn := idle(t)
	plain := errors.New("plain")
	for i, err := range []error{plain, plain, oddError{"a"}, fmt.Errorf("wrapped: %w", oddError{"a"})} {
		ctx := b.TraceBatchStart(t.Context(), conn, pgx.TraceBatchStartData{})
		for range 2 {
			b.TraceBatchEnd(ctx, conn, pgx.TraceBatchEndData{Err: err})
			require.InDelta(t, i+1, b.failures(t, "BATCH", "none", "client"), 0)
		}
	}
}

// TestNamesOnAConnectionInTwoHands: a host that uses it from several goroutines
// gets errors from pgx, and no panic from here.
func TestNamesOnAConnectionInTwoHands(t *testing.T) {
	t.Parallel()
	if raceEnabled {
		t.Skip("what is tested is a race, the host's")
	}
	b := setup(t, nil)
	conn := idle(t)
	query(t.Context(), b.Tracer, conn, "select 1", nil) // pgx's own map has the state from now on
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 20_000 {
				name := fmt.Sprintf("p%d", i%6000)
				ctx := b.TracePrepareStart(t.Context(), conn, pgx.TracePrepareStartData{Name: name, SQL: "select 1 from a"})
				b.TracePrepareEnd(ctx, conn, pgx.TracePrepareEndData{})
				query(t.Context(), b.Tracer, conn, name, nil)
			}
		})
	}
	wg.Wait()
}

// TestBatchWithoutReadTimes: tracers that hand calls on may not know when a
// result began to be read.
func TestBatchWithoutReadTimes(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	conn := idle(t)
	ctx := b.TraceBatchStart(t.Context(), conn, pgx.TraceBatchStartData{})
	time.Sleep(2 * time.Millisecond)
	b.TraceBatchQuery(ctx, conn, pgx.TraceBatchQueryData{SQL: "select 1 from a"})
	b.TraceBatchQuery(ctx, conn, pgx.TraceBatchQueryData{SQL: "select 1 from b"})
	b.TraceBatchEnd(ctx, conn, pgx.TraceBatchEndData{})
	a := b.value(t, `db_query_duration_seconds_sum{query_type="SELECT",table="a"}`)
	require.GreaterOrEqual(t, a, 0.002)
	require.Less(t, b.value(t, `db_query_duration_seconds_sum{query_type="SELECT",table="b"}`), a)
}

// TestSlowLogIsPaced: a flood of slow queries is counted, kept in part, and
// logged now and then.
func TestSlowLogIsPaced(t *testing.T) {
	t.Parallel()
	b := setup(t, nil, dbmon.WithSlowThreshold(1), dbmon.WithCallSiteSkip("github.com/chronoretrace/chronomon/dbmon_test.query"))
	conn := idle(t)
	for range 300 {
		query(t.Context(), b.Tracer, conn, "select 'secret' from a", &pgconn.PgError{Code: "57014"})
	}
	require.InDelta(t, 300, b.value(t, `db_slow_queries_total{query_type="SELECT",table="a"}`), 0)
	slow := b.SlowQueries()
	require.Len(t, slow, 100)
	require.Contains(t, slow[0].CallSite, "TestSlowLogIsPaced", "what is skipped is no call site")
	require.Equal(t, "57", slow[0].Class)
	require.False(t, slow[0].Time.Before(slow[99].Time), "the newest first")
	require.NotContains(t, fmt.Sprint(slow), "secret")
}
