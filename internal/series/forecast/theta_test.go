package forecast_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/series"
	"github.com/chronoretrace/chronomon/internal/series/forecast"
	"github.com/chronoretrace/chronomon/internal/testenv"
)

func TestThetaVectors(t *testing.T) {
	t.Parallel()
	type in struct {
		Y         []float64
		Period, H int
	}
	type out struct {
		R struct{ Mean []float64 }
	}
	testenv.Vectors(t, "theta.json", func(t *testing.T, in in, want out) {
		y := append([]float64(nil), in.Y...)
		index, _ := series.Classical(y, in.Period, true)
		for i := range y {
			if index != nil {
				y[i] /= index[i%in.Period]
			}
		}
		got := forecast.Theta(y, in.H)
		var mean float64
		for _, v := range in.Y {
			mean += math.Abs(v) / float64(len(in.Y))
		}
		for i, v := range got {
			if index != nil {
				v *= index[(len(y)+i)%in.Period]
			}
			require.InDelta(t, want.R.Mean[i], v, 2e-3*mean)
		}
	})
}

func TestHoltWintersVectors(t *testing.T) {
	t.Parallel()
	type in struct {
		Y                  []float64
		Period, H          int
		Alpha, Beta, Gamma float64
		Seasonal           string
		L                  float64   `json:"l_start"`
		B                  float64   `json:"b_start"`
		S                  []float64 `json:"s_start"`
	}
	type out struct {
		SSE      float64
		Fitted   []float64
		Forecast struct{ Mean []float64 }
	}
	testenv.Vectors(t, "holtwinters.json", func(t *testing.T, in in, want out) {
		form := forecast.ETS{Error: forecast.Additive, Trend: forecast.Additive, Season: forecast.Additive, Winters: true, Period: in.Period}
		if in.Seasonal == "multiplicative" {
			form.Season = forecast.Multiplicative
		}
		s := forecast.ETSState{ETS: form, Alpha: in.Alpha, Beta: in.Alpha * in.Beta, Gamma: in.Gamma, Phi: 1, Level: in.L, Slope: in.B, Seasonal: in.S}
		y := in.Y[in.Period:]
		var fitted []float64
		var sse float64
		s.Filter(y, func(i int, f float64) {
			fitted = append(fitted, f)
			sse += (y[i] - f) * (y[i] - f)
		})
		near(t, want.Fitted, fitted, "fitted")
		near(t, []float64{want.SSE}, []float64{sse}, "sse")
		near(t, want.Forecast.Mean, s.Forecast(in.H), "forecast")
	})
}

// On a straight line the model is exact.
func TestDynamicThetaOnALine(t *testing.T) {
	t.Parallel()
	y := make([]float64, 60)
	for i := range y {
		y[i] = 5 + 2*float64(i)
	}
	got := forecast.DynamicTheta(y, 3)
	require.InDeltaSlice(t, []float64{125, 127, 129}, got, 0.7)
}

func TestMinimise(t *testing.T) {
	t.Parallel()
	rosenbrock := func(x []float64) float64 {
		a, b := 1-x[0], x[1]-x[0]*x[0]
		return a*a + 100*b*b
	}
	x, v := forecast.Minimise(rosenbrock, []float64{-1.2, 1}, []float64{0.5, 0.5}, 1000)
	require.InDelta(t, 0, v, 1e-8)
	require.InDeltaSlice(t, []float64{1, 1}, x, 1e-3)

	bounded := func(x []float64) float64 {
		if x[0] < 2 {
			return math.NaN()
		}
		return x[0] * x[0]
	}
	x, _ = forecast.Minimise(bounded, []float64{5}, []float64{1}, 200)
	require.InDelta(t, 2, x[0], 1e-3)
}

func TestBurg(t *testing.T) {
	t.Parallel()
	y := make([]float64, 2000)
	seed := uint64(1)
	for i := 2; i < len(y); i++ {
		var noise float64 // a sum of uniforms is nearly normal
		for range 12 {
			seed = seed*6364136223846793005 + 1442695040888963407
			noise += float64(seed>>11)/(1<<53) - 0.5
		}
		y[i] = 1.2*y[i-1] - 0.5*y[i-2] + noise
	}
	phi := forecast.Burg(y, 10)
	require.GreaterOrEqual(t, len(phi), 2)
	require.InDelta(t, 1.2, phi[0], 0.07)
	require.InDelta(t, -0.5, phi[1], 0.1)
	require.Empty(t, forecast.Burg(make([]float64, 50), 5))
}
