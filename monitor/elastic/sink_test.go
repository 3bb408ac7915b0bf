package elastic_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
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
		"no errors": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"items":[{"create":{"status":201}},{"create":{"status":201}},{"create":{"status":201}}]}`)
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
			fmt.Fprint(w, `{"errors":false,"items":[`)
			for r.Context().Err() == nil {
				if _, err := w.Write(bytes.Repeat([]byte(" "), 1<<16)); err != nil {
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
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			err := s.Write(ctx, batch(3))
			require.Error(t, err)
			require.NoError(t, ctx.Err(), "what is read of an answer is bounded")
			_, permanent := errors.AsType[*queue.PermanentError](err)
			require.False(t, permanent)
			require.Contains(t, monitortest.Exposition(t, m, "monitor_store_records_total"), `{result="taken",store="elastic"} 0`)
		})
	}
}

// A write that takes too long says so, wherever it waits.
func TestDeadline(t *testing.T) {
	t.Parallel()
	for name, half := range map[string]string{"no answer": "", "half an answer": `{"errors":false,"items":[`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			release := make(chan struct{})
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if half != "" {
					fmt.Fprint(w, half)
					_ = http.NewResponseController(w).Flush()
				}
				<-release
			}))
			t.Cleanup(server.Close)
			t.Cleanup(func() { close(release) })
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			err := newStore(t, server.URL).Write(ctx, batch(3))
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.EqualError(t, err, "elastic: bulk request to elastic at "+strings.TrimPrefix(server.URL, "http://")+": context deadline exceeded")
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

// A document that somebody can have taken by mending something else waits for that;
// one that never will be is rejected. Of an error that is not known it is the
// document's if others were taken.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status int
		kind   string
		waits  bool // with others, and alone
		alone  bool
	}{
		"key":              {401, "security_exception", true, true},
		"privilege":        {403, "security_exception", true, true},
		"no index":         {404, "index_not_found_exception", true, true},
		"timeout":          {408, "", true, true},
		"blocked":          {403, "cluster_block_exception", true, true},
		"blocked, 400":     {400, "cluster_block_exception", true, true},
		"closed":           {400, "index_closed_exception", true, true},
		"gone":             {400, "index_not_found_exception", true, true},
		"privilege, 400":   {400, "security_exception", true, true},
		"shards":           {400, "validation_exception", true, true},
		"fields":           {400, "illegal_argument_exception: Limit of total fields [1000] has been exceeded", true, true},
		"shards, before 8": {400, "illegal_argument_exception: Validation Failed: 1: this action would add [2] total shards", true, true},
		"shards, at once":  {400, "illegal_argument_exception: this action would add [2] total shards", true, true},
		"pipeline":         {400, "illegal_argument_exception: pipeline with id [x] does not exist", true, true},
		"alias":            {400, "illegal_argument_exception: no write index is defined for alias [x]", true, true},
		"busy":             {429, "es_rejected_execution_exception", true, true},
		"broken":           {500, "null_pointer_exception", true, true},
		"mapping":          {400, "mapper_parsing_exception", false, false},
		"document":         {400, "document_parsing_exception", false, false},
		"parse":            {400, "parse_exception", false, false},
		"strict":           {400, "strict_dynamic_mapping_exception", false, false},
		"immense":          {400, "illegal_argument_exception: Document contains at least one immense term", false, false},
		"quotes":           {400, "illegal_argument_exception: mapper [limit of total] cannot be changed", false, false},
		"too large":        {413, "", false, false},
		"some other":       {400, "odd_exception", false, true},
		"without any type": {400, "", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			es := newStandIn(t)
			mended := false
			es.item = func(d doc) (int, string) {
				if number(d) == 1 && !mended {
					return tc.status, tc.kind
				}
				return 0, ""
			}
			s := newStore(t, es.URL)
			events := batch(3)
			err := s.Write(t.Context(), events)
			require.Equal(t, []int{0, 2}, numbers(es.taken()))
			want := []int{0, 2}
			if tc.waits {
				require.Error(t, err)
				require.NotContains(t, err.Error(), "hunter2")
				es.set(func(*standIn) { mended = true })
				require.Eventually(t, func() bool { return s.Write(t.Context(), events) == nil }, 5*time.Second, time.Millisecond)
				want = []int{0, 2, 1}
			} else {
				require.NoError(t, err)
			}
			require.Equal(t, want, numbers(es.taken()))

			es.set(func(*standIn) { mended = false })
			err = newStore(t, es.URL).Write(t.Context(), events[1:2])
			require.Error(t, err)
			_, permanent := errors.AsType[*queue.PermanentError](err)
			require.Equal(t, !tc.alone, permanent, err)
		})
	}
}

// What waits for somebody who mends it does not hold up for long what does not.
func TestVerdictsOfSome(t *testing.T) {
	t.Parallel()
	es := newStandIn(t)
	es.item = func(d doc) (int, string) {
		if number(d) == 0 {
			return http.StatusForbidden, "security_exception"
		}
		return 0, ""
	}
	s := newStore(t, es.URL)
	m := monitortest.New(t)
	require.NoError(t, s.Watch(m))
	err := s.Write(t.Context(), batch(3))
	require.ErrorContains(t, err, "1 of 3 documents wait until somebody mends it: the server answered 403 security_exception")
	asks, ok := errors.AsType[queue.RetryAfter](err)
	require.True(t, ok)
	require.Equal(t, 200*time.Millisecond, asks.RetryAfter())
	require.Contains(t, monitortest.Exposition(t, m, "monitor_store_requests_total"), `{result="refused",store="elastic"} 1`)
	_, ok = errors.AsType[queue.RetryAfter](s.Write(t.Context(), batch(1)))
	require.False(t, ok, "nothing was got on with")
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
		s := newStore(t, es.URL, elastic.WithBulkBytes(9000))
		m := monitortest.New(t)
		require.NoError(t, s.Watch(m))
		require.NoError(t, s.Write(t.Context(), batch(500)))
		require.Contains(t, monitortest.Exposition(t, m, "monitor_store_requests_total"), `{result="too_large",store="elastic"} 0`)
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
	t.Run("bounded", func(t *testing.T) { // however many they are, the others are taken
		t.Parallel()
		es := newStandIn(t)
		es.answer = func(w http.ResponseWriter, n int) bool {
			for _, d := range es.requests[n-1] {
				if number(d)%10 == 0 {
					http.Error(w, "cannot parse", http.StatusBadRequest)
					return true
				}
			}
			return false
		}
		s := newStore(t, es.URL)
		m := monitortest.New(t)
		require.NoError(t, s.Watch(m))
		sends := 0
		require.Eventually(t, func() bool {
			before := es.asked()
			err := s.Write(t.Context(), batch(500))
			require.LessOrEqual(t, es.asked()-before, 1+64)
			sends++
			if err != nil {
				_, permanent := errors.AsType[*queue.PermanentError](err)
				require.False(t, permanent)
				asks, ok := errors.AsType[queue.RetryAfter](err)
				require.True(t, ok)
				require.Equal(t, 200*time.Millisecond, asks.RetryAfter())
			}
			return err == nil
		}, 20*time.Second, time.Millisecond)
		require.Greater(t, sends, 3)
		require.Len(t, es.taken(), 450)
		require.IsIncreasing(t, numbers(es.taken()))
		require.Contains(t, monitortest.Exposition(t, m, "monitor_store_records_total"), `{result="rejected",store="elastic"} 50`)
	})
	t.Run("by a proxy", func(t *testing.T) { // which knows nothing of documents
		t.Parallel()
		es := newStandIn(t)
		es.answer = func(w http.ResponseWriter, n int) bool {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, "<html>plain HTTP was sent to the HTTPS port</html>")
			return true
		}
		s := newStore(t, es.URL)
		err := s.Write(t.Context(), batch(500))
		require.ErrorContains(t, err, "400")
		_, permanent := errors.AsType[*queue.PermanentError](err)
		require.False(t, permanent)
		require.Equal(t, 1, es.asked())
		es.set(func(es *standIn) { es.answer = nil })
		require.NoError(t, s.Write(t.Context(), batch(500)))
		require.Len(t, es.taken(), 500)
	})
}

// What a request is counted as, by its answer; it is made once.
func TestResults(t *testing.T) {
	t.Parallel()
	for status, result := range map[int]string{400: "refused", 401: "refused", 404: "refused", 413: "too_large", 429: "throttled", 500: "error", 502: "error", 503: "throttled"} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			es := newStandIn(t)
			es.answer = func(w http.ResponseWriter, _ int) bool {
				w.WriteHeader(status)
				fmt.Fprintf(w, `{"error":{"type":%q}}`, strings.Repeat("x", 1000))
				return true
			}
			s := newStore(t, es.URL)
			m := monitortest.New(t)
			require.NoError(t, s.Watch(m))
			err := s.Write(t.Context(), batch(1))
			require.ErrorContains(t, err, strconv.Itoa(status))
			require.Less(t, len(err.Error()), 300)
			require.Equal(t, 1, es.asked())
			require.Contains(t, monitortest.Exposition(t, m, "monitor_store_requests_total"), fmt.Sprintf(`{result=%q,store="elastic"} 1`, result))
		})
	}
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
	var said strings.Builder
	m, err := monitor.New(monitor.WithLogger(slog.New(slog.NewTextHandler(&said, nil))))
	require.NoError(t, err)
	require.NoError(t, s.Watch(m))
	err = s.Write(t.Context(), batch(1))
	require.Contains(t, said.String(), `msg="the store refused documents" store=elastic documents=1 of=1 error="elastic: bulk request to elastic`)
	require.NotContains(t, said.String(), "hunter")
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
