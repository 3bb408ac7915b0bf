package series_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/series"
	"github.com/chronoretrace/chronomon/internal/testenv"
)

func TestSpectrumVectors(t *testing.T) {
	t.Parallel()
	type in struct {
		Y        []float64
		Nlags    int
		ADFLags  int             `json:"adf_lags"`
		KPSSLags int             `json:"kpss_lags"`
		Period   json.RawMessage `json:"true_period"`
	}
	type out struct {
		ACF, PACF   []float64
		LjungBox10  [2]float64 `json:"ljung_box_10"`
		LjungBox20  [2]float64 `json:"ljung_box_20"`
		Periodogram []float64
		Step        float64    `json:"periodogram_freq_step"`
		Peak        float64    `json:"peak_period"`
		ADF         [2]float64 `json:"adf_c"`
		ADFLine     [2]float64 `json:"adf_ct"`
		KPSS        float64    `json:"kpss_c"`
		KPSSLine    float64    `json:"kpss_ct"`
		R           struct {
			KPSS     int  `json:"ndiffs_kpss"`
			ADF      int  `json:"ndiffs_adf"`
			Seasonal *int `json:"nsdiffs_seas"`
			Period   int  `json:"findfrequency"`
		}
	}
	testenv.Vectors(t, "spectrum.json", func(t *testing.T, in in, want out) {
		near(t, want.ACF, series.ACF(in.Y, in.Nlags), 1e-8, "acf")
		near(t, want.PACF, series.PACF(in.Y, len(want.PACF)-1), 1e-8, "pacf")
		power := series.Periodogram(in.Y)
		near(t, want.Periodogram, power, 1e-8, "periodogram")
		nearOne(t, want.Step, 1/float64(len(in.Y)), 1e-8, "step")
		nearOne(t, want.Peak, float64(len(in.Y))/float64(slices.Index(power, slices.Max(power))), 1e-8, "peak")
		for lags, want := range map[int][2]float64{10: want.LjungBox10, 20: want.LjungBox20} {
			q, p := series.LjungBox(in.Y, lags)
			nearOne(t, want[0], q, 1e-8, "Ljung-Box")
			require.InDelta(t, want[1], p, 1e-8)
		}
		for about, want := range map[series.Deterministic][2]float64{series.AboutMean: want.ADF, series.AboutLine: want.ADFLine} {
			stat, p := series.DickeyFuller(in.Y, in.ADFLags, about)
			nearOne(t, want[0], stat, 1e-6, "Dickey-Fuller")
			nearOne(t, want[1], p, 1e-6, "its probability")
		}
		nearOne(t, want.KPSS, series.KPSS(in.Y, in.KPSSLags, series.AboutMean), 1e-8, "KPSS")
		nearOne(t, want.KPSSLine, series.KPSS(in.Y, in.KPSSLags, series.AboutLine), 1e-8, "KPSS about a line")
		require.Equal(t, want.R.KPSS, series.Differences(in.Y, series.ByKPSS))
		require.Equal(t, want.R.ADF, series.Differences(in.Y, series.ByDickeyFuller))
		require.Equal(t, want.R.Period, series.DominantPeriod(in.Y))
		if want.R.Seasonal != nil {
			period := truePeriods(in.Period)[0]
			parts := series.MSTL(in.Y, period)
			differences := 0
			if series.Strength(parts.Seasonal[0], parts.Rest) > series.SeasonalEnough {
				differences = 1
			}
			require.Equal(t, *want.R.Seasonal, differences)
		}
	})
}

// truePeriods are the periods that a series was made with: none, one or some.
func truePeriods(raw json.RawMessage) (periods []int) {
	if json.Unmarshal(raw, &periods) == nil {
		return periods
	}
	var one int
	if json.Unmarshal(raw, &one) == nil {
		periods = []int{one}
	}
	return periods
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
