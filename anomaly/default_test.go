package anomaly_test

import (
	"fmt"
	"math"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/anomaly"
	"github.com/chronoretrace/chronomon/monitor"
)

func newDefault(t testing.TB, opts ...anomaly.DefaultOption) *anomaly.Default {
	t.Helper()
	d, err := anomaly.NewDefault(opts...)
	require.NoError(t, err)
	return d
}

func ExampleNewDefault() {
	d, err := anomaly.NewDefault(anomaly.WithWarmup(288))
	if err != nil {
		fmt.Println(err)
		return
	}
	at := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	for i := range 3 * 288 {
		requests := 100 + 40*math.Sin(2*math.Pi*float64(i)/288)
		if i == 700 {
			requests = 0
		}
		if d.Observe(anomaly.Point{Time: at, Value: requests}).Anomalous() {
			fmt.Println(at.Format("15:04"), requests)
		}
		at = at.Add(5 * time.Minute)
	}
	// Output: 10:20 0
}

// A fault is told once, what is clearly worse again, and all of it on demand.
func TestDefaultTellsOnce(t *testing.T) {
	t.Parallel()
	count := func(opts ...anomaly.DefaultOption) (before, during int) {
		d := newDefault(t, opts...)
		for i, p := range days(4000, 3) {
			if i >= 3000 && i < 3010 {
				p.Value *= 3
			}
			s := d.Observe(p)
			require.Equal(t, s.Ready, i >= 750)
			if !s.Ready {
				require.Zero(t, s.Value)
				require.True(t, math.IsNaN(s.Expected))
				continue
			}
			if i > 1000 && i < 3000 {
				require.InDelta(t, s.Expected, p.Value, 10)
				require.InDelta(t, 85, s.Low, 20)
				require.InDelta(t, 115, s.High, 20)
			}
			if len(opts) == 1 && (p.Value < s.Low || p.Value > s.High) { // and repeats are told
				require.True(t, s.Anomalous(), "point %d is out of the band", i)
			}
			switch {
			case s.Anomalous() && i < 3000:
				before++
			case s.Anomalous() && i < 3010:
				during++
			}
		}
		return before, during
	}
	before, during := count()
	require.LessOrEqual(t, before, 2)
	require.Positive(t, during)
	require.LessOrEqual(t, during, 3)
	_, all := count(anomaly.WithRepeats())
	require.Greater(t, all, during)
	less, _ := count(anomaly.WithSensitivity(0.3), nil)
	more, _ := count(anomaly.WithSensitivity(10), nil)
	require.LessOrEqual(t, less, before)
	require.Greater(t, more, before)
}

// What comes later changes no score, and what is missing is not learnt from.
func TestDefaultOnlyPast(t *testing.T) {
	t.Parallel()
	points := days(3000, 4)
	whole, part := newDefault(t), newDefault(t)
	for i, p := range points {
		want := whole.Observe(p)
		if i < 2500 {
			require.Equal(t, fmt.Sprint(want), fmt.Sprint(part.Observe(p))) // NaN equals NaN
			for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
				require.Zero(t, part.Observe(anomaly.Point{Time: p.Time.Add(time.Second), Value: v}).Value)
			}
			s := part.Observe(anomaly.Point{Time: p.Time, Value: 1e9})
			require.Zero(t, s.Value)
			require.False(t, s.Ready)
		}
	}
}

// Gaps and steps that change are borne.
func TestDefaultGaps(t *testing.T) {
	t.Parallel()
	d := newDefault(t, anomaly.WithWarmup(100))
	at := start
	for i, p := range days(3000, 5) {
		switch {
		case i%500 == 499:
			at = at.Add(100 * 24 * time.Hour)
		case i > 2000:
			at = at.Add(time.Millisecond)
		default:
			at = at.Add(7 * time.Minute)
		}
		s := d.Observe(anomaly.Point{Time: at, Value: p.Value})
		require.False(t, math.IsNaN(s.Value))
	}
	early := newDefault(t, anomaly.WithWarmup(16))
	for i := range 100 {
		early.Observe(anomaly.Point{Time: time.Time{}.Add(time.Duration(i) * time.Hour), Value: float64(i % 5)})
	}
}

func TestDefaultRestore(t *testing.T) {
	t.Parallel()
	points := days(3000, 6)
	points[2800].Value = 0
	one := newDefault(t)
	for _, p := range points[:2500] {
		one.Observe(p)
	}
	saved, err := one.MarshalBinary()
	require.NoError(t, err)
	other := newDefault(t)
	require.NoError(t, other.UnmarshalBinary(saved))
	require.Zero(t, other.Observe(points[2499]).Value, "a point that was seen before is not taken")
	for _, p := range points[2500:] {
		require.Equal(t, one.Observe(p), other.Observe(p))
	}
	for i := range saved {
		if i%997 == 0 {
			damaged := append([]byte(nil), saved...)
			damaged[i]++
			require.Error(t, newDefault(t).UnmarshalBinary(damaged))
		}
	}
	require.Error(t, newDefault(t).UnmarshalBinary(nil))
	fresh := newDefault(t)
	none, err := fresh.MarshalBinary()
	require.NoError(t, err)
	require.NoError(t, newDefault(t).UnmarshalBinary(none))
}

func TestDefaultOptions(t *testing.T) {
	t.Parallel()
	for _, o := range []anomaly.DefaultOption{
		anomaly.WithWarmup(15), anomaly.WithWarmup(10_001),
		anomaly.WithSensitivity(0), anomaly.WithSensitivity(11), anomaly.WithSensitivity(math.NaN()),
	} {
		_, err := anomaly.NewDefault(nil, o)
		require.ErrorIs(t, err, monitor.ErrInvalidOption)
	}
}

func TestDefaultAllocates(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	d := newDefault(t)
	points := days(40_000, 7)
	for _, p := range points[:10_000] {
		d.Observe(p)
	}
	i := 10_000
	require.Zero(t, testing.AllocsPerRun(20_000, func() {
		d.Observe(points[i])
		i++
	}))
}

// What a series costs, in the warm-up and after it, is what the comment says.
func TestDefaultMemory(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector takes memory")
	}
	const n = 100
	points := days(2000, 9)
	for _, c := range []struct{ points, most int }{{700, 56 << 10}, {2000, 42 << 10}} {
		var before, after runtime.MemStats
		all := make([]*anomaly.Default, n)
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i := range all {
			all[i] = newDefault(t)
			for _, p := range points[:c.points] {
				all[i].Observe(p)
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		require.LessOrEqual(t, int(after.HeapAlloc-before.HeapAlloc)/n, c.most, "after %d points", c.points)
		runtime.KeepAlive(all)
	}
}

func BenchmarkDefault(b *testing.B) {
	d := newDefault(b)
	points := days(20_000, 8)
	for _, p := range points[:10_000] {
		d.Observe(p)
	}
	at := points[10_000].Time
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		at = at.Add(5 * time.Minute)
		d.Observe(anomaly.Point{Time: at, Value: points[10_000+i%10_000].Value})
	}
}
