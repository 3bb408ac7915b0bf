package testenv_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/testenv"
)

func TestServersStartStopAndLeaveNothing(t *testing.T) {
	t.Parallel()
	servers := map[string]func(t *testing.T) (s *testenv.Server, talk func()){
		"postgres": func(t *testing.T) (*testenv.Server, func()) {
			s := testenv.Postgres(t)
			return s.Server, func() { require.Equal(t, "postgres", psql(t, s, "select current_user")) }
		},
		"pgbouncer": func(t *testing.T) (*testenv.Server, func()) {
			s := testenv.Pooler(t, testenv.Postgres(t))
			return s.Server, func() { require.Equal(t, "postgres", psql(t, s, "select current_user")) }
		},
		"redis": func(t *testing.T) (*testenv.Server, func()) {
			s := testenv.Redis(t)
			return s.Server, func() { requirePong(t, dial(t, s.Addr())) }
		},
		"prometheus": func(t *testing.T) (*testenv.Server, func()) {
			s := testenv.Prometheus(t, "")
			return s.Server, func() {
				require.Equal(t, "5", get(t, s.URL()+"/api/v1/query?query=2%2B3", "data", "result", "1"))
			}
		},
		"alertmanager": func(t *testing.T) (*testenv.Server, func()) {
			s := testenv.Alertmanager(t, "")
			return s.Server, func() { require.Equal(t, "disabled", get(t, s.URL()+"/api/v2/status", "cluster", "status")) }
		},
	}
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var dir string
			passed := t.Run("test", func(t *testing.T) {
				s, talk := start(t)
				dir = s.Dir()
				addr, pid := s.Addr(), s.PID()
				talk()

				s.Stop()
				require.ErrorIs(t, syscall.Kill(pid, 0), syscall.ESRCH)
				require.Empty(t, processesIn(t, dir))
				_, err := net.Dial("tcp", addr)
				require.ErrorIs(t, err, syscall.ECONNREFUSED)

				s.Start()
				require.Equal(t, addr, s.Addr())
				require.NotEqual(t, pid, s.PID())
				require.NotEmpty(t, processesIn(t, dir))
				talk()
			})
			if !passed || dir == "" { // or skipped
				return
			}
			require.NoDirExists(t, dir)
			require.Empty(t, processesIn(t, dir))
		})
	}
}

func TestPostgresKeepsDataAndTakesSettings(t *testing.T) {
	t.Parallel()
	s := testenv.Postgres(t, "max_connections=7")
	require.Equal(t, "7", psql(t, s, "show max_connections"))
	psql(t, s, "create extension pg_stat_statements; create table kept (n int); insert into kept values (42)")
	s.Stop()
	s.Start()
	require.Equal(t, "42", psql(t, s, "select n from kept"))
}

func TestPoolerPoolsByTransaction(t *testing.T) {
	t.Parallel()
	pg := testenv.Postgres(t)
	s := testenv.Pooler(t, pg, "default_pool_size = 3")
	psql(t, pg, "create table sessions (pid int)")
	var clients sync.WaitGroup
	for range 10 {
		clients.Go(func() { // each of its statements is a transaction
			psql(t, s, "insert into sessions values (pg_backend_pid()) returning pg_sleep(0.05)")
		})
	}
	clients.Wait()
	require.Equal(t, "10|3", psql(t, pg, "select count(*), count(distinct pid) from sessions"))
}

func TestRedisTakesFlags(t *testing.T) {
	t.Parallel()
	c := dial(t, testenv.Redis(t, "--maxmemory", "8mb").Addr())
	c.send(t, "CONFIG GET maxmemory")
	require.Equal(t, []string{"*2", "$9", "maxmemory", "$7", "8388608"}, c.lines(t, 5))
}

func TestPrometheusTakesConfigurationAndFlags(t *testing.T) {
	t.Parallel()
	s := testenv.Prometheus(t, "global: {scrape_interval: 7s}", "--query.max-samples=12345")
	require.Contains(t, get(t, s.URL()+"/api/v1/status/config", "data", "yaml"), "scrape_interval: 7s")
	require.Equal(t, "12345", get(t, s.URL()+"/api/v1/status/flags", "data", "query.max-samples"))
}

func TestAlertmanagerTakesConfiguration(t *testing.T) {
	t.Parallel()
	s := testenv.Alertmanager(t, "route: {receiver: mine}\nreceivers: [{name: mine}]")
	require.Contains(t, get(t, s.URL()+"/api/v2/status", "config", "original"), "receiver: mine")
}

func TestPromtoolRuns(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), testenv.Promtool(t), "--version").CombinedOutput()
	require.NoError(t, err)
	require.Contains(t, string(out), "promtool, version")
}

func TestPauseFreezesRedis(t *testing.T) {
	t.Parallel()
	s := testenv.Redis(t)
	c := dial(t, s.Addr())
	requirePong(t, c)

	s.Pause()
	c.send(t, "PING")
	c.requireSilence(t)
	s.Resume()
	require.Equal(t, []string{"+PONG"}, c.lines(t, 1))
}

// A session of PostgreSQL is a process of its own, which has to freeze too.
func TestPauseFreezesPostgresSessions(t *testing.T) {
	t.Parallel()
	s := testenv.Postgres(t)
	c := login(t, s.Addr())

	s.Pause()
	c.message(t, "Q", "select 1\x00")
	c.requireSilence(t)
	s.Resume()
	c.awaitMessage(t, 'D') // a data row
}

func TestStopEndsPausedServer(t *testing.T) {
	t.Parallel()
	s := testenv.Postgres(t)
	login(t, s.Addr())
	s.Pause()
	s.Stop()
	require.Empty(t, processesIn(t, s.Dir()))
}

func TestReservedAddrIsFreeForAServerOnly(t *testing.T) {
	t.Parallel()
	addr, release, err := testenv.ReserveAddr()
	require.NoError(t, err)
	t.Cleanup(release)

	_, err = net.Dial("tcp", addr)
	require.ErrorIs(t, err, syscall.ECONNREFUSED)

	// Without SO_REUSEADDR, which Go's listeners set, the port is taken.
	stubborn := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
		controlErr := c.Control(func(fd uintptr) {
			err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 0)
		})
		return errors.Join(controlErr, err)
	}}
	_, err = stubborn.Listen(t.Context(), "tcp", addr)
	require.ErrorIs(t, err, syscall.EADDRINUSE)

	for range 2 {
		l, err := net.Listen("tcp", addr)
		require.NoError(t, err)
		require.NoError(t, l.Close())
	}
}

// The test runs itself once more, in a process that dies without any clean-up.
func TestServerDiesWithTheTestBinary(t *testing.T) {
	t.Parallel()
	const role = "CHRONOMON_TESTENV_DIES"
	if state := os.Getenv(role); state != "" {
		s := testenv.Postgres(t)
		login(t, s.Addr())
		if state == "paused" {
			s.Pause()
		}
		fmt.Printf("dir=%s\n", s.Dir())
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}

	for _, state := range []string{"running", "paused"} {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			testenv.Postgres(t).Stop() // or skip
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestServerDiesWithTheTestBinary$")
			cmd.Env = append(os.Environ(), role+"="+state)
			out, _ := cmd.CombinedOutput()
			_, dir, found := strings.Cut(string(out), "dir=")
			require.True(t, found, "%s", out)
			dir = strings.TrimSpace(dir)
			t.Cleanup(func() { os.RemoveAll(dir) })

			require.Eventually(t, func() bool { return len(processesIn(t, dir)) == 0 }, 30*time.Second, 20*time.Millisecond)
			require.NoFileExists(t, filepath.Join(dir, "data", "postmaster.pid"), "PostgreSQL cleaned up after itself")
		})
	}
}

// processesIn returns the processes that work in dir or name it.
func processesIn(t *testing.T, dir string) []string {
	t.Helper()
	require.NotEmpty(t, dir)
	var found []string
	procs, err := filepath.Glob("/proc/[0-9]*")
	require.NoError(t, err)
	for _, proc := range procs {
		cwd, _ := os.Readlink(proc + "/cwd")
		args, _ := os.ReadFile(proc + "/cmdline")
		if strings.HasPrefix(cwd, dir) || strings.Contains(string(args), dir) {
			found = append(found, proc)
		}
	}
	return found
}

// psql runs a statement with PostgreSQL's own client and returns what it prints.
func psql(t *testing.T, s interface{ DSN() string }, sql string) string {
	t.Helper()
	path, ok := testenv.LookPath("psql")
	require.True(t, ok, "psql comes with the server")
	out, err := exec.CommandContext(t.Context(), path, s.DSN(), "-XAtqc", sql).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return strings.TrimSpace(string(out))
}

// requirePong requires that Redis answers.
func requirePong(t *testing.T, c *conn) {
	t.Helper()
	c.send(t, "PING")
	require.Equal(t, []string{"+PONG"}, c.lines(t, 1))
}

// get returns one value of a JSON document, by the names and indexes on the way.
func get(t *testing.T, url string, way ...string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode, "%s", body)

	var value any
	require.NoError(t, json.Unmarshal(body, &value))
	for _, step := range way {
		switch v := value.(type) {
		case map[string]any:
			value = v[step]
		case []any:
			value = v[step[0]-'0']
		}
	}
	return fmt.Sprint(value)
}
