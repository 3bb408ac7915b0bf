package monitor_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor"
)

// recorder is a sink that remembers.
type recorder struct {
	mu     sync.Mutex
	events []monitor.Event // guarded by mu
	fail   error           // guarded by mu
}

func (r *recorder) Write(_ context.Context, batch []monitor.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail != nil {
		return r.fail
	}
	r.events = append(r.events, batch...)
	return nil
}

func (r *recorder) setFail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail = err
}

func (r *recorder) names() (out []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.events {
		out = append(out, e.Name)
	}
	return out
}

// quiet keeps expected complaints out of the test's output.
var quiet = monitor.WithLogger(slog.New(slog.DiscardHandler))

// started returns a monitor that runs in the bubble, and what stops it.
func started(t *testing.T, opts ...monitor.Option) (m *monitor.Monitor, stop func() error) {
	t.Helper()
	m, err := monitor.New(append([]monitor.Option{quiet}, opts...)...)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	synctest.Wait()
	return m, func() error { cancel(); return <-done }
}

func TestSinkGetsTheKindsItAskedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var queries, all recorder
		m, stop := started(t,
			monitor.WithSink("queries", &queries, monitor.WithKinds(monitor.KindQuery)),
			monitor.WithSink("all", &all, monitor.WithKinds(monitor.KindQuery, monitor.KindUser)),
		)
		require.True(t, m.Enabled(monitor.KindQuery))
		require.False(t, m.Enabled(monitor.KindCache))
		require.False(t, m.Enabled(0))
		require.False(t, m.Enabled(200))
		m.Record(monitor.Event{Kind: monitor.KindQuery, Name: "q"})
		m.Record(monitor.Event{Kind: monitor.KindUser, Name: "u"})
		m.Record(monitor.Event{Kind: monitor.KindCache, Name: "c"})
		m.Record(monitor.Event{Kind: 200, Name: "?"})
		require.NoError(t, stop())
		require.Equal(t, []string{"q"}, queries.names())
		require.Equal(t, []string{"q", "u"}, all.names())
	})
}

func TestSamplingKeepsFailedAndSlowEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s recorder
		m, stop := started(t,
			monitor.WithSink("s", &s, monitor.WithKinds(monitor.KindRequest, monitor.KindQuery), monitor.WithQueue(100_000)),
			monitor.WithSampling(monitor.KindRequest, 0), monitor.WithSampling(monitor.KindQuery, 0.3))
		m.Record(monitor.Event{Kind: monitor.KindRequest, Name: "ordinary"})
		m.Record(monitor.Event{Kind: monitor.KindRequest, Name: "failed", Failed: true})
		m.Record(monitor.Event{Kind: monitor.KindRequest, Name: "slow", Slow: true})
		const n = 10_000
		for range n {
			m.Record(monitor.Event{Kind: monitor.KindQuery, Name: "query"})
		}
		require.NoError(t, stop())
		names := s.names()
		require.Equal(t, []string{"failed", "slow"}, names[:2])
		kept := len(names) - 2
		require.InDelta(t, 0.3*n, kept, 5*46, "5 standard deviations of a binomial draw")
		require.InDelta(t, float64(n-kept+1), value(t, m, `monitor_events_dropped_total{reason="sampled",sink="s"}`), 0)
		require.InDelta(t, float64(n+3), sum(t, m, "monitor_events_total"), 0)
	})
}

func TestFailingSinkLosesNothingWithinItsSpill(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s recorder
		m, stop := started(t, monitor.WithSink("s", &s, monitor.WithKinds(monitor.KindQuery),
			monitor.WithBatch(10, time.Second), monitor.WithSpill(1000)))
		s.setFail(errors.New("down"))
		var want []string
		for i := range 500 {
			name := string(rune('a' + i%26))
			m.Record(monitor.Event{Kind: monitor.KindQuery, Name: name})
			want = append(want, name)
			time.Sleep(100 * time.Millisecond)
		}
		require.Empty(t, s.names())
		s.setFail(nil)
		time.Sleep(time.Minute)
		require.Equal(t, want, s.names(), "all arrive, in order, once")
		require.Zero(t, sum(t, m, "monitor_events_dropped_total"))
		require.Positive(t, value(t, m, `monitor_sink_writes_total{result="error",sink="s"}`))
		require.NoError(t, stop())
	})
}

func TestPermanentErrorIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s recorder
		s.setFail(monitor.Permanent(errors.New("bad schema")))
		m, stop := started(t, monitor.WithSink("s", &s, monitor.WithKinds(monitor.KindQuery)))
		m.Record(monitor.Event{Kind: monitor.KindQuery})
		time.Sleep(time.Hour)
		require.InDelta(t, 1, value(t, m, `monitor_sink_writes_total{result="error",sink="s"}`), 0)
		require.InDelta(t, 1, value(t, m, `monitor_events_dropped_total{reason="rejected",sink="s"}`), 0)
		require.NoError(t, stop())
	})
}

func TestPanickingSinkCostsItsBatchOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var good recorder
		m, stop := started(t,
			monitor.WithSink("good", &good, monitor.WithKinds(monitor.KindQuery)),
			monitor.WithSink("bad", monitor.SinkFunc(func(context.Context, []monitor.Event) error { panic("boom") }),
				monitor.WithKinds(monitor.KindQuery)))
		m.Record(monitor.Event{Kind: monitor.KindQuery, Name: "x"})
		time.Sleep(time.Minute)
		require.Equal(t, []string{"x"}, good.names())
		require.InDelta(t, 1, value(t, m, `monitor_events_dropped_total{reason="panicked",sink="bad"}`), 0)
		require.InDelta(t, 3, value(t, m, `monitor_callback_panics_total{callback="sink bad"}`), 0)
		require.NoError(t, stop())
	})
}

func TestEverySinkEventIsAccountedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s recorder
		s.setFail(errors.New("down for good"))
		m, stop := started(t, monitor.WithGracePeriod(2*time.Second), monitor.WithSink("s", &s,
			monitor.WithKinds(monitor.KindQuery), monitor.WithQueue(50), monitor.WithBatch(5, time.Second), monitor.WithSpill(20)))
		const n = 1000
		for i := range n {
			m.Record(monitor.Event{Kind: monitor.KindQuery})
			if i%100 == 0 {
				time.Sleep(time.Second)
			}
		}
		require.NoError(t, stop())
		m.Record(monitor.Event{Kind: monitor.KindQuery}) // after the end
		require.Empty(t, s.names())
		require.InDelta(t, n+1, sum(t, m, "monitor_events_dropped_total"), 0)
		for _, reason := range []string{"queue_full", "spill_full", "shutdown", "stopped"} {
			require.Positive(t, value(t, m, `monitor_events_dropped_total{reason="`+reason+`",sink="s"}`), reason)
		}
		require.Zero(t, value(t, m, `monitor_sink_queue_length{sink="s"}`))
	})
}

func TestEventAttributesBeyondTheInlineOnes(t *testing.T) {
	t.Parallel()
	var e monitor.Event
	for i := range 12 {
		e.Add(slog.Int("k", i))
	}
	copied := e
	copied.Add(slog.Int("k", 99))
	e.Add(slog.Int("k", 12))
	var got []int64
	for a := range e.Attrs() {
		got = append(got, a.Value.Int64())
	}
	require.Equal(t, []int64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, got)
	last := slices.Collect(copied.Attrs())
	require.Equal(t, int64(99), last[12].Value.Int64())
}

func TestEventAsJSON(t *testing.T) {
	t.Parallel()
	e := monitor.Event{
		Time: time.Unix(1_700_000_000, 0).UTC(), Kind: monitor.KindRequest, Name: "/x", Duration: 1500 * time.Millisecond, Failed: true,
	}
	e.Add(slog.Int("status_code", 502), slog.String("name", "is taken"))
	got, err := json.Marshal(e)
	require.NoError(t, err)
	require.JSONEq(t, `{"time":"2023-11-14T22:13:20Z","kind":"request","name":"/x","duration_seconds":1.5,"failed":true,"status_code":502}`, string(got))
}
