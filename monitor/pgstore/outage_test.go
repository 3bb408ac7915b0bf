package pgstore_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/testenv"
	"github.com/chronoretrace/chronomon/internal/testenv/pgtest"
	"github.com/chronoretrace/chronomon/monitor/pgstore"
)

// TestOutage: writers go on while the server is stopped, started and frozen.
// What was acknowledged is there, once; after the outage writes succeed again.
func TestOutage(t *testing.T) {
	t.Parallel()
	server := testenv.Postgres(t)
	f := open(t, server, pgx.QueryExecModeCacheStatement)
	s := f.another(t, pgstore.WithTimeout(2*time.Second))
	state, err := s.State("x")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	const writers = 4
	acknowledged := make([][]string, writers)
	var failures, successes atomic.Int64
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				id := fmt.Sprintf("%d/%d", w, i)
				alert := pgstore.Alert{ID: id, Name: "A", Severity: "s", Status: "s", StartedAt: t0}
				// Until it is acknowledged: as engines do.
				for ctx.Err() == nil {
					err := s.SaveAlerts(ctx, alert)
					if err == nil {
						err = state.Write(ctx, map[string][]byte{id: []byte(id)})
					}
					if err == nil {
						acknowledged[w] = append(acknowledged[w], id)
						successes.Add(1)
						break
					}
					failures.Add(1)
					time.Sleep(10 * time.Millisecond)
				}
			}
		})
	}
	progress := func(what string) {
		t.Helper()
		before := successes.Load()
		require.Eventually(t, func() bool { return successes.Load() > before+20 }, 30*time.Second, 10*time.Millisecond, what)
	}
	progress("at first")
	server.Stop()
	time.Sleep(time.Second)
	server.Start()
	progress("after a restart")
	server.Pause()
	time.Sleep(3 * time.Second)
	server.Resume()
	progress("after a freeze")
	cancel()
	all.Wait()
	want := 0
	for _, ids := range acknowledged {
		want += len(ids)
		for _, id := range ids {
			require.Equal(t, 1, f.count(t, f.table("alert_history")+" WHERE alert_id = '"+id+"'"), id)
			require.Equal(t, 1, f.count(t, f.table("monitoring_state")+" WHERE key = '"+id+"'"), id)
		}
	}
	require.LessOrEqual(t, f.count(t, f.table("alert_history")), want+writers, "no more than one of each was under way")
	require.Positive(t, failures.Load(), "there was an outage")
	t.Logf("%d writes acknowledged, %d failed and done again", want, failures.Load())
}

// testFull: a disk that is full, and a server whose connections are all taken,
// cost an error that says so; when there is room again the write is done.
func testFull(t *testing.T, server *testenv.PostgresServer) {
	t.Helper()
	f := open(t, server, pgx.QueryExecModeCacheStatement)
	exec := func(sql string) {
		t.Helper()
		_, err := f.pool.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol)
		require.NoError(t, err)
	}
	alert := pgstore.Alert{ID: "a", Name: "A", Severity: "s", Status: "s", StartedAt: t0}
	exec("CREATE FUNCTION " + f.table("full") + "() RETURNS trigger LANGUAGE plpgsql AS " +
		"$$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$")
	exec("CREATE TRIGGER full_disk BEFORE INSERT ON " + f.table("alert_history") + " FOR EACH ROW EXECUTE FUNCTION " + f.table("full") + "()")
	require.EqualError(t, f.SaveAlerts(t.Context(), alert), "pgstore: save alerts: SQLSTATE 53100: the disk is full")
	got, err := f.Alerts(t.Context(), pgstore.AlertQuery{})
	require.NoError(t, err, "reading goes on")
	require.Empty(t, got)
	exec("DROP TRIGGER full_disk ON " + f.table("alert_history"))
	require.NoError(t, f.SaveAlerts(t.Context(), alert))

	schema := pgx.Identifier{f.schema}.Sanitize()
	exec("CREATE ROLE one_at_a_time LOGIN PASSWORD 'x' CONNECTION LIMIT 1")
	t.Cleanup(func() {
		_, _ = f.pool.Exec(context.WithoutCancel(t.Context()), "DROP OWNED BY one_at_a_time; DROP ROLE one_at_a_time")
	})
	exec("GRANT USAGE ON SCHEMA " + schema + " TO one_at_a_time; GRANT ALL ON ALL TABLES IN SCHEMA " + schema + " TO one_at_a_time; " +
		"GRANT ALL ON ALL SEQUENCES IN SCHEMA " + schema + " TO one_at_a_time")
	dsn, err := url.Parse(server.DSN())
	require.NoError(t, err)
	dsn.User = url.UserPassword("one_at_a_time", "x")
	other, err := pgtest.Connect(t, dsn.String(), pgx.QueryExecModeExec).Acquire(t.Context())
	require.NoError(t, err)
	s, err := pgstore.New(f.m, pgtest.Connect(t, dsn.String(), pgx.QueryExecModeExec), pgstore.WithSchema(f.schema))
	require.NoError(t, err)
	alert.ID = "b"
	require.EqualError(t, s.SaveAlerts(t.Context(), alert), "pgstore: save alerts: SQLSTATE 53300: too many connections")
	require.NoError(t, other.Conn().Close(t.Context()))
	other.Release()
	require.Eventually(t, func() bool { return s.SaveAlerts(t.Context(), alert) == nil }, 20*time.Second, 10*time.Millisecond)
	text := f.exposition()
	require.Contains(t, text, `monitor_pgstore_writes_total{table="alert_history",result="ok"} 2`)
	require.Regexp(t, `monitor_pgstore_retries_total ([3-9]|\d\d+)\n`, text)
	require.Equal(t, 2, f.count(t, f.table("alert_history")))
}

// TestGarbage: what is no PostgreSQL, and what never answers, costs the time that
// was set for it, and the error has no address in it.
func TestGarbage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer string
		want   string
	}{
		"silence":  {"", "pgstore: save alerts: context deadline exceeded"},
		"a page":   {"HTTP/1.1 400 Bad Request\r\n\r\n<html>hunter2</html>", "pgstore: save alerts: no connection"},
		"one byte": {"N", "pgstore: save alerts: no connection: it broke off"},
		"a length": {"R\x7f\xff\xff\xff", "pgstore: save alerts: no connection"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			var all sync.WaitGroup
			all.Go(func() {
				for {
					conn, err := ln.Accept()
					if err != nil {
						return
					}
					all.Go(func() {
						defer conn.Close()
						_, _ = conn.Write([]byte(c.answer))
						_, _ = conn.Read(make([]byte, 1<<10))
						if c.answer == "" {
							_, _ = io.Copy(io.Discard, conn) // until the other side gives up
						}
					})
				}
			})
			t.Cleanup(func() { _ = ln.Close(); all.Wait() })
			m := newMonitor(t)
			s, err := pgstore.New(m, pgtest.Connect(t, "postgres://hunter2:hunter2@"+ln.Addr().String()+"/hunter2?sslmode=disable", pgx.QueryExecModeExec), pgstore.WithTimeout(300*time.Millisecond))
			require.NoError(t, err)
			began := time.Now()
			require.EqualError(t, s.SaveAlerts(t.Context(), pgstore.Alert{ID: "a", Name: "A", Severity: "s", Status: "s", StartedAt: t0}), c.want)
			require.Less(t, time.Since(began), 10*time.Second)
			require.Contains(t, (&fixture{m: m}).exposition(), `monitor_pgstore_writes_total{table="alert_history",result="error"} 1`)
		})
	}
}
