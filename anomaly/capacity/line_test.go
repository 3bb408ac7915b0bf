package capacity_test

import (
	"math"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/anomaly/capacity"
	"github.com/chronoretrace/chronomon/internal/testenv"
)

func TestLineVectors(t *testing.T) {
	type in struct {
		Y       []float64
		Limit   float64
		Horizon int
	}
	type out struct {
		Slope         float64
		Last          float64 `json:"intercept_at_last"`
		R2            float64
		SlopeLimits   [2]float64 `json:"slope_ci95"`
		Sigma         float64
		Forecast      []float64
		Low           []float64          `json:"lo95"`
		High          []float64          `json:"hi95"`
		PredictLinear map[string]float64 `json:"predict_linear"`
		Likely        *float64           `json:"steps_to_limit"`
		Earliest      *float64           `json:"steps_to_limit_earliest"`
		Latest        *float64           `json:"steps_to_limit_latest"`
	}
	testenv.Vectors(t, "capacity.json", func(t *testing.T, in in, want out) {
		x := make([]float64, len(in.Y))
		for i := range x {
			x[i] = 1000 + float64(i)
		}
		l, err := capacity.FitLine(x, in.Y)
		require.NoError(t, err)
		const tolerance = 1e-8
		near(t, want.Slope, l.Slope, tolerance, "slope")
		near(t, want.Last, l.Last, tolerance, "last")
		near(t, want.R2, l.R2, tolerance, "R2")
		near(t, want.Sigma, l.Sigma, tolerance, "sigma")
		low, high := l.SlopeLimits(0.95)
		near(t, want.SlopeLimits[0], low, tolerance, "slope, lower")
		near(t, want.SlopeLimits[1], high, tolerance, "slope, upper")
		require.Len(t, want.Forecast, in.Horizon)
		for i := range want.Forecast {
			steps := float64(i + 1)
			low, high := l.Limits(steps, 0.95)
			near(t, want.Forecast[i], l.At(steps), tolerance, "forecast")
			near(t, want.Low[i], low, tolerance, "lower limit")
			near(t, want.High[i], high, tolerance, "upper limit")
		}
		for steps, v := range want.PredictLinear {
			s, err := strconv.ParseFloat(steps, 64)
			require.NoError(t, err)
			near(t, v, l.At(s), tolerance, "predict_linear")
		}
		earliest, likely, latest := l.Reach(in.Limit, 0.95)
		for what, c := range map[string]struct {
			want *float64
			got  float64
		}{"earliest": {want.Earliest, earliest}, "likely": {want.Likely, likely}, "latest": {want.Latest, latest}} {
			if c.want == nil {
				require.True(t, math.IsInf(c.got, 1), what)
			} else {
				near(t, *c.want, c.got, tolerance, what)
			}
		}
	})
}

// A line without errors reaches its limit at one time; past it, at once.
func TestLineReach(t *testing.T) {
	t.Parallel()
	l, err := capacity.FitLine([]float64{0, 1, 2, 3, 10}, []float64{5, 7, 9, 11, 25})
	require.NoError(t, err)
	require.InDelta(t, 1, l.R2, 1e-12)
	for limit, want := range map[float64]float64{35: 5, 25.5: 0.25, 20: 0, 1e6: math.Inf(1)} {
		earliest, likely, latest := l.Reach(limit, 0.9)
		for _, got := range []float64{earliest, likely, latest} {
			if math.IsInf(want, 1) {
				require.True(t, math.IsInf(got, 1))
			} else {
				require.InDelta(t, want, got, 1e-5, limit)
			}
		}
	}
	flat, err := capacity.FitLine([]float64{0, 1, 2}, []float64{5, 5, 5})
	require.NoError(t, err)
	_, likely, _ := flat.Reach(6, 0.9)
	require.True(t, math.IsInf(likely, 1))
	require.Zero(t, flat.R2)
}

func TestLineErrors(t *testing.T) {
	t.Parallel()
	for want, c := range map[string][2][]float64{
		"3 x and 2 y":                                {{1, 2, 3}, {1, 2}},
		"2 points: want 3 or more":                   {{1, 2}, {1, 2}},
		"all points are at x 4":                      {{4, 4, 4}, {1, 2, 3}},
		"point 1 is (2, NaN): want finite numbers":   {{1, 2, 3}, {1, math.NaN(), 2}},
		"point 2 is (1, 3): want finite numbers, x ": {{1, 2, 1}, {1, 2, 3}},
	} {
		_, err := capacity.FitLine(c[0], c[1])
		require.ErrorContains(t, err, want)
	}
}
