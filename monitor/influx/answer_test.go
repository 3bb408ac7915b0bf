package influx_test

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/outbox"
	"github.com/chronoretrace/chronomon/internal/testenv"
	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/influx"
	"github.com/chronoretrace/chronomon/monitor/monitortest"
)

// standIn answers as InfluxDB 2's reference says, for what 1.8 has not: tokens,
// organisations, buckets, error codes, 413 and 429.
type standIn struct {
	*httptest.Server
	mu       sync.Mutex
	lines    []string                                               // guarded by mu; taken
	requests int                                                    // guarded by mu; of writes
	limit    int                                                    // guarded by mu; lines of a request, 0: none
	answer   func(lines []string) (status int, code, header string) // guarded by mu; status 0: takes them
	buckets  map[string]any                                         // guarded by mu; by name
}

func newStandIn(t testing.TB) *standIn {
	t.Helper()
	s := &standIn{buckets: map[string]any{}}
	mux := http.NewServeMux()
	fail := func(w http.ResponseWriter, status int, code string) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"code":%q,"message":"because"}`, code)
	}
	mux.HandleFunc("POST /api/v2/write", func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.requests++
		if r.Header.Get("Authorization") != "Token secret-token" {
			fail(w, http.StatusUnauthorized, "unauthorized")
			return
		}
		if q := r.URL.Query(); q.Get("org") != "org" || q.Get("bucket") != "bucket" || q.Get("precision") != "ns" || r.Header.Get("Content-Encoding") != "gzip" {
			t.Errorf("stand-in: %s of %v", r.URL, r.Header)
		}
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			t.Errorf("stand-in: %v", err)
			return
		}
		body, _ := io.ReadAll(z)
		lines := strings.Split(strings.TrimSpace(string(body)), "\n")
		if s.limit > 0 && len(lines) > s.limit {
			fail(w, http.StatusRequestEntityTooLarge, "request too large")
			return
		}
		if s.answer != nil {
			if status, code, header := s.answer(lines); status != 0 {
				if header != "" {
					w.Header().Set("Retry-After", header)
				}
				fail(w, status, code)
				return
			}
		}
		s.lines = append(s.lines, lines...)
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /ping", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Influxdb-Version", "v2.7.1")
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /api/v2/orgs", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"orgs":[{"id":"1","name":%q}]}`, r.URL.Query().Get("org"))
	})
	mux.HandleFunc("GET /api/v2/buckets", func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		list := []any{}
		if b, ok := s.buckets[r.URL.Query().Get("name")]; ok {
			list = append(list, b)
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"buckets": list})
	})
	keep := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			s.mu.Lock()
			defer s.mu.Unlock()
			var b map[string]any
			_ = json.NewDecoder(r.Body).Decode(&b)
			b["id"] = "7"
			s.buckets[fmt.Sprint(b["name"])] = b
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_ = json.NewEncoder(w).Encode(b)
		}
	}
	mux.HandleFunc("POST /api/v2/buckets", keep(http.StatusCreated))
	mux.HandleFunc("PATCH /api/v2/buckets/7", keep(http.StatusOK))
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func (s *standIn) sink(t testing.TB, opts ...influx.Option) *influx.Sink {
	t.Helper()
	return newSink(t, s.URL, "bucket", append([]influx.Option{influx.WithOrg("org"), influx.WithToken("secret-token")}, opts...)...)
}

// batch returns n events, numbered.
func batch(n int) []monitor.Event {
	out := make([]monitor.Event, n)
	for i := range out {
		out[i] = monitor.Event{Time: time.Unix(1_700_000_000, int64(i)), Kind: monitor.KindQuery, Name: "quotes"}
		out[i].Add(slog.Int("n", i))
	}
	return out
}

// What the far end may do, by the kit.
func TestSinkFaults(t *testing.T) {
	t.Parallel()
	answers := func(status int, code string) func(testing.TB) monitor.Sink {
		return func(t testing.TB) monitor.Sink {
			s := newStandIn(t)
			s.answer = func([]string) (int, string, string) { return status, code, "" }
			return s.sink(t)
		}
	}
	serves := func(h http.HandlerFunc) func(testing.TB) monitor.Sink {
		return func(t testing.TB) monitor.Sink {
			s := httptest.NewServer(h)
			t.Cleanup(s.Close)
			return newSink(t, s.URL, "bucket")
		}
	}
	for name, f := range map[string]monitortest.SinkFault{
		"401": monitortest.Unavailable(func(t testing.TB) monitor.Sink { return newSink(t, newStandIn(t).URL, "bucket") }),
		"404": monitortest.Unavailable(answers(404, "not found")),
		"500": monitortest.Unavailable(answers(500, "internal error")),
		"503": monitortest.Unavailable(answers(503, "unavailable")),
		"429": monitortest.Unavailable(answers(429, "too many requests")),
		"400": monitortest.Refused(answers(400, "invalid")),
		"413": monitortest.Refused(answers(413, "request too large")),
		"422": monitortest.Refused(answers(422, "unprocessable entity")),
		"a page": monitortest.Unavailable(serves(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "<html>please log in</html>")
		})),
		"a redirect": monitortest.Unavailable(serves(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/login", http.StatusFound)
		})),
		"an endless answer": monitortest.Unavailable(serves(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			for r.Context().Err() == nil {
				_, _ = w.Write(make([]byte, 1<<16))
			}
		})),
		"half an answer": monitortest.Unavailable(serves(func(w http.ResponseWriter, _ *http.Request) {
			conn, _, _ := w.(http.Hijacker).Hijack()
			_, _ = conn.Write([]byte("HTTP/1.1 204 No"))
			_ = conn.Close()
		})),
		"no answer": monitortest.Stalled(func(t testing.TB) monitor.Sink {
			release := make(chan struct{})
			s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
			t.Cleanup(s.Close)
			t.Cleanup(func() { close(release) })
			return newSink(t, s.URL, "bucket")
		}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testenv.InfluxDB(t)
			monitortest.TestSink(t, func(t testing.TB) (monitor.Sink, func() []monitor.Event) {
				db := database(t, server.URL())
				return newSink(t, server.URL(), db), func() []monitor.Event { return events(t, server.URL(), db) }
			}, f)
		})
	}
}

// An answer says what is wrong, and no more.
func TestAnswerError(t *testing.T) {
	t.Parallel()
	s := newStandIn(t)
	s.answer = func([]string) (int, string, string) { return 403, "forbidden", "" }
	err := s.sink(t).Write(t.Context(), batch(1))
	answer, ok := errors.AsType[*influx.AnswerError](err)
	require.True(t, ok, err)
	require.Equal(t, influx.AnswerError{Status: 403, Code: "forbidden", Reason: "because"}, *answer)
	require.NotContains(t, err.Error(), "secret-token")
}

// A pause that is asked for is kept, and the batch arrives after it.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	s := newStandIn(t)
	asked := false
	s.answer = func([]string) (int, string, string) {
		if asked {
			return 0, "", ""
		}
		asked = true
		return http.StatusTooManyRequests, "too many requests", "1"
	}
	sink := s.sink(t)
	require.ErrorContains(t, sink.Write(t.Context(), batch(3)), "too many requests")
	start := time.Now()
	require.ErrorIs(t, sink.Write(t.Context(), batch(3)), outbox.ErrPause)
	require.Equal(t, 1, s.requests)
	require.Eventually(t, func() bool { return sink.Write(t.Context(), batch(3)) == nil }, 5*time.Second, 10*time.Millisecond)
	require.GreaterOrEqual(t, time.Since(start), 900*time.Millisecond)
	require.Len(t, s.lines, 3)
}

// A request that is too large, or that some lines spoil, is sent again in parts.
func TestSplit(t *testing.T) {
	t.Parallel()
	t.Run("too large", func(t *testing.T) {
		t.Parallel()
		s := newStandIn(t)
		s.limit = 60
		require.NoError(t, s.sink(t).Write(t.Context(), batch(500)))
		require.Len(t, s.lines, 500)
		require.Equal(t, 16+15, s.requests)
		for i, line := range s.lines {
			require.Contains(t, line, fmt.Sprintf(",n=%d ", i))
		}
	})
	t.Run("spoiled", func(t *testing.T) {
		t.Parallel()
		s := newStandIn(t)
		s.answer = func(lines []string) (int, string, string) {
			for _, l := range lines {
				if strings.Contains(l, ",n=123 ") || strings.Contains(l, ",n=400 ") {
					return 400, "invalid", ""
				}
			}
			return 0, "", ""
		}
		sink := s.sink(t)
		m := monitortest.New(t)
		require.NoError(t, sink.Watch(m))
		require.NoError(t, sink.Write(t.Context(), batch(500)))
		require.Len(t, s.lines, 498)
		require.LessOrEqual(t, s.requests, 40)
		monitortest.Expect(t, m, `
			# HELP monitor_store_records_total Records that a store has answered for, by result: taken, duplicate or rejected.
			# TYPE monitor_store_records_total counter
			monitor_store_records_total{result="duplicate",store="influx"} 0
			monitor_store_records_total{result="rejected",store="influx"} 2
			monitor_store_records_total{result="taken",store="influx"} 498
		`, "monitor_store_records_total")
	})
	t.Run("bounded", func(t *testing.T) {
		t.Parallel()
		s := newStandIn(t)
		s.answer = func([]string) (int, string, string) { return 400, "invalid", "" }
		require.Error(t, s.sink(t).Write(t.Context(), batch(500)))
		require.LessOrEqual(t, s.requests, 64+9, "no further halving, but each half that is left is tried")
	})
}

func TestSetupOfVersion2(t *testing.T) {
	t.Parallel()
	s := newStandIn(t)
	sink := s.sink(t)
	rules := func() any { return s.buckets["bucket"].(map[string]any)["retentionRules"] }
	require.NoError(t, sink.Setup(t.Context(), 90*24*time.Hour))
	require.Equal(t, float64(90*24*3600), rules().([]any)[0].(map[string]any)["everySeconds"])
	require.NoError(t, sink.Setup(t.Context(), 90*24*time.Hour), "again")
	err := sink.Setup(t.Context(), time.Hour)
	require.ErrorIs(t, err, influx.ErrOtherRetention)
	require.ErrorContains(t, err, "set up bucket: it has another retention: wanted 1h0m0s, found 2160h0m0s")
	require.Equal(t, float64(90*24*3600), rules().([]any)[0].(map[string]any)["everySeconds"])
	require.NoError(t, s.sink(t, influx.WithReplaceRetention()).Setup(t.Context(), time.Hour))
	require.Equal(t, float64(3600), rules().([]any)[0].(map[string]any)["everySeconds"])
	require.ErrorIs(t, sink.Setup(t.Context(), time.Second), monitor.ErrInvalidOption)
}
