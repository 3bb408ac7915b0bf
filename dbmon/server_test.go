package dbmon_test

import (
	"context"
	"log/slog"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/dbmon"
	"github.com/chronoretrace/chronomon/internal/testenv"
	"github.com/chronoretrace/chronomon/monitor"
)

func testServerFacts(t onServer) {
	b := setup(t, nil)
	pool := b.pool(t, t.dsn)
	require.NoError(t, pool.Ping(t.Context()))
	s, err := b.WatchServer("main", pool)
	require.NoError(t, err)
	require.Empty(t, b.exposition("pg_"), "nothing is known before the first poll")
	require.NoError(t, s.Poll(t.Context()))
	require.InDelta(t, 1, b.value(t, `pg_up{server="main"}`), 0)
	require.InDelta(t, 100, b.value(t, `pg_settings_max_connections{server="main"}`), 0)
	require.Positive(t, b.value(t, `pg_stat_activity_count{server="main"}`))
	require.GreaterOrEqual(t, b.value(t, `pg_stat_activity_states{server="main",state="active"}`), 1.0)
	require.InDelta(t, 0, b.value(t, `pg_replication_lag_seconds{server="main"}`), 0)
	require.InDelta(t, time.Now().Unix(), b.value(t, `pg_postmaster_start_time_seconds{server="main"}`), 600)
	require.InDelta(t, 0, b.value(t, `pg_locks_count{server="main",mode="sireadlock"}`), 0)
	require.GreaterOrEqual(t, b.value(t, `pg_locks_count{server="main",mode="accessexclusivelock"}`), 0.0, "other tests take some")
	require.Positive(t, b.value(t, `pg_stat_database_numbackends{server="main",datname="postgres"}`))
	require.Positive(t, b.value(t, `pg_database_size_bytes{server="main",datname="postgres"}`))
	for _, column := range []string{
		"xact_commit", "xact_rollback", "blks_read", "blks_hit", "tup_returned", "tup_fetched", "tup_inserted",
		"tup_updated", "tup_deleted", "conflicts", "temp_files", "temp_bytes", "deadlocks",
	} {
		require.Len(t, b.exposition("pg_stat_database_"+column+"{"), 1, column)
	}
	require.Empty(t, b.exposition("db_query_duration_seconds"), "its own queries are not the host's")
	require.Empty(t, b.exposition("db_server_poll_errors_total"))
	for _, metric := range []string{"db_pool_acquire_wait_seconds", "db_pool_held_seconds"} {
		require.InDelta(t, 1, b.value(t, metric+`_count{pool_name="unwatched"}`), 0, "the host's own use only")
	}

	_, err = b.WatchServer("main", pool)
	require.ErrorIs(t, err, monitor.ErrInvalidOption)
	_, err = b.WatchServer("", nil, dbmon.WithPollInterval(0), dbmon.WithPollTimeout(-1))
	require.ErrorIs(t, err, monitor.ErrInvalidOption)
	for _, want := range []string{"pool = <nil>", "name", "WithPollInterval = 0s", "WithPollTimeout = -1ns"} {
		require.ErrorContains(t, err, want)
	}
	var one int
	require.NoError(t, pool.QueryRow(t.Context(), "select 1").Scan(&one))
	require.InDelta(t, 1, b.queries(t, "SELECT", "none"), 0, "the host's queries are measured again")
}

// testServerOfFullPool: a pool without a free connection is no server that is down.
func testServerOfFullPool(t onServer) {
	b := setup(t, nil)
	pool := b.pool(t, t.dsn, func(c *pgxpool.Config) { c.MaxConns = 1 })
	stop, err := b.WatchPool("main", pool)
	require.NoError(t, err)
	defer stop()
	held, err := pool.Acquire(t.Context())
	require.NoError(t, err)
	defer held.Release()
	s, err := b.WatchServer("main", pool, dbmon.WithPollTimeout(2*time.Second))
	require.NoError(t, err)
	require.NoError(t, s.Poll(t.Context()))
	require.InDelta(t, 1, b.value(t, `pg_up{server="main"}`), 0)
	require.Positive(t, b.value(t, `pg_stat_activity_count{server="main"}`))

	require.Empty(t, b.exposition("db_pool_acquire_errors_total"), "the host waited for nothing")
	require.InDelta(t, 1, b.value(t, `db_pool_acquire_wait_seconds_count{pool_name="main"}`), 0)
	require.InDelta(t, 0, b.value(t, `db_pool_canceled_acquires_total{pool_name="main"}`), 0)
	require.InDelta(t, 1, b.value(t, `db_pool_empty_acquires_total{pool_name="main"}`), 0)
}

// tellFacts answers a query for facts with a row for each label.
func tellFacts(s *pgproto3.Backend, metric, value string, labels ...string) {
	s.Send(&pgproto3.RowDescription{Fields: []pgproto3.FieldDescription{
		{Name: []byte("name"), DataTypeOID: pgtype.TextOID, DataTypeSize: -1},
		{Name: []byte("label"), DataTypeOID: pgtype.TextOID, DataTypeSize: -1},
		{Name: []byte("value"), DataTypeOID: pgtype.Float8OID, DataTypeSize: 8},
	}})
	for _, label := range labels {
		s.Send(&pgproto3.DataRow{Values: [][]byte{[]byte(metric), []byte(label), []byte(value)}})
	}
	s.Send(&pgproto3.CommandComplete{CommandTag: []byte("SELECT 1")})
}

// TestServerThatAnswersSomethingElse: a row that was not asked for is an error.
func TestServerThatAnswersSomethingElse(t *testing.T) {
	t.Parallel()
	for _, row := range [][3]string{
		{"secret", "", "1"}, {"pg_up", "secret", "1"}, {"pg_locks_count", "", "1"}, {"", "", "1"}, {"pg_up", "", "secret"},
	} {
		b := setup(t, nil)
		s, err := b.WatchServer("main", scriptedPool(t, b.Tracer, func(s *pgproto3.Backend) { tellFacts(s, row[0], row[2], row[1]) }))
		require.NoError(t, err)
		require.Error(t, s.Poll(t.Context()), "%q", row)
		require.Len(t, b.exposition("pg_"), 1)
		require.Positive(t, b.value(t, `db_server_poll_errors_total{server="main"}`))
	}
	b := setup(t, nil)
	s, err := b.WatchServer("main", scriptedPool(t, b.Tracer, func(s *pgproto3.Backend) { tellFacts(s, "pg_locks_count", "1", "NewLock") }))
	require.NoError(t, err)
	require.NoError(t, s.Poll(t.Context()))
	require.Positive(t, b.value(t, `pg_locks_count{server="main",mode="NewLock"}`))
}

// TestServerThatTellsTooMuch: there is a bound to what is taken from it.
func TestServerThatTellsTooMuch(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	var modes []string
	for i := range 5000 {
		modes = append(modes, strconv.Itoa(i))
	}
	s, err := b.WatchServer("main", scriptedPool(t, b.Tracer, func(s *pgproto3.Backend) { tellFacts(s, "pg_locks_count", "1", modes...) }))
	require.NoError(t, err)
	require.Error(t, s.Poll(t.Context()))
	require.Empty(t, b.exposition("pg_locks_count"))
}

// TestUp: who refuses is there; who stops or starts is not.
func TestUp(t *testing.T) {
	t.Parallel()
	for code, up := range map[string]float64{"42501": 1, "53300": 1, "57014": 1, "57P01": 0, "57P02": 0, "57P03": 0} {
		b := setup(t, nil)
		s, err := b.WatchServer("main", scriptedPool(t, b.Tracer, func(s *pgproto3.Backend) {
			s.Send(&pgproto3.ErrorResponse{Severity: "ERROR", Code: code})
		}))
		require.NoError(t, err)
		require.Error(t, s.Poll(t.Context()))
		require.InDelta(t, up, b.value(t, `pg_up{server="main"}`), 0, code)
	}
}

// TestServerTroubleIsLoggedOnce: and that it is over, too.
func TestServerTroubleIsLoggedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log lines
		b := setup(t, []monitor.Option{monitor.WithLogger(slog.New(slog.NewTextHandler(&log, nil)))})
		var code atomic.Value
		s, err := b.WatchServer("main", scriptedPool(t, b.Tracer, func(s *pgproto3.Backend) {
			if code := code.Load().(string); code != "" {
				s.Send(&pgproto3.ErrorResponse{Severity: "ERROR", Code: code})
				return
			}
			tellFacts(s, "pg_up", "1", "")
		}))
		require.NoError(t, err)
		code.Store("")
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		for _, phase := range []struct{ code, logged string }{
			{"", ""},
			{"57P03", "database server does not answer"},
			{"42501", "database server refuses facts"},
			{"", "database server answers again"},
		} {
			code.Store(phase.code)
			time.Sleep(10*time.Minute + time.Second) // between two polls
			synctest.Wait()
			logged := log.take()
			if phase.logged == "" {
				require.Empty(t, logged)
				continue
			}
			require.Len(t, logged, 1)
			require.Contains(t, logged[0], phase.logged)
			require.Contains(t, logged[0], "server=main")
		}
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
	})
}

// TestServerRestart follows a server down and up again.
func TestServerRestart(t *testing.T) {
	t.Parallel()
	pg := testenv.Postgres(t)
	b := setup(t, nil)
	pool := b.pool(t, pg.DSN())
	s, err := b.WatchServer("main", pool, dbmon.WithPollInterval(time.Second), dbmon.WithPollTimeout(2*time.Second))
	require.NoError(t, err)
	stop := run(t, b.m, s)
	up := func() float64 { return b.value(t, `pg_up{server="main"}`) }
	require.Eventually(t, func() bool { return up() == 1 }, 20*time.Second, 20*time.Millisecond)
	_, err = pool.Exec(t.Context(), "select 1 from pg_class")
	require.NoError(t, err)

	pg.Stop()
	require.Eventually(t, func() bool { return up() == 0 }, 20*time.Second, 20*time.Millisecond)
	require.Empty(t, b.exposition("pg_stat_activity_count"), "what is not known is absent")
	require.Positive(t, b.value(t, `db_server_poll_errors_total{server="main"}`))
	_, err = pool.Exec(t.Context(), "select 1 from pg_class")
	require.Error(t, err)
	require.Positive(t, total(t, b.exposition("db_connect_errors_total")))

	pg.Start()
	require.Eventually(t, func() bool { return up() == 1 }, 20*time.Second, 20*time.Millisecond)
	_, err = pool.Exec(t.Context(), "select 1 from pg_class")
	require.NoError(t, err)
	require.InDelta(t, 2, b.queries(t, "SELECT", "pg_class")-total(t, b.exposition(`db_query_errors_total{query_type="SELECT",table="pg_class"`)), 1)

	stop()
	require.Empty(t, b.exposition("pg_up"), "a server that is not polled has no facts")
	again, err := b.WatchServer("main", pool)
	require.NoError(t, err, "the name is free again")
	require.NotNil(t, again)
}
