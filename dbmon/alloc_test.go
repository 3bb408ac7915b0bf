package dbmon_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/dbmon"
	"github.com/chronoretrace/chronomon/internal/testenv"
	"github.com/chronoretrace/chronomon/monitor"
)

// mix is statements as a service has them.
var mix = []string{
	"SELECT 1",
	"SELECT id, symbol, price FROM stocks WHERE symbol = $1",
	"SELECT s.symbol, d.close FROM stocks s JOIN stock_daily d ON d.symbol = s.symbol WHERE d.day BETWEEN $1 AND $2 ORDER BY d.day",
	"INSERT INTO stock_daily (symbol, day, open, close) VALUES ($1, $2, $3, $4) ON CONFLICT (symbol, day) DO UPDATE SET close = excluded.close",
	"UPDATE users SET last_seen = now() WHERE id = $1",
	"DELETE FROM sessions WHERE expires < now()",
	"WITH recent AS (SELECT user_id, max(at) AS at FROM logins GROUP BY user_id) SELECT u.id, r.at FROM users u JOIN recent r ON r.user_id = u.id",
	`SELECT "Orders"."id" FROM "public"."Orders" WHERE "Orders"."userId" = $1 LIMIT 50`,
	"SELECT EXTRACT(EPOCH FROM created_at) FROM backtests WHERE status = ANY($1)",
	"BEGIN", "COMMIT", "SAVEPOINT s1",
	"UPDATE positions p SET qty = p.qty + f.qty FROM fills f WHERE f.position_id = p.id AND f.id = $1",
	"SELECT count(*) FROM (SELECT DISTINCT user_id FROM events WHERE at > $1) t",
	"/* quotes */ SELECT bid, ask FROM quotes -- the last one\nWHERE symbol = $1 ORDER BY at DESC LIMIT 1",
	"SELECT * FROM generate_series($1::date, $2::date, '1 day') d LEFT JOIN calendar c ON c.day = d",
}

var tag = pgconn.NewCommandTag("SELECT 3")

// query is one query as pgx reports it.
func query(ctx context.Context, t pgx.QueryTracer, conn *pgx.Conn, sql string, err error) {
	ctx = t.TraceQueryStart(ctx, conn, pgx.TraceQueryStartData{SQL: sql})
	t.TraceQueryEnd(ctx, conn, pgx.TraceQueryEndData{CommandTag: tag, Err: err})
}

// idle returns a connection that nothing is sent on.
func idle(t testing.TB) *pgx.Conn {
	t.Helper()
	return scripted(t, nil, func(*pgproto3.Backend) {})
}

func batchOf(ctx context.Context, tracer pgx.BatchTracer, conn *pgx.Conn, batch *pgx.Batch) {
	ctx = tracer.TraceBatchStart(ctx, conn, pgx.TraceBatchStartData{Batch: batch})
	start := time.Now()
	for _, q := range batch.QueuedQueries {
		tracer.TraceBatchQuery(ctx, conn, pgx.TraceBatchQueryData{SQL: q.SQL, CommandTag: tag, ReadStartTime: start})
	}
	tracer.TraceBatchEnd(ctx, conn, pgx.TraceBatchEndData{})
}

func TestAllocs(t *testing.T) {
	if raceEnabled {
		t.Skip("allocations are counted without the race detector")
	}
	conn := idle(t)
	on, off := setup(t, nil), setup(t, []monitor.Option{monitor.WithDisabled()})
	pgErr := error(&pgconn.PgError{Code: "23505"})
	batch := &pgx.Batch{}
	for _, q := range mix[:10] {
		batch.Queue(q)
	}
	i := 0
	for name, f := range map[string]func(*dbmon.Tracer){
		"query": func(tr *dbmon.Tracer) { i++; query(t.Context(), tr, conn, mix[i%len(mix)], nil) },
		"error": func(tr *dbmon.Tracer) { i++; query(t.Context(), tr, conn, mix[i%len(mix)], pgErr) },
		"batch": func(tr *dbmon.Tracer) { batchOf(t.Context(), tr, conn, batch) },
		"prepare": func(tr *dbmon.Tracer) {
			ctx := tr.TracePrepareStart(t.Context(), conn, pgx.TracePrepareStartData{Name: "stmtcache_1", SQL: mix[1]})
			tr.TracePrepareEnd(ctx, conn, pgx.TracePrepareEndData{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			for range 200 { // every statement is known and settled
				f(on.Tracer)
			}
			require.Zero(t, testing.AllocsPerRun(2000, func() { f(on.Tracer) }))
			require.Zero(t, testing.AllocsPerRun(2000, func() { f(off.Tracer) }))
		})
	}
	t.Run("acquire and release", func(t *testing.T) {
		acquire := func(tr *dbmon.Tracer) func() {
			return func() {
				ctx := tr.TraceAcquireStart(t.Context(), nil, pgxpool.TraceAcquireStartData{})
				tr.TraceAcquireEnd(ctx, nil, pgxpool.TraceAcquireEndData{Conn: conn})
				tr.TraceRelease(nil, pgxpool.TraceReleaseData{Conn: conn})
			}
		}
		require.InDelta(t, 1, testing.AllocsPerRun(2000, acquire(on.Tracer)), 0, "the context that carries the start")
		require.Zero(t, testing.AllocsPerRun(2000, acquire(off.Tracer)))
	})
}

// nothing is a tracer that does nothing.
type nothing struct{}

func (nothing) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}
func (nothing) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func BenchmarkQuery(b *testing.B) {
	conn := idle(b)
	ours := setup(b, nil)
	pgErr := error(&pgconn.PgError{Code: "23505"})
	for name, c := range map[string]struct {
		t   pgx.QueryTracer
		err error
	}{"no-op": {nothing{}, nil}, "mix": {ours.Tracer, nil}, "error": {ours.Tracer, pgErr}} {
		b.Run(name, func(b *testing.B) {
			for i := range 50 * len(mix) {
				query(b.Context(), c.t, conn, mix[i%len(mix)], c.err)
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if i++; i == len(mix) {
					i = 0
				}
				query(b.Context(), c.t, conn, mix[i], c.err)
			}
		})
	}
}

// BenchmarkBatch is of batches of ten: the time per statement is a tenth.
func BenchmarkBatch(b *testing.B) {
	conn := idle(b)
	ours := setup(b, nil)
	batch := &pgx.Batch{}
	for _, q := range mix[:10] {
		batch.Queue(q)
	}
	for range 100 {
		batchOf(b.Context(), ours.Tracer, conn, batch)
	}
	b.ReportAllocs()
	for b.Loop() {
		batchOf(b.Context(), ours.Tracer, conn, batch)
	}
}

// BenchmarkFirstSight is of statements that were never seen, of the mix's
// shapes.
func BenchmarkFirstSight(b *testing.B) {
	conn := idle(b)
	ours := setup(b, nil)
	const n = 1 << 16
	fresh := make([]string, n)
	for i := range fresh {
		fresh[i] = fmt.Sprintf("%s /* %d */", mix[i%len(mix)], i)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		query(b.Context(), ours.Tracer, conn, fresh[i%n], nil)
		i++
	}
}

// BenchmarkPostgres is point selects through a pool on a real server: bare, and
// with the tracer.
func BenchmarkPostgres(b *testing.B) {
	dsn := testenv.Postgres(b).DSN()
	ours := setup(b, nil)
	for name, change := range map[string]func(*pgxpool.Config){
		"bare":   func(c *pgxpool.Config) { c.ConnConfig.Tracer = nil },
		"traced": func(*pgxpool.Config) {},
	} {
		b.Run(name, func(b *testing.B) {
			pool := ours.pool(b, dsn, change)
			b.SetParallelism(2)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				var oid uint32
				for pb.Next() {
					if err := pool.QueryRow(b.Context(), "select oid from pg_class where oid = $1", 1259).Scan(&oid); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

func BenchmarkAcquireRelease(b *testing.B) {
	conn := idle(b)
	ours := setup(b, nil)
	b.ReportAllocs()
	for b.Loop() {
		ctx := ours.TraceAcquireStart(b.Context(), nil, pgxpool.TraceAcquireStartData{})
		ours.TraceAcquireEnd(ctx, nil, pgxpool.TraceAcquireEndData{Conn: conn})
		ours.TraceRelease(nil, pgxpool.TraceReleaseData{Conn: conn})
	}
}
