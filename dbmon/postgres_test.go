package dbmon_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/dbmon"
	"github.com/chronoretrace/chronomon/internal/testenv"
	"github.com/chronoretrace/chronomon/monitor"
)

// TestPostgres runs everything that needs a server which nobody stops on one.
func TestPostgres(t *testing.T) {
	t.Parallel()
	dsn := testenv.Postgres(t).DSN()
	for name, test := range map[string]func(onServer){
		"queries":                  testQueries,
		"errors":                   testErrors,
		"error counted once":       testErrorCountedOnce,
		"canceled":                 testCanceled,
		"batch":                    testBatch,
		"batch times":              testBatchTimes,
		"batch fails":              testBatchFails,
		"batch fails early":        testBatchFailsEarly,
		"batch fails at its end":   testBatchFailsAtItsEnd,
		"batch callback fails":     testBatchCallbackFails,
		"batch within a batch":     testBatchWithinBatch,
		"copy":                     testCopy,
		"copy fails":               testCopyFails,
		"prepared names":           testPreparedNames,
		"transactions":             testTransactions,
		"query on a busy conn":     testBusyConnection,
		"lost ends":                testLostEnds,
		"database/sql":             testDatabaseSQL,
		"pool exhausted":           testPoolExhausted,
		"pool gauges":              testPoolGauges,
		"two pools":                testTwoPools,
		"killed backend":           testKilledBackend,
		"connects":                 testConnects,
		"next tracer":              testNextTracer,
		"slow queries":             testSlowQueries,
		"top queries":              testTopQueries,
		"events":                   testEvents,
		"edges":                    testEdges,
		"off":                      testOff,
		"host calls are unchanged": testHostCallsUnchanged,
		"concurrent":               testConcurrent,
		"server facts":             testServerFacts,
		"server of a full pool":    testServerOfFullPool,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(onServer{t, dsn})
		})
	}
}

// table makes an empty table with columns id and v, and returns its name.
func table(t testing.TB, pool *pgxpool.Pool) string {
	t.Helper()
	name := strings.ToLower(strings.NewReplacer("/", "_", " ", "_").Replace(t.Name()))
	_, err := pool.Exec(t.Context(), fmt.Sprintf("create table %s (id int primary key, v text)", pgx.Identifier{name}.Sanitize()))
	require.NoError(t, err)
	return name
}

func testQueries(t onServer) {
	b := setup(t, nil)
	pool := b.pool(t, t.dsn)
	ctx := t.Context()
	tbl := table(t, pool)
	for i := range 7 {
		tag, err := pool.Exec(ctx, "insert into "+tbl+" (id, v) values ($1, $2)", i, "secret")
		require.NoError(t, err)
		require.EqualValues(t, 1, tag.RowsAffected())
	}
	rows, err := pool.Query(ctx, "select v from "+tbl+" where id >= $1", 2)
	require.NoError(t, err)
	require.InDelta(t, -1, b.queries(t, "SELECT", tbl), 0, "a query ends when its rows are closed")
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Len(t, got, 5)
	var v string
	require.ErrorIs(t, pool.QueryRow(ctx, "select v from "+tbl+" where id = 99").Scan(&v), pgx.ErrNoRows)
	_, err = pool.Exec(ctx, "update "+tbl+" set v = 'other secret' where id < 3")
	require.NoError(t, err)
	_, err = pool.Exec(ctx, "with gone as (select 1) delete from "+tbl+" where id = 0")
	require.NoError(t, err)
	_, err = pool.Exec(ctx, "")
	require.NoError(t, err)

	require.InDelta(t, 7, b.queries(t, "INSERT", tbl), 0)
	require.InDelta(t, 7, b.rows(t, "INSERT", tbl), 0)
	require.InDelta(t, 2, b.queries(t, "SELECT", tbl), 0)
	require.InDelta(t, 5, b.rows(t, "SELECT", tbl), 0)
	require.InDelta(t, 3, b.rows(t, "UPDATE", tbl), 0)
	require.InDelta(t, 1, b.rows(t, "DELETE", tbl), 0)
	require.InDelta(t, 1, b.queries(t, "CREATE", tbl), 0)
	require.InDelta(t, 1, b.queries(t, "OTHER", "none"), 0)
	require.Empty(t, b.exposition("db_query_errors_total"), "no row is no error")
	require.NotContains(t, strings.Join(b.exposition(""), "\n"), "secret")
}

func testErrors(t onServer) {
	b := setup(t, nil)
	pool := b.pool(t, t.dsn)
	ctx := t.Context()
	tbl := table(t, pool)
	insert := "insert into " + tbl + " (id) values ($1)"
	_, err := pool.Exec(ctx, insert, 1)
	require.NoError(t, err)
	_, err = pool.Exec(ctx, insert, 1)
	var pg *pgconn.PgError
	require.ErrorAs(t, err, &pg)
	require.Equal(t, "23505", pg.Code)
	require.InDelta(t, 1, b.failures(t, "INSERT", tbl, "23"), 0)
	require.InDelta(t, 2, b.queries(t, "INSERT", tbl), 0, "a failed query took time, too")

	_, err = pool.Exec(ctx, insert, 1, 2)
	require.ErrorContains(t, err, "argument", "pgx refuses")
	require.InDelta(t, 1, b.failures(t, "INSERT", tbl, "client"), 0)

	var n int
	require.Error(t, pool.QueryRow(ctx, "select id/0 from "+tbl).Scan(&n), "fails while rows are read")
	require.InDelta(t, 1, b.failures(t, "SELECT", tbl, "22"), 0)
	require.Error(t, pool.QueryRow(ctx, "selec 1").Scan(&n))
	require.InDelta(t, 1, b.failures(t, "OTHER", "none", "42"), 0)
}

// testErrorCountedOnce: pgx prepares a query first, and both fail.
func testErrorCountedOnce(t onServer) {
	b := setup(t, nil)
	pool := b.pool(t, t.dsn)
	ctx := t.Context()
	for _, mode := range []pgx.QueryExecMode{
		pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec,
		pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol,
	} {
		_, err := pool.Exec(ctx, "update nowhere set a = $1", mode, 1)
		require.Error(t, err)
		rows, err := pool.Query(ctx, "select * from nowhere where a = $1", mode, 1)
		if err == nil {
			rows.Close()
			err = rows.Err()
		}
		require.Error(t, err)
	}
	require.InDelta(t, 5, b.failures(t, "UPDATE", "nowhere", "42"), 0)
	require.InDelta(t, 5, b.queries(t, "UPDATE", "nowhere"), 0)
	require.InDelta(t, 5, b.failures(t, "SELECT", "nowhere", "42"), 0)
	require.InDelta(t, 5, b.queries(t, "SELECT", "nowhere"), 0)
	require.Empty(t, b.exposition("db_prepare_errors_total"))
	require.InDelta(t, 10, total(t, b.exposition("db_query_errors_total")), 0)
}

func testCanceled(t onServer) {
	b := setup(t, nil)
	pool := b.pool(t, t.dsn)
	require.NoError(t, pool.Ping(t.Context())) // so that it is the query which is given up, not the connecting
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := pool.Exec(ctx, "select pg_sleep(60)")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.InDelta(t, 1, b.failures(t, "SELECT", "none", "timeout"), 0)

	require.NoError(t, pool.Ping(t.Context()))
	ctx, cancel = context.WithCancel(t.Context())
	time.AfterFunc(200*time.Millisecond, cancel)
	_, err = pool.Exec(ctx, "select pg_sleep(60)")
	require.ErrorIs(t, err, context.Canceled)
	require.InDelta(t, 1, b.failures(t, "SELECT", "none", "canceled"), 0)

	conn, err := pool.Acquire(t.Context())
	require.NoError(t, err)
	defer conn.Release()
	_, err = conn.Exec(t.Context(), "set statement_timeout = 20")
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), "select pg_sleep(60)")
	require.Error(t, err)
	require.InDelta(t, 1, b.failures(t, "SELECT", "none", "57"), 0, "the server's own timeout is the server's")
	require.InDelta(t, 3, total(t, b.exposition("db_query_errors_total")), 0)
}

func batchModes() map[string]func(*pgxpool.Config) {
	out := map[string]func(*pgxpool.Config){}
	for _, mode := range []pgx.QueryExecMode{
		pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec,
		pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol,
	} {
		out[mode.String()] = func(c *pgxpool.Config) { c.ConnConfig.DefaultQueryExecMode = mode }
	}
	return out
}

func testBatch(t onServer) {
	dsn := t.dsn
	for name, mode := range batchModes() {
		t.Run(name, func(t *testing.T) {
			b := setup(t, nil)
			pool := b.pool(t, dsn, mode)
			tbl := table(t, pool)
			batch := &pgx.Batch{}
			for i := range 5 {
				batch.Queue("insert into "+tbl+" (id) values ($1)", i)
			}
			var seen []int32
			batch.Queue("select id from " + tbl).Query(func(rows pgx.Rows) error {
				got, err := pgx.CollectRows(rows, pgx.RowTo[int32])
				seen = got
				return err
			})
			var n int
			batch.Queue("select count(*) from " + tbl).QueryRow(func(row pgx.Row) error { return row.Scan(&n) })
			require.NoError(t, pool.SendBatch(t.Context(), batch).Close())
			require.Len(t, seen, 5)
			require.Equal(t, 5, n)

			require.InDelta(t, 5, b.queries(t, "INSERT", tbl), 0)
			require.InDelta(t, 5, b.rows(t, "INSERT", tbl), 0)
			require.InDelta(t, 2, b.queries(t, "SELECT", tbl), 0)
			require.InDelta(t, 6, b.rows(t, "SELECT", tbl), 0)
			require.InDelta(t, 1, b.value(t, "db_batch_duration_seconds_count"), 0)
			require.InDelta(t, 7, b.value(t, "db_batch_statements_sum"), 0)
			require.Empty(t, b.exposition("db_query_errors_total"))
		})
	}
}

// testBatchTimes: what the host does between two results is nobody's time.
func testBatchTimes(t onServer) {
	b := setup(t, nil)
	pool := b.pool(t, t.dsn)
	batch := &pgx.Batch{}
	batch.Queue("select 1 from pg_class limit 1").QueryRow(func(row pgx.Row) error {
		var one int
		err := row.Scan(&one)
		time.Sleep(300 * time.Millisecond)
		return err
	})
	batch.Queue("select 1 from pg_namespace limit 1")
	require.NoError(t, pool.SendBatch(t.Context(), batch).Close())
	for _, table := range []string{"pg_class", "pg_namespace"} {
		sum := b.value(t, fmt.Sprintf(`db_query_duration_seconds_sum{query_type="SELECT",table=%q}`, table))
		require.Positive(t, sum)
		require.Less(t, sum, 0.25, table)
	}
	require.Greater(t, b.value(t, "db_batch_duration_seconds_sum"), 0.29)
}

func testBatchFails(t onServer) {
	dsn := t.dsn
	for name, mode := range batchModes() {
		t.Run(name, func(t *testing.T) {
			b := setup(t, nil)
			pool := b.pool(t, dsn, mode)
			tbl := table(t, pool)
			batch := &pgx.Batch{}
			batch.Queue("insert into "+tbl+" (id) values ($1)", 1)
			batch.Queue("insert into "+tbl+" (id) values ($1)", 1) // fails
			batch.Queue("update " + tbl + " set id = 2")
			batch.Queue("update " + tbl + " set id = 3")
			require.Error(t, pool.SendBatch(t.Context(), batch).Close())
			require.InDelta(t, 1, b.failures(t, "INSERT", tbl, "23"), 0)
			require.InDelta(t, 1, total(t, b.exposition("db_query_errors_total")), 0, "counted once: %v", b.exposition("db_query_errors_total"))
			require.Negative(t, b.queries(t, "UPDATE", tbl), "was not run")
			require.InDelta(t, 1, b.value(t, "db_batch_duration_seconds_count"), 0)
		})
	}
}

func testBatchFailsEarly(t onServer) {
	b := setup(t, nil)
	pool := b.pool(t, t.dsn)
	batch := &pgx.Batch{}
	batch.Queue("select 1")
	batch.Queue("select * from nowhere")
	require.Error(t, pool.SendBatch(t.Context(), batch).Close())
	require.InDelta(t, 1, b.failures(t, "BATCH", "none", "42"), 0, "%v", b.exposition("db_query_errors_total"))
	require.InDelta(t, 1, total(t, b.exposition("db_query_errors_total")), 0)
	require.InDelta(t, 1, b.value(t, "db_batch_duration_seconds_count"), 0, "pgx ends it twice")
}

// testBatchFailsAtItsEnd: all statements went well, and the commit did not.
func testBatchFailsAtItsEnd(t onServer) {
	dsn := t.dsn
	for name, mode := range batchModes() {
		t.Run(name, func(t *testing.T) {
			b := setup(t, nil)
			pool := b.pool(t, dsn, mode)
			tbl := table(t, pool)
			_, err := pool.Exec(t.Context(), "alter table "+tbl+" add p int references "+tbl+" deferrable initially deferred")
			require.NoError(t, err)
			batch := &pgx.Batch{}
			batch.Queue("insert into " + tbl + " (id, p) values (1, 7)")
			batch.Queue("insert into " + tbl + " (id, p) values (2, 8)")
			require.Error(t, pool.SendBatch(t.Context(), batch).Close())
			require.InDelta(t, 1, total(t, b.exposition("db_query_errors_total")), 0)
			require.Contains(t, b.exposition("db_query_errors_total")[0], `class="23"`)
		})
	}
}

// testBatchCallbackFails: the host's own error is no failure of a query's.
func testBatchCallbackFails(t onServer) {
	dsn := t.dsn
	for name, mode := range batchModes() {
		t.Run(name, func(t *testing.T) {
			b := setup(t, nil)
			pool := b.pool(t, dsn, mode)
			for _, mine := range []error{errors.New("the host's own"), context.Canceled, io.EOF} {
				batch := &pgx.Batch{}
				batch.Queue("select 1").Exec(func(pgconn.CommandTag) error { return mine })
				batch.Queue("select 2")
				require.ErrorIs(t, pool.SendBatch(t.Context(), batch).Close(), mine)
			}
			require.Empty(t, b.exposition("db_query_errors_total"))
			require.InDelta(t, 3, b.queries(t, "SELECT", "none"), 0)
			require.InDelta(t, 3, b.value(t, "db_batch_duration_seconds_count"), 0)
		})
	}
}

// testBatchWithinBatch: the inner one is refused, and pgx ends it twice. The
// outer one is none of its business.
func testBatchWithinBatch(t onServer) {
	b := setup(t, nil)
	conn, err := b.pool(t, t.dsn).Acquire(t.Context())
	require.NoError(t, err)
	defer conn.Release()
	batch := func() *pgx.Batch {
		batch := &pgx.Batch{}
		batch.Queue("select 1")
		batch.Queue("select 2")
		return batch
	}
	outer := conn.SendBatch(t.Context(), batch())
	inner := conn.SendBatch(t.Context(), batch())
	require.InDelta(t, 1, b.failures(t, "BATCH", "none", "client"), 0)
	require.Error(t, inner.Close())
	require.InDelta(t, 1, b.value(t, "db_batch_duration_seconds_count"), 0)
	require.NoError(t, outer.Close())
	require.InDelta(t, 2, b.value(t, "db_batch_duration_seconds_count"), 0)
	require.InDelta(t, 2, b.queries(t, "SELECT", "none"), 0)
	require.InDelta(t, 1, total(t, b.exposition("db_query_errors_total")), 0)
}

func testCopy(t onServer) {
	b := setup(t, nil)
	pool := b.pool(t, t.dsn)
	ctx := t.Context()
	_, err := pool.Exec(ctx, `create schema copies; create table copies."Ticks" (id int, v text)`)
	require.NoError(t, err)
	n, err := pool.CopyFrom(ctx, pgx.Identifier{"copies", "Ticks"}, []string{"id", "v"},
		pgx.CopyFromSlice(1000, func(i int) ([]any, error) { return []any{i, "secret"}, nil }))
	require.NoError(t, err)
	require.EqualValues(t, 1000, n)
	require.InDelta(t, 1, b.queries(t, "COPY", "copies.Ticks"), 0)
	require.InDelta(t, 1000, b.rows(t, "COPY", "copies.Ticks"), 0)
	require.Negative(t, b.queries(t, "SELECT", "copies.Ticks"), "pgx describes the table first: no query of the host's")
}

func testCopyFails(t onServer) {
	b := setup(t, nil)
	pool := b.pool(t, t.dsn)
	ctx := t.Context()
	_, err := pool.CopyFrom(ctx, pgx.Identifier{"nowhere"}, []string{"id"}, pgx.CopyFromRows([][]any{{1}}))
	require.Error(t, err)
	require.InDelta(t, 1, b.failures(t, "COPY", "nowhere", "42"), 0)
	tbl := table(t, pool)
	_, err = pool.CopyFrom(ctx, pgx.Identifier{tbl}, []string{"id"}, pgx.CopyFromRows([][]any{{1}, {1}}))
	require.Error(t, err)
	require.InDelta(t, 1, b.failures(t, "COPY", tbl, "23"), 0)
	_, err = pool.CopyFrom(ctx, pgx.Identifier{tbl}, []string{"id"},
		pgx.CopyFromSlice(1, func(int) ([]any, error) { return nil, errors.New("the host's own") }))
	require.ErrorContains(t, err, "the host's own")
	require.InDelta(t, 3, total(t, b.exposition("db_query_errors_total")), 0)
	var one int
	require.NoError(t, pool.QueryRow(ctx, "select 1").Scan(&one))
	require.InDelta(t, 1, b.queries(t, "SELECT", "none"), 0)
}

// testPreparedNames: the same name means different statements on two
// connections, and is a label on none.
func testPreparedNames(t onServer) {
	b := setup(t, nil)
	pool := b.pool(t, t.dsn)
	ctx := t.Context()
	tbl := table(t, pool)
	first, err := pool.Acquire(ctx)
	require.NoError(t, err)
	defer first.Release()
	second, err := pool.Acquire(ctx)
	require.NoError(t, err)
	defer second.Release()
	_, err = first.Conn().Prepare(ctx, "ps_1", "select id from "+tbl+" where id = $1")
	require.NoError(t, err)
	_, err = first.Conn().Prepare(ctx, "ps_1", "select id from "+tbl+" where id = $1")
	require.NoError(t, err)
	_, err = second.Conn().Prepare(ctx, "ps_1", "delete from "+tbl+" where id = $1")
	require.NoError(t, err)
	for range 3 {
		_, err = first.Exec(ctx, "ps_1", 1)
		require.NoError(t, err)
	}
	_, err = second.Exec(ctx, "ps_1", 1)
	require.NoError(t, err)
	batch := &pgx.Batch{}
	batch.Queue("ps_1", 1)
	require.NoError(t, second.SendBatch(ctx, batch).Close())
	require.InDelta(t, 3, b.queries(t, "SELECT", tbl), 0)
	require.InDelta(t, 2, b.queries(t, "DELETE", tbl), 0)
	require.NotContains(t, strings.Join(b.exposition(""), "\n"), "ps_1")
	require.InDelta(t, 2, b.value(t, "db_prepare_duration_seconds_count"), 0, "not the one that was prepared already")

	_, err = first.Conn().Prepare(ctx, "ps_2", "selec")
	require.Error(t, err)
	require.InDelta(t, 1, b.value(t, `db_prepare_errors_total{class="42"}`), 0)
	require.Empty(t, b.exposition("db_query_errors_total"))
}

func testTransactions(t onServer) {
	b := setup(t, nil)
	pool := b.pool(t, t.dsn)
	ctx := t.Context()
	tx, err := pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.Serializable})
	require.NoError(t, err)
	inner, err := tx.Begin(ctx)
	require.NoError(t, err)
	require.NoError(t, inner.Rollback(ctx))
	require.NoError(t, tx.Commit(ctx))
	require.InDelta(t, 4, b.queries(t, "TX", "none"), 0, "begin, savepoint, rollback to, commit")
}

func testBusyConnection(t onServer) {
	b := setup(t, nil)
	conn, err := b.pool(t, t.dsn).Acquire(t.Context())
	require.NoError(t, err)
	defer conn.Release()
	rows, err := conn.Query(t.Context(), "select * from pg_class")
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), "select 1 from pg_namespace")
	require.ErrorContains(t, err, "conn busy")
	for i, name := range []string{"mine", "select 1"} { // database/sql gives the text for a name
		_, err = conn.Conn().Prepare(t.Context(), name, "select 1")
		require.ErrorContains(t, err, "conn busy")
		require.InDelta(t, i+1, b.value(t, `db_prepare_errors_total{class="client"}`), 0)
	}
	rows.Close()
	require.NoError(t, rows.Err())
	require.InDelta(t, 1, b.queries(t, "SELECT", "pg_class"), 0)
	require.InDelta(t, 1, b.failures(t, "SELECT", "pg_namespace", "client"), 0)
	require.InDelta(t, 1, total(t, b.exposition("db_query_errors_total")), 0)
}

// rewriter is a pgx.QueryRewriter.
type rewriter func()

func (f rewriter) RewriteQuery(context.Context, *pgx.Conn, string, []any) (string, []any, error) {
	f()
	return "", nil, nil
}

// testLostEnds: operations whose end is never told do not stand in the way of
// those that follow.
func testLostEnds(t onServer) {
	b := setup(t, nil)
	pool := b.pool(t, t.dsn, func(c *pgxpool.Config) {
		c.MaxConns = 1
		c.ConnConfig.StatementCacheCapacity = 0 // CopyFrom needs it, and returns without an end
	})
	ctx := t.Context()
	conn, err := pool.Acquire(ctx)
	require.NoError(t, err)
	defer conn.Release()
	for range 4 {
		require.Panics(t, func() { _, _ = conn.Exec(ctx, "select 1", rewriter(func() { panic("the host's") })) })
	}
	for range 3 {
		_, err = conn.Exec(ctx, "select 1 from pg_class where oid = $1", pgx.QueryExecModeDescribeExec, 1) // prepares as well
		require.NoError(t, err)
	}
	lose := func() {
		_, err := conn.CopyFrom(ctx, pgx.Identifier{"pg_class"}, []string{"oid"}, pgx.CopyFromRows(nil))
		require.ErrorContains(t, err, "cache")
	}
	for range 4 {
		lose()
	}
	for range 3 {
		_, err = conn.Exec(ctx, "select 1 from pg_class")
		require.NoError(t, err)
	}
	require.InDelta(t, 6, b.queries(t, "SELECT", "pg_class"), 0)

	lose()
	conn.Release()
	again, err := pool.Acquire(ctx)
	require.NoError(t, err)
	defer again.Release()
	_, err = again.Conn().Prepare(ctx, "", "selec")
	require.Error(t, err)
	require.InDelta(t, 1, b.value(t, `db_prepare_errors_total{class="42"}`), 0, "is within none of them")
	require.Empty(t, b.exposition("db_query_errors_total"))
}

func testDatabaseSQL(t onServer) {
	b := setup(t, nil)
	config, err := pgx.ParseConfig(t.dsn)
	require.NoError(t, err)
	config.Tracer = b.Tracer
	db := stdlib.OpenDB(*config)
	defer db.Close()
	ctx := t.Context()
	_, err = db.ExecContext(ctx, "create table over_database_sql (id int)")
	require.NoError(t, err)
	tx, err := db.BeginTx(ctx, nil)
	require.NoError(t, err)
	st, err := tx.PrepareContext(ctx, "insert into over_database_sql values ($1)")
	require.NoError(t, err)
	defer st.Close()
	for i := range 3 {
		_, err = st.ExecContext(ctx, i)
		require.NoError(t, err)
	}
	require.NoError(t, tx.Commit())
	rows, err := db.QueryContext(ctx, "select id from over_database_sql")
	require.NoError(t, err)
	defer rows.Close()
	n := 0
	for rows.Next() {
		n++
	}
	require.NoError(t, rows.Err())
	require.Equal(t, 3, n)
	require.InDelta(t, 3, b.queries(t, "INSERT", "over_database_sql"), 0)
	require.InDelta(t, 3, b.rows(t, "SELECT", "over_database_sql"), 0)
	require.InDelta(t, 2, b.queries(t, "TX", "none"), 0)
	var id int
	require.ErrorIs(t, db.QueryRowContext(ctx, "select id from over_database_sql where id = 9").Scan(&id), sql.ErrNoRows)
	require.Empty(t, b.exposition("db_query_errors_total"))
}

// testPoolExhausted: waiting for a connection is visible, as is giving up.
func testPoolExhausted(t onServer) {
	b := setup(t, nil)
	pool := b.pool(t, t.dsn, func(c *pgxpool.Config) { c.MaxConns = 1 })
	stop, err := b.WatchPool("main", pool)
	require.NoError(t, err)
	defer stop()
	held, err := pool.Acquire(t.Context())
	require.NoError(t, err)
	require.InDelta(t, 1, b.value(t, `db_connection_pool_usage{pool_name="main"}`), 0)

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = pool.Acquire(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.InDelta(t, 1, b.value(t, `db_pool_acquire_errors_total{pool_name="main",class="timeout"}`), 0)
	require.InDelta(t, 1, b.value(t, `db_pool_canceled_acquires_total{pool_name="main"}`), 0)

	time.AfterFunc(150*time.Millisecond, held.Release)
	var one int
	require.NoError(t, pool.QueryRow(t.Context(), "select 1").Scan(&one))
	require.InDelta(t, 3, b.value(t, `db_pool_acquire_wait_seconds_count{pool_name="main"}`), 0)
	require.GreaterOrEqual(t, b.value(t, `db_pool_acquire_wait_seconds_sum{pool_name="main"}`), 0.19)
	require.InDelta(t, 2, b.value(t, `db_pool_held_seconds_count{pool_name="main"}`), 0)
	require.GreaterOrEqual(t, b.value(t, `db_pool_held_seconds_sum{pool_name="main"}`), 0.2)
	require.InDelta(t, 2, b.value(t, `db_pool_empty_acquires_total{pool_name="main"}`), 0)
	require.GreaterOrEqual(t, b.value(t, `db_pool_empty_acquire_wait_seconds_total{pool_name="main"}`), 0.1)
	require.InDelta(t, 0, b.value(t, `db_connection_pool_usage{pool_name="main"}`), 0)

	top := b.TopQueries(1)
	require.Len(t, top, 1)
	require.Greater(t, top[0].WaitShare, 0.5, "most of the caller's time was waiting")
}

func testPoolGauges(t onServer) {
	b := setup(t, nil)
	pool, other := b.pool(t, t.dsn), b.pool(t, t.dsn)
	stop, err := b.WatchPool("main", pool)
	require.NoError(t, err)

	_, err = b.WatchPool("nil", nil)
	require.ErrorIs(t, err, monitor.ErrInvalidOption)
	require.ErrorContains(t, err, `watch pool "nil"`)
	_, err = b.WatchPool("main", other)
	require.ErrorIs(t, err, monitor.ErrInvalidOption)
	require.ErrorContains(t, err, `watch pool "main"`)
	_, err = b.WatchPool("again", pool)
	require.ErrorIs(t, err, monitor.ErrInvalidOption)
	require.ErrorContains(t, err, `"main"`)
	_, err = b.WatchPool("", other)
	require.ErrorIs(t, err, monitor.ErrInvalidOption)

	a, err := pool.Acquire(t.Context())
	require.NoError(t, err)
	c, err := pool.Acquire(t.Context())
	require.NoError(t, err)
	c.Release()
	require.InDelta(t, 0.25, b.value(t, `db_connection_pool_usage{pool_name="main"}`), 0)
	require.InDelta(t, 1, b.value(t, `db_pool_connections{pool_name="main",state="used"}`), 0)
	require.InDelta(t, 1, b.value(t, `db_pool_connections{pool_name="main",state="idle"}`), 0)
	require.InDelta(t, 0, b.value(t, `db_pool_connections{pool_name="main",state="constructing"}`), 0)
	require.InDelta(t, 4, b.value(t, `db_pool_max_connections{pool_name="main"}`), 0)
	require.InDelta(t, 2, b.value(t, `db_pool_acquires_total{pool_name="main"}`), 0)
	require.InDelta(t, 2, b.value(t, `db_pool_connections_opened_total{pool_name="main"}`), 0)
	a.Release()

	stop()
	stop()
	require.Empty(t, b.exposition("db_connection_pool_usage"))
	stop, err = b.WatchPool("main", other)
	require.NoError(t, err, "the name is free again")
	stop()
	require.NoError(t, pool.Ping(t.Context()))
	require.Positive(t, b.value(t, `db_pool_acquire_wait_seconds_count{pool_name="unwatched"}`))
}

func testTwoPools(t onServer) {
	b := setup(t, nil)
	one, two := b.pool(t, t.dsn), b.pool(t, t.dsn)
	for name, pool := range map[string]*pgxpool.Pool{"one": one, "two": two} {
		stop, err := b.WatchPool(name, pool)
		require.NoError(t, err)
		t.Cleanup(stop)
	}
	require.NoError(t, one.Ping(t.Context()))
	for range 3 {
		require.NoError(t, two.Ping(t.Context()))
	}
	for name, n := range map[string]int{"one": 1, "two": 3} {
		require.InDelta(t, n, b.value(t, fmt.Sprintf("db_pool_acquire_wait_seconds_count{pool_name=%q}", name)), 0)
		require.InDelta(t, n, b.value(t, fmt.Sprintf("db_pool_held_seconds_count{pool_name=%q}", name)), 0)
	}
}

func testKilledBackend(t onServer) {
	b := setup(t, nil)
	pool := b.pool(t, t.dsn)
	ctx := t.Context()
	conn, err := pool.Acquire(ctx)
	require.NoError(t, err)
	defer conn.Release()
	_, err = pool.Exec(ctx, "select pg_terminate_backend($1)", conn.Conn().PgConn().PID())
	require.NoError(t, err)
	_, err = conn.Exec(ctx, "select 1 from pg_class")
	require.Error(t, err)
	require.InDelta(t, 1, total(t, b.exposition(`db_query_errors_total{query_type="SELECT",table="pg_class",class=`)), 0)
	_, err = conn.Exec(ctx, "select 1 from pg_class")
	require.Error(t, err)
	require.InDelta(t, 1, b.failures(t, "SELECT", "pg_class", "connection"), 0)
}

func testConnects(t onServer) {
	b := setup(t, nil)
	config, err := pgx.ParseConfig(t.dsn)
	require.NoError(t, err)
	config.Tracer = b.Tracer
	conn, err := pgx.ConnectConfig(t.Context(), config)
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))
	config.Database = "nowhere"
	_, err = pgx.ConnectConfig(t.Context(), config)
	require.Error(t, err)
	config.Port = 1
	_, err = pgx.ConnectConfig(t.Context(), config)
	require.Error(t, err)
	require.InDelta(t, 3, b.value(t, "db_connect_duration_seconds_count"), 0)
	require.InDelta(t, 1, b.value(t, `db_connect_errors_total{class="3D"}`), 0)
	require.InDelta(t, 1, b.value(t, `db_connect_errors_total{class="connection"}`), 0)
}

func testSlowQueries(t onServer) {
	b := setup(t, nil, dbmon.WithSlowThreshold(250*time.Millisecond), dbmon.WithQueryText())
	pool := b.pool(t, t.dsn)
	ctx := monitor.ContextWithCaller(t.Context(), monitor.CallerName("/orders"))
	_, err := pool.Exec(ctx, "select pg_sleep(0.3), 'secret' from pg_class limit 1")
	require.NoError(t, err)
	_, err = pool.Exec(ctx, "select 1")
	require.NoError(t, err)
	slow := b.SlowQueries()
	require.Len(t, slow, 1)
	q := slow[0]
	require.Equal(t, "SELECT", q.Type)
	require.Equal(t, "pg_class", q.Table)
	require.Equal(t, "select pg_sleep(?), ? from pg_class limit ?", q.Text)
	require.Len(t, q.Hash, 16)
	require.EqualValues(t, 1, q.Rows)
	require.GreaterOrEqual(t, q.Duration, 300*time.Millisecond)
	require.Contains(t, q.CallSite, "dbmon/postgres_test.go:")
	require.Contains(t, q.CallSite, "testSlowQueries")
	require.Equal(t, "/orders", q.Caller)
	require.InDelta(t, 1, b.value(t, `db_slow_queries_total{query_type="SELECT",table="pg_class"}`), 0)
}

func testTopQueries(t onServer) {
	b := setup(t, nil)
	pool := b.pool(t, t.dsn)
	ctx := t.Context()
	for i := range 20 {
		_, err := pool.Exec(ctx, fmt.Sprintf("select %d from pg_class limit 3", i))
		require.NoError(t, err)
	}
	_, err := pool.Exec(ctx, "select pg_sleep(0.2)")
	require.NoError(t, err)
	_, err = pool.Exec(ctx, "select 1/0")
	require.Error(t, err)

	top := b.TopQueries(0)
	require.Len(t, top, 3)
	require.EqualValues(t, 1, top[0].Calls)
	require.InEpsilon(t, top[0].Total, top[0].P95, 0.08)
	require.Empty(t, top[0].Text, "only on request")
	var share float64
	for _, q := range top {
		share += q.Share
		if q.Table == "pg_class" {
			require.EqualValues(t, 20, q.Calls, "literals make no difference")
			require.EqualValues(t, 60, q.Rows)
			require.Equal(t, q.Total/20, q.Mean)
		}
		if q.Errors > 0 {
			require.EqualValues(t, 1, q.Calls)
		}
	}
	require.InDelta(t, 1, share, 1e-9)
	require.Len(t, b.TopQueries(1), 1)
}

func testEvents(t onServer) {
	var sink collect
	b := setup(t, []monitor.Option{monitor.WithSink("s", &sink, monitor.WithKinds(monitor.KindQuery))},
		dbmon.WithTraceID(func(context.Context) string { return "4bf92f3577b34da6a3ce929d0e0e4736" }))
	stop := run(t, b.m)
	pool := b.pool(t, t.dsn)
	_, err := pool.Exec(t.Context(), "select 'secret' from pg_class limit 2")
	require.NoError(t, err)
	_, err = pool.Exec(t.Context(), "select 1/0")
	require.Error(t, err)
	stop()
	require.Len(t, sink.events, 2)
	e := sink.events[0]
	require.Equal(t, "pg_class", e.Name)
	require.Positive(t, e.Duration)
	require.False(t, e.Failed)
	require.Equal(t, "4bf92f3577b34da6a3ce929d0e0e4736", e.TraceID)
	attrs := map[string]string{}
	for a := range e.Attrs() {
		attrs[a.Key] = a.Value.String()
	}
	require.Equal(t, map[string]string{"query_type": "SELECT", "query_hash": attrs["query_hash"], "rows": "2"}, attrs)
	require.True(t, sink.events[1].Failed)
	class, _ := sink.events[1].Attr("class")
	require.Equal(t, "22", class.String())
	require.NotContains(t, fmt.Sprint(sink.events), "secret")
}

func testEdges(t onServer) {
	b := setup(t, nil)
	pool := b.pool(t, t.dsn)
	ctx := monitor.ContextWithCaller(t.Context(), monitor.CallerName("/stocks/{symbol}"))
	for _, q := range []string{"select 1 from pg_class", "select 1 from pg_class", "select 1"} {
		_, err := pool.Exec(ctx, q)
		require.NoError(t, err)
	}
	_, err := pool.Exec(t.Context(), "select 1 from pg_namespace")
	require.NoError(t, err)
	edges := b.m.Edges()
	require.Len(t, edges, 1)
	require.Equal(t, "/stocks/{symbol}", edges[0].Caller)
	require.Equal(t, "table", edges[0].Kind)
	require.Equal(t, "pg_class", edges[0].Name)
	require.EqualValues(t, 2, edges[0].Count)
}

func testOff(t onServer) {
	off := setup(t, []monitor.Option{monitor.WithDisabled()})
	pool := off.pool(t, t.dsn)
	stop, err := off.WatchPool("main", pool)
	require.NoError(t, err)
	defer stop()
	var one int
	require.NoError(t, pool.QueryRow(t.Context(), "select 1").Scan(&one))
	batch := &pgx.Batch{}
	batch.Queue("select 1")
	require.NoError(t, pool.SendBatch(t.Context(), batch).Close())
	require.Empty(t, off.TopQueries(0))
	require.Empty(t, off.exposition(""))
}

// testHostCallsUnchanged: results and errors are those of a pool without tracer.
func testHostCallsUnchanged(t onServer) {
	b := setup(t, nil, dbmon.WithSlowThreshold(1))
	traced := b.pool(t, t.dsn)
	bare := b.pool(t, t.dsn, func(c *pgxpool.Config) { c.ConnConfig.Tracer = nil })
	for _, q := range []string{
		"select generate_series(1, 10)", "select 1/0", "selec", "", "select 'a' || null", "select * from nowhere",
		"values (1, 'x'), (2, 'y')", "show server_version", "select 1; select 2", "explain select 1",
	} {
		answer := func(pool *pgxpool.Pool) (string, string) {
			rows, err := pool.Query(t.Context(), q)
			if err != nil {
				return "", err.Error()
			}
			got, err := pgx.CollectRows(rows, pgx.RowToMap)
			if err != nil {
				return fmt.Sprint(got), err.Error()
			}
			return fmt.Sprint(got, rows.CommandTag()), ""
		}
		wantRows, wantErr := answer(bare)
		gotRows, gotErr := answer(traced)
		require.Equal(t, wantRows, gotRows, q)
		require.Equal(t, wantErr, gotErr, q)
	}
}

func testConcurrent(t onServer) {
	b := setup(t, nil)
	pool := b.pool(t, t.dsn)
	stop, err := b.WatchPool("main", pool)
	require.NoError(t, err)
	defer stop()
	const workers, each = 8, 50
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				_, err := pool.Exec(t.Context(), fmt.Sprintf("select %d from pg_class where oid = $1", w*each+i), 1)
				if err != nil {
					t.Error(err)
				}
				if i%10 == 0 {
					b.exposition("db_")
					b.TopQueries(5)
				}
			}
		})
	}
	wg.Wait()
	require.InDelta(t, workers*each, b.queries(t, "SELECT", "pg_class"), 0)
	require.InDelta(t, workers*each, b.value(t, `db_pool_held_seconds_count{pool_name="main"}`), 0)
	require.EqualValues(t, workers*each, b.TopQueries(1)[0].Calls)
}
