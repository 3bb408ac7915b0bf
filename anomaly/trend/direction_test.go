package trend_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/anomaly/trend"
)

// Of series that go nowhere at most 6 % seem to, whatever they are made of.
func TestFalseTrends(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		runs, n int
		phi     float64
		season  bool
	}{
		"noise":                {1000, 100, 0, false},
		"AR(1), short":         {1000, 60, 0.6, false},
		"AR(1)":                {1000, 200, 0.6, false},
		"AR(1), long":          {200, 500, 0.6, false},
		"season":               {500, 240, 0, true},
		"season and AR(1) 0.6": {500, 240, 0.6, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(11, uint64(c.n)))
			wrong, hamedRao, plain := 0, 0, 0
			for range c.runs {
				next := noise(r, c.phi)
				points := series(c.n, time.Hour, func(i int) float64 {
					v := 50 + next()
					if c.season {
						v += daily(i)
					}
					return v
				})
				got, err := trend.Test(points)
				require.NoError(t, err)
				if got.Direction != trend.Steady {
					wrong++
				}
				if got.HamedRao <= 0.05 {
					hamedRao++
				}
				if got.Plain <= 0.05 {
					plain++
				}
			}
			share := func(n int) float64 { return 100 * float64(n) / float64(c.runs) }
			t.Logf("%s: %.1f %%, Hamed and Rao %.1f %%, plain %.1f %%", name, share(wrong), share(hamedRao), share(plain))
			require.LessOrEqual(t, wrong, c.runs*6/100)
		})
	}
}

func TestTrendFound(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 6))
	const slope = 0.05
	inside := 0
	const runs = 200
	for range runs {
		next := noise(r, 0.5)
		points := series(240, time.Hour, func(i int) float64 { return 100 - slope*float64(i) + daily(i) + next() })
		got, err := trend.Test(points)
		require.NoError(t, err)
		require.Equal(t, trend.Falling, got.Direction)
		require.Equal(t, "falling", got.Direction.String())
		require.Equal(t, time.Hour, got.Per)
		require.Len(t, got.Seasons, 1)
		require.Equal(t, 24*time.Hour, got.Seasons[0].Length)
		require.InDelta(t, -slope, got.Slope, 0.03)
		require.Greater(t, got.Strength, 0.5)
		if got.Low <= -slope && -slope <= got.High {
			inside++
		}
	}
	require.GreaterOrEqual(t, inside, runs*85/100, "the interval of the slope")
}

func TestTrendOfConstant(t *testing.T) {
	t.Parallel()
	got, err := trend.Test(series(100, time.Minute, func(int) float64 { return 3 }))
	require.NoError(t, err)
	require.Equal(t, trend.Steady, got.Direction)
	require.Zero(t, got.Slope)
	require.Equal(t, 1., got.P)
}

// Pairs of a long series are not all looked at.
func TestTrendOfLongSeries(t *testing.T) {
	t.Parallel()
	points := series(20_000, time.Minute, func(i int) float64 { return 0.001*float64(i) + math.Sin(float64(i*i)) })
	start := time.Now()
	got, err := trend.Test(points, trend.WithSeasons())
	require.NoError(t, err)
	require.Less(t, time.Since(start), 5*time.Second)
	require.Equal(t, trend.Rising, got.Direction)
	require.InDelta(t, 0.001, got.Slope, 1e-4)
}

// One random walk of eight seems to go somewhere: it is said that it may be one. Of
// a line with noise about it that is seldom said.
func TestTrendOfWalk(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	const runs, n = 200, 200
	rising, noted, doubted := 0, 0, 0
	for range runs {
		level := 0.0
		walk, err := trend.Test(series(n, time.Hour, func(int) float64 {
			level += r.NormFloat64()
			return level
		}), trend.WithSeasons())
		require.NoError(t, err)
		if walk.Direction != trend.Steady {
			rising++
			noted += len(walk.Notes)
		}
		next := noise(r, 0.5)
		line, err := trend.Test(series(n, time.Hour, func(i int) float64 { return 0.03*float64(i) + next() }), trend.WithSeasons())
		require.NoError(t, err)
		require.Equal(t, trend.Rising, line.Direction)
		doubted += len(line.Notes)
	}
	t.Logf("%d of %d walks, %d with a note; %d of the lines", rising, runs, noted, doubted)
	require.Less(t, rising, runs*20/100)
	require.GreaterOrEqual(t, noted, rising*80/100)
	require.LessOrEqual(t, doubted, runs*5/100)
}
