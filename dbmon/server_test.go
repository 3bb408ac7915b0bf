package dbmon_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/dbmon"
	"github.com/chronoretrace/chronomon/internal/testenv"
	"github.com/chronoretrace/chronomon/monitor"
)

func testServerFacts(t onServer) {
	b := setup(t, nil)
	pool := b.pool(t, t.dsn)
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
	require.InDelta(t, 0, b.value(t, `pg_locks_count{server="main",mode="AccessExclusiveLock"}`), 0)
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
	held, err := pool.Acquire(t.Context())
	require.NoError(t, err)
	defer held.Release()
	s, err := b.WatchServer("main", pool, dbmon.WithPollTimeout(2*time.Second))
	require.NoError(t, err)
	require.NoError(t, s.Poll(t.Context()))
	require.InDelta(t, 1, b.value(t, `pg_up{server="main"}`), 0)
	require.Positive(t, b.value(t, `pg_stat_activity_count{server="main"}`))
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
