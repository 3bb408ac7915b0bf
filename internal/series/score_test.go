package series_test

import (
	"math"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/series"
	"github.com/chronoretrace/chronomon/internal/testenv"
)

func TestScoresVectors(t *testing.T) {
	t.Parallel()
	type in struct {
		Insample, Actual, Forecast, Lo, Hi []float64
		M                                  int
	}
	type out struct {
		SMAPE, MASE, RMSSE, MAE, RMSE, WAPE, Bias, MSIS, Coverage float64
		Pinball                                                   map[string]float64
	}
	testenv.Vectors(t, "metrics.json", func(t *testing.T, in in, want out) {
		scale := series.NaiveError(in.Insample, in.M)
		require.InDelta(t, want.SMAPE, series.SMAPE(in.Actual, in.Forecast), 1e-12)
		require.InDelta(t, want.MASE, series.MAE(in.Actual, in.Forecast)/scale, 1e-12)
		require.InDelta(t, want.MAE, series.MAE(in.Actual, in.Forecast), 1e-12)
		require.InDelta(t, want.RMSE, series.RMSE(in.Actual, in.Forecast), 1e-12)
		require.InDelta(t, want.RMSSE, series.RMSE(in.Actual, in.Forecast)/series.RMSE(in.Insample[in.M:], in.Insample[:len(in.Insample)-in.M]), 1e-12)
		require.InDelta(t, want.WAPE, series.WAPE(in.Actual, in.Forecast), 1e-12)
		require.InDelta(t, want.Bias, series.Bias(in.Actual, in.Forecast), 1e-12)
		require.Len(t, want.Pinball, 3)
		for tau, want := range want.Pinball {
			p, err := strconv.ParseFloat(tau, 64)
			require.NoError(t, err)
			require.InDelta(t, want, series.Pinball(in.Actual, in.Forecast, p), 1e-12)
		}
		require.InDelta(t, want.MSIS, series.IntervalScore(in.Actual, in.Lo, in.Hi, 0.05)/scale, 1e-12)
		require.InDelta(t, want.Coverage, series.Coverage(in.Actual, in.Lo, in.Hi), 1e-12)
	})
}

func TestScoresDegenerate(t *testing.T) {
	t.Parallel()
	require.Zero(t, series.SMAPE([]float64{0, 0}, []float64{0, 0}))
	require.True(t, math.IsNaN(series.NaiveError([]float64{1, 2}, 2)))
}
