package trend_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/anomaly/capacity"
	"github.com/chronoretrace/chronomon/anomaly/trend"
	arithmetic "github.com/chronoretrace/chronomon/internal/series"
	"github.com/chronoretrace/chronomon/internal/testenv"
)

// What is said of the reference series is what the reference says, to the last
// digits that it gives. The verdict is another one only where the reference's own
// statistic, in futures of that series that have no trend, is as large as often as
// not to be a sign of any: its correction does not hold its level.
func TestVerdictVectors(t *testing.T) {
	t.Parallel()
	type in struct{ Y []float64 }
	type out struct {
		P     float64
		Tau   float64 `json:"tau_b"`
		Slope float64 `json:"theil_sen_slope"`
		Z     float64 `json:"hamed_rao_z"`

		OLSSlope     float64 `json:"ols_slope"`
		OLSIntercept float64 `json:"ols_intercept"`
		OLSR2        float64 `json:"ols_r2"`
		OLSError     float64 `json:"ols_slope_stderr"`
		OLSP         float64 `json:"ols_p"`
	}
	testenv.Vectors(t, "trend.json", func(t *testing.T, in in, want out) {
		y := in.Y
		got, err := trend.Test(series(len(y), time.Hour, func(i int) float64 { return y[i] }), trend.WithSeasons())
		require.NoError(t, err)
		near := func(want, got, tolerance float64) { require.InDelta(t, want, got, tolerance*math.Abs(want)) }
		near(want.P, got.Plain, 1e-9)
		near(want.Tau, got.Tau, 1e-9)
		near(want.Slope, got.Slope, 1e-9)
		hamedRao := math.Erfc(math.Abs(want.Z) / math.Sqrt2)
		near(hamedRao, got.HamedRao, 1e-7*max(1, want.Z*want.Z)) // of z, which p falls with the square of
		if (hamedRao <= 0.05) != (got.Direction != trend.Steady) {
			p := sieve(y, math.Abs(want.Z))
			t.Logf("%v, Hamed and Rao's p is %.4f; by bootstrap it is %.3f", got.Direction, hamedRao, p)
			require.Greater(t, p, 0.05)
		}

		x := make([]float64, len(y))
		for i := range x {
			x[i] = float64(i)
		}
		line, err := capacity.FitLine(x, y)
		require.NoError(t, err)
		near(want.OLSSlope, line.Slope, 1e-9)
		near(want.OLSIntercept, line.At(-x[len(x)-1]), 1e-9)
		near(want.OLSR2, line.R2, 1e-9)
		freedom := float64(len(y) - 2)
		low, high := line.SlopeLimits(0.95)
		deviation := (high - low) / 2 / arithmetic.StudentQuantile(0.975, freedom)
		near(want.OLSError, deviation, 1e-9)
		m := arithmetic.MannKendall{S: 1 + line.Slope/deviation, Variance: 1} // whose z is t
		if line.Slope < 0 {
			m.S -= 2
		}
		near(want.OLSP, m.StudentP(freedom), 1e-9*max(1, m.Z()*m.Z()))
	})
}

// sieve is how often Hamed and Rao's statistic is as far from zero as z in series
// without a trend that depend on their past as y does: autoregressions about the
// mean of its residuals in any order (Noguchi, Gel and Duguay, 2011). Of the orders
// 1 and 2 it is the less.
func sieve(y []float64, z float64) float64 {
	const runs, settle = 300, 200
	r := arithmetic.ACF(y, 2)
	mean := arithmetic.Mean(y)
	second := (r[2] - r[1]*r[1]) / (1 - r[1]*r[1])
	least := 1.0
	for _, phi := range [][2]float64{{r[1], 0}, {r[1] * (1 - second), second}} {
		var rest []float64
		for i := 2; i < len(y); i++ {
			rest = append(rest, y[i]-mean-phi[0]*(y[i-1]-mean)-phi[1]*(y[i-2]-mean))
		}
		rnd := rand.New(rand.NewPCG(1, 2))
		as := 0
		for range runs {
			x := make([]float64, len(y)+settle)
			for i := 2; i < len(x); i++ {
				x[i] = phi[0]*x[i-1] + phi[1]*x[i-2] + rest[rnd.IntN(len(rest))]
			}
			x = x[settle:]
			m := arithmetic.NewMannKendall(x).Correlated(x, arithmetic.TheilSen(x).Slope)
			if math.Abs(m.Z()) >= z {
				as++
			}
		}
		least = min(least, float64(as)/runs)
	}
	return least
}
