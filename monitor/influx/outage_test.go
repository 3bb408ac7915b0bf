package influx_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/outbox/outboxtest"
	"github.com/chronoretrace/chronomon/internal/testenv"
	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/influx"
	"github.com/chronoretrace/chronomon/monitor/monitortest"
)

// recordAll records n events, numbered from from, and returns how long the
// longest call took.
func recordAll(m *monitor.Monitor, from, n int) (longest time.Duration) {
	for i := from; i < from+n; i++ {
		e := monitor.Event{Kind: monitor.KindQuery, Name: "quotes"}
		e.Add(slog.Int("n", i))
		start := time.Now()
		m.Record(e)
		longest = max(longest, time.Since(start))
	}
	return longest
}

// numbered are the numbers of the points that arrived, by time.
func numbered(t testing.TB, server, db string) []string {
	t.Helper()
	var out []string
	for _, s := range influxQL(t, server, db, `SELECT "n" FROM "query"`) {
		for _, row := range s.Values {
			out = append(out, fmt.Sprint(row[1]))
		}
	}
	return out
}

func wantNumbers(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = strconv.Itoa(i)
	}
	return out
}

// fast is a queue that a test can wait for.
func fast() []monitor.SinkOption {
	return []monitor.SinkOption{
		monitor.WithBatch(100, 10*time.Millisecond), monitor.WithRetry(20*time.Millisecond, 200*time.Millisecond),
		monitor.WithWriteTimeout(500 * time.Millisecond), monitor.WithKinds(monitor.KindQuery),
	}
}

// A server that is stopped, comes back, freezes and goes on: every event arrives
// once, by itself, and the host does not notice.
func TestOutage(t *testing.T) {
	t.Parallel()
	for name, dir := range map[string]string{"memory": "", "disk": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testenv.InfluxDB(t)
			db := database(t, server.URL())
			var opts []influx.Option
			if dir != "" {
				opts = append(opts, influx.WithSpill(dir, 16<<20))
			}
			s := newSink(t, server.URL(), db, opts...)
			m, err := monitor.New(monitor.WithLogger(monitortest.Logger(t)), monitor.WithGracePeriod(2*time.Second), monitor.WithSink("influx", s, fast()...))
			require.NoError(t, err)
			require.NoError(t, s.Watch(m))
			monitortest.Run(t, m, s)
			arrived := func(n int) {
				t.Helper()
				require.Eventually(t, func() bool { return len(numbered(t, server.URL(), db)) >= n }, 20*time.Second, 20*time.Millisecond)
				require.Equal(t, wantNumbers(n), numbered(t, server.URL(), db))
			}

			recordAll(m, 0, 1000)
			arrived(1000)
			server.Stop()
			require.Less(t, recordAll(m, 1000, 3000), 400*time.Millisecond, "shorter than a write may take")
			if dir != "" {
				require.Eventually(t, func() bool { return s.Spilled() == 3000 }, 10*time.Second, 10*time.Millisecond)
			}
			time.Sleep(300 * time.Millisecond)
			server.Start()
			arrived(4000)
			server.Pause()
			require.Less(t, recordAll(m, 4000, 1000), 400*time.Millisecond, "shorter than a write may take")
			time.Sleep(time.Second) // longer than a write may take
			server.Resume()
			arrived(5000)
			require.Zero(t, s.Spilled())
			monitortest.Expect(t, m, `
				# HELP monitor_events_dropped_total Events that did not reach a sink, by reason.
				# TYPE monitor_events_dropped_total counter
				monitor_events_dropped_total{reason="sampled",sink="influx"} 0
			`, "monitor_events_dropped_total")
		})
	}
}

// A process that ends during an outage leaves its points to the next one.
func TestRestartDuringOutage(t *testing.T) {
	t.Parallel()
	server := testenv.InfluxDB(t)
	db := database(t, server.URL())
	dir := t.TempDir()
	process := func(work func(m *monitor.Monitor, s *influx.Sink)) {
		t.Run("process", func(t *testing.T) {
			s := newSink(t, server.URL(), db, influx.WithSpill(dir, 16<<20))
			m, err := monitor.New(monitor.WithLogger(monitortest.Logger(t)), monitor.WithGracePeriod(2*time.Second), monitor.WithSink("influx", s, fast()...))
			require.NoError(t, err)
			monitortest.Run(t, m, s)
			work(m, s)
		})
	}
	server.Stop()
	process(func(m *monitor.Monitor, s *influx.Sink) { recordAll(m, 0, 1000) })
	process(func(m *monitor.Monitor, s *influx.Sink) { recordAll(m, 1000, 1000) })
	server.Start()
	process(func(m *monitor.Monitor, s *influx.Sink) {
		recordAll(m, 2000, 10)
		require.Eventually(t, func() bool { return s.Spilled() == 0 && len(numbered(t, server.URL(), db)) == 2010 }, 20*time.Second, 20*time.Millisecond)
	})
	require.Equal(t, wantNumbers(2010), numbered(t, server.URL(), db))
}

// The server does not do its part.
func TestStore(t *testing.T) {
	t.Parallel()
	outboxtest.TestStore(t, outboxtest.Kit{
		Name: "influx",
		Server: func(t testing.TB) (http.Handler, func() []int) {
			server := newStandIn(t)
			return server.Config.Handler, func() (numbers []int) {
				server.mu.Lock()
				defer server.mu.Unlock()
				for _, line := range server.lines {
					_, number, _ := strings.Cut(line, ",n=")
					number, _, _ = strings.Cut(number, ",")
					n, err := strconv.Atoi(strings.Fields(number)[0])
					require.NoError(t, err)
					numbers = append(numbers, n)
				}
				return numbers
			}
		},
		Open: func(t testing.TB, url, dir string) outboxtest.Store {
			opts := []influx.Option{influx.WithOrg("org"), influx.WithToken("secret-token")}
			if dir != "" {
				opts = append(opts, influx.WithSpill(dir, 1<<20))
			}
			return newSink(t, url, "bucket", opts...)
		},
	})
}
