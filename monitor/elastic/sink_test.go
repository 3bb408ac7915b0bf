package elastic_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/outbox"
	"github.com/chronoretrace/chronomon/internal/queue"
	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/elastic"
	"github.com/chronoretrace/chronomon/monitor/monitortest"
)

// The conformance kit of sinks, on the stand-in.
func TestSink(t *testing.T) {
	t.Parallel()
	monitortest.TestSink(t, func(t testing.TB) (monitor.Sink, func() []monitor.Event) {
		es := newStandIn(t)
		return newStore(t, es.URL), es.events
	},
		monitortest.Unavailable(func(t testing.TB) monitor.Sink { return newStore(t, "http://127.0.0.1:1") }),
		monitortest.Unavailable(func(t testing.TB) monitor.Sink { return newStore(t, garbage(t).URL) }),
		monitortest.Unavailable(func(t testing.TB) monitor.Sink {
			es := newStandIn(t)
			es.answer = func(w http.ResponseWriter, _ int) bool { w.WriteHeader(http.StatusUnauthorized); return true }
			return newStore(t, es.URL)
		}),
		monitortest.Stalled(func(t testing.TB) monitor.Sink {
			release := make(chan struct{})
			s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-release }))
			t.Cleanup(s.Close)
			t.Cleanup(func() { close(release) })
			return newStore(t, s.URL)
		}),
		monitortest.Refused(func(t testing.TB) monitor.Sink {
			es := newStandIn(t)
			es.item = func(doc) (int, string) { return http.StatusBadRequest, "mapper_parsing_exception" }
			return newStore(t, es.URL)
		}),
	)
}

// What is no answer of an Elasticsearch loses nothing, and is said to be none.
func TestGarbage(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(w http.ResponseWriter, r *http.Request){
		"nothing":  func(http.ResponseWriter, *http.Request) {},
		"204":      func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
		"redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) },
		"a list":   func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `[]`) },
		"no items": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"errors":false}`) },
		"few items": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"errors":false,"items":[{"create":{"status":201}}]}`)
		},
		"odd items": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"errors":true,"items":[{},{"index":{}},null]}`)
		},
		"cut short": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"errors":false,"items":[{"create":{"status":201}},{"cr`)
		},
		"hang up": func(w http.ResponseWriter, _ *http.Request) {
			conn, _, _ := w.(http.Hijacker).Hijack()
			_ = conn.Close()
		},
		"endless": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write([]byte(`{"errors":false,"items":[` + strings.Repeat(" ", 1<<16))); err != nil {
					return
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(answer))
			t.Cleanup(server.Close)
			s := newStore(t, server.URL)
			m := monitortest.New(t)
			require.NoError(t, s.Watch(m))
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			err := s.Write(ctx, batch(3))
			require.Error(t, err)
			_, permanent := errors.AsType[*queue.PermanentError](err)
			require.False(t, permanent)
			require.Contains(t, monitortest.Exposition(t, m, "monitor_store_records_total"), `{result="taken",store="elastic"} 0`)
		})
	}
}

// garbage is a server that answers everything with a page, as a proxy may.
func garbage(t testing.TB) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("<html>please log in</html>"))
	}))
	t.Cleanup(s.Close)
	return s
}

// batch returns n events, numbered.
func batch(n int) []monitor.Event {
	out := make([]monitor.Event, n)
	for i := range out {
		out[i] = monitor.Event{Time: time.Date(2026, 3, 4, 23, 59, 59, i, time.UTC), Kind: monitor.KindQuery, Name: "quotes"}
		out[i].Add(slog.Int("n", i))
	}
	return out
}

// numbers are those of the documents, in the order in which they were taken.
func numbers(docs []doc) []int {
	out := make([]int, len(docs))
	for i, d := range docs {
		out[i] = number(d)
	}
	return out
}

func number(d doc) int {
	n, _ := d.Source["attributes"].(map[string]any)["n"].(float64)
	return int(n)
}

// Of an answer with errors only what may be taken later is sent again, and what
// never will is counted.
func TestPartialErrors(t *testing.T) {
	t.Parallel()
	es := newStandIn(t)
	busy := true
	es.item = func(d doc) (int, string) {
		switch n := number(d); {
		case n%5 == 0:
			return http.StatusBadRequest, "mapper_parsing_exception"
		case n%2 == 0 && busy:
			return http.StatusTooManyRequests, "es_rejected_execution_exception"
		}
		return 0, ""
	}
	s := newStore(t, es.URL)
	events := batch(10)
	err := s.Write(t.Context(), events)
	require.ErrorContains(t, err, "4 of 10 documents")
	require.Equal(t, []int{1, 3, 7, 9}, numbers(es.taken()))

	es.set(func(es *standIn) { busy = false })
	require.NoError(t, s.Write(t.Context(), append(events, batch(12)[10:]...))) // with newer ones behind
	require.Equal(t, []int{2, 4, 6, 8, 10, 11}, numbers(es.requests[1])[:6:6])
	require.Equal(t, []int{1, 3, 7, 9, 2, 4, 6, 8, 11}, numbers(es.taken()))
	require.Len(t, es.requests, 2)
}

// A batch whose answer was lost is found to be there.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	es := newStandIn(t)
	es.answer = func(w http.ResponseWriter, n int) bool {
		if n > 1 {
			return false
		}
		es.take(httptest.NewRecorder(), es.requests[0])
		conn, _, err := w.(http.Hijacker).Hijack()
		require.NoError(t, err)
		require.NoError(t, conn.Close())
		return true
	}
	s := newStore(t, es.URL)
	m := monitortest.New(t)
	require.NoError(t, s.Watch(m))
	require.Error(t, s.Write(t.Context(), batch(3)))
	require.NoError(t, s.Write(t.Context(), batch(4)))
	require.Equal(t, []int{0, 1, 2, 3}, numbers(es.taken()))
	monitortest.Expect(t, m, `
		# HELP monitor_store_records_total Records that a store has answered for, by result: taken, duplicate or rejected.
		# TYPE monitor_store_records_total counter
		monitor_store_records_total{result="duplicate",store="elastic"} 3
		monitor_store_records_total{result="rejected",store="elastic"} 0
		monitor_store_records_total{result="taken",store="elastic"} 1
		# HELP monitor_store_requests_total Requests to a store, by result.
		# TYPE monitor_store_requests_total counter
		monitor_store_requests_total{result="error",store="elastic"} 1
		monitor_store_requests_total{result="ok",store="elastic"} 1
		monitor_store_requests_total{result="refused",store="elastic"} 0
		monitor_store_requests_total{result="throttled",store="elastic"} 0
		monitor_store_requests_total{result="too_large",store="elastic"} 0
	`, "monitor_store_records_total", "monitor_store_requests_total")
}

// Two events that are alike in everything are two.
func TestTwins(t *testing.T) {
	t.Parallel()
	es := newStandIn(t)
	one := batch(1)[0]
	require.NoError(t, newStore(t, es.URL).Write(t.Context(), []monitor.Event{one, one}))
	require.Len(t, es.taken(), 2)
}

// A request that is too large, or that one document spoils, is sent again in parts.
func TestSplit(t *testing.T) {
	t.Parallel()
	t.Run("too large", func(t *testing.T) {
		t.Parallel()
		es := newStandIn(t)
		es.limit = 10_000
		s := newStore(t, es.URL)
		require.NoError(t, s.Write(t.Context(), batch(500)))
		require.Len(t, es.taken(), 500)
		require.IsIncreasing(t, numbers(es.taken()))

		large := batch(3)
		large[1].Add(slog.String("text", string(make([]byte, 20_000))))
		require.NoError(t, s.Write(t.Context(), large))
		require.Equal(t, []int{0, 2}, numbers(es.taken()[500:]))
	})
	t.Run("by option", func(t *testing.T) {
		t.Parallel()
		es := newStandIn(t)
		es.limit = 10_000
		require.NoError(t, newStore(t, es.URL, elastic.WithBulkBytes(9000)).Write(t.Context(), batch(500)))
		require.IsIncreasing(t, numbers(es.taken()))
		require.Len(t, es.taken(), 500)
	})
	t.Run("spoiled", func(t *testing.T) { // as VictoriaLogs answers
		t.Parallel()
		es := newStandIn(t)
		es.answer = func(w http.ResponseWriter, n int) bool {
			for _, d := range es.requests[n-1] {
				if number(d) == 123 {
					http.Error(w, "cannot parse", http.StatusBadRequest)
					return true
				}
			}
			return false
		}
		require.NoError(t, newStore(t, es.URL).Write(t.Context(), batch(500)))
		require.Len(t, es.taken(), 499)
		require.LessOrEqual(t, es.asked(), 20)
	})
}

// The server is left alone for as long as it asks for.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	es := newStandIn(t)
	es.answer = func(w http.ResponseWriter, n int) bool {
		if n == 1 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
		}
		return n == 1
	}
	s := newStore(t, es.URL)
	start := time.Now()
	require.ErrorContains(t, s.Write(t.Context(), batch(3)), "429")
	require.ErrorIs(t, s.Write(t.Context(), batch(3)), outbox.ErrPause)
	require.Equal(t, 1, es.asked())
	require.Eventually(t, func() bool { return s.Write(t.Context(), batch(3)) == nil }, 5*time.Second, 10*time.Millisecond)
	require.GreaterOrEqual(t, time.Since(start), time.Second)
	require.Equal(t, []int{0, 1, 2}, numbers(es.taken()))
}

// Without credentials, addresses or documents in what is said about it.
func TestErrorsAreDiscreet(t *testing.T) {
	t.Parallel()
	es := newStandIn(t)
	es.item = func(doc) (int, string) { return http.StatusBadRequest, "mapper_parsing_exception" }
	s := newStore(t, es.URL, elastic.WithBasicAuth("user", "hunter3"))
	err := s.Write(t.Context(), batch(1))
	require.EqualError(t, err, "elastic: bulk request to elastic at "+strings.TrimPrefix(es.URL, "http://")+": the server answered 400 mapper_parsing_exception")
	require.NoError(t, s.Write(t.Context(), nil))
}

// Each day has its index, in UTC.
func TestIndexOfTheDay(t *testing.T) {
	t.Parallel()
	es := newStandIn(t)
	events := batch(2)
	events[1].Time = time.Date(2026, 3, 5, 1, 0, 0, 0, time.FixedZone("", 2*3600)) // still the 4th in UTC
	events = append(events, monitor.Event{Time: time.Date(2026, 3, 5, 0, 0, 0, 0, time.UTC), Kind: monitor.KindMark})
	require.NoError(t, newStore(t, es.URL, elastic.WithIndex("logs-x")).Write(t.Context(), events))
	var got []string
	for _, d := range es.taken() {
		got = append(got, d.Index)
	}
	require.Equal(t, []string{"logs-x-2026.03.04", "logs-x-2026.03.04", "logs-x-2026.03.05"}, got)
}

func TestSetup(t *testing.T) {
	t.Parallel()
	es := newStandIn(t)
	require.NoError(t, newStore(t, es.URL, elastic.WithRetention(48*time.Hour), elastic.WithReplicas(0)).Setup(t.Context()))
	policy := es.puts["PUT /_ilm/policy/chronoretrace-logs"]["policy"].(map[string]any)["phases"].(map[string]any)
	require.Equal(t, "172800s", policy["delete"].(map[string]any)["min_age"])
	template := es.puts["PUT /_index_template/chronoretrace-logs"]
	require.Equal(t, []any{"chronoretrace-logs-*"}, template["index_patterns"])
	inner := template["template"].(map[string]any)
	require.Equal(t, map[string]any{
		"number_of_shards": 1.0, "number_of_replicas": 0.0, "codec": "best_compression",
		"lifecycle": map[string]any{"name": "chronoretrace-logs"},
	}, inner["settings"].(map[string]any)["index"])
	mappings := inner["mappings"].(map[string]any)
	require.Equal(t, false, mappings["dynamic"])
	require.Equal(t, "flattened", mappings["properties"].(map[string]any)["attributes"].(map[string]any)["type"])

	es = newStandIn(t)
	require.NoError(t, newStore(t, es.URL, elastic.WithRetention(0)).Setup(t.Context()))
	require.Len(t, es.puts, 1)
	require.Error(t, newStore(t, "http://127.0.0.1:1").Setup(t.Context()))
}

// A policy that is there stays, unless it is to be replaced; one that is as it
// should be is not touched.
func TestSetupKeepsPolicies(t *testing.T) {
	t.Parallel()
	const put = "PUT /_ilm/policy/chronoretrace-logs"
	for name, tc := range map[string]struct {
		phases string
		found  string // in the error; "" for none
	}{
		"same":       {`{"delete":{"min_age":"30d","actions":{}},"warm":{}}`, ""},
		"in seconds": {`{"delete":{"min_age":"2592000s"}}`, ""},
		"longer":     {`{"delete":{"min_age":"365d"}}`, "found 365d"},
		"at once":    {`{"delete":{}}`, "found 0ms"},
		"for ever":   {`{"hot":{}}`, "found for ever"},
		"odd":        {`{"delete":{"min_age":"soon"}}`, "found soon"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			es := newStandIn(t)
			es.policy = `{"chronoretrace-logs":{"version":1,"policy":{"phases":` + tc.phases + `}}}`
			err := newStore(t, es.URL).Setup(t.Context())
			require.NotContains(t, es.puts, put)
			if tc.found == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, elastic.ErrOtherRetention)
			require.ErrorContains(t, err, `elastic: set up policy "chronoretrace-logs" of elastic at `+strings.TrimPrefix(es.URL, "http://")+
				": it has another retention: wanted 2592000s, "+tc.found)
			require.NoError(t, newStore(t, es.URL, elastic.WithReplaceRetention()).Setup(t.Context()))
			require.Contains(t, es.puts, put)
		})
	}
}

// A node that is down is passed over.
func TestNodes(t *testing.T) {
	t.Parallel()
	es := newStandIn(t)
	s, err := elastic.New([]string{"http://127.0.0.1:1", es.URL})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	_ = s.Write(t.Context(), batch(3))
	require.NoError(t, s.Write(t.Context(), batch(3)))
	require.NoError(t, s.Write(t.Context(), batch(6)[3:]))
	require.Equal(t, []int{0, 1, 2, 3, 4, 5}, numbers(es.taken()))
}
