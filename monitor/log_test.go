package monitor_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/slogtest"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor"
)

type idKey struct{}

// id finds what withID put in a context.
func id(ctx context.Context) string {
	s, _ := ctx.Value(idKey{}).(string)
	return s
}

func withID(ctx context.Context, s string) context.Context {
	return context.WithValue(ctx, idKey{}, s)
}

// written returns the records that a JSON handler has written.
func written(t *testing.T, b *bytes.Buffer) (out []map[string]any) {
	t.Helper()
	for line := range bytes.Lines(b.Bytes()) {
		record := map[string]any{}
		require.NoError(t, json.Unmarshal(line, &record), "%s", line)
		out = append(out, record)
	}
	return out
}

func TestLogHandlerKeepsTheContract(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]monitor.LogOption{
		"plain": nil,
		"ids": {
			monitor.WithLogTraceID(func(context.Context) string { return "4bf92f35" }),
			monitor.WithLogRequestID(func(context.Context) string { return "r-1" }),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			m := plain(t, monitor.WithSink("all", monitor.SinkFunc(func(context.Context, []monitor.Event) error { return nil })))
			h := m.LogHandler(slog.NewJSONHandler(&b, nil), opts...)
			require.NoError(t, slogtest.TestHandler(h, func() []map[string]any {
				out := written(t, &b)
				for _, r := range out { // the contract's tests know nothing of ids
					if len(opts) > 0 {
						require.Equal(t, "4bf92f35", r["trace_id"])
						require.Equal(t, "r-1", r["request_id"])
					}
					delete(r, "trace_id")
					delete(r, "request_id")
				}
				return out
			}))
		})
	}
}

// line returns "monitor/log_test.go:n" for the line of its caller plus skip.
func line(plus int) string {
	_, _, n, _ := runtime.Caller(1)
	return "monitor/log_test.go:" + strconv.Itoa(n+plus)
}

func TestLogHandlerCountsByLevelAndLine(t *testing.T) {
	t.Parallel()
	m := plain(t)
	logger := slog.New(m.LogHandler(slog.NewTextHandler(io.Discard, nil)))
	for range 3 {
		logger.Info("one")
	}
	one := line(-2)
	for _, l := range []slog.Level{slog.LevelInfo, slog.LevelInfo + 1, slog.LevelWarn, slog.LevelError, slog.LevelError + 4} {
		logger.With("a", 1).WithGroup("g").Log(t.Context(), l, "two")
	}
	two := line(-2)
	logger.Debug("not wanted, not counted")
	require.NoError(t, logger.Handler().Handle(t.Context(), slog.NewRecord(time.Time{}, slog.LevelDebug, "by hand", 0)))
	require.Equal(t, map[string]float64{
		`log_messages_total{level="info",source="` + one + `"}`:  3,
		`log_messages_total{level="info",source="` + two + `"}`:  2,
		`log_messages_total{level="warn",source="` + two + `"}`:  1,
		`log_messages_total{level="error",source="` + two + `"}`: 2,
		`log_messages_total{level="debug",source="unknown"}`:     1,
	}, logged(t, m))
}

// logged returns the counts of log records.
func logged(t *testing.T, m *monitor.Monitor) map[string]float64 {
	t.Helper()
	out := map[string]float64{}
	for series, v := range samples(t, m) {
		if strings.HasPrefix(series, "log_messages_total") {
			out[series] = v
		}
	}
	return out
}

func TestLogHandlerBoundsLines(t *testing.T) {
	t.Parallel()
	m := plain(t)
	h := m.LogHandler(nil, monitor.WithLogSources(2))
	logger := slog.New(h)
	for range 5 {
		logger.Info("a")
		logger.Info("b")
		logger.Info("c")
		logger.Error("d")
	}
	got := logged(t, m)
	require.Len(t, got, 4, "two lines, and others with two levels: %v", got)
	require.Equal(t, 5.0, got[`log_messages_total{level="info",source="other"}`])
	require.Equal(t, 5.0, got[`log_messages_total{level="error",source="other"}`])
	require.Equal(t, 10.0, value(t, m, `monitor_label_overflow_total{label="source",metric="log_messages_total"}`), "each use")
}

func TestLogHandlerAddsIDsOutsideOfGroups(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	m := plain(t)
	logger := slog.New(m.LogHandler(slog.NewJSONHandler(&b, nil),
		monitor.WithLogTraceID(id), monitor.WithLogRequestID(func(ctx context.Context) string {
			if id(ctx) == "" {
				return ""
			}
			return "r-" + id(ctx)
		})))
	ctx := withID(t.Context(), "t1")
	logger.InfoContext(ctx, "plain", "k", 1)
	logger.With("w", 1).InfoContext(ctx, "with", "k", 1)
	grouped := logger.With("w", 1).WithGroup("g").With("x", 2).WithGroup("h")
	grouped.InfoContext(ctx, "grouped", "k", 3)
	grouped.With("y", 4).InfoContext(ctx, "a branch", "k", 3)
	grouped.InfoContext(ctx, "grouped again", "k", 3)
	grouped.Info("without")
	logger.InfoContext(ctx, "many", "a", 1, "b", 2, "c", 3, "d", 4, "e", 5, "f", 6)
	records := written(t, &b)
	for i, r := range records {
		delete(r, "time")
		delete(r, "level")
		if i == 5 {
			require.NotContains(t, r, "trace_id")
			require.NotContains(t, r, "request_id")
			continue
		}
		require.Equal(t, "t1", r["trace_id"], r)
		require.Equal(t, "r-t1", r["request_id"], r)
		delete(r, "trace_id")
		delete(r, "request_id")
	}
	require.Equal(t, []map[string]any{
		{"msg": "plain", "k": 1.0},
		{"msg": "with", "w": 1.0, "k": 1.0},
		{"msg": "grouped", "w": 1.0, "g": map[string]any{"x": 2.0, "h": map[string]any{"k": 3.0}}},
		{"msg": "a branch", "w": 1.0, "g": map[string]any{"x": 2.0, "h": map[string]any{"y": 4.0, "k": 3.0}}},
		{"msg": "grouped again", "w": 1.0, "g": map[string]any{"x": 2.0, "h": map[string]any{"k": 3.0}}},
		{"msg": "without", "w": 1.0, "g": map[string]any{"x": 2.0}},
		{"msg": "many", "a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0, "e": 5.0, "f": 6.0},
	}, records)
}

// changing is an error whose text changes.
type changing struct{ text atomic.Pointer[string] }

func (c *changing) Error() string { return *c.text.Load() }

// oddError panics when it is asked.
type oddError struct{}

func (oddError) Error() string { panic("oops") }

func TestLogHandlerMakesEventsOfErrors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sink recorder
		m, stop := started(t, monitor.WithSink("all", &sink, monitor.WithKinds(monitor.KindLog)), monitor.WithSampling(monitor.KindLog, 0))
		logger := slog.New(m.LogHandler(slog.NewTextHandler(io.Discard, nil), monitor.WithLogTraceID(id), monitor.WithLogRequestID(id)))
		ctx := withID(t.Context(), "t1")
		moving := &changing{}
		moving.text.Store(new("disk full"))
		logger.WarnContext(ctx, "no event")
		logger.With("err", io.EOF, "tenant", "cn").WithGroup("g").ErrorContext(ctx, "save failed", "error", moving, "password", "secret", "n", 1)
		where := line(-1)
		moving.text.Store(new("changed"))
		logger.Error("odd", "error", oddError{})
		require.NoError(t, stop())

		require.Len(t, sink.events, 2, "kept, whatever the sampling")
		e := sink.events[0]
		require.Equal(t, monitor.KindLog, e.Kind)
		require.Equal(t, "log", e.Kind.String())
		require.Equal(t, where, e.Name)
		require.Equal(t, "t1", e.TraceID)
		require.True(t, e.Failed)
		require.False(t, e.Time.IsZero())
		var attrs []string
		for a := range e.Attrs() {
			attrs = append(attrs, a.String())
		}
		require.Equal(t, []string{"level=ERROR", "message=save failed", "request_id=t1", "err=EOF", "error=disk full"}, attrs)
		text, ok := sink.events[1].Attr("error")
		require.True(t, ok)
		require.NotContains(t, text.String(), "secret")
	})
}

func TestLogHandlerEventOptions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sink recorder
		m, stop := started(t, monitor.WithSink("all", &sink, monitor.WithKinds(monitor.KindLog)))
		logger := slog.New(m.LogHandler(nil, monitor.WithLogEvents(slog.LevelWarn), monitor.WithLogEventAttrs("symbol"), nil,
			monitor.WithLogTraceID(nil), monitor.WithLogRequestID(nil)))
		logger.Info("no event")
		logger.Warn("stale", "symbol", "600519", "error", io.EOF)
		require.NoError(t, stop())
		require.Len(t, sink.events, 1)
		require.False(t, sink.events[0].Failed)
		symbol, _ := sink.events[0].Attr("symbol")
		require.Equal(t, "600519", symbol.String())
		_, ok := sink.events[0].Attr("error")
		require.False(t, ok)
	})
}

// late is a handler that is chosen after its logger was made.
type late struct{ slog.Handler }

// TestLogHandlerUnderTheMonitorsLogger: the monitor reports a failing sink
// through the handler that feeds the sink, and a panicking function through the
// handler that calls the function.
func TestLogHandlerUnderTheMonitorsLogger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		var writes atomic.Int64
		h := &late{slog.NewTextHandler(&b, nil)}
		m, err := monitor.New(monitor.WithLogger(slog.New(h)), monitor.WithSink("bad",
			monitor.SinkFunc(func(context.Context, []monitor.Event) error { writes.Add(1); panic("no room") }),
			monitor.WithKinds(monitor.KindLog)))
		require.NoError(t, err)
		var mu sync.Mutex
		h.Handler = m.LogHandler(lockedHandler{h.Handler, &mu}, monitor.WithLogTraceID(func(context.Context) string { panic("no trace") }))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- m.Run(ctx) }()

		slog.New(h).Error("the host's")
		time.Sleep(time.Hour)
		require.LessOrEqual(t, writes.Load(), int64(3), "tried again, but not for its own trouble")
		cancel()
		require.NoError(t, <-done)
		mu.Lock()
		defer mu.Unlock()
		require.Contains(t, b.String(), "the host's")
		require.Equal(t, 1, strings.Count(b.String(), "monitor.WithLogTraceID"), "%s", b.String())
		require.Equal(t, 1.0, value(t, m, `monitor_callback_panics_total{callback="monitor.WithLogTraceID"}`))
		require.Equal(t, 1.0, value(t, m, `monitor_events_total{kind="log"}`))
		require.Greater(t, len(logged(t, m)), 2, "its records are counted all the same")
	})
}

type lockedHandler struct {
	slog.Handler
	mu *sync.Mutex
}

func (h lockedHandler) Handle(ctx context.Context, r slog.Record) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.Handler.Handle(ctx, r)
}

// TestLogHandlerAskedByWhatItAsks: a function that logs is not called for its
// own records.
func TestLogHandlerAskedByWhatItAsks(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	m := plain(t)
	var logger *slog.Logger
	var calls atomic.Int64
	logger = slog.New(m.LogHandler(slog.NewTextHandler(&b, nil), monitor.WithLogTraceID(func(ctx context.Context) string {
		calls.Add(1)
		logger.InfoContext(ctx, "no trace here")
		logger.WithGroup("g").Info("nor here")
		return "t1"
	})))
	for n := range 3 {
		logger.Info("hello")
		require.EqualValues(t, n+1, calls.Load())
	}
	require.Equal(t, 9, strings.Count(b.String(), "\n"))
	require.Equal(t, 3, strings.Count(b.String(), "msg=hello trace_id=t1"))
	require.Equal(t, 3, strings.Count(b.String(), "trace_id"))
}

// TestLogHandlerAsksForEverybody: however many wait for a slow function at once.
func TestLogHandlerAsksForEverybody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const many = 500
		var b bytes.Buffer
		var here, all sync.WaitGroup
		here.Add(many)
		logger := slog.New(plain(t).LogHandler(slog.NewTextHandler(&b, nil), monitor.WithLogTraceID(func(context.Context) string {
			here.Done()
			here.Wait() // until all are here
			return "t1"
		})))
		for range many {
			all.Go(func() { logger.Info("hello") })
		}
		all.Wait()
		require.Equal(t, many, strings.Count(b.String(), "trace_id=t1"))
	})
}

// TestLogHandlerUnderASink: what a sink logs of its own trouble makes no events,
// or not many.
func TestLogHandlerUnderASink(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ctx         func(context.Context) context.Context
		first, most int // events after the first and in all the seconds
	}{
		"that says so":              {monitor.WithoutLogEvents, 1, 1},
		"that hands on its context": {func(ctx context.Context) context.Context { return ctx }, 1, 1},
		"that says nothing":         {func(context.Context) context.Context { return nil }, 100, 1 + 6*200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var logger *slog.Logger
				var seen atomic.Int64
				m, stop := started(t, monitor.WithSink("bad", monitor.SinkFunc(func(ctx context.Context, batch []monitor.Event) error {
					for range batch {
						seen.Add(1)
						for range 2 {
							logger.ErrorContext(c.ctx(ctx), "cannot write")
							logger.ErrorContext(c.ctx(ctx), "cannot write it at all")
						}
					}
					return nil
				}), monitor.WithKinds(monitor.KindLog), monitor.WithBatch(10, time.Millisecond)))
				logger = slog.New(m.LogHandler(nil))
				logger.Error("the host's")
				time.Sleep(5 * time.Second)
				require.GreaterOrEqual(t, seen.Load(), int64(c.first))
				require.LessOrEqual(t, seen.Load(), int64(c.most))
				dropped := samples(t, m)[`monitor_events_dropped_total{reason="repeated",sink="bad"}`]
				require.Equal(t, c.most > 1, dropped > 0, "what is left out is counted")
				require.NoError(t, stop())
			})
		})
	}
}

func TestLogHandlerBoundsEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sink recorder
		m, stop := started(t, monitor.WithSink("all", &sink, monitor.WithKinds(monitor.KindLog)))
		long := strings.Repeat("é", 5000)
		logger := slog.New(m.LogHandler(nil, monitor.WithLogTraceID(func(context.Context) string { return long })))
		logger.Error(strings.Repeat("x", 8<<10), "error", "x"+long)
		logger.Error("\xbf\xbf" + strings.Repeat("\xbf", 10_000))
		var many []any
		for range 1000 {
			many = append(many, slog.String("error", "e"))
		}
		logger.With(many...).Error("many", many...)
		require.NoError(t, stop())
		require.Len(t, sink.events, 3)
		for _, e := range sink.events {
			n := 0
			require.LessOrEqual(t, len(e.TraceID), 8<<10)
			for a := range e.Attrs() {
				n++
				require.LessOrEqual(t, len(a.Value.String()), 8<<10)
			}
			require.LessOrEqual(t, n, 2+16)
		}
		message, _ := sink.events[0].Attr("message")
		require.Equal(t, strings.Repeat("x", 8<<10), message.String(), "it just fits")
		text, _ := sink.events[0].Attr("error")
		require.True(t, utf8.ValidString(text.String()))
		require.True(t, strings.HasSuffix(text.String(), "é… (clipped from 10001 bytes)"), "%.100q", text)
		require.Greater(t, len(text.String()), 8<<10-utf8.UTFMax)
	})
}

// TestLogHandlerRedactsEvents, and leaves records as they are.
func TestLogHandlerRedactsEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sink recorder
		m, stop := started(t, monitor.WithSink("all", &sink, monitor.WithKinds(monitor.KindLog)))
		var next bytes.Buffer
		logger := slog.New(m.LogHandler(slog.NewTextHandler(&next, nil), monitor.WithLogEventAttrs("err", "X-Auth-Token")))
		const secret = "hunter2hunter2"
		logger.With("X-Auth-Token", secret).Error("login with password="+secret+" failed",
			"err", errors.New("dial postgres://quotes:"+secret+"@db/quotes: refused"), "password", secret)
		logger.Error("token=" + secret + strings.Repeat("x", 20_000))
		logger.Error(strings.Repeat("x", 8<<10-10) + " a://u:" + secret + "@host " + strings.Repeat("é", 20_000))
		require.NoError(t, stop())
		require.Len(t, sink.events, 3)
		require.Equal(t, 6, strings.Count(next.String(), secret))
		var got []string
		for a := range sink.events[0].Attrs() {
			got = append(got, a.String())
		}
		require.Equal(t, []string{
			"level=ERROR", "message=login with password=[redacted] failed", "X-Auth-Token=[redacted]",
			"err=dial postgres://[redacted]@db/quotes: refused",
		}, got)
		message, _ := sink.events[1].Attr("message")
		require.Equal(t, "token=[redacted]… (clipped from 20020 bytes)", message.String())
		message, _ = sink.events[2].Attr("message")
		require.NotContains(t, message.String(), "hunter2")
		require.LessOrEqual(t, len(message.String()), 8<<10)
		require.True(t, utf8.ValidString(message.String()))
	})
}

// TestLogHandlerFindsAttrsInGroupsWithoutAName: package slog takes those for the
// record's own.
func TestLogHandlerFindsAttrsInGroupsWithoutAName(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sink recorder
		m, stop := started(t, monitor.WithSink("all", &sink, monitor.WithKinds(monitor.KindLog)))
		logger := slog.New(m.LogHandler(nil))
		inline := slog.Group("", slog.Group("", slog.String("error", "disk full")), slog.String("password", "secret"))
		logger.Error("record", inline)
		logger.With(inline).Error("with")
		logger.WithGroup("g").Error("group", inline)
		logger.Error("valuer", slog.Any("", valuer(slog.GroupValue(slog.String("error", "disk full")))))
		logger.Error("named", slog.Group("g", slog.String("error", "disk full")))
		logger.Error("itself", slog.Any("", itself{}), slog.Any("", oddValuer{}))
		logger.Error("a group", slog.Group("error", slog.Int("code", 5)))
		require.NoError(t, stop())
		require.Len(t, sink.events, 7)
		var got []string
		for _, e := range sink.events {
			text, _ := e.Attr("error")
			got = append(got, text.String())
			_, ok := e.Attr("password")
			require.False(t, ok)
		}
		require.Equal(t, []string{"disk full", "disk full", "disk full", "disk full", "<nil>", "<nil>", "[code=5]"}, got)
	})
}

type valuer slog.Value

func (v valuer) LogValue() slog.Value { return slog.Value(v) }

// itself is a group that holds itself.
type itself struct{}

func (itself) LogValue() slog.Value { return slog.GroupValue(slog.Any("", itself{})) }

type oddValuer struct{}

func (oddValuer) LogValue() slog.Value { panic("oops") }

// TestLogHandlerWithANilLevel: a nil pointer in an interface is nil too.
func TestLogHandlerWithANilLevel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sink recorder
		var level *slog.LevelVar
		m, stop := started(t, monitor.WithSink("all", &sink, monitor.WithKinds(monitor.KindLog)))
		logger := slog.New(m.LogHandler(nil, monitor.WithLogEvents(level)))
		logger.Warn("no event")
		logger.Error("an event")
		require.NoError(t, stop())
		require.Len(t, sink.events, 1)
	})
}

func TestLogHandlerOff(t *testing.T) {
	t.Parallel()
	m := plain(t, monitor.WithDisabled())
	next := slog.NewTextHandler(io.Discard, nil)
	require.Same(t, next, m.LogHandler(next))
	require.True(t, m.LogHandler(nil).Enabled(t.Context(), slog.LevelDebug), "never nil")
}

func TestLogHandlerWithoutItsMetric(t *testing.T) {
	t.Parallel()
	m := plain(t)
	m.Registerer().MustRegister(prometheus.NewCounter(prometheus.CounterOpts{Name: "log_messages_total", Help: "the host's"}))
	var b bytes.Buffer
	slog.New(m.LogHandler(slog.NewTextHandler(&b, nil))).Error("still written")
	require.Contains(t, b.String(), "still written")
}

func TestTwoLogHandlersCountTogether(t *testing.T) {
	t.Parallel()
	m := plain(t)
	for range 2 {
		slog.New(m.LogHandler(nil)).Info("hello")
	}
	require.Equal(t, 2.0, logged(t, m)[`log_messages_total{level="info",source="`+line(-2)+`"}`])
}

func TestLogHandlerPassesErrorsOn(t *testing.T) {
	t.Parallel()
	full := errors.New("full")
	h := plain(t).LogHandler(failing{slog.NewTextHandler(io.Discard, nil), full})
	require.ErrorIs(t, h.Handle(t.Context(), slog.NewRecord(time.Now(), slog.LevelError, "x", 0)), full)
}

type failing struct {
	slog.Handler
	err error
}

func (f failing) Handle(context.Context, slog.Record) error { return f.err }

func TestLogHandlerConcurrently(t *testing.T) {
	t.Parallel()
	m := plain(t)
	logger := slog.New(m.LogHandler(slog.NewTextHandler(io.Discard, nil), monitor.WithLogTraceID(id)))
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			l := logger.WithGroup("g").With("i", i)
			ctx := withID(t.Context(), strconv.Itoa(i))
			for range 500 {
				l.InfoContext(ctx, "hello", "k", 1)
			}
		})
	}
	wg.Wait()
	require.Equal(t, 4000.0, sum(t, m, "log_messages_total"))
}

// nothing is the cheapest handler of records at Info and above.
type nothing struct{}

func (nothing) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelInfo }
func (nothing) Handle(context.Context, slog.Record) error    { return nil }
func (h nothing) WithAttrs([]slog.Attr) slog.Handler         { return h }
func (h nothing) WithGroup(string) slog.Handler              { return h }

// TestLogHandlerAllocatesNothing must not run beside others: it counts the
// allocations of the process.
func TestLogHandlerAllocatesNothing(t *testing.T) {
	if logRace {
		t.Skip("the race detector allocates")
	}
	m := plain(t)
	ctx := withID(t.Context(), "t1")
	for name, c := range map[string]struct {
		opts []monitor.LogOption
		log  func(*slog.Logger)
	}{
		"a level that is off": {nil, func(l *slog.Logger) { l.DebugContext(ctx, "hello", slog.Int("n", 1)) }},
		"counting":            {nil, func(l *slog.Logger) { l.LogAttrs(ctx, slog.LevelError, "hello", slog.Int("n", 1)) }},
		"ids": {[]monitor.LogOption{monitor.WithLogTraceID(id), monitor.WithLogRequestID(id)}, func(l *slog.Logger) {
			l.LogAttrs(ctx, slog.LevelError, "hello", slog.Int("n", 1))
		}},
	} {
		bare, ours := slog.New(nothing{}), slog.New(m.LogHandler(nothing{}, c.opts...))
		c.log(ours) // the line is new once
		require.Equal(t, testing.AllocsPerRun(100, func() { c.log(bare) }), testing.AllocsPerRun(100, func() { c.log(ours) }), name)
	}
}

func BenchmarkLogHandler(b *testing.B) {
	m, err := monitor.New()
	require.NoError(b, err)
	ctx := withID(b.Context(), "t1")
	for name, h := range map[string]slog.Handler{
		"bare": nothing{}, "counted": m.LogHandler(nothing{}), "ids": m.LogHandler(nothing{}, monitor.WithLogTraceID(id)),
	} {
		b.Run(name, func(b *testing.B) {
			l := slog.New(h)
			b.ReportAllocs()
			for b.Loop() {
				l.LogAttrs(ctx, slog.LevelInfo, "hello", slog.Int("n", 1))
			}
		})
	}
}
