package elastic_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/testenv"
	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/elastic"
	"github.com/chronoretrace/chronomon/monitor/monitortest"
)

// tenant numbers the tests' shares of a VictoriaLogs.
var tenant atomic.Int64

// onVictoriaLogs returns a store in a share of its own, and what reads it back.
func onVictoriaLogs(t testing.TB, server *testenv.VictoriaServer, opts ...elastic.Option) (*elastic.Store, func() []map[string]any) {
	t.Helper()
	account := strconv.FormatInt(tenant.Add(1), 10)
	s := newStore(t, server.URL()+"/insert/elasticsearch", append([]elastic.Option{
		elastic.WithHeader("VL-Time-Field", "@timestamp"), elastic.WithHeader("VL-Msg-Field", "message,name"),
		elastic.WithHeader("VL-Stream-Fields", "kind"), elastic.WithHeader("AccountID", account),
	}, opts...)...)
	return s, func() []map[string]any {
		resp, err := http.Get(server.URL() + "/internal/force_flush")
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		r, err := http.NewRequest(http.MethodPost, server.URL()+"/select/logsql/query", strings.NewReader(url.Values{"query": {"*"}, "limit": {"100000"}}.Encode()))
		require.NoError(t, err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("AccountID", account)
		resp, err = http.DefaultClient.Do(r)
		require.NoError(t, err)
		defer resp.Body.Close()
		var out []map[string]any
		lines := bufio.NewScanner(resp.Body)
		lines.Buffer(nil, 16<<20)
		for lines.Scan() {
			var row map[string]any
			require.NoError(t, json.Unmarshal(lines.Bytes(), &row), lines.Text())
			out = append(out, row)
		}
		at := func(row map[string]any) time.Time {
			at, err := time.Parse(time.RFC3339Nano, row["_time"].(string))
			require.NoError(t, err)
			return at
		}
		slices.SortFunc(out, func(a, b map[string]any) int { return at(a).Compare(at(b)) })
		return out
	}
}

// eventOfRow reads an event of VictoriaLogs, to which everything is text.
func eventOfRow(t testing.TB, row map[string]any) monitor.Event {
	t.Helper()
	src := map[string]any{"@timestamp": row["_time"], "kind": row["kind"], "name": row["name"], "trace_id": row["trace_id"], "user": row["user"]}
	src["failed"], src["slow"] = row["failed"] == "true", row["slow"] == "true"
	if _, ok := row["name"]; !ok {
		src["name"] = row["_msg"]
	}
	if d, ok := row["duration_seconds"].(string); ok {
		var f float64
		_, err := fmt.Sscan(d, &f)
		require.NoError(t, err)
		src["duration_seconds"] = f
	}
	attrs := map[string]any{}
	for key, v := range row {
		if name, ok := strings.CutPrefix(key, "attributes."); ok {
			attrs[name] = v
		}
	}
	src["attributes"] = attrs
	return eventOf(t, src)
}

// The conformance kit of sinks, on a server that is not ours.
func TestSinkOnVictoriaLogs(t *testing.T) {
	t.Parallel()
	server := testenv.VictoriaLogs(t)
	monitortest.TestSink(t, func(t testing.TB) (monitor.Sink, func() []monitor.Event) {
		s, rows := onVictoriaLogs(t, server)
		// VictoriaLogs drops without a word what is older than its retention, which
		// is a hundred years at most: the kit's one such event is kept from it.
		young := monitor.SinkFunc(func(ctx context.Context, batch []monitor.Event) error {
			if len(batch) == 1 && batch[0].Name == "old" {
				return monitor.Permanent(errors.New("older than the retention"))
			}
			return s.Write(ctx, batch)
		})
		return young, func() []monitor.Event {
			var out []monitor.Event
			for _, row := range rows() {
				out = append(out, eventOfRow(t, row))
			}
			return out
		}
	})
}

// Log records and events go through a server's stop, start and freeze: all
// arrive, by themselves, and nobody waits.
func TestOutage(t *testing.T) {
	t.Parallel()
	for name, dir := range map[string]string{"memory": "", "disk": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testenv.VictoriaLogs(t)
			opts := []elastic.Option{elastic.WithLogBatch(100, 10*time.Millisecond)}
			if dir != "" {
				opts = append(opts, elastic.WithSpill(dir, 16<<20))
			}
			s, rows := onVictoriaLogs(t, server, opts...)
			require.ErrorIs(t, s.Setup(t.Context()), elastic.ErrNoRetention)
			m, err := monitor.New(
				monitor.WithLogger(monitortest.Logger(t)), monitor.WithGracePeriod(2*time.Second),
				monitor.WithSink("elastic", s, monitor.WithBatch(100, 10*time.Millisecond), monitor.WithRetry(20*time.Millisecond, 200*time.Millisecond),
					monitor.WithWriteTimeout(500*time.Millisecond), monitor.WithKinds(monitor.KindQuery)),
			)
			require.NoError(t, err)
			require.NoError(t, s.Watch(m))
			logger := slog.New(s.Handler())
			monitortest.Run(t, m, s)
			sent := 0
			send := func(n int) {
				for range n / 2 {
					start := time.Now()
					logger.InfoContext(t.Context(), "record", "n", sent)
					e := monitor.Event{Kind: monitor.KindQuery, Name: "event"}
					e.Add(slog.Int("n", sent+1))
					m.Record(e)
					require.Less(t, time.Since(start), 400*time.Millisecond, "nobody waits: a request would be given 500 ms")
					sent += 2
				}
			}
			arrived := func() {
				t.Helper()
				require.Eventually(t, func() bool {
					seen := map[string]bool{}
					for _, row := range rows() {
						seen[row["attributes.n"].(string)] = true
					}
					return len(seen) == sent
				}, 30*time.Second, 50*time.Millisecond)
			}
			send(1000)
			arrived()
			server.Stop()
			send(4000)
			if dir != "" {
				require.Eventually(t, func() bool { return s.Spilled() == 4000 }, 10*time.Second, 10*time.Millisecond)
			}
			time.Sleep(300 * time.Millisecond)
			server.Start()
			arrived()
			server.Pause()
			send(1000)
			time.Sleep(time.Second) // longer than a write of events may take
			server.Resume()
			arrived()
			require.Eventually(t, func() bool { return s.Spilled() == 0 }, 10*time.Second, 10*time.Millisecond)
		})
	}
}
