package history_test

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/history"
)

// clocked is a process whose clock is set, and what it measures: the collections
// that were taken.
type clocked struct {
	*process
	g     prometheus.Gauge
	taken int
}

func startClocked(t testing.TB, dir string, at time.Time, opts ...history.Option) *clocked {
	t.Helper()
	c := &clocked{process: begin(t, dir, at, opts...)}
	c.g = c.rig.gauge(t, "g").WithLabelValues()
	c.native = prometheus.NewHistogram(prometheus.HistogramOpts{Name: "n", Help: "native", NativeHistogramBucketFactor: 1.1})
	c.m.Registerer().MustRegister(c.native)
	return c
}

// collect collects n times, 10 s apart, and returns how many failed.
func (c *clocked) collect(t testing.TB, n int) (failed int) {
	t.Helper()
	for range n {
		c.set(c.clock().Add(10 * time.Second))
		c.g.Inc()
		c.native.Observe(float64(c.taken % 10))
		switch err := c.db.Sample(t.Context(), c.clock()); err {
		case nil:
			c.taken++
		default:
			require.ErrorIs(t, err, history.ErrOutOfOrder)
			failed++
		}
	}
	return failed
}

// count is how many samples there are of a series.
func (c *clocked) count(t testing.TB, of string) int {
	t.Helper()
	got, err := c.db.Query(t.Context(), "count_over_time("+of+"[3y])", start.Add(2*365*24*time.Hour))
	require.NoError(t, err)
	if len(got) == 0 {
		return 0
	}
	return int(got[0].Value)
}

// TestClockAheadAndBack: what was stored before a clock went wrong is kept, what
// was stored while it was is given up when it is right again, and collections go
// on then; all of it on disk, too.
func TestClockAheadAndBack(t *testing.T) {
	t.Parallel()
	for ahead, wrong := range map[time.Duration]int{15 * time.Minute: 1, 48 * time.Hour: 5, 49 * time.Hour: 150, 365 * 24 * time.Hour: 2} {
		t.Run(ahead.String(), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			c := startClocked(t, dir, start, history.WithWatch("w", "g", time.Minute))
			require.Zero(t, c.collect(t, 150))
			right := c.clock()
			c.set(right.Add(ahead))
			require.Zero(t, c.collect(t, wrong))
			require.NoError(t, c.db.Append(sampleOf(c.clock(), 1, "__name__", "ALERTS")))
			require.Equal(t, 150+wrong, c.count(t, "g"), "nothing is too old")
			c.set(right.Add(time.Duration(wrong) * 10 * time.Second))
			require.Equal(t, 1, c.collect(t, 10))
			require.Equal(t, 159, c.count(t, "g"))
			require.Equal(t, 159, c.count(t, "n"))
			require.InDelta(t, 159./6, c.count(t, "w"), 1)
			require.Zero(t, c.count(t, "ALERTS"))
			require.Equal(t, float64(c.clock().Unix()), c.one(t, "timestamp(g)", c.clock()))
			require.Positive(t, c.one(t, `monitor_history_samples_evicted_total{reason="clock"}`, c.clock()))
			require.Contains(t, c.log.String(), "history: the clock went back")
			require.NoError(t, c.db.Append(sampleOf(c.clock(), 1, "__name__", "ALERTS")))
			for name, dir := range map[string]string{"log": copyDir(t, dir), "snapshot": dir} {
				if name == "snapshot" {
					require.NoError(t, c.db.Close())
				}
				again := startClocked(t, dir, c.clock())
				require.NoError(t, again.db.Err())
				require.Zero(t, again.collect(t, 5), name)
				require.Equal(t, 164, again.count(t, "g"), name)
				require.Equal(t, 164, again.count(t, "n"), name)
			}
		})
	}
}

// TestClockBackOverRestart: the process before was ahead, or this one is behind.
func TestClockBackOverRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := startClocked(t, dir, start)
	require.Zero(t, c.collect(t, 30))
	right := c.clock()
	c.set(right.Add(time.Hour))
	require.Zero(t, c.collect(t, 3))
	require.NoError(t, c.db.Close())

	c = startClocked(t, copyDir(t, dir), right.Add(time.Minute))
	require.Equal(t, 1, c.collect(t, 10), "it falls into the gap")
	require.Equal(t, 39, c.count(t, "g"))

	c = startClocked(t, copyDir(t, dir), time.Unix(0, 0))
	c.collect(t, 100)
	require.Equal(t, 33, c.count(t, "g"), "no clock but this one's is as wrong: nothing is given up")
	c.set(right.Add(2 * time.Hour))
	require.Zero(t, c.collect(t, 2))
	require.Equal(t, 35, c.count(t, "g"))
}

// TestClockBackWithinWhatIsStored: nothing tells which was right. What would be
// lost is given up only when as much time has passed since; then it is the same as
// to wait.
func TestClockBackWithinWhatIsStored(t *testing.T) {
	t.Parallel()
	c := startClocked(t, t.TempDir(), start)
	require.Zero(t, c.collect(t, 300))
	c.set(c.clock().Add(-20 * time.Minute))
	require.InDelta(t, 120, c.collect(t, 130), 3)
	require.InDelta(t, 310, c.count(t, "g"), 3)
	c.set(c.clock().Add(-time.Second))
	require.Zero(t, c.collect(t, 2), "a second is nothing")
}

// TestSuspended: time in which nothing was collected makes nothing older, and the
// retention goes on after it.
func TestSuspended(t *testing.T) {
	t.Parallel()
	c := startClocked(t, t.TempDir(), start, history.WithRetention(time.Hour, time.Hour))
	require.Zero(t, c.collect(t, 360))
	c.set(c.clock().Add(8 * time.Hour))
	require.Zero(t, c.collect(t, 12))
	require.Equal(t, 372, c.count(t, "g"))
	require.Zero(t, c.collect(t, 600))
	require.LessOrEqual(t, c.count(t, "g"), 360+240)
}

// TestAppendAhead: engines cannot write what would keep their series from going on.
func TestAppendAhead(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir(), start)
	at := func(d time.Duration) error { return p.db.Append(sampleOf(start.Add(d), 1, "__name__", "n")) }
	require.NoError(t, at(0))
	require.ErrorIs(t, at(11*time.Minute), history.ErrAhead)
	require.ErrorContains(t, at(11*time.Minute), "too far ahead of the clock: 2023-11-14T22:24:20Z at 2023-11-14T22:13:20Z")
	require.Error(t, p.db.Append(sampleOf(time.Unix(1<<60, 0), 1, "__name__", "n")))
	require.NoError(t, at(9*time.Minute))
	p.sample(t, start.Add(time.Hour))
	require.NoError(t, at(time.Hour+9*time.Minute), "a collection tells the time, too")
	require.Error(t, p.db.Sample(t.Context(), time.Unix(1<<60, 0)))
	p.restorable(t)
}

// TestManyRefused: an error does not name all samples of a large batch.
func TestManyRefused(t *testing.T) {
	t.Parallel()
	r := setup(t)
	require.NoError(t, r.db.Append(sampleOf(start, 1, "__name__", "n")))
	batch := make([]monitor.Sample, 1000)
	for i := range batch {
		batch[i] = sampleOf(start.Add(-time.Second), 1, "__name__", "n")
	}
	batch[999] = sampleOf(start, 2, "__name__", "n")
	err := r.db.Append(batch...)
	require.ErrorIs(t, err, history.ErrDuplicate)
	require.ErrorContains(t, err, "989 more samples: out_of_order")
	require.Less(t, len(err.Error()), 2000)
	r.sample(t, start)
	r.sample(t, start.Add(time.Second))
	require.Equal(t, 999., r.one(t, `monitor_history_samples_dropped_total{reason="out_of_order"}`, start.Add(time.Second)))
	require.Equal(t, 1., r.one(t, `monitor_history_samples_dropped_total{reason="duplicate"}`, start.Add(time.Second)))
}

// TestSameTime: a series has one value at a time.
func TestSameTime(t *testing.T) {
	t.Parallel()
	r := setup(t)
	write := func(v float64) error { return r.db.Append(sampleOf(start, v, "__name__", "ALERTS")) }
	require.NoError(t, write(1))
	require.NoError(t, write(1), "the same once more")
	for _, v := range []float64{2, history.Stale} {
		require.ErrorIs(t, write(v), history.ErrDuplicate)
		require.ErrorIs(t, write(v), history.ErrOutOfOrder)
	}
	require.NoError(t, r.db.Append(sampleOf(start.Add(time.Second), history.Stale, "__name__", "ALERTS")))
	require.NoError(t, r.db.Append(sampleOf(start.Add(time.Second), history.Stale, "__name__", "ALERTS")))
	require.ErrorIs(t, r.db.Append(sampleOf(start.Add(time.Second), 1, "__name__", "ALERTS")), history.ErrDuplicate)
}
