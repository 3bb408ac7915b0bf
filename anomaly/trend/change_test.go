package trend_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/anomaly/trend"
)

func TestChanges(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(6, 6))
	next := noise(r, 0.4)
	points := series(400, time.Hour, func(i int) float64 {
		v := 50 + daily(i) + next()
		if i >= 150 {
			v += 8
		}
		if i >= 300 {
			v -= 12
		}
		return v
	})
	got, err := trend.Changes(points)
	require.NoError(t, err)
	require.Len(t, got, 2)
	for i, at := range []int{150, 300} {
		require.WithinDuration(t, monday.Add(time.Duration(at)*time.Hour), got[i].Time, 12*time.Hour)
	}
	require.InDelta(t, 8, got[0].After-got[0].Before, 2)
	require.InDelta(t, -12, got[1].After-got[1].Before, 2)
	require.Greater(t, got[0].Size, 3.)
	require.Less(t, got[1].Size, -3.)
}

// Noise that depends on itself does not change.
func TestChangesOfNoise(t *testing.T) {
	t.Parallel()
	for _, phi := range []float64{0, 0.6} {
		r := rand.New(rand.NewPCG(7, 7))
		found := 0
		const runs = 200
		for range runs {
			next := noise(r, phi)
			got, err := trend.Changes(series(200, time.Hour, func(int) float64 { return next() }))
			require.NoError(t, err)
			found += min(1, len(got))
		}
		t.Logf("%v: %d of %d", phi, found, runs)
		require.LessOrEqual(t, found, runs*5/100)
	}
	got, err := trend.Changes(series(60, time.Hour, func(int) float64 { return 1 }))
	require.NoError(t, err)
	require.Empty(t, got)
	got, err = trend.Changes(series(60, time.Hour, func(i int) float64 { return float64(i / 30) }))
	require.NoError(t, err)
	require.Len(t, got, 1, "a step without noise")
}

// A slope is no stair.
func TestChangesOfSlope(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 7))
	for _, slope := range []float64{0.02, 0.2, 2} {
		got, err := trend.Changes(series(400, time.Hour, func(i int) float64 { return slope*float64(i) + r.NormFloat64() }))
		require.NoError(t, err)
		require.Empty(t, got, "%v", slope)
	}
	got, err := trend.Changes(series(20_000, time.Minute, func(i int) float64 {
		return float64(i/12_345)*5 + r.NormFloat64()
	}), trend.WithSeasons())
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.WithinDuration(t, monday.Add(12_345*time.Minute), got[0].Time, 10*time.Minute)
}

func TestDecompose(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 6))
	points := series(480, time.Hour, func(i int) float64 { return 100 + 0.1*float64(i) + daily(i) + r.NormFloat64() })
	got, err := trend.Decompose(points)
	require.NoError(t, err)
	require.Len(t, got.Seasons, 1)
	require.Greater(t, got.Strength, 0.9)
	for i, v := range got.Values {
		require.InDelta(t, v, got.Trend[i]+got.Season[0][i]+got.Rest[i], 1e-9)
		require.InDelta(t, 100+0.1*float64(i), got.Trend[i], 2)
	}
	got, err = trend.Decompose(series(60, time.Hour, func(i int) float64 { return float64(i) }))
	require.NoError(t, err)
	require.Empty(t, got.Season)
	require.Equal(t, got.Values, got.Trend)
}

// Nor is a bend, or a swing.
func TestChangesOfCurves(t *testing.T) {
	t.Parallel()
	const runs, n = 100, 200
	for name, f := range map[string]func(x float64) float64{
		"curve": func(x float64) float64 { return 30 * x * x },
		"kink":  func(x float64) float64 { return 20 * max(0, x-0.5) },
		"swing": func(x float64) float64 { return 5 * math.Sin(6*x) },
	} {
		r := rand.New(rand.NewPCG(1, 2))
		found := 0
		for range runs {
			got, err := trend.Changes(series(n, time.Hour, func(i int) float64 { return f(float64(i)/n) + r.NormFloat64() }), trend.WithSeasons())
			require.NoError(t, err)
			found += min(1, len(got))
		}
		require.LessOrEqual(t, found, runs*5/100, name)
	}
}

// The interval of a change holds the time that it was at, and is wider the smaller
// the change is.
func TestChangeInterval(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(8, 8))
	width := map[float64]time.Duration{}
	for _, c := range []struct{ phi, size float64 }{{0, 1.5}, {0, 3}, {0.5, 4}} {
		found, inside := 0, 0
		var wide time.Duration
		const runs = 200
		for range runs {
			next := noise(r, c.phi)
			at := 80 + r.IntN(40)
			got, err := trend.Changes(series(200, time.Hour, func(i int) float64 {
				if i >= at {
					return next() + c.size
				}
				return next()
			}), trend.WithSeasons())
			require.NoError(t, err)
			if len(got) != 1 {
				continue
			}
			found++
			truth := monday.Add(time.Duration(at) * time.Hour)
			if !got[0].Earliest.After(truth) && !got[0].Latest.Before(truth) {
				inside++
			}
			wide += got[0].Latest.Sub(got[0].Earliest)
		}
		width[c.size] = wide / time.Duration(max(found, 1))
		t.Logf("%+v: %d of %d inside", c, inside, found)
		require.GreaterOrEqual(t, found, runs/2, "at 1.5 deviations, and nearly all of the others")
		require.GreaterOrEqual(t, float64(inside), 0.9*float64(found))
	}
	require.Greater(t, width[1.5], 2*width[3])
}
