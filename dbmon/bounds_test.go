package dbmon_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/dbmon"
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
