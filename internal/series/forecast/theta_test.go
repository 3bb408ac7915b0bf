package forecast_test

import (
	"math"
	"math/rand/v2"
	"slices"
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
		R struct{ Mean, Lo80, Hi80, Lo95, Hi95 []float64 }
	}
	testenv.Vectors(t, "theta.json", func(t *testing.T, in in, want out) {
		y := append([]float64(nil), in.Y...)
		index, _ := series.Classical(y, in.Period, true)
		for i := range y {
			if index != nil {
				y[i] /= index[i%in.Period]
			}
		}
		fit, ok := forecast.FitTheta(y)
		require.True(t, ok)
		got := fit.Forecast(y, in.H)
		variance := fit.Variance(in.H)
		var mean float64
		for _, v := range in.Y {
			mean += math.Abs(v) / float64(len(in.Y))
		}
		for i, v := range got {
			if index != nil {
				v *= index[(len(y)+i)%in.Period]
			}
			require.InDelta(t, want.R.Mean[i], v, 2e-3*mean)
			// R's interval does not follow the season
			for p, want := range map[float64][2]float64{0.9: {want.R.Lo80[i], want.R.Hi80[i]}, 0.975: {want.R.Lo95[i], want.R.Hi95[i]}} {
				half := series.NormalQuantile(p) * math.Sqrt(variance[i])
				require.InDelta(t, want[0], v-half, 2e-3*mean)
				require.InDelta(t, want[1], v+half, 2e-3*mean)
			}
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
		SSE          float64
		Fitted       []float64
		Coefficients []float64
		Forecast     struct{ Mean, Lo95, Hi95 []float64 }
	}
	testenv.Vectors(t, "holtwinters.json", func(t *testing.T, in in, want out) {
		form := forecast.ETS{Error: forecast.Additive, Trend: forecast.Additive, Season: forecast.Additive, Winters: true, Period: in.Period}
		if in.Seasonal == "multiplicative" {
			form.Season = forecast.Multiplicative
		}
		s := forecast.ETSState{ETS: form, Alpha: in.Alpha, Beta: in.Alpha * in.Beta, Gamma: in.Gamma, Phi: 1, Level: in.L, Slope: in.B, Seasonal: in.S}
		y := in.Y[in.Period:]
		var fitted, errs []float64
		var sse float64
		s.Filter(y, func(i int, f float64) {
			fitted, errs = append(fitted, f), append(errs, y[i]-f)
			sse += (y[i] - f) * (y[i] - f)
		})
		near(t, want.Fitted, fitted, "fitted")
		near(t, []float64{want.SSE}, []float64{sse}, "sse")
		near(t, want.Coefficients, append([]float64{s.Level, s.Slope}, s.Seasonal...), "coefficients")
		mean := s.Forecast(in.H)
		near(t, want.Forecast.Mean, mean, "forecast")
		sigma2 := series.Variance(errs)
		variance := s.Variance(in.H, sigma2)
		if in.Seasonal == "multiplicative" {
			variance = asR(s, want.Coefficients, in.H, sigma2)
		}
		var low, high []float64
		for i, v := range mean {
			half := series.NormalQuantile(0.975) * math.Sqrt(variance[i])
			low, high = append(low, v-half), append(high, v+half)
		}
		near(t, want.Forecast.Lo95, low, "low")
		near(t, want.Forecast.Hi95, high, "high")
	})
}

// asR is the variance that R's predict.HoltWinters gives of a multiplicative
// season. It is not that of the model in two places, which is why ours differs, see
// TestMultiplicativeVariance: the error of the very step that is forecast counts by
// alpha + gamma (1 - alpha) instead of by one; and where the season of a step a
// period ago is wanted, R takes the slope, which stands before the seasons.
func asR(s forecast.ETSState, coefficients []float64, h int, sigma2 float64) []float64 {
	out := make([]float64, h)
	for i := range out {
		place := i % s.Period
		for j := range i + 1 {
			psi := s.Alpha + s.Beta*float64(j)
			if j%s.Period == 0 {
				psi += s.Gamma * (1 - s.Alpha)
			}
			from := (place + 1 - j) % s.Period // R's, from 1 on; 0 is the slope
			if from < 0 {
				from += s.Period
			}
			psi *= coefficients[2+place] / coefficients[1+from]
			out[i] += sigma2 * psi * psi
		}
	}
	return out
}

// Where R's intervals of a multiplicative season are wrong, ours are those that
// simulated futures have.
func TestMultiplicativeVariance(t *testing.T) {
	t.Parallel()
	s := forecast.ETSState{
		ETS:   forecast.ETS{Error: forecast.Additive, Trend: forecast.Additive, Season: forecast.Multiplicative, Winters: true, Period: 4},
		Alpha: 0.3, Beta: 0.05, Gamma: 0.6, Phi: 1, Level: 100, Slope: 0.2, Seasonal: []float64{1.2, 0.9, 0.7, 1.2},
	}
	const h, runs, sigma = 10, 20_000, 0.5
	r := rand.New(rand.NewPCG(8, 9))
	mean := s.Forecast(h)
	got := make([]float64, h)
	for range runs {
		path := s
		path.Seasonal = slices.Clone(s.Seasonal)
		for i := range h {
			v := path.Forecast(1)[0] + sigma*r.NormFloat64()
			got[i] += (v - mean[i]) * (v - mean[i]) / runs
			path.Filter([]float64{v}, nil)
		}
	}
	ours := s.Variance(h, sigma*sigma)
	theirs := asR(s, append([]float64{s.Level, s.Slope}, s.Seasonal...), h, sigma*sigma)
	for i, v := range got {
		require.InEpsilon(t, v, ours[i], 0.05, "step %d", i+1)
	}
	require.Less(t, theirs[0], 0.6*got[0], "the error itself")
	require.Greater(t, theirs[4], 1.2*ours[4], "the slope in place of a season")
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
