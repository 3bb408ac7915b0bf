package capacity_test

import (
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/anomaly/capacity"
	"github.com/chronoretrace/chronomon/internal/testenv"
)

func TestHistogramVectors(t *testing.T) {
	type in struct {
		T        []int64
		V, W     []float64
		Max      float64 `json:"max_value"`
		First    float64 `json:"first_bucket"`
		Ratio    float64
		Epsilon  float64
		HalfLife float64 `json:"half_life_s"`
	}
	type out struct {
		Empty       bool
		Percentiles map[string]float64
	}
	testenv.Vectors(t, "vpa.json", func(t *testing.T, in in, want out) {
		h, err := capacity.NewHistogram(capacity.HistogramSpec{
			Max: in.Max, First: in.First, Ratio: in.Ratio, Epsilon: in.Epsilon,
			HalfLife: time.Duration(in.HalfLife * float64(time.Second)),
		})
		require.NoError(t, err)
		for i := range in.T {
			require.NoError(t, h.Add(in.V[i], in.W[i], time.Unix(in.T[i], 0)))
		}
		require.Equal(t, want.Empty, h.Empty())
		require.NotEmpty(t, want.Percentiles)
		for p, v := range want.Percentiles {
			q, err := strconv.ParseFloat(p, 64)
			require.NoError(t, err)
			near(t, v, h.Quantile(q), 1e-9, p)
		}
	})
}

// After years without a sample the new ones count, and nothing overflows.
func TestHistogramForgets(t *testing.T) {
	t.Parallel()
	h, err := capacity.NewHistogram(capacity.HistogramSpec{})
	require.NoError(t, err)
	require.True(t, h.Empty())
	require.Zero(t, h.Quantile(0.5))
	at := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	for range 1000 {
		require.NoError(t, h.Add(500, 1, at))
	}
	require.InDelta(t, 500, h.Quantile(0.5), 30)
	require.NoError(t, h.Add(2, 1, at.AddDate(6, 0, 0)))
	require.InDelta(t, 2, h.Quantile(1), 0.2)
	require.NoError(t, h.Add(math.Inf(1), 1, at.AddDate(6, 0, 0)), "beyond the last bucket")
	require.Greater(t, h.Quantile(1), 999.)
}

func TestHistogramErrors(t *testing.T) {
	t.Parallel()
	_, err := capacity.NewHistogram(capacity.HistogramSpec{Max: -1, Ratio: 1, HalfLife: -1, Epsilon: -1})
	for _, want := range []string{"maximum -1", "ratio 1", "half-life -1ns", "epsilon -1"} {
		require.ErrorContains(t, err, want)
	}
	_, err = capacity.NewHistogram(capacity.HistogramSpec{Ratio: 1 + 1e-9})
	require.ErrorContains(t, err, "number of buckets")
	h, err := capacity.NewHistogram(capacity.HistogramSpec{})
	require.NoError(t, err)
	for _, v := range []float64{-1, math.NaN()} {
		require.Error(t, h.Add(v, 1, time.Now()))
		require.Error(t, h.Add(1, v, time.Now()))
	}
	require.True(t, h.Empty())
}
