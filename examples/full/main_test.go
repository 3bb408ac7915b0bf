package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chronoretrace/chronomon/internal/testenv"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// process is the example while it runs.
type process struct {
	said      string
	endpoints [][2]string // method, URL
	client    *http.Client
}

// start runs the example until the test ends, or stop is called.
func start(t *testing.T, s settings) (p *process, stop func()) {
	t.Helper()
	s.addr = "127.0.0.1:0"
	ctx, cancel := context.WithCancel(t.Context())
	said := make(announced, 1)
	done := make(chan error, 1)
	go func() { done <- run(ctx, said, s) }()
	stopped := false
	stop = func() {
		t.Helper()
		if stopped {
			return
		}
		stopped = true
		cancel()
		select {
		case err := <-done:
			require.NoError(t, err)
		case <-time.After(30 * time.Second):
			require.Fail(t, "it does not stop")
		}
	}
	t.Cleanup(stop)
	p = &process{client: &http.Client{Timeout: 20 * time.Second}}
	t.Cleanup(p.client.CloseIdleConnections)
	select {
	case p.said = <-said:
	case err := <-done:
		done <- err
		require.Fail(t, "it did not start", "%v", err)
	}
	for _, m := range regexp.MustCompile(`(?m)^(GET|POST) +(http://\S+)`).FindAllStringSubmatch(p.said, -1) {
		p.endpoints = append(p.endpoints, [2]string{m[1], m[2]})
	}
	require.NotEmpty(t, p.endpoints, p.said)
	return p, stop
}

// announced is what is printed at the start.
type announced chan string

func (a announced) Write(b []byte) (int, error) {
	a <- string(b)
	return len(b), nil
}

// ask returns the body of an answer, which has to be a good one.
func (p *process) ask(t *testing.T, method, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, http.NoBody)
	require.NoError(t, err)
	resp, err := p.client.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Less(t, resp.StatusCode, 300, "%s: %s", url, body)
	return string(body)
}

// url is what was announced of a path.
func (p *process) url(t *testing.T, path string) string {
	t.Helper()
	for _, e := range p.endpoints {
		if at := strings.Index(e[1], path); at > 0 {
			return e[1]
		}
	}
	require.Fail(t, "no "+path, p.said)
	return ""
}

// everywhere asks each endpoint, and looks at what those answer that need no server.
func (p *process) everywhere(t *testing.T) {
	t.Helper()
	for _, e := range p.endpoints {
		if strings.HasSuffix(e[1], "/backtests") {
			continue // one in ten fails
		}
		p.ask(t, e[0], e[1])
	}
	base := strings.TrimSuffix(p.url(t, "/metrics"), "/metrics")
	require.Equal(t, p.said, p.ask(t, "GET", base+"/"))
	require.Contains(t, p.ask(t, "GET", p.url(t, "/stocks/600519")), `"symbol":"600519"`)
	capacity := p.ask(t, "GET", p.url(t, "/capacity"))
	require.Contains(t, capacity, "archive, ")
	require.Contains(t, capacity, "growth     rising: ")
	require.Contains(t, p.ask(t, "GET", p.url(t, "/trend")), "rising: +")
	var answer struct {
		Status string
		Data   struct{ Result []json.RawMessage }
	}
	require.NoError(t, json.Unmarshal([]byte(p.ask(t, "GET", p.url(t, "/prometheus/"))), &answer))
	require.Equal(t, "success", answer.Status)
	require.Len(t, answer.Data.Result, 1)
	p.eventually(t, p.query(t, "api:p95"), `"endpoint":"/api/v1/stocks/{symbol}"`)
	p.metrics(t, `api_request_total{`, `active_users_total{`, `data_source_up{data_source="exchange"`, `node_load1 `, `cache_hit_rate{`,
		`monitor_history_series `, `backtest_jobs_total `, `go_goroutines `, `stock_data_updates_total{`)
}

// metrics waits until there are metrics that begin like that.
func (p *process) metrics(t *testing.T, want ...string) {
	t.Helper()
	for _, metric := range want {
		p.eventually(t, p.url(t, "/metrics"), "\n"+metric)
	}
}

// eventually waits for an answer that has a text.
func (p *process) eventually(t *testing.T, url, want string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !strings.Contains(p.ask(t, "GET", url), want); time.Sleep(50 * time.Millisecond) {
		require.True(t, time.Now().Before(end), "%s has no %q", url, want)
	}
}

// query is the URL of a query to the history.
func (p *process) query(t *testing.T, promql string) string {
	t.Helper()
	return strings.Replace(p.url(t, "/prometheus/"), "archive_used_bytes", url.QueryEscape(promql), 1)
}

// TestAlone: with Go and nothing else, all but the servers' parts is there, and a
// backup of it is what another start may begin with.
func TestAlone(t *testing.T) {
	t.Parallel()
	const key = "a key of thirty-two bytes or more"
	p, stop := start(t, settings{data: t.TempDir(), key: key})
	require.Contains(t, p.said, "DATABASE_URL is not set")
	require.Contains(t, p.said, "REDIS_URL is not set")
	require.Contains(t, p.said, "there is no lease")
	require.NotContains(t, p.said, "/plans")
	require.NotContains(t, p.said, "/leader")
	p.everywhere(t)
	file := filepath.Join(t.TempDir(), "full.backup")
	require.NoError(t, os.WriteFile(file, []byte(p.ask(t, "GET", p.url(t, "/backup"))), 0o600))
	before := time.Now().UnixMilli()
	stop()

	again, _ := start(t, settings{restore: file, key: key})
	past := fmt.Sprintf("&time=%d.%03d", before/1000, before%1000)
	for _, query := range []string{"count_over_time(archive_used_bytes[60d]) > 1400", "count_over_time(api_request_total[1m])"} {
		require.Contains(t, again.ask(t, "GET", again.query(t, query)+past), `"value":[`, query)
	}
}

// TestServers: with PostgreSQL and Redis everything is there; one of two
// processes leads, and its plan is in the database.
func TestServers(t *testing.T) {
	t.Parallel()
	s := settings{postgres: testenv.Postgres(t).DSN(), redis: "redis://" + testenv.Redis(t).Addr()}
	p, stop := start(t, s)
	require.NotContains(t, p.said, "is not set")
	p.everywhere(t)
	p.metrics(t, `db_query_duration_seconds_bucket{`, `db_connection_pool_usage{pool_name="main"} `, `redis_up{cache_name="quotes"`,
		`cache_operation_duration_seconds_bucket{cache_name="quotes"`, `monitor_lease_leader{lease="chronomon_full"} 1`,
		`monitor_pgstore_writes_total{table="capacity_plans",result="ok"} `)
	require.Contains(t, p.ask(t, "GET", p.url(t, "/leader")), `"leads":true`)
	p.eventually(t, p.url(t, "/plans"), "  archive  90d  ")
	plans := p.ask(t, "GET", p.url(t, "/plans"))

	second, _ := start(t, s)
	require.Contains(t, second.ask(t, "GET", second.url(t, "/leader")), `"leads":false`)
	require.Equal(t, plans, second.ask(t, "GET", second.url(t, "/plans")))
	stop()
	second.metrics(t, `monitor_lease_leader{lease="chronomon_full"} 1`)
}

// TestWrong: what is wrong with a setting is said without what it has of secrets.
func TestWrong(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]settings{
		"DATABASE_URL": {postgres: "postgres://user:hunter2@host:port/%zz"},
		"REDIS_URL":    {redis: "http://user:hunter2@host:port"},
		"no such file": {restore: filepath.Join(t.TempDir(), "none")},
	} {
		err := run(t.Context(), io.Discard, s)
		require.ErrorContains(t, err, name)
		require.NotContains(t, err.Error(), "hunter2")
	}
}
