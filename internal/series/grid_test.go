package series_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/series"
)

func TestRegularise(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	at := func(seconds ...float64) (out []time.Time) {
		for _, s := range seconds {
			out = append(out, start.Add(time.Duration(s*float64(time.Second))))
		}
		return out
	}
	nan := math.NaN()

	g, err := series.Regularise(at(20, 0, 10.4, 49.8, 30, 31), []float64{3, 1, 2, 6, 4, 8}, 0)
	require.NoError(t, err)
	require.Equal(t, start, g.Start)
	require.Equal(t, 10*time.Second, g.Step)
	for _, c := range [][2]time.Duration{
		{10003 * time.Millisecond, 10 * time.Second},
		{59700 * time.Millisecond, time.Minute},
		{90 * time.Second, 90 * time.Second},
		{23*time.Hour + 50*time.Minute, 24 * time.Hour},
		{333 * time.Microsecond, 333 * time.Microsecond},
	} {
		g, err = series.Regularise([]time.Time{start, start.Add(c[0]), start.Add(2 * c[0])}, []float64{1, 2, 3}, 0)
		require.NoError(t, err)
		require.Equal(t, c[1], g.Step)
	}

	g, err = series.Regularise(at(20, 0, 10.4, 49.8, 30, 31), []float64{3, 1, 2, 6, 4, 8}, 10*time.Second)
	require.NoError(t, err)
	require.Equal(t, 1, g.Missing)
	require.Equal(t, []float64{1, 2, 3, 6, 6, 6}, series.Filled(g.Values))

	_, err = series.Regularise(at(0), []float64{1}, 0)
	require.ErrorIs(t, err, series.ErrShort)
	_, err = series.Regularise(at(0, 1, 2), []float64{1, nan, math.Inf(1)}, 0)
	require.ErrorIs(t, err, series.ErrShort)
	_, err = series.Regularise(at(5, 5, 5), []float64{1, 2, 3}, 0)
	require.ErrorIs(t, err, series.ErrShort)
	_, err = series.Regularise(at(0, 1, 2, 1e6), []float64{1, 2, 3, 4}, 0)
	require.ErrorIs(t, err, series.ErrIrregular)
	g, err = series.Regularise(at(0, 10, 20, 90), []float64{1, 2, 3, 4}, 0)
	require.NoError(t, err)
	require.ErrorIs(t, series.Dense(g.Values), series.ErrIrregular)
	require.NoError(t, series.Dense(g.Values[:3]))
}

func TestFilled(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	require.Equal(t, []float64{2, 2, 3, 4, 4}, series.Filled([]float64{nan, 2, nan, 4, nan}))
	require.True(t, math.IsNaN(series.Filled([]float64{nan, nan})[0]))
	require.Empty(t, series.Filled(nil, 7))

	y, want := make([]float64, 70), make([]float64, 70)
	for i := range y {
		want[i] = 0.5*float64(i) + 10*float64(i%7)
		y[i] = want[i]
	}
	for i := 30; i < 40; i++ {
		y[i] = nan
	}
	require.InDeltaSlice(t, want, series.Filled(y, 7), 8, "near the season, where a line is off by up to 60")
}

// What is filled has all of the seasons, and is no less than 0 where nothing is.
func TestFilledSeasons(t *testing.T) {
	t.Parallel()
	want, y := make([]float64, 6*14), make([]float64, 6*14)
	for i := range y {
		want[i] = 10 * float64(i%2)
		if i/2%7 > 4 {
			want[i] *= 0.2
		}
		y[i] = want[i]
	}
	for i := 38; i < 42; i++ { // a weekend
		y[i] = math.NaN()
	}
	filled := series.Filled(y, 2, 14)
	require.InDeltaSlice(t, want, filled, 1.5)
	require.GreaterOrEqual(t, slices.Min(filled), 0.)
}
