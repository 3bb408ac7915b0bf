package series_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/series"
	"github.com/chronoretrace/chronomon/internal/testenv"
)

func TestSpectrumVectors(t *testing.T) {
	t.Parallel()
	type in struct {
		Y     []float64
		Nlags int
	}
	type out struct {
		ACF, PACF   []float64
		LjungBox10  [2]float64 `json:"ljung_box_10"`
		LjungBox20  [2]float64 `json:"ljung_box_20"`
		Periodogram []float64
	}
	testenv.Vectors(t, "spectrum.json", func(t *testing.T, in in, want out) {
		near(t, want.ACF, series.ACF(in.Y, in.Nlags), 1e-8, "acf")
		near(t, want.PACF, series.PACF(in.Y, len(want.PACF)-1), 1e-8, "pacf")
		near(t, want.Periodogram, series.Periodogram(in.Y), 1e-8, "periodogram")
		for lags, want := range map[int][2]float64{10: want.LjungBox10, 20: want.LjungBox20} {
			q, p := series.LjungBox(in.Y, lags)
			nearOne(t, want[0], q, 1e-8, "Ljung-Box")
			require.InDelta(t, want[1], p, 1e-8)
		}
	})
}

// The transform and the plain sums are the same thing.
func TestACFLong(t *testing.T) {
	t.Parallel()
	y := wave(1500)
	long := series.ACF(y, 400)
	for k := range 40 {
		require.InDelta(t, series.ACF(y, 40)[k], long[k], 1e-12)
	}
}

func TestACFDegenerate(t *testing.T) {
	t.Parallel()
	require.Equal(t, []float64{1, 0, 0}, series.ACF([]float64{5, 5, 5}, 2))
	require.Equal(t, []float64{1, 0, 0}, series.ACF(nil, 2))
	require.Len(t, series.ACF([]float64{1, 2}, 5), 6)
	require.Nil(t, series.Periodogram(nil))
	require.False(t, series.Finite([]float64{1, math.Inf(-1)}))
}

// wave is a series with a day, a week, a trend and noise.
func wave(n int) []float64 {
	r := rand.New(rand.NewPCG(1, 2))
	y := make([]float64, n)
	for i := range y {
		x := float64(i)
		y[i] = 100 + 0.02*x + 20*math.Sin(2*math.Pi*x/24) + 10*math.Cos(2*math.Pi*x/168) + 3*r.NormFloat64()
	}
	return y
}
