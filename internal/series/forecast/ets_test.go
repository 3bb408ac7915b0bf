package forecast_test

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/series"
	"github.com/chronoretrace/chronomon/internal/series/forecast"
	"github.com/chronoretrace/chronomon/internal/testenv"
)

func TestETSFilterVectors(t *testing.T) {
	t.Parallel()
	type in struct {
		Y                       []float64
		Period, H               int
		Trend, Seasonal, Damped bool
		Alpha, Beta, Gamma, Phi float64
		L0, B0                  float64
		S0                      []float64
	}
	type out struct {
		Fitted, Forecast []float64
		SSE, Sigma2      float64
		LogLik           float64
		Level            float64
		Slope            *float64
		Seasonal         []float64
		Factor           []float64 `json:"var_factor"`
		Lo95, Hi95       []float64
	}
	testenv.Vectors(t, "ets_fixed.json", func(t *testing.T, in in, want out) {
		form := forecast.ETS{Error: forecast.Additive, Trend: forecast.None, Season: forecast.None, Damped: in.Damped, Period: in.Period}
		if in.Trend {
			form.Trend = forecast.Additive
		}
		if in.Seasonal {
			form.Season = forecast.Additive
		}
		s := forecast.ETSState{ETS: form, Alpha: in.Alpha, Beta: in.Beta, Gamma: in.Gamma, Phi: in.Phi, Level: in.L0, Slope: in.B0, Seasonal: in.S0}
		fitted := make([]float64, len(in.Y))
		var sse float64
		s.Filter(in.Y, func(i int, f float64) {
			fitted[i] = f
			sse += (in.Y[i] - f) * (in.Y[i] - f)
		})
		near(t, want.Fitted, fitted, "fitted")
		near(t, []float64{want.SSE}, []float64{sse}, "sse")
		near(t, []float64{want.Level}, []float64{s.Level}, "level")
		near(t, want.Seasonal, s.Seasonal, "seasonal")
		if want.Slope != nil {
			near(t, []float64{*want.Slope}, []float64{s.Slope}, "slope")
		}
		n := float64(len(in.Y))
		sigma2 := sse / n
		near(t, []float64{want.Sigma2}, []float64{sigma2}, "variance of the errors")
		near(t, []float64{want.LogLik}, []float64{-n / 2 * (math.Log(2*math.Pi*sigma2) + 1)}, "likelihood")
		mean := s.Forecast(in.H)
		near(t, want.Forecast, mean, "forecast")
		near(t, want.Factor, s.Variance(in.H, 1), "variance")
		var low, high []float64
		for i, v := range s.Variance(in.H, sigma2) {
			half := series.NormalQuantile(0.975) * math.Sqrt(v)
			low, high = append(low, mean[i]-half), append(high, mean[i]+half)
		}
		near(t, want.Lo95, low, "low")
		near(t, want.Hi95, high, "high")
	})
}

func TestETSFitVectors(t *testing.T) {
	t.Parallel()
	type in struct {
		Y      []float64
		Period int
		Model  string
		Damped *bool
		H      int
	}
	type out struct {
		Method   string
		LogLik   float64
		AICc     float64
		Forecast struct{ Mean, Lo80, Hi80, Lo95, Hi95 []float64 }
	}
	testenv.Vectors(t, "ets_fit.json", func(t *testing.T, in in, want out) {
		fit, ok := forecast.ChooseETS(in.Y, forms(in.Model, in.Damped, in.Period)...)
		require.True(t, ok)
		t.Logf("%s %.2f %.2f, R: %s %.2f %.2f", fit.First, fit.LogLik, fit.AICc, want.Method, want.LogLik, want.AICc)
		if in.Model != "ZZZ" {
			require.GreaterOrEqual(t, fit.LogLik, want.LogLik-0.5)
		} else {
			require.LessOrEqual(t, fit.AICc, want.AICc+1)
		}
		if fit.First.String() == want.Method {
			require.InDelta(t, want.AICc+2*want.LogLik, fit.AICc+2*fit.LogLik, 1e-9*want.AICc, "what the parameters cost")
		}
		var mean float64
		for _, v := range in.Y {
			mean += math.Abs(v) / float64(len(in.Y))
		}
		got := fit.Last.Forecast(in.H)
		variance := fit.Last.Variance(in.H, fit.Sigma2)
		t.Logf("forecast off by %.4f of the mean", series.MAE(want.Forecast.Mean, got)/mean)
		// Where ours is likelier, it is another fit, with other forecasts.
		if fit.First.String() == want.Method && fit.LogLik <= want.LogLik+0.5 {
			for i := range got {
				require.InDelta(t, want.Forecast.Mean[i], got[i], 0.01*mean)
			}
			var w80, w95, g float64
			for i := range got {
				w80 += want.Forecast.Hi80[i] - want.Forecast.Lo80[i]
				w95 += want.Forecast.Hi95[i] - want.Forecast.Lo95[i]
				g += 2 * math.Sqrt(variance[i])
			}
			require.InEpsilon(t, w80, g*series.NormalQuantile(.9), 0.05, "80 % width")
			require.InEpsilon(t, w95, g*series.NormalQuantile(.975), 0.05, "95 % width")
		}
	})
}

// forms are those that R's model stands for: Z is any, and what multiplies where
// only addition is stable is left out as R does.
func forms(model string, damped *bool, period int) (out []forecast.ETS) {
	kinds := func(c byte, of string) string {
		if c == 'Z' {
			return of
		}
		return string(c)
	}
	seasons := "NAM"
	if period == 1 {
		seasons = "N"
	}
	for _, e := range kinds(model[0], "AM") {
		for _, tr := range kinds(model[1], "NA") {
			for _, s := range kinds(model[2], seasons) {
				for _, d := range []bool{false, true} {
					if d && tr == 'N' || damped != nil && tr != 'N' && d != *damped || e == 'A' && s == 'M' {
						continue
					}
					out = append(out, forecast.ETS{Error: forecast.Kind(e), Trend: forecast.Kind(tr), Season: forecast.Kind(s), Damped: d, Period: period})
				}
			}
		}
	}
	return out
}

func TestETSRefuses(t *testing.T) {
	t.Parallel()
	_, ok := forecast.FitETS([]float64{1, 2, 3}, forecast.ETS{Error: forecast.Additive, Trend: forecast.None, Season: forecast.None})
	require.False(t, ok, "too short")
	_, ok = forecast.FitETS([]float64{1, 2, 0, 2, 3, 4, 5}, forecast.ETS{Error: forecast.Multiplicative, Trend: forecast.None, Season: forecast.None})
	require.False(t, ok, "not positive")
	require.True(t, strings.HasPrefix(forecast.ETS{Error: 'A', Trend: 'A', Damped: true, Season: 'N'}.String(), "ETS(A,Ad,N)"))
}
