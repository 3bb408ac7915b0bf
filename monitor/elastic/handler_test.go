package elastic_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/slogtest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/elastic"
	"github.com/chronoretrace/chronomon/monitor/monitortest"
)

// running returns a store that writes log records at once, and runs it.
func running(t testing.TB, url string, opts ...elastic.Option) (*elastic.Store, *monitor.Monitor) {
	t.Helper()
	s := newStore(t, url, append([]elastic.Option{elastic.WithLogBatch(100, time.Millisecond)}, opts...)...)
	m, err := monitor.New(monitor.WithLogger(monitortest.Logger(t)), monitor.WithGracePeriod(2*time.Second))
	require.NoError(t, err)
	require.NoError(t, s.Watch(m))
	monitortest.Run(t, m, s)
	return s, m
}

// wait returns what was taken when there are n of it.
func wait(t testing.TB, es *standIn, n int) []doc {
	t.Helper()
	require.Eventually(t, func() bool { return len(es.taken()) >= n }, 10*time.Second, time.Millisecond)
	return es.taken()
}

// attributes logs something and returns what arrived of its attributes.
func attributes(t testing.TB, log func(l *slog.Logger)) map[string]any {
	t.Helper()
	es := newStandIn(t)
	s, _ := running(t, es.URL)
	log(slog.New(s.Handler()))
	return wait(t, es, 1)[0].Source["attributes"].(map[string]any)
}

// The standard library's kit for handlers.
func TestSlogtest(t *testing.T) {
	t.Parallel()
	var es *standIn
	slogtest.Run(t, func(t *testing.T) slog.Handler {
		es = newStandIn(t)
		s, _ := running(t, es.URL)
		return s.Handler()
	}, func(t *testing.T) map[string]any {
		src := wait(t, es, 1)[0].Source
		out := map[string]any{"level": src["level"], "msg": src["message"]}
		if at, _ := time.Parse(time.RFC3339Nano, src["@timestamp"].(string)); time.Since(at) < time.Minute && !strings.Contains(t.Name(), "zero-time") {
			out["time"] = at // a document needs one: a record without is of now
		}
		maps.Copy(out, src["attributes"].(map[string]any))
		return out
	})
}

func TestDocument(t *testing.T) {
	t.Parallel()
	es := newStandIn(t)
	s, _ := running(t, es.URL)
	type key struct{}
	h := s.Handler(
		elastic.WithLevel(slog.LevelDebug),
		elastic.WithTraceID(func(ctx context.Context) string { id, _ := ctx.Value(key{}).(string); return id }),
		elastic.WithSpanID(func(context.Context) string { panic("of the host") }),
	)
	l := slog.New(h).With("span_id", "s1", "n", 1).WithGroup("g").With("n", 2)
	l.DebugContext(context.WithValue(t.Context(), key{}, "t1"), "行情 \"x\"\n\xff", "n", 3, "trace_id", "no id within a group",
		"f", 1.5, "d", 1500*time.Millisecond, "err", errors.New("because"), "struct", struct{ A, Password string }{"a", "hunter2"},
		"nil", nil, "func", func() {}, "bad", badMarshaler{}, slog.Group("h", "n", 4, slog.Group("empty")))
	d := wait(t, es, 1)[0]
	require.Equal(t, "chronoretrace-logs-"+time.Now().UTC().Format("2006.01.02"), d.Index)
	src := d.Source
	delete(src, "@timestamp")
	require.Regexp(t, `^elastic/handler_test\.go:\d+$`, src["source"])
	delete(src, "source")
	require.Equal(t, map[string]any{
		"kind": "log", "level": "DEBUG", "message": "行情 \"x\"\n\uFFFD", "trace_id": "t1", "span_id": "s1",
		"attributes": map[string]any{
			"n": 1.0,
			"g": map[string]any{
				"n": 2.0, "n_2": 3.0, "trace_id": "no id within a group", "f": 1.5, "d": 1.5, "err": "because",
				"struct": map[string]any{"A": "a", "Password": "[redacted]"},
				"nil":    nil, "func": "func()", "bad": "panicked: elastic_test.badMarshaler", "h": map[string]any{"n": 4.0},
			},
		},
	}, src)
}

type badMarshaler struct{}

// MarshalText implements encoding.TextMarshaler.
func (badMarshaler) MarshalText() ([]byte, error) { panic("of the host") }

// Nothing secret leaves, wherever it is.
func TestRedaction(t *testing.T) {
	t.Parallel()
	const secret = "hunter2hunter2"
	es := newStandIn(t)
	s, _ := running(t, es.URL, elastic.WithRedact("Konto-Nummer"))
	l := slog.New(s.Handler()).With("db_password", secret).WithGroup("http").With("Authorization", "Bearer "+secret)
	l.Info("GET https://user:"+secret+"@example.com/x?api_key="+secret+"&q=1 with Bearer "+secret,
		"X-Auth-Token", secret, "konto_nummer", secret, "cookie", slog.GroupValue(slog.String("sid", secret)),
		"err", fmt.Errorf("dial postgres://quotes:%s@db/quotes: password=%s is wrong", secret, secret),
		"body", map[string]any{"list": []any{map[string]any{"clientSecret": secret, "q": "text token: " + secret}}},
		"json", `{"password": "`+secret+`"}`,
		"valuer", valuer{slog.GroupValue(slog.String("apiKey", secret))},
		"monkey", "banana", "tokens", 5, "text", "a password is asked for")
	e := monitor.Event{Kind: monitor.KindRequest, Name: "x"}
	e.Add(slog.String("dsn", secret), slog.String("text", "Basic "+secret))
	require.NoError(t, s.Write(t.Context(), []monitor.Event{e}))
	docs := wait(t, es, 2)
	for _, d := range docs {
		require.NotContains(t, fmt.Sprint(d.Source), secret)
	}
	for _, d := range docs {
		if d.Source["kind"] == "log" {
			require.Equal(t, "GET https://[redacted]@example.com/x?api_key=[redacted]&q=1 with Bearer [redacted]", d.Source["message"])
			in := d.Source["attributes"].(map[string]any)["http"].(map[string]any)
			require.Equal(t, []any{"banana", 5.0, "a password is asked for"}, []any{in["monkey"], in["tokens"], in["text"]})
		}
	}
}

// A group of a secret's name is one, whoever opened it, and one that is too deep is
// no reason to refuse the document.
func TestClosedGroups(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	for name, log := range map[string]func(l *slog.Logger){
		"attribute": func(l *slog.Logger) {
			l.Info("x", slog.Group("credentials", "trace_id", secret, "a", slog.GroupValue(slog.String("b", secret))))
		},
		"record": func(l *slog.Logger) { l.WithGroup("credentials").Info("x", "trace_id", secret, "a", secret) },
		"handler": func(l *slog.Logger) {
			l.WithGroup("credentials").With("trace_id", secret).WithGroup("g").With("a", secret).Info("x", "a", secret)
		},
		"group within": func(l *slog.Logger) { l.WithGroup("credentials").WithGroup("g").Info("x", "a", secret, "b", secret) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			es := newStandIn(t)
			s, _ := running(t, es.URL)
			log(slog.New(s.Handler()))
			src := wait(t, es, 1)[0].Source
			require.NotContains(t, src, "trace_id")
			require.Equal(t, map[string]any{"credentials": "[redacted]"}, src["attributes"])
		})
	}
	got := attributes(t, func(l *slog.Logger) {
		for range 30 {
			l = l.WithGroup("g")
		}
		l.Info("x", "a", 1, "b", 2)
	})
	depth := 0
	for ; got["g"] != "[too deep]"; depth++ {
		got = got["g"].(map[string]any)
	}
	require.Equal(t, 8, depth)
}

// A store that nobody runs says so, once, and its Close names what is lost.
func TestNotRun(t *testing.T) {
	t.Parallel()
	const said = "log records wait for their store, which is not run"
	setup := func(t *testing.T, url string, waiting int) (m *monitor.Monitor, l *slog.Logger, said func() string, s *elastic.Store) {
		s, err := elastic.New([]string{url}, elastic.WithLogQueue(waiting, 0), elastic.WithLogBatch(1, time.Millisecond))
		require.NoError(t, err)
		var out strings.Builder
		m, err = monitor.New(monitor.WithLogger(slog.New(slog.NewMultiHandler(slog.NewTextHandler(&out, nil), s.Handler()))))
		require.NoError(t, err)
		require.NoError(t, s.Watch(m))
		return m, slog.New(s.Handler()), out.String, s
	}
	t.Run("time", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			_, l, out, s := setup(t, "http://127.0.0.1:1", 100)
			for range 3 {
				l.Info("x")
				time.Sleep(25 * time.Second)
			}
			require.Empty(t, out())
			l.Info("x")
			l.Info("x")
			require.Equal(t, 1, strings.Count(out(), said))
			require.EqualError(t, s.Close(), "elastic: close: 5 log records were not sent: the store was not run")
		})
	})
	t.Run("room", func(t *testing.T) {
		t.Parallel()
		_, l, out, s := setup(t, "http://127.0.0.1:1", 2)
		l.Info("x")
		l.Info("x")
		require.Empty(t, out())
		l.Info("x")
		require.Equal(t, 1, strings.Count(out(), said))
		require.Error(t, s.Close())
	})
	t.Run("run", func(t *testing.T) {
		t.Parallel()
		es := newStandIn(t)
		m, l, out, s := setup(t, es.URL, 1)
		l.Info("waits for Run")
		t.Run("", func(t *testing.T) {
			monitortest.Run(t, m, s)
			wait(t, es, 1)
			for range 1000 {
				l.Info("x")
			}
			require.NotContains(t, monitortest.Exposition(t, m, "monitor_store_logs_dropped_total"), `{reason="queue_full",store="elastic"} 0`)
		})
		require.NotContains(t, out(), said)
		require.NoError(t, s.Close())
	})
}

// Of credentials in a URL nothing is left, whatever is in them.
func TestRedactionOfURLs(t *testing.T) {
	t.Parallel()
	got := attributes(t, func(l *slog.Logger) {
		l.Info("x", "at", "a://u:p@ss@host/x", "slash", "a://u:p/ss@host/x", "user", "a://u@host/x", "path", "a://host/@u", "port", "a://host:80/u",
			"cut", strings.Repeat("x", 32<<10-12)+" a://u:hunter2@host/",
			"deep", deep(30), "groups", slog.GroupValue(deepGroup(30)))
	})
	require.Equal(t, "a://[redacted]@host/x", got["at"])
	require.Equal(t, "a://[redacted]@host/x", got["slash"])
	require.Equal(t, "a://[redacted]@host/x", got["user"])
	require.Equal(t, "a://host/@u", got["path"])
	require.Equal(t, "a://host:80/u", got["port"])
	require.NotContains(t, got["cut"], "hun")
	require.Contains(t, fmt.Sprint(got["deep"]), "[too deep]")
	require.Contains(t, fmt.Sprint(got["groups"]), "[too deep]")
}

func deep(n int) any {
	if n == 0 {
		return "end"
	}
	return map[string]any{"": []any{deep(n - 1)}}
}

func deepGroup(n int) slog.Attr {
	if n == 0 {
		return slog.String("end", "")
	}
	return slog.Group("g", deepGroup(n-1))
}

// With the monitor off nothing is taken.
func TestOff(t *testing.T) {
	t.Parallel()
	s := newStore(t, "http://127.0.0.1:1")
	m, err := monitor.New(monitor.WithDisabled())
	require.NoError(t, err)
	require.NoError(t, s.Watch(m))
	monitortest.Run(t, m, s)
	require.False(t, s.Handler().Enabled(t.Context(), slog.LevelError))

	s, err = elastic.New([]string{"http://127.0.0.1:1"})
	require.NoError(t, err)
	require.NoError(t, s.Watch(m))
	require.NoError(t, s.Handler().Handle(t.Context(), slog.Record{}))
	require.NoError(t, s.Close(), "nothing waits")
}

// Handlers derived from one share nothing of what they were given, and a record
// without a time is of now.
func TestDerivedHandlers(t *testing.T) {
	t.Parallel()
	es := newStandIn(t)
	s, _ := running(t, es.URL)
	base := s.Handler()
	for i := range 5 { // with room behind what it has
		base = base.WithAttrs([]slog.Attr{slog.Int(fmt.Sprint("base", i), i)}).WithGroup(fmt.Sprint("g", i))
	}
	var all []slog.Handler
	for i := range 3 {
		all = append(all, base.WithAttrs([]slog.Attr{slog.Int("own", i)}), base.WithGroup(fmt.Sprint("own", i)))
	}
	for i, h := range all {
		r := slog.Record{Message: strconv.Itoa(i)}
		r.AddAttrs(slog.Int("last", i))
		require.NoError(t, h.Handle(t.Context(), r))
	}
	for i, d := range wait(t, es, len(all)) {
		at, err := time.Parse(time.RFC3339Nano, d.Source["@timestamp"].(string))
		require.NoError(t, err)
		require.WithinDuration(t, time.Now(), at, time.Minute)
		in := d.Source["attributes"].(map[string]any)
		for g := range 5 {
			require.Equal(t, float64(g), in[fmt.Sprint("base", g)])
			in = in[fmt.Sprint("g", g)].(map[string]any)
		}
		want := map[string]any{"own": float64(i / 2), "last": float64(i)}
		if i%2 == 1 {
			want = map[string]any{fmt.Sprint("own", i/2): map[string]any{"last": float64(i)}}
		}
		require.Equal(t, want, in)
	}
}

type valuer struct{ v slog.Value }

// LogValue implements slog.LogValuer.
func (v valuer) LogValue() slog.Value { return v.v }

// As the monitor's log handler adds them, ids have their place.
func TestBehindLogHandler(t *testing.T) {
	t.Parallel()
	es := newStandIn(t)
	s, m := running(t, es.URL)
	h := m.LogHandler(slog.NewMultiHandler(slog.NewTextHandler(io.Discard, nil), s.Handler()),
		monitor.WithLogTraceID(func(context.Context) string { return "t1" }), monitor.WithLogRequestID(func(context.Context) string { return "r1" }))
	slog.New(h).WithGroup("g").Info("x", "a", 1)
	src := wait(t, es, 1)[0].Source
	require.Equal(t, "t1", src["trace_id"])
	require.Equal(t, "r1", src["request_id"])
	require.Equal(t, map[string]any{"g": map[string]any{"a": 1.0}}, src["attributes"])
}

// A log record is there once, though the sink takes events of all kinds.
func TestOnce(t *testing.T) {
	t.Parallel()
	es := newStandIn(t)
	s := newStore(t, es.URL, elastic.WithLogBatch(1, time.Millisecond))
	log := monitor.Event{Kind: monitor.KindLog, Name: "a.go:1", Time: time.Now()}
	require.NoError(t, s.Write(t.Context(), []monitor.Event{log}))
	require.Len(t, es.taken(), 1, "without a handler events are all there is")
	m, err := monitor.New(monitor.WithLogger(slog.New(slog.DiscardHandler)),
		monitor.WithSink("elastic", s, monitor.WithKinds(monitor.Kinds()...), monitor.WithBatch(1, time.Millisecond)))
	require.NoError(t, err)
	l := slog.New(m.LogHandler(s.Handler()))
	monitortest.Run(t, m, s)
	for i := range 3 {
		l.Error("broken", "n", i)
	}
	m.Record(monitor.Event{Kind: monitor.KindMark, Name: "last"})
	logs := func() (n int, last bool) {
		for _, d := range es.taken() {
			if d.Source["kind"] == "log" {
				n++
			}
			last = last || d.Source["name"] == "last"
		}
		return n, last
	}
	require.Eventually(t, func() bool { n, last := logs(); return n >= 4 && last }, 10*time.Second, 10*time.Millisecond)
	time.Sleep(200 * time.Millisecond) // for what must not come
	require.NoError(t, s.Write(t.Context(), []monitor.Event{log}))
	n, _ := logs()
	require.Equal(t, 4, n)
}

// Ever so many attributes, and texts of any length, make a document of a
// bounded size that Elasticsearch takes.
func TestBounds(t *testing.T) {
	t.Parallel()
	got := attributes(t, func(l *slog.Logger) {
		var many []any
		for i := range 1000 {
			many = append(many, slog.String(fmt.Sprint("k", i), strings.Repeat("x", 1000)))
		}
		l.Info(strings.Repeat("y", 1<<20), many...)
	})
	require.Len(t, got, 256)
	got = attributes(t, func(l *slog.Logger) {
		for i := range 30 {
			l = l.With(slog.String(fmt.Sprint("k", i), strings.Repeat("x", 32<<10)))
		}
		l.Info("")
	})
	require.Len(t, got, 512/32, "half a megabyte and no more")
	got = attributes(t, func(l *slog.Logger) {
		l.Info("", "big", strings.Repeat("é", 1<<20), strings.Repeat("k", 5000), 1, "", 2, "", 3)
		for range 20 {
			l = l.WithGroup("g")
		}
	})
	require.Len(t, got["big"], 32<<10)
	require.Equal(t, []any{2.0, 3.0}, []any{got["_"], got["__2"]})
}

// A store that takes nothing costs records, which are counted, and nothing else;
// and its handler does not take what it says about that.
func TestFullAndDown(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	es := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(es.Close)
	t.Cleanup(func() { close(release) })
	s := newStore(t, es.URL, elastic.WithLogQueue(10, 0), elastic.WithLogDrain(200*time.Millisecond), elastic.WithLogBatch(5, time.Millisecond))
	h := s.Handler()
	m, err := monitor.New(monitor.WithLogger(slog.New(slog.NewMultiHandler(h, slog.NewTextHandler(io.Discard, nil)))), monitor.WithGracePeriod(time.Second))
	require.NoError(t, err)
	require.NoError(t, s.Watch(m))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx, s) }()
	l := slog.New(h)
	start := time.Now()
	for range 1000 {
		l.Info("x")
	}
	require.Less(t, time.Since(start), time.Second)
	cancel()
	require.NoError(t, <-done)
	l.Info("late")
	text := monitortest.Exposition(t, m, "monitor_store_logs_dropped_total")
	var full, shutdown, stopped int
	for line := range strings.Lines(text) {
		for reason, n := range map[string]*int{"queue_full": &full, "shutdown": &shutdown, "stopped": &stopped} {
			if strings.Contains(line, `reason="`+reason+`"`) {
				_, err := fmt.Sscan(line[strings.LastIndexByte(line, ' ')+1:], n)
				require.NoError(t, err)
			}
		}
	}
	require.GreaterOrEqual(t, full, 900)
	require.Equal(t, 1001, full+shutdown+stopped, text)
	require.GreaterOrEqual(t, stopped, 1)
}
