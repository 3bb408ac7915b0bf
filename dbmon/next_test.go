package dbmon_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/dbmon"
)

type ctxKey string

// witness is a host's own tracer, which counts calls and carries values.
type witness struct {
	t     *testing.T
	calls map[string]int
}

func (w *witness) start(ctx context.Context, what ctxKey) context.Context {
	w.calls[string(what)+" start"]++
	return context.WithValue(ctx, what, true)
}

func (w *witness) end(ctx context.Context, what ctxKey) {
	w.calls[string(what)+" end"]++
	if ctx.Value(what) != true {
		w.t.Errorf("the context of %s did not come back", what)
	}
}

func (w *witness) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return w.start(ctx, "query")
}

func (w *witness) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryEndData) {
	w.end(ctx, "query")
}

func (w *witness) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return w.start(ctx, "batch")
}

func (w *witness) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {
	w.calls["batch query"]++
}

func (w *witness) TraceBatchEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchEndData) {
	w.end(ctx, "batch")
}

func (w *witness) TraceCopyFromStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceCopyFromStartData) context.Context {
	return w.start(ctx, "copy")
}

func (w *witness) TraceCopyFromEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceCopyFromEndData) {
	w.end(ctx, "copy")
}

func (w *witness) TracePrepareStart(ctx context.Context, _ *pgx.Conn, _ pgx.TracePrepareStartData) context.Context {
	return w.start(ctx, "prepare")
}

func (w *witness) TracePrepareEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TracePrepareEndData) {
	w.end(ctx, "prepare")
}

func (w *witness) TraceConnectStart(ctx context.Context, _ pgx.TraceConnectStartData) context.Context {
	return w.start(ctx, "connect")
}

func (w *witness) TraceConnectEnd(ctx context.Context, _ pgx.TraceConnectEndData) {
	w.end(ctx, "connect")
}

func (w *witness) TraceAcquireStart(ctx context.Context, _ *pgxpool.Pool, _ pgxpool.TraceAcquireStartData) context.Context {
	return w.start(ctx, "acquire")
}

func (w *witness) TraceAcquireEnd(ctx context.Context, _ *pgxpool.Pool, _ pgxpool.TraceAcquireEndData) {
	w.end(ctx, "acquire")
}
func (w *witness) TraceRelease(*pgxpool.Pool, pgxpool.TraceReleaseData) { w.calls["release"]++ }

// queryOnly is a tracer of queries and nothing else.
type queryOnly struct{ pgx.QueryTracer }

// testNextTracer: the tracer a host had sees what it saw without us, and both
// measure.
func testNextTracer(t onServer) {
	exercise := func(pool *pgxpool.Pool) {
		ctx := t.Context()
		conn, err := pool.Acquire(ctx)
		require.NoError(t, err)
		_, err = conn.Exec(ctx, "select $1::int", 1)
		require.NoError(t, err)
		batch := &pgx.Batch{}
		batch.Queue("select 1")
		batch.Queue("select 2")
		require.NoError(t, conn.SendBatch(ctx, batch).Close())
		_, err = conn.Exec(ctx, "create temp table next_copy (id int)")
		require.NoError(t, err)
		_, err = conn.CopyFrom(ctx, pgx.Identifier{"next_copy"}, []string{"id"}, pgx.CopyFromRows([][]any{{1}}))
		require.NoError(t, err)
		_, err = conn.CopyFrom(ctx, pgx.Identifier{"nowhere"}, []string{"id"}, pgx.CopyFromRows([][]any{{1}}))
		require.Error(t, err)
		conn.Release()
	}
	alone := &witness{t.T, map[string]int{}}
	exercise(setup(t, nil).pool(t, t.dsn, func(c *pgxpool.Config) { c.ConnConfig.Tracer = alone }))

	behind := &witness{t.T, map[string]int{}}
	b := setup(t, nil, dbmon.WithNext(behind))
	exercise(b.pool(t, t.dsn))
	require.Equal(t, alone.calls, behind.calls)
	require.InDelta(t, 3, b.queries(t, "SELECT", "none"), 0)
	require.InDelta(t, 1, b.queries(t, "COPY", "next_copy"), 0)

	// Ours around ours: each keeps its own state on the connection.
	outer := setup(t, nil, dbmon.WithNext(b.Tracer))
	exercise(outer.pool(t, t.dsn))
	require.InDelta(t, 6, b.queries(t, "SELECT", "none"), 0)
	require.InDelta(t, 3, outer.queries(t, "SELECT", "none"), 0)
	require.InDelta(t, 2, b.value(t, `db_pool_acquire_wait_seconds_count{pool_name="unwatched"}`), 0)
	require.InDelta(t, 1, outer.value(t, `db_pool_acquire_wait_seconds_count{pool_name="unwatched"}`), 0)

	narrow := &witness{t.T, map[string]int{}}
	exercise(setup(t, nil, dbmon.WithNext(queryOnly{narrow})).pool(t, t.dsn))
	require.Equal(t, map[string]int{"query start": 2, "query end": 2}, narrow.calls)
}
