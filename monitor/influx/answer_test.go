package influx_test

import (
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/outbox"
	"github.com/chronoretrace/chronomon/internal/queue"
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
	answer   func(lines []string) (status int, code, header string) // guarded by mu; status 0: takes them; a message may follow the code, after a colon
	sizes    []int                                                  // guarded by mu; of the requests, in bytes
	buckets  map[string]any                                         // guarded by mu; by name
}

func newStandIn(t testing.TB) *standIn {
	t.Helper()
	s := &standIn{buckets: map[string]any{}}
	mux := http.NewServeMux()
	fail := func(w http.ResponseWriter, status int, code string) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(status)
		code, message, _ := strings.Cut(code, ": ")
		_ = json.NewEncoder(w).Encode(map[string]string{"code": code, "message": cmp.Or(message, "because")})
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
		s.sizes = append(s.sizes, len(body))
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

// What a request is counted as, by its answer; it is made once.
func TestResults(t *testing.T) {
	t.Parallel()
	for status, result := range map[int]string{400: "refused", 401: "refused", 404: "refused", 413: "too_large", 422: "refused", 429: "throttled", 500: "error", 502: "error", 503: "throttled"} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			s := newStandIn(t)
			s.answer = func([]string) (int, string, string) { return status, "code", "" }
			sink := s.sink(t)
			m := monitortest.New(t)
			require.NoError(t, sink.Watch(m))
			require.ErrorContains(t, sink.Write(t.Context(), batch(1)), strconv.Itoa(status))
			require.Equal(t, 1, s.requests)
			require.Contains(t, monitortest.Exposition(t, m, "monitor_store_requests_total"), fmt.Sprintf(`{result=%q,store="influx"} 1`, result))
		})
	}
}

// Of an answer that says ever so much, a little is read and less is shown; one that
// does not come is a deadline that was missed.
func TestLongAnswers(t *testing.T) {
	t.Parallel()
	s := newStandIn(t)
	s.answer = func([]string) (int, string, string) {
		return 500, "internal error: x\n\x01" + strings.Repeat("é", 10_000), ""
	}
	err := s.sink(t).Write(t.Context(), batch(1))
	require.LessOrEqual(t, len(err.Error()), 300)
	require.Contains(t, err.Error(), "x  éé")
	require.True(t, utf8.ValidString(err.Error()))

	release := make(chan struct{})
	frozen := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(frozen.Close)
	t.Cleanup(func() { close(release) })
	short, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	require.EqualError(t, newSink(t, frozen.URL, "bucket").Write(short, batch(1)), "influx: write to influx: context deadline exceeded")

	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		for r.Context().Err() == nil {
			_, _ = w.Write(make([]byte, 1<<16))
		}
	}))
	t.Cleanup(endless.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	answer, ok := errors.AsType[*influx.AnswerError](newSink(t, endless.URL, "bucket").Write(ctx, batch(1)))
	require.True(t, ok)
	require.Equal(t, 500, answer.Status)
	require.NoError(t, ctx.Err())
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
	t.Run("bounded", func(t *testing.T) { // however many they are, the others are taken
		t.Parallel()
		s := newStandIn(t)
		bad := regexp.MustCompile(`,n=\d*0 `)
		s.answer = func(lines []string) (int, string, string) {
			if slices.ContainsFunc(lines, bad.MatchString) {
				return 400, "invalid", ""
			}
			return 0, "", ""
		}
		sink := s.sink(t)
		m := monitortest.New(t)
		require.NoError(t, sink.Watch(m))
		sends := 0
		require.Eventually(t, func() bool {
			before := s.requests
			err := sink.Write(t.Context(), batch(500))
			require.LessOrEqual(t, s.requests-before, 1+64)
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
		require.Len(t, s.lines, 450)
		require.Contains(t, monitortest.Exposition(t, m, "monitor_store_records_total"), `{result="rejected",store="influx"} 50`)
	})
	t.Run("bytes", func(t *testing.T) {
		t.Parallel()
		s := newStandIn(t)
		const text = 32 << 10
		events := batch(180)
		for i := range events {
			events[i].Add(slog.String("text", strings.Repeat("x", text)))
		}
		attrs := make([]slog.Attr, 80)
		for i := range attrs {
			attrs[i] = slog.String(fmt.Sprint("k", i), strings.Repeat(`"`, text)) // each is written as two
		}
		events[170].Add(attrs...)
		require.NoError(t, s.sink(t).Write(t.Context(), events))
		require.Len(t, s.lines, 180)
		for i, line := range s.lines {
			require.Contains(t, line, fmt.Sprintf(",n=%d,", i))
		}
		require.Len(t, s.sizes, 4, "the large one alone")
		for i, size := range s.sizes {
			require.Equal(t, i != 2, size <= 5<<20, s.sizes)
		}
		require.Greater(t, s.sizes[0], 5<<20-2*text)
	})
	t.Run("by a proxy", func(t *testing.T) { // which knows nothing of lines
		t.Parallel()
		asked := 0
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			asked++
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, "<html>plain HTTP was sent to the HTTPS port</html>")
		}))
		t.Cleanup(s.Close)
		err := newSink(t, s.URL, "bucket").Write(t.Context(), batch(500))
		require.ErrorContains(t, err, "400")
		_, permanent := errors.AsType[*queue.PermanentError](err)
		require.False(t, permanent)
		require.Equal(t, 1, asked)
	})
}

// A line that the server quotes may say that it is a verdict, and have quotation
// marks in it: neither changes what becomes of the others nor what is shown.
func TestQuotedLines(t *testing.T) {
	t.Parallel()
	s := newStandIn(t)
	s.answer = func(lines []string) (int, string, string) { // as version 2, which takes nothing then
		for _, line := range lines {
			if strings.Contains(line, "O'Hara") {
				return 400, "invalid: unable to parse '" + line + "': bad timestamp", ""
			}
		}
		return 0, "", ""
	}
	events := batch(3)
	events[1].Add(slog.String("text", `O'Hara "x": partial write: points beyond retention policy dropped=3`), slog.String("iban", "DE44"))
	sink := s.sink(t)
	var said strings.Builder
	m, err := monitor.New(monitor.WithLogger(slog.New(slog.NewTextHandler(&said, nil))))
	require.NoError(t, err)
	require.NoError(t, sink.Watch(m))
	require.NoError(t, sink.Write(t.Context(), events))
	require.Len(t, s.lines, 2)
	require.Contains(t, said.String(), `msg="the store refused points" store=influx points=1 of=3 error="influx: the server answered 400 invalid: unable to parse a line: bad timestamp"`)
	require.EqualError(t, sink.Write(t.Context(), events[1:2]), "influx: the server answered 400 invalid: unable to parse a line: bad timestamp")
}

// What a partial write says was dropped, by the words of each version, is what is
// counted; and nothing of a line is shown.
func TestPartialWrite(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]struct {
		rejected int
		shown    string
	}{
		`partial write: points beyond retention policy dropped=2`:                                                                             {2, ""},
		`partial write: dropped 3 points outside retention policy of duration 1h0m0s`:                                                         {3, ""},
		`partial write: field type conflict: input field "odd" on measurement "query" is type float, already exists as type string dropped=1`: {1, ""},
		`failure writing points to database: partial write: points beyond retention policy dropped=4`:                                         {4, ""},
		`points beyond retention policy`:                           {1, ""},
		`partial write: points beyond retention policy dropped=99`: {5, ""},
		"partial write: unable to parse 'q x=\"O'Hara dropped=5\" 1': invalid number\nunable to parse 'q y=\"unable to parse 'z' DE44\" 2': bad timestamp dropped=0": {2, "partial write: unable to parse a line: bad timestamp dropped=0"},
		`partial write: unable to parse 'q x="O'Hara",iban="DE44`:             {1, "partial write: unable to parse a line"},
		`partial write: unable to parse 'q x="dropped=4 DE44`:                 {1, "partial write: unable to parse a line"},
		`unable to parse 'q x="partial write"': DE44 is not known`:            {0, ""},
		`cannot parse "q,failed=false x=\"partial write\"": cannot find DE44`: {0, ""},
		`can't parse "DE44 partial write"`:                                    {0, ""},
	} {
		t.Run(message, func(t *testing.T) {
			t.Parallel()
			s := newStandIn(t)
			said := false
			s.answer = func(lines []string) (int, string, string) {
				if !said {
					said = true
					return 400, "invalid: " + message, ""
				}
				return 0, "", ""
			}
			sink := s.sink(t)
			m := monitortest.New(t)
			require.NoError(t, sink.Watch(m))
			err := sink.Write(t.Context(), batch(5))
			got := monitortest.Exposition(t, m, "monitor_store_records_total")
			require.Contains(t, got, fmt.Sprintf(`{result="rejected",store="influx"} %d`, want.rejected))
			require.Contains(t, got, fmt.Sprintf(`{result="taken",store="influx"} %d`, 5-want.rejected))
			if want.rejected == 0 {
				require.Len(t, s.lines, 5, "that was no verdict: it was sent again, in halves")
			} else {
				require.Empty(t, s.lines)
			}
			require.Equal(t, want.rejected == 5, err != nil)

			said = false
			err = s.sink(t).Write(t.Context(), batch(1))
			require.Error(t, err)
			require.NotContains(t, err.Error(), "DE44")
			require.Contains(t, err.Error(), cmp.Or(want.shown, message[:12]))
			if want.shown != "" {
				require.NotContains(t, err.Error(), "O'Hara")
			} else if want.rejected > 0 {
				require.Contains(t, err.Error(), message)
			}
		})
	}
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
