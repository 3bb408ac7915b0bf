package series_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/series"
	"github.com/chronoretrace/chronomon/internal/testenv"
)

func TestRobustVectors(t *testing.T) {
	t.Parallel()
	type in struct{ Y, Probs []float64 }
	type out struct {
		Type1, Type2, Type3, Type4, Type5, Type6, Type7, Type8, Type9 []float64
		IQR                                                           float64    `json:"iqr7"`
		Five                                                          []float64  `json:"fivenum"`
		Fence                                                         [2]float64 `json:"adjbox_fence"`
		HarrellDavis                                                  []float64  `json:"harrell_davis_95_99"`
		HodgesLehmann                                                 float64    `json:"hodges_lehmann"`
		MADRaw                                                        float64    `json:"mad_raw"`
		MADScaled                                                     float64    `json:"mad_scaled"`
		Trim10                                                        float64    `json:"mean_trim10"`
		Trim25                                                        float64    `json:"mean_trim25"`
		Qn, Sn, Medcouple                                             float64
		Huber                                                         float64 `json:"huberM"`
	}
	testenv.Vectors(t, "robust.json", func(t *testing.T, in in, want out) {
		before := slices.Clone(in.Y)
		near(t, want.Type7, series.Quantiles(in.Y, in.Probs...), 1e-9, "type 7")
		sorted := slices.Sorted(slices.Values(in.Y))
		for i, want := range [][]float64{want.Type1, want.Type2, want.Type3, want.Type4, want.Type5, want.Type6, want.Type7, want.Type8, want.Type9} {
			var got []float64
			for _, p := range in.Probs {
				got = append(got, series.Definition(i+1).Quantile(sorted, p))
			}
			near(t, want, got, 1e-9, "type "+strconv.Itoa(i+1))
		}
		nearOne(t, want.IQR, series.Quantile(sorted, 0.75)-series.Quantile(sorted, 0.25), 1e-9, "IQR")
		five := series.FiveNumbers(in.Y)
		near(t, want.Five, five[:], 1e-9, "five numbers")
		low, high := series.AdjustedFences(in.Y)
		nearOne(t, want.Fence[0], low, 1e-9, "lower fence")
		nearOne(t, want.Fence[1], high, 1e-9, "upper fence")
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
	for d := range series.Definition(11) {
		require.True(t, math.IsNaN(d.Quantile(nil, .5)))
		if d < 1 || d > 9 {
			require.True(t, math.IsNaN(d.Quantile([]float64{3}, .5)), "there is none of the number")
			continue
		}
		require.Equal(t, 3., d.Quantile([]float64{3}, 2))
		require.Equal(t, 1., d.Quantile([]float64{1, 2, 3}, 0))
		require.Equal(t, 3., d.Quantile([]float64{1, 2, 3}, 1))
	}
}

func TestRunningMedian(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(6, 7))
	for _, n := range []int{0, 1, 2, 5, 40} {
		x := make([]float64, n)
		for i := range x {
			x[i] = float64(r.IntN(12))
		}
		for _, half := range []int{-1, 0, 1, 3, 60} {
			got := series.RunningMedian(x, half)
			require.Len(t, got, n)
			for i, v := range got {
				require.Equal(t, series.Median(x[max(0, i-max(half, 0)):min(n, i+max(half, 0)+1)]), v)
			}
		}
	}
}
