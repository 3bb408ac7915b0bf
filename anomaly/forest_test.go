package anomaly_test

import (
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/anomaly"
	"github.com/chronoretrace/chronomon/monitor"
)

// forests are the detectors of this file by their names.
var forests = map[string]func(...anomaly.ForestOption) (anomaly.Detector, error){
	"Forest":         func(o ...anomaly.ForestOption) (anomaly.Detector, error) { return anomaly.NewForest(o...) },
	"HalfSpaceTrees": func(o ...anomaly.ForestOption) (anomaly.Detector, error) { return anomaly.NewHalfSpaceTrees(o...) },
}

type forestMaker func(...anomaly.ForestOption) anomaly.Detector

// eachForest runs a test with each of them.
func eachForest(t *testing.T, test func(t *testing.T, create forestMaker)) {
	t.Helper()
	for name, create := range forests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, func(o ...anomaly.ForestOption) anomaly.Detector {
				d, err := create(o...)
				require.NoError(t, err)
				return d
			})
		})
	}
}

var forestStart = time.Date(2026, time.March, 2, 0, 0, 0, 0, time.UTC)

// forestPoint is point i of a series of minutes.
func forestPoint(i int, v float64) anomaly.Point {
	return anomaly.Point{Time: forestStart.Add(time.Duration(i) * time.Minute), Value: v}
}

// forestDays is a day's swing with some noise.
func forestDays(n int) []float64 {
	random := rand.New(rand.NewPCG(11, 11))
	out := make([]float64, n)
	for i := range out {
		out[i] = 100 + 30*math.Sin(2*math.Pi*float64(i)/1440) + 2*random.NormFloat64()
	}
	return out
}

// watchForest gives the scores of values, which have to be from 0 to 1, a minute each.
func watchForest(t *testing.T, d anomaly.Detector, values []float64) []anomaly.Score {
	t.Helper()
	out := make([]anomaly.Score, len(values))
	for i, v := range values {
		s := d.Observe(forestPoint(i, v))
		if !(s.Value >= 0 && s.Value <= 1) || (!s.Ready && s.Value != 0) ||
			!math.IsNaN(s.Expected) || !math.IsNaN(s.Low) || !math.IsNaN(s.High) {
			t.Fatalf("point %d, %v: %+v", i, v, s)
		}
		out[i] = s
	}
	return out
}

// A spike, a drop out of the day's swing and the first point of a new level are
// anomalies; hardly anything else is.
func TestForestFinds(t *testing.T) {
	t.Parallel()
	eachForest(t, func(t *testing.T, create forestMaker) {
		values := forestDays(6 * 1440)
		wrong := map[int]bool{4000: true, 5000: true, 6000: true}
		values[4000] += 60
		values[5000] = 0
		for i := 6000; i < len(values); i++ {
			values[i] += 150
		}
		others := 0
		for i, s := range watchForest(t, create(), values) {
			switch {
			case wrong[i]:
				require.True(t, s.Anomalous(), "point %d: %+v", i, s)
			case s.Anomalous() && (i < 6000 || i > 6000+2*1440):
				others++
			}
		}
		require.Less(t, others, 20, "of 5,760, and a level that lasts is normal after some days")
	})
}

// The farther out of the window, the higher is the score: a forest alone would not
// tell.
func TestForestTellsHowFar(t *testing.T) {
	t.Parallel()
	eachForest(t, func(t *testing.T, create forestMaker) {
		last := 0.0
		for _, far := range []float64{50, 200, 2000} {
			values := forestDays(3000)
			values[2999] += far
			scores := watchForest(t, create(), values)
			require.Greater(t, scores[2999].Value, last)
			last = scores[2999].Value
		}
	})
}

// Of noise, the share that was asked for is above the threshold, as far as one window
// of it is like those before.
func TestForestContamination(t *testing.T) {
	t.Parallel()
	eachForest(t, func(t *testing.T, create forestMaker) {
		random := rand.New(rand.NewPCG(4, 4))
		values := []float64{}
		for range 12_000 {
			values = append(values, random.NormFloat64())
		}
		above, ready := 0, 0
		for _, s := range watchForest(t, create(anomaly.WithContamination(0.1)), values)[2000:] {
			require.True(t, s.Ready)
			ready++
			if s.Anomalous() {
				above++
			}
		}
		require.InDelta(t, 0.1, float64(above)/float64(ready), 0.03)
	})
}

// Noon's value at midnight is an anomaly for one who looks at the time.
func TestForestTimeOfDay(t *testing.T) {
	t.Parallel()
	eachForest(t, func(t *testing.T, create forestMaker) {
		random := rand.New(rand.NewPCG(4, 4))
		at := func(i int) anomaly.Point { // ten minutes apart, high for six hours of the day
			v := random.NormFloat64()
			if hour := i / 6 % 24; hour >= 9 && hour < 15 {
				v += 20
			}
			return anomaly.Point{Time: forestStart.Add(time.Duration(i) * 10 * time.Minute), Value: v}
		}
		d := create(anomaly.WithTimeOfDay(), anomaly.WithShingle(1), anomaly.WithContamination(0.02))
		blind := create(anomaly.WithShingle(1), anomaly.WithContamination(0.02))
		const midnight = 20 * 144
		for i := range midnight {
			p := at(i)
			d.Observe(p)
			blind.Observe(p)
		}
		p := at(midnight)
		p.Value = 20
		require.Greater(t, d.Observe(p).Value, blind.Observe(p).Value)
	})
}

// The same points give the same scores, whatever comes later; another seed gives
// others.
func TestForestSeed(t *testing.T) {
	t.Parallel()
	eachForest(t, func(t *testing.T, create forestMaker) {
		values := forestDays(3000)
		values[1500] *= 2
		require.Equal(t, forestValues(watchForest(t, create(), values))[:2000], forestValues(watchForest(t, create(), values[:2000])))
		require.NotEqual(t, forestValues(watchForest(t, create(), values)), forestValues(watchForest(t, create(anomaly.WithForestSeed(2)), values)))
	})
}

// forestValues are the values of scores.
func forestValues(scores []anomaly.Score) (out []float64) {
	for _, s := range scores {
		out = append(out, s.Value)
	}
	return out
}

// When they are ready is what their docs say.
func TestForestReady(t *testing.T) {
	t.Parallel()
	for name, points := range map[string]int{"Forest": 170, "HalfSpaceTrees": 676} {
		d, err := forests[name]()
		require.NoError(t, err)
		for i, s := range watchForest(t, d, forestDays(800)) {
			require.Equal(t, i >= points, s.Ready, "%s, point %d", name, i)
		}
	}
}

// What is missing, or late, is as if it had not come.
func TestForestMissing(t *testing.T) {
	t.Parallel()
	eachForest(t, func(t *testing.T, create forestMaker) {
		values := forestDays(2000)
		want := watchForest(t, create(), values)
		d := create()
		for i, v := range values {
			require.Equal(t, want[i].Value, d.Observe(forestPoint(i, v)).Value, "point %d", i)
			for _, bad := range []anomaly.Point{
				forestPoint(i+1, math.NaN()), forestPoint(i+1, math.Inf(1)), forestPoint(i+1, math.Inf(-1)),
				forestPoint(i, 1e6), forestPoint(i-1, 1e6),
				{},
			} {
				s := d.Observe(bad)
				require.Zero(t, s.Value)
				require.False(t, s.Ready)
			}
		}
	})
}

// A constant series has no anomalies, until it changes.
func TestForestConstant(t *testing.T) {
	t.Parallel()
	eachForest(t, func(t *testing.T, create forestMaker) {
		for _, v := range []float64{0, 7, -1e308} {
			d := create()
			for i := range 3000 {
				require.Zero(t, d.Observe(forestPoint(i, v)).Value, "point %d", i)
			}
			require.True(t, d.Observe(forestPoint(3000, v+1+math.Abs(v)/100)).Anomalous())
		}
	})
}

// Whatever comes, a score is a number from 0 to 1.
func TestForestBadInput(t *testing.T) {
	t.Parallel()
	eachForest(t, func(t *testing.T, create forestMaker) {
		random := rand.New(rand.NewPCG(9, 9))
		kinds := map[string]func(i int) float64{
			"single":    func(int) float64 { return 3 },
			"largest":   func(i int) float64 { return math.MaxFloat64 * float64(1-2*(i%2)) },
			"large":     func(int) float64 { return 1e308 * random.NormFloat64() / 4 },
			"smallest":  func(i int) float64 { return math.SmallestNonzeroFloat64 * float64(i%3) },
			"zeros":     func(i int) float64 { return math.Copysign(0, float64(i%2)-0.5) },
			"once":      func(i int) float64 { return map[bool]float64{true: math.MaxFloat64}[i == 1200] },
			"counter":   func(i int) float64 { return float64(i % 700) },
			"epoch":     func(i int) float64 { return 1.7e18 + float64(i) },
			"scales":    func(int) float64 { return math.Pow(10, 600*random.Float64()-300) },
			"two":       func(i int) float64 { return float64(i / 37 % 2) },
			"exploding": func(i int) float64 { return math.Exp(min(float64(i)/3, 709)) },
		}
		for name, at := range kinds {
			n := 2500
			if name == "single" {
				n = 1
			}
			values := []float64{}
			for i := range n {
				values = append(values, at(i))
			}
			for _, o := range [][]anomaly.ForestOption{nil, {anomaly.WithShingle(1)}, {anomaly.WithShingle(32), anomaly.WithForestWindow(128), anomaly.WithTimeOfDay()}} {
				watchForest(t, create(o...), values)
			}
		}
	})
}

func TestForestOptions(t *testing.T) {
	t.Parallel()
	for name, create := range forests {
		for _, o := range []anomaly.ForestOption{
			anomaly.WithTrees(0), anomaly.WithTrees(257),
			anomaly.WithShingle(0), anomaly.WithShingle(33),
			anomaly.WithForestWindow(127), anomaly.WithForestWindow(1 << 16),
			anomaly.WithContamination(0), anomaly.WithContamination(0.6), anomaly.WithContamination(math.NaN()),
		} {
			_, err := create(o)
			require.ErrorIs(t, err, monitor.ErrInvalidOption, name)
		}
		_, err := create(anomaly.WithTrees(-1), anomaly.WithShingle(99))
		require.ErrorContains(t, err, "WithTrees(-1)")
		require.ErrorContains(t, err, "WithShingle(99)")
		for _, o := range [][]anomaly.ForestOption{
			{nil},
			{anomaly.WithTrees(1), anomaly.WithShingle(1), anomaly.WithForestWindow(128)},
			{anomaly.WithTrees(256), anomaly.WithShingle(32), anomaly.WithForestWindow(math.MaxUint16), anomaly.WithTimeOfDay()},
		} {
			_, err := create(o...)
			require.NoError(t, err, name)
		}
	}
}

// Ten million points allocate nothing after the first, and what a series holds is
// what was counted. (Few trees, that it does not take long.)
func TestForestAllocs(t *testing.T) {
	most := map[string]uint64{"Forest": 34 << 10, "HalfSpaceTrees": 26 << 10}
	for name, create := range forests {
		values := forestDays(2000)
		all := make([]anomaly.Detector, 50)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i := range all {
			d, err := create()
			require.NoError(t, err)
			showForest(d, values, 0, len(values))
			all[i] = d
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		held := (after.HeapAlloc - before.HeapAlloc) / uint64(len(all))
		t.Logf("%s: %d bytes a series", name, held)
		require.LessOrEqual(t, held, most[name], name)

		n := len(values)
		require.Zero(t, testing.AllocsPerRun(3000, func() {
			all[0].Observe(forestPoint(n, values[n%len(values)]))
			n++
		}), name)

		points := 10_000_000
		if raceEnabled {
			points = 500_000 // a run without the detector does all
		}
		d, err := create(anomaly.WithTrees(2), anomaly.WithShingle(2))
		require.NoError(t, err)
		showForest(d, values, 0, 1000)
		runtime.ReadMemStats(&before)
		showForest(d, values, 1000, points)
		runtime.ReadMemStats(&after)
		require.Less(t, after.Mallocs-before.Mallocs, uint64(1000), name) // the runtime's own
		common := d.Observe(forestPoint(points, values[1999]))
		require.True(t, common.Ready, name)
		require.Greater(t, d.Observe(forestPoint(points+1, 1e4)).Value, common.Value, "%s: it still tells", name)
		runtime.KeepAlive(all)
	}
}

// showForest shows a detector the points of a series that repeats values.
func showForest(d anomaly.Detector, values []float64, from, to int) {
	for i := from; i < to; i++ {
		d.Observe(forestPoint(i, values[i%len(values)]))
	}
}

func BenchmarkForest(b *testing.B) {
	for name, create := range forests {
		b.Run(name, func(b *testing.B) {
			d, err := create()
			require.NoError(b, err)
			values := forestDays(20_000)
			showForest(d, values, 0, 5000)
			b.ReportAllocs()
			i := 5000
			for b.Loop() {
				d.Observe(forestPoint(i, values[i%len(values)]))
				i++
			}
		})
	}
}
