package series_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/series"
)

// A random walk is told from noise, and both tests hold their level.
func TestStationarity(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(4, 5))
	const runs = 500
	kpss, adf, walkKPSS, walkADF, twice := 0, 0, 0, 0, 0
	for range runs {
		noise, walk, sum := make([]float64, 200), make([]float64, 200), make([]float64, 200)
		for i := range noise {
			noise[i] = r.NormFloat64()
			if i > 0 {
				walk[i] = walk[i-1] + noise[i]
				sum[i] = sum[i-1] + walk[i]
			}
		}
		kpss += series.Differences(noise, series.ByKPSS)
		adf += series.Differences(noise, series.ByDickeyFuller)
		walkKPSS += min(1, series.Differences(walk, series.ByKPSS))
		if _, p := series.DickeyFuller(walk, 1, series.AboutLine); p <= 0.05 {
			walkADF++
		}
		if series.Differences(sum, series.ByDickeyFuller) == 2 {
			twice++
		}
	}
	require.InDelta(t, 0.05, float64(kpss)/runs, 0.03)
	require.Zero(t, adf, "noise is refuted to be a walk")
	require.Greater(t, walkKPSS, runs*9/10)
	require.InDelta(t, 0.05, float64(walkADF)/runs, 0.03)
	require.Greater(t, twice, runs*9/10)
}

func TestStationarityDegenerate(t *testing.T) {
	t.Parallel()
	line := make([]float64, 50)
	for i := range line {
		line[i] = 7 + 3*float64(i)
	}
	for _, y := range [][]float64{nil, {1}, {1, 2}, {1, 2, 3, 5}, make([]float64, 40), line} {
		for _, about := range []series.Deterministic{series.AboutMean, series.AboutLine} {
			stat, p := series.DickeyFuller(y, 2, about)
			require.Zero(t, stat)
			require.Equal(t, 1., p)
		}
		require.LessOrEqual(t, series.Differences(y, series.ByKPSS), 1)
		require.Equal(t, 1, series.DominantPeriod(y))
	}
	require.Zero(t, series.KPSS(line, 3, series.AboutLine))
	require.Zero(t, series.KPSS(make([]float64, 40), 3, series.AboutMean))
	require.Equal(t, 1, series.Differences(line, series.ByKPSS))
}

func TestBreaksOfFew(t *testing.T) {
	t.Parallel()
	require.Nil(t, series.MeanBreaks(nil, 0, 3))
	require.Nil(t, series.MeanBreaks([]float64{1, 2}, 3, 3))
	require.Len(t, series.MeanBreaks([]float64{1, 2, 3, 4, 5}, 2, 9), 2, "five values are two pieces of two")
	require.Empty(t, series.LikelyBreaks(nil).At)
	at, q := series.EnergySplit([]float64{1, 2, 3}, 2)
	require.Zero(t, at)
	require.Empty(t, q)
	at, q = series.EnergySplit([]float64{1, 1, 1, 9, 9, 9}, 0)
	require.Equal(t, 3, at)
	require.Len(t, q, 3)
}
