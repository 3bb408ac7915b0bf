package series_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/series"
	"github.com/chronoretrace/chronomon/internal/testenv"
)

func TestTrendVectors(t *testing.T) {
	t.Parallel()
	type in struct {
		Y []float64
		M int
	}
	type out struct {
		S           float64
		VarS        float64 `json:"var_S"`
		Z, P        float64
		TauB        float64 `json:"tau_b"`
		Slope       float64 `json:"theil_sen_slope"`
		Intercept   float64 `json:"theil_sen_intercept"`
		Low         float64 `json:"theil_sen_lo95"`
		High        float64 `json:"theil_sen_hi95"`
		Siegel      float64 `json:"siegel_slope"`
		SiegelStart float64 `json:"siegel_intercept"`
		HamedRaoVar float64 `json:"hamed_rao_var_S"`
		HamedRaoZ   float64 `json:"hamed_rao_z"`
		SeasonalS   float64 `json:"seasonal_S"`
		SeasonalVar float64 `json:"seasonal_var_S"`
		SeasonalZ   float64 `json:"seasonal_z"`
		SeasonalP   float64 `json:"seasonal_p"`
	}
	testenv.Vectors(t, "trend.json", func(t *testing.T, in in, want out) {
		m := series.NewMannKendall(in.Y)
		require.Equal(t, want.S, m.S)
		nearOne(t, want.VarS, m.Variance, 1e-9, "variance")
		nearOne(t, want.Z, m.Z(), 1e-9, "z")
		nearOne(t, want.P, m.P(), 1e-9, "p")
		nearOne(t, want.TauB, m.Tau, 1e-9, "tau-b")
		l := series.TheilSen(in.Y)
		low, high := l.Interval(m.Variance)
		nearOne(t, want.Slope, l.Slope, 1e-9, "slope")
		nearOne(t, want.Intercept, l.Intercept, 1e-9, "intercept")
		nearOne(t, want.Low, low, 1e-9, "low")
		nearOne(t, want.High, high, 1e-9, "high")
		s := series.Siegel(in.Y)
		nearOne(t, want.Siegel, s.Slope, 1e-9, "Siegel's slope")
		nearOne(t, want.SiegelStart, s.Intercept, 1e-9, "Siegel's intercept")
		if in.M > 1 {
			m := series.SeasonalMannKendall(in.Y, in.M)
			require.Equal(t, want.SeasonalS, m.S)
			nearOne(t, want.SeasonalVar, m.Variance, 1e-9, "seasonal variance")
			nearOne(t, want.SeasonalZ, m.Z(), 1e-9, "seasonal z")
			nearOne(t, want.SeasonalP, m.P(), 1e-9, "seasonal p")
		}
		h := m.Correlated(in.Y, l.Slope)
		nearOne(t, want.HamedRaoVar, h.Variance, 1e-7, "Hamed and Rao's variance")
		nearOne(t, want.HamedRaoZ, h.Z(), 1e-7, "Hamed and Rao's z")
	})
}

func TestMannKendallDegenerate(t *testing.T) {
	t.Parallel()
	for _, y := range [][]float64{nil, {1}, {2, 2, 2, 2, 2}} {
		m := series.NewMannKendall(y)
		require.Zero(t, m.Z())
		require.Equal(t, 1., m.P())
		require.Zero(t, m.Tau)
	}
}
