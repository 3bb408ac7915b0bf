package probe_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/bizmon/probe"
	"github.com/chronoretrace/chronomon/monitor"
)

// run runs the prober until the returned function is called.
func (b bench) run(t testing.TB) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.m.Run(ctx, b.Prober) }()
	return func() { cancel(); require.NoError(t, <-done) }
}

// times notes when a check was made.
type times struct {
	mu sync.Mutex
	at []time.Time // guarded by mu
}

func (n *times) check(context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.at = append(n.at, time.Now())
	return nil
}

func TestRunKeepsIntervals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var fast, slow times
		b := setup(t, []probe.Target{
			{Name: "fast", Check: probe.Func(fast.check), Interval: 10 * time.Second},
			{Name: "slow", Check: probe.Func(slow.check), Interval: time.Minute},
		})
		begin := time.Now()
		stop := b.run(t)
		time.Sleep(time.Hour + 10*time.Second)
		stop()
		require.Len(t, fast.at, 361)
		require.Len(t, slow.at, 61)
		for name, c := range map[string]struct {
			at       []time.Time
			interval time.Duration
		}{"fast": {fast.at, 10 * time.Second}, "slow": {slow.at, time.Minute}} {
			delays := map[time.Duration]bool{}
			for i, at := range c.at {
				delay := at.Sub(begin) - time.Duration(i)*c.interval
				require.GreaterOrEqual(t, delay, time.Duration(0), "%s %d", name, i)
				require.LessOrEqual(t, delay, c.interval/10, "%s %d: no drift", name, i)
				delays[delay] = true
			}
			require.Greater(t, len(delays), len(c.at)/2, "%s is jittered", name)
		}
		require.Empty(t, b.exposition("monitor_probe_skipped_total{"))
	})
}

func TestRunWithoutJitter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n times
		begin := time.Now()
		b := setup(t, []probe.Target{{Name: "api", Check: probe.Func(n.check)}}, probe.WithJitter(0))
		stop := b.run(t)
		time.Sleep(150 * time.Second)
		stop()
		require.Equal(t, []time.Time{begin, begin.Add(time.Minute), begin.Add(2 * time.Minute)}, n.at)
	})
}

// TestConcurrencyIsBounded: what has no place waits, what waits too long is
// left out, and counted.
func TestConcurrencyIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var running, most atomic.Int64
		busy := probe.Func(func(context.Context) error {
			most.Store(max(most.Load(), running.Add(1)))
			defer running.Add(-1)
			time.Sleep(8 * time.Second)
			return nil
		})
		var targets []probe.Target
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			targets = append(targets, probe.Target{Name: name, Check: busy, Interval: 10 * time.Second, Timeout: 9 * time.Second})
		}
		b := setup(t, targets, probe.WithConcurrency(2), probe.WithJitter(0))
		stop := b.run(t)
		time.Sleep(100*time.Second - time.Millisecond)
		require.EqualValues(t, 2, most.Load())
		stop()
		var made, left int
		for _, line := range b.exposition("monitor_probe_checks_total{") {
			made += int(line[len(line)-1] - '0')
		}
		for _, line := range b.exposition("monitor_probe_skipped_total{") {
			left += int(line[len(line)-1] - '0')
		}
		require.Equal(t, 2*13, made, "two at a time, 8 s each, the last two after the end: %v", b.exposition("monitor_probe"))
		// Of 50 rounds those were made; what was waiting at the end was neither.
		require.InDelta(t, 50-made, left, 5)
		require.Less(t, left, 50-made+1)
	})
}

func TestShutdownCutsShort(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ended atomic.Bool
		var observed atomic.Int64
		b := setup(t, []probe.Target{{Name: "api", Check: probe.Func(func(ctx context.Context) error {
			<-ctx.Done()
			time.Sleep(time.Second)
			ended.Store(true)
			return ctx.Err()
		})}}, probe.WithJitter(0), probe.WithObserver(probe.ObserverFunc(func(string, time.Duration, error) { observed.Add(1) })))
		stop := b.run(t)
		time.Sleep(2 * time.Second)
		begin := time.Now()
		stop()
		require.True(t, ended.Load(), "Run waits for its checks")
		require.Equal(t, time.Second, time.Since(begin))
		require.False(t, b.Results()[0].Checked(), "what was cut short says nothing about the target")
		require.Zero(t, observed.Load())
		require.Empty(t, b.exposition("monitor_probe_checks_total{"))
		require.Empty(t, b.exposition("probe_success{"))
	})
}

func TestTimeoutOfEachTarget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hang := probe.Func(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		b := setup(t, []probe.Target{
			{Name: "default", Check: hang},
			{Name: "short", Check: hang, Timeout: time.Second},
			{Name: "by interval", Check: hang, Interval: 4 * time.Second},
		})
		results := b.Probe(t.Context(), time.Now())
		for i, want := range []time.Duration{10 * time.Second, time.Second, 2 * time.Second} {
			require.Equal(t, want, results[i].Duration)
			requireFailure(t, results[i], probe.ReasonTimeout, "not done within "+want.String())
			require.ErrorIs(t, results[i].Err, context.DeadlineExceeded, "a Func's error is kept")
		}
	})
}

// TestProbeIsAStep: the time is the caller's.
func TestProbeIsAStep(t *testing.T) {
	t.Parallel()
	b := setup(t, []probe.Target{
		{Name: "fast", Check: ok, Interval: time.Minute},
		{Name: "slow", Check: ok, Interval: time.Hour},
	}, probe.WithJitter(0))
	names := func(now time.Time) (out []string) {
		for _, r := range b.Probe(t.Context(), now) {
			require.True(t, now.Equal(r.At))
			out = append(out, r.Target)
		}
		return out
	}
	at := time.Date(2026, 1, 5, 9, 30, 0, 0, time.UTC)
	require.Equal(t, []string{"fast", "slow"}, names(at))
	require.Empty(t, names(at))
	require.Empty(t, names(at.Add(59*time.Second)))
	require.Equal(t, []string{"fast"}, names(at.Add(time.Minute)))
	require.Equal(t, []string{"fast"}, names(at.Add(150*time.Second)))
	require.Equal(t, []string{"fast"}, names(at.Add(180*time.Second)), "the rounds stay where they were")
	require.Equal(t, []string{"fast", "slow"}, names(at.Add(time.Hour)))
	require.Equal(t, []string{`monitor_probe_skipped_total{target="fast",prober="func"} 56`}, b.exposition("monitor_probe_skipped_total{"))
	require.Empty(t, names(at), "a clock that is set back checks nothing twice")
}

// TestClockThatIsSetBack by a year, and has no monotonic part: checks go on.
func TestClockThatIsSetBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ahead atomic.Int64
		ahead.Store(int64(365 * 24 * time.Hour))
		m, err := monitor.New(monitor.WithClock(func() time.Time { return time.Now().Round(0).Add(time.Duration(ahead.Load())) }))
		require.NoError(t, err)
		var n times
		p, err := probe.New(m, []probe.Target{{Name: "api", Check: probe.Func(n.check)}})
		require.NoError(t, err)
		stop := bench{Prober: p, m: m}.run(t)
		time.Sleep(10 * time.Minute)
		ahead.Store(0)
		time.Sleep(time.Hour)
		stop()
		require.InDelta(t, 70, len(n.at), 2)
		for i, at := range n.at[1:] {
			require.Greater(t, at.Sub(n.at[i]), 50*time.Second, "nothing is checked twice")
		}
	})
}

func TestCanceledProbe(t *testing.T) {
	t.Parallel()
	b := setup(t, []probe.Target{{Name: "api", Check: probe.Func(func(ctx context.Context) error { return ctx.Err() })}})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Empty(t, b.Probe(ctx, b.m.Now()))
	require.False(t, b.Results()[0].Checked())
}

func TestOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, err := monitor.New(monitor.WithDisabled())
		require.NoError(t, err)
		p, err := probe.New(m, []probe.Target{{Name: "api", Check: probe.Func(func(context.Context) error { t.Error("checked"); return nil })}})
		require.NoError(t, err)
		require.Empty(t, p.Probe(t.Context(), time.Now()))
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		require.ErrorIs(t, p.Run(ctx), context.DeadlineExceeded)
		require.Len(t, p.Results(), 1)
	})
}

// TestPanickingFunc: a host's function that panics holds no place and
// is tried again.
func TestPanickingFunc(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		b := setup(t, []probe.Target{{Name: "api", Check: probe.Func(func(context.Context) error {
			calls.Add(1)
			panic(errors.New("oops"))
		})}}, probe.WithConcurrency(1), probe.WithJitter(0))
		stop := b.run(t)
		time.Sleep(time.Minute + time.Second)
		stop()
		require.EqualValues(t, 2, calls.Load())
		requireFailure(t, b.Results()[0], probe.ReasonPanic, "panicked with a")
	})
}
