package series_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/series"
	"github.com/chronoretrace/chronomon/internal/testenv"
)

func TestProfileVectors(t *testing.T) {
	t.Parallel()
	type in struct {
		Y      []float64
		PerDay int `json:"per_day"`
	}
	type places struct {
		P95, P99, Median, Mean []float64
		Factor                 []float64  `json:"seasonal_factor"`
		Spread                 []*float64 `json:"mad_scaled"`
	}
	type out struct {
		P95, P99 float64
		Day      places `json:"by_day"`
		Week     places `json:"by_week"`
	}
	testenv.Vectors(t, "threshold.json", func(t *testing.T, in in, want out) {
		near(t, []float64{want.P95, want.P99}, series.Quantiles(in.Y, .95, .99), 1e-10, "all values")
		for period, want := range map[int]places{in.PerDay: want.Day, 7 * in.PerDay: want.Week} {
			got := series.Profile(in.Y, period)
			var p95, p99, median, mean, factor, wantSpread, spread []float64
			for i, p := range got {
				p95, p99 = append(p95, p.Quantile(.95)), append(p99, p.Quantile(.99))
				median, mean, factor = append(median, p.Median), append(mean, p.Mean), append(factor, p.Factor)
				if want.Spread[i] == nil {
					require.True(t, math.IsNaN(p.Spread), "of one value")
					continue
				}
				wantSpread, spread = append(wantSpread, *want.Spread[i]), append(spread, p.Spread)
			}
			near(t, want.P95, p95, 1e-10, "p95")
			near(t, want.P99, p99, 1e-10, "p99")
			near(t, want.Median, median, 1e-10, "median")
			near(t, want.Mean, mean, 1e-10, "mean")
			near(t, want.Factor, factor, 1e-10, "factor")
			near(t, wantSpread, spread, 1e-10, "spread")
		}
	})
}

func TestProfileOfFew(t *testing.T) {
	t.Parallel()
	require.Nil(t, series.Profile([]float64{1}, 0))
	got := series.Profile([]float64{1, 3, 5}, 4)
	require.Len(t, got, 4)
	require.Equal(t, 5., got[2].Quantile(.99))
	require.Zero(t, got[3].Count)
	require.True(t, math.IsNaN(got[3].Mean) && math.IsNaN(got[3].Median) && math.IsNaN(got[3].Quantile(.5)))
}
