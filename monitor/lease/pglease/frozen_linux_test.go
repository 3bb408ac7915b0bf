package pglease_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/testenv"
	"github.com/chronoretrace/chronomon/internal/testenv/pgtest"
	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/lease"
	"github.com/chronoretrace/chronomon/monitor/lease/pglease"
)

// frozenTTL is the lease of the replicas of TestFrozenLeader.
const frozenTTL = time.Second

// beReplica writes while it leads: with the epoch checked into guarded, without
// into unguarded. Most of the time it is between having asked and writing.
func beReplica(dsn string) error {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, dsn)
	if err != nil {
		return err
	}
	defer pool.Close()
	m, err := monitor.New(monitor.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		return err
	}
	store, err := pglease.New(pool, "x")
	if err != nil {
		return err
	}
	e, err := lease.New(m, store, lease.WithTTL(frozenTTL), lease.WithHolder(os.Getenv("CHRONOMON_TEST_HOLDER")))
	if err != nil {
		return err
	}
	go func() { _ = e.Run(ctx) }()
	for {
		epoch, ok := e.Leader()
		time.Sleep(10 * time.Millisecond) // frozen here, as a rule
		if !ok {
			continue
		}
		tag, err := pool.Exec(ctx, `
WITH term AS (
	SELECT FROM monitoring_leases WHERE name = 'x' AND epoch = $1 AND expires_at > clock_timestamp() FOR KEY SHARE
) INSERT INTO guarded (epoch) SELECT $1 FROM term`, int64(epoch))
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			fmt.Fprintln(os.Stdout, "refused")
		}
		if _, err := pool.Exec(ctx, "INSERT INTO unguarded (epoch) VALUES ($1)", int64(epoch)); err != nil {
			return err
		}
	}
}

// TestFrozenLeader freezes the leading process again and again, for longer than
// its lease: another one takes over within twice the lease, and what the old one
// writes when it wakes up is refused. Without the guard it is not.
func TestFrozenLeader(t *testing.T) {
	server := testenv.Postgres(t)
	pool := pgtest.Connect(t, server.DSN(), pgx.QueryExecModeCacheStatement)
	_, err := pool.Exec(t.Context(), `
CREATE TABLE guarded (id serial PRIMARY KEY, epoch bigint NOT NULL, at timestamptz DEFAULT clock_timestamp());
CREATE TABLE unguarded (id serial PRIMARY KEY, epoch bigint NOT NULL)`)
	require.NoError(t, err)
	exe, err := os.Executable()
	require.NoError(t, err)
	refused := make(chan struct{}, 1000)
	pids := make(map[string]int)
	for _, name := range []string{"a", "b"} {
		cmd := exec.Command(exe)
		cmd.Env = append(os.Environ(), "CHRONOMON_TEST_REPLICA="+server.DSN(), "CHRONOMON_TEST_HOLDER="+name)
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		var complaint strings.Builder
		cmd.Stderr = &complaint
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		read := make(chan struct{})
		go func() {
			defer close(read)
			for lines := bufio.NewScanner(out); lines.Scan(); {
				refused <- struct{}{}
			}
		}()
		t.Cleanup(func() {
			_ = cmd.Process.Kill()
			<-read
			_ = cmd.Wait()
			require.Empty(t, complaint.String())
		})
		pids[name] = cmd.Process.Pid
	}
	newest := func() (epoch int64) {
		_ = pool.QueryRow(t.Context(), "SELECT coalesce(max(epoch), 0) FROM guarded").Scan(&epoch)
		return epoch
	}
	require.Eventually(t, func() bool { return newest() > 0 }, 20*time.Second, 20*time.Millisecond)
	const rounds = 8
	var worst time.Duration
	for range rounds {
		before := newest()
		var holder string
		require.NoError(t, pool.QueryRow(t.Context(), "SELECT holder FROM monitoring_leases").Scan(&holder))
		name, _, _ := strings.Cut(holder, "/")
		frozen := pids[name]
		require.NotZero(t, frozen, "one of them leads")
		require.NoError(t, syscall.Kill(frozen, syscall.SIGSTOP))
		began := time.Now()
		require.Eventually(t, func() bool { return newest() > before }, 2*frozenTTL-time.Since(began), 5*time.Millisecond, "nobody took over")
		worst = max(worst, time.Since(began))
		require.NoError(t, syscall.Kill(frozen, syscall.SIGCONT))
		time.Sleep(100 * time.Millisecond)
	}
	disorder := func(table string) (n int) {
		require.NoError(t, pool.QueryRow(t.Context(),
			"SELECT count(*) FROM (SELECT epoch < lag(epoch) OVER (ORDER BY id) AS back FROM "+table+") x WHERE back").Scan(&n))
		return n
	}
	require.Zero(t, disorder("guarded"), "an old epoch was written after a new one")
	require.Positive(t, disorder("unguarded"), "nothing was frozen at the moment that matters: the test shows nothing")
	require.NotEmpty(t, refused)
	t.Logf("%d takeovers, the slowest after %v of a lease of %v; %d stale writes refused, %d unguarded ones done",
		rounds, worst.Round(time.Millisecond), frozenTTL, len(refused), disorder("unguarded"))
}
