package pglease_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/lease"
	"github.com/chronoretrace/chronomon/monitor/lease/pglease"
)

// TestMain is also a replica of TestFrozenLeader.
func TestMain(m *testing.M) {
	if dsn := os.Getenv("CHRONOMON_TEST_REPLICA"); dsn != "" {
		if err := beReplica(dsn); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

var modes = []pgx.QueryExecMode{
	pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec,
	pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol,
}

func connect(t testing.TB, dsn string, mode pgx.QueryExecMode) *pgxpool.Pool {
	t.Helper()
	c, err := pgxpool.ParseConfig(dsn)
	require.NoError(t, err)
	c.ConnConfig.DefaultQueryExecMode = mode
	c.MaxConns = 10
	pool, err := pgxpool.NewWithConfig(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

func open(t testing.TB, pool pglease.Pool, name string, opts ...pglease.Option) *pglease.Store {
	t.Helper()
	s, err := pglease.New(pool, name, opts...)
	require.NoError(t, err)
	return s
}

// start runs an elector until the test ends.
func start(t testing.TB, store lease.Store, opts ...lease.Option) *lease.Elector {
	t.Helper()
	m, err := monitor.New(monitor.WithLogger(slog.New(slog.DiscardHandler)))
	require.NoError(t, err)
	e, err := lease.New(m, store, opts...)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = e.Run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return e
}

// pooler starts a PgBouncer in transaction mode in front of a server, with fewer
// connections than its clients have, and returns its DSN.
func pooler(t *testing.T, addr string) string {
	t.Helper()
	bouncer, err := exec.LookPath("pgbouncer")
	if err != nil {
		t.Skip("no pgbouncer: it is not installed (Debian package pgbouncer)")
	}
	dir, err := os.MkdirTemp("", "chronomon-pgbouncer-") //nolint:usetesting // it is entered by another user
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o777))
	host, port, _ := strings.Cut(addr, ":")
	config := filepath.Join(dir, "pgbouncer.ini")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `
[databases]
postgres = host=%s port=%s dbname=postgres user=postgres
[pgbouncer]
listen_addr =
unix_socket_dir = %s
listen_port = 6432
auth_type = any
pool_mode = transaction
default_pool_size = 2
`, host, port, dir), 0o644))
	argv := []string{bouncer, config}
	if os.Getuid() == 0 {
		argv = []string{bouncer, "-u", "postgres", config}
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(said.String())
		}
	})
	socket := filepath.Join(dir, ".s.PGSQL.6432")
	require.Eventually(t, func() bool { _, err := os.Stat(socket); return err == nil }, 10*time.Second, 20*time.Millisecond)
	return "host=" + dir + " port=6432 user=postgres dbname=postgres sslmode=disable"
}
