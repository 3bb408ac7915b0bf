package trend_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/anomaly/trend"
	"github.com/chronoretrace/chronomon/monitor"
)

func TestPredictSeasons(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	truth := func(i int) float64 { return 100 + 0.02*float64(i) + daily(i) + 6*math.Cos(2*math.Pi*float64(i)/168) }
	points := series(960, time.Hour, func(i int) float64 { return truth(i) + r.NormFloat64() })
	f, err := trend.Predict(points, 48)
	require.NoError(t, err)
	require.Len(t, f.Points, 48)
	require.Equal(t, time.Hour, f.Step)
	require.Len(t, f.Seasons, 2)
	require.Equal(t, 24*time.Hour, f.Seasons[0].Length)
	require.Equal(t, 168*time.Hour, f.Seasons[1].Length)
	require.Greater(t, f.Seasons[0].Strength, 0.9)
	for i, p := range f.Points {
		require.Equal(t, monday.Add(time.Duration(960+i)*time.Hour), p.Time)
		require.InDelta(t, truth(960+i), p.Value, 2)
		require.Less(t, p.Low, p.Value)
		require.Greater(t, p.High, p.Value)
	}
	require.Equal(t, 10, f.Accuracy.Tests)
	require.Equal(t, 48, f.Accuracy.Horizon)
	require.InDelta(t, 0.8, f.Accuracy.MAE, 0.3, "the noise has a mean absolute deviation of 0.8")
	require.Less(t, f.Accuracy.MAE, f.Accuracy.Naive)
	require.InDelta(t, 0.95, f.Accuracy.Coverage, 0.05)
	require.Contains(t, f.Why, f.Methods[0].Name)
	var sum float64
	for i, m := range f.Methods {
		sum += m.Weight
		require.LessOrEqual(t, m.Weight, f.Methods[max(0, i-1)].Weight)
	}
	require.InDelta(t, 1, sum, 1e-9)
	require.InDelta(t, f.Points[3].Low, f.Quantile(3, 0.025), 1e-9)
	require.InDelta(t, f.Points[3].Value, f.Quantile(3, 0.5), 1e-9)
	require.Empty(t, f.Notes)

	again, err := trend.Predict(points, 48)
	require.NoError(t, err)
	require.Equal(t, f, again, "to the last bit")
}

// What the interval promises, it holds on series that nobody has seen.
func TestPredictCoverage(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	inside, all := 0, 0
	for k := range 200 {
		next := noise(r, 0.7*float64(k%3)/2)
		level := 0.0
		points := series(220, time.Minute, func(int) float64 {
			level += 0.3 * r.NormFloat64() * float64(k%2)
			return 200 + level + next()
		})
		f, err := trend.Predict(points[:200], 20)
		require.NoError(t, err)
		for i, p := range f.Points {
			all++
			if v := points[200+i].Value; p.Low <= v && v <= p.High {
				inside++
			}
		}
	}
	share := float64(inside) / float64(all)
	t.Logf("%.3f of %d", share, all)
	require.GreaterOrEqual(t, share, 0.92)
	require.LessOrEqual(t, share, 0.975)
}

func TestPredictAnything(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 6))
	for name, f := range map[string]func(i int) float64{
		"zero":        func(int) float64 { return 0 },
		"constant":    func(int) float64 { return -7.5 },
		"line":        func(i int) float64 { return float64(i) },
		"exploding":   func(i int) float64 { return math.Exp(float64(i) * 2) },
		"vanishing":   func(i int) float64 { return math.Exp(-float64(i) * 7) },
		"tiny":        func(i int) float64 { return 1e-300 * (1 + math.Sin(float64(i))) },
		"huge":        func(i int) float64 { return 1e99 * math.Sin(float64(i)) },
		"one spike":   func(i int) float64 { return map[int]float64{50: 1e9}[i] },
		"last spike":  func(i int) float64 { return map[int]float64{99: 1e9}[i] },
		"step":        func(i int) float64 { return float64(i / 60) },
		"saw":         func(i int) float64 { return float64(i % 17) },
		"two values":  func(i int) float64 { return float64(i % 2) },
		"counts":      func(int) float64 { return float64(r.IntN(20) / 18) },
		"nearly flat": func(i int) float64 { return 1e6 + 1e-9*float64(i%5) },
		"walk":        func(int) float64 { return r.NormFloat64() },
	} {
		for _, n := range []int{8, 9, 15, 30, 100} {
			for _, h := range []int{1, 7, 150} {
				points := series(n, time.Hour, f)
				got, err := trend.Predict(points, h)
				require.NoError(t, err, "%s of %d", name, n)
				require.Len(t, got.Points, h)
				for _, p := range got.Points {
					require.False(t, math.IsNaN(p.Value) || math.IsInf(p.Value, 0) || math.IsNaN(p.Low+p.High), "%s of %d: %v", name, n, p)
					require.LessOrEqual(t, p.Low, p.Value, "%s of %d", name, n)
					require.GreaterOrEqual(t, p.High, p.Value, "%s of %d", name, n)
				}
				require.NotEmpty(t, got.Methods)
			}
		}
	}
}

func TestPredictConstant(t *testing.T) {
	t.Parallel()
	f, err := trend.Predict(series(50, time.Minute, func(int) float64 { return 0 }), 5)
	require.NoError(t, err)
	require.Equal(t, trend.Point{Time: monday.Add(54 * time.Minute)}, f.Points[4])
	require.Equal(t, []string{"the series is constant"}, f.Notes)
	require.Zero(t, f.Quantile(2, 0.99))
	require.True(t, math.IsNaN(f.Accuracy.MASE))
}

func TestPredictRefuses(t *testing.T) {
	t.Parallel()
	good := series(100, time.Hour, daily)
	walk := func(i int) float64 { return float64(i * i % 11) }
	for name, c := range map[string]struct {
		points []monitor.Point
		h      int
		opts   []trend.Option
		want   error
	}{
		"nothing":         {nil, 1, nil, trend.ErrShort},
		"short":           {series(7, time.Hour, walk), 1, nil, trend.ErrShort},
		"not finite":      {series(50, time.Hour, func(int) float64 { return math.NaN() }), 1, nil, trend.ErrShort},
		"far apart":       {append(series(20, time.Second, walk), monitor.Point{Time: monday.AddDate(5, 0, 0)}), 1, nil, trend.ErrIrregular},
		"mostly gaps":     {append(series(20, time.Second, walk), monitor.Point{Time: monday.Add(time.Minute)}), 1, nil, trend.ErrIrregular},
		"exploding":       {series(50, time.Second, func(i int) float64 { return math.Pow(1000, float64(i)) }), 1, nil, trend.ErrRange},
		"no horizon":      {good, 0, nil, monitor.ErrInvalidOption},
		"endless horizon": {good, 1 << 30, nil, monitor.ErrInvalidOption},
		"step":            {good, 1, []trend.Option{trend.WithStep(-1)}, monitor.ErrInvalidOption},
		"seasons":         {good, 1, []trend.Option{trend.WithSeasons(0)}, monitor.ErrInvalidOption},
		"level":           {good, 1, []trend.Option{trend.WithLevel(95)}, monitor.ErrInvalidOption},
		"bounds":          {good, 1, []trend.Option{trend.WithBounds(1, 0)}, monitor.ErrInvalidOption},
		"event":           {good, 1, []trend.Option{trend.WithEvents(trend.Event{Factor: -1})}, monitor.ErrInvalidOption},
	} {
		_, err := trend.Predict(c.points, c.h, c.opts...)
		require.ErrorIs(t, err, c.want, name)
		require.ErrorContains(t, err, "trend: ", name)
	}
	_, err := trend.Predict(good, 1, nil)
	require.NoError(t, err, "a nil option is none")
}

// Order, gaps, jitter and values that are not finite do not matter much.
func TestPredictOfUneven(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(9, 9))
	truth := func(i int) float64 { return 100 + daily(i) }
	points := series(500, time.Hour, truth)
	for i := range points {
		points[i].Time = points[i].Time.Add(time.Duration(r.IntN(600)-300) * time.Second)
		if r.IntN(10) == 0 {
			points[i].Value = math.NaN()
		}
	}
	points = append(points[:200], points[230:]...)
	r.Shuffle(len(points), func(i, j int) { points[i], points[j] = points[j], points[i] })
	f, err := trend.Predict(points, 24, trend.WithStep(time.Hour))
	require.NoError(t, err)
	require.Len(t, f.Notes, 1, f.Notes)
	for i, p := range f.Points {
		require.InDelta(t, truth(500+i), p.Value, 1.5)
	}
}

func TestPredictBounds(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(2, 9))
	ratio := series(200, time.Minute, func(int) float64 { return 1 - 0.02*r.Float64() })
	f, err := trend.Predict(ratio, 30, trend.WithBounds(0, 1))
	require.NoError(t, err)
	for _, p := range f.Points {
		require.LessOrEqual(t, p.High, 1.)
	}
	narrow, err := trend.Predict(ratio, 30, trend.WithLevel(0.5))
	require.NoError(t, err)
	require.Less(t, narrow.Points[0].High-narrow.Points[0].Low, f.Points[0].High-f.Points[0].Low)

	counts := series(200, time.Minute, func(int) float64 { return float64(r.IntN(3)) })
	f, err = trend.Predict(counts, 30)
	require.NoError(t, err)
	for _, p := range f.Points {
		require.GreaterOrEqual(t, p.Low, 0., "counts are not negative")
	}
}

// Seasons that nobody named are found, or not looked for.
func TestPredictOtherSeasons(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(2, 3))
	points := series(400, time.Second, func(i int) float64 { return 20 + 5*float64((i%37)/20) + 0.3*r.NormFloat64() })
	f, err := trend.Predict(points, 37)
	require.NoError(t, err)
	require.Equal(t, 37*time.Second, f.Seasons[0].Length)
	require.Less(t, f.Accuracy.MASE, 1.)
	f, err = trend.Predict(points, 37, trend.WithSeasons())
	require.NoError(t, err)
	require.Empty(t, f.Seasons)
	f, err = trend.Predict(points, 37, trend.WithSeasons(37*time.Second, 1500*time.Millisecond))
	require.NoError(t, err)
	require.Len(t, f.Seasons, 1)
}

// Of a long series only the end is looked at, and the tests are of that end.
func TestPredictLongSeries(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(2, 5))
	points := series(12_000, 5*time.Minute, func(i int) float64 {
		return 1000 + 0.01*float64(i) + 200*math.Sin(2*math.Pi*float64(i)/288) + 5*r.NormFloat64()
	})
	f, err := trend.Predict(points, 100)
	require.NoError(t, err)
	require.Equal(t, 24*time.Hour, f.Seasons[0].Length)
	require.InDelta(t, 4, f.Accuracy.MAE, 2)
	for i, p := range f.Points {
		require.InDelta(t, 1120+0.01*float64(i)+200*math.Sin(2*math.Pi*float64(12_000+i)/288), p.Value, 12)
	}
}

func BenchmarkPredict(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	points := series(960, time.Hour, func(i int) float64 { return 100 + daily(i) + r.NormFloat64() + math.Sin(2*math.Pi*float64(i)/168) })
	for b.Loop() {
		_, _ = trend.Predict(points, 48)
	}
}

// Counts of which some are missing are not forecast below 0.
func TestCountsWithGaps(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 30))
	for range 10 {
		points := series(14*24, time.Hour, func(i int) float64 {
			switch hour := i % 24; {
			case r.Float64() < 0.3:
				return math.NaN()
			case hour < 9 || hour > 17:
				return 0
			}
			return math.Round(20 * r.ExpFloat64() * math.Exp(-float64(i)/150))
		})
		f, err := trend.Predict(points, 48)
		require.NoError(t, err)
		for _, p := range f.Points {
			require.GreaterOrEqual(t, p.Low, 0.)
			require.GreaterOrEqual(t, p.Value, 0.)
		}
	}
}
