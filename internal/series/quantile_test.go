package series_test

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/series"
	"github.com/chronoretrace/chronomon/internal/testenv"
)

func TestRobustVectors(t *testing.T) {
	t.Parallel()
	type in struct{ Y, Probs []float64 }
	type out struct {
		Type7             []float64
		HarrellDavis      []float64 `json:"harrell_davis_95_99"`
		HodgesLehmann     float64   `json:"hodges_lehmann"`
		MADRaw            float64   `json:"mad_raw"`
		MADScaled         float64   `json:"mad_scaled"`
		Trim10            float64   `json:"mean_trim10"`
		Trim25            float64   `json:"mean_trim25"`
		Qn, Sn, Medcouple float64
		Huber             float64 `json:"huberM"`
	}
	testenv.Vectors(t, "robust.json", func(t *testing.T, in in, want out) {
		before := slices.Clone(in.Y)
		near(t, want.Type7, series.Quantiles(in.Y, in.Probs...), 1e-9, "type 7")
		near(t, want.HarrellDavis, []float64{series.HarrellDavis(in.Y, .95), series.HarrellDavis(in.Y, .99)}, 1e-9, "Harrell-Davis")
		nearOne(t, want.HodgesLehmann, series.HodgesLehmann(in.Y), 1e-9, "Hodges-Lehmann")
		nearOne(t, want.MADRaw, series.MAD(in.Y), 1e-9, "MAD")
		nearOne(t, want.MADScaled, series.NormalMAD*series.MAD(in.Y), 1e-9, "scaled MAD")
		nearOne(t, want.Trim10, series.TrimmedMean(in.Y, .1), 1e-9, "trimmed mean")
		nearOne(t, want.Trim25, series.TrimmedMean(in.Y, .25), 1e-9, "trimmed mean")
		nearOne(t, want.Qn, series.Qn(in.Y), 1e-6, "Qn")
		nearOne(t, want.Sn, series.Sn(in.Y), 1e-6, "Sn")
		nearOne(t, want.Medcouple, series.Medcouple(in.Y), 1e-9, "medcouple")
		nearOne(t, want.Huber, series.Huber(in.Y, 1.5), 1e-6, "Huber")
		require.Equal(t, before, in.Y, "the values are as they were")
	})
}

func TestQuantileOfFew(t *testing.T) {
	t.Parallel()
	require.True(t, math.IsNaN(series.Quantile(nil, .5)))
	require.True(t, math.IsNaN(series.Median(nil)))
	require.Equal(t, 3., series.Quantile([]float64{3}, .99))
	require.Equal(t, 2.5, series.Median([]float64{4, 1, 3, 2}), "not 2, as gonum's type 4 has it")
	require.Equal(t, []float64{1, 4}, series.Quantiles([]float64{4, 1}, -1, 2), "held to the range")
	require.Zero(t, series.Qn([]float64{1}))
	require.Zero(t, series.Sn(nil))
	require.Zero(t, series.Medcouple(nil))
	require.Zero(t, series.Variance([]float64{1}))
}
