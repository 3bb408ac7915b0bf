package series_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/series"
)

// made are ways to make a series of 120 values.
var made = map[string]func(r *rand.Rand) []float64{
	"noise": func(r *rand.Rand) []float64 {
		return generate(func(int, float64) float64 { return r.NormFloat64() })
	},
	"AR(1)": func(r *rand.Rand) []float64 {
		return generate(func(_ int, last float64) float64 { return 0.8*last + r.NormFloat64() })
	},
	"random walk": func(r *rand.Rand) []float64 {
		return generate(func(_ int, last float64) float64 { return last + r.NormFloat64() })
	},
	"one step": func(r *rand.Rand) []float64 {
		at := 20 + r.IntN(80)
		return generate(func(i int, _ float64) float64 {
			if i >= at {
				return 10 + r.NormFloat64()
			}
			return r.NormFloat64()
		})
	},
	"one spike at the same time": func(r *rand.Rand) []float64 {
		return generate(func(i int, _ float64) float64 {
			if i == 60 {
				return 100
			}
			return r.NormFloat64()
		})
	},
	"heavy tails": func(r *rand.Rand) []float64 {
		return generate(func(int, float64) float64 { return math.Tan(math.Pi * (r.Float64() - 0.5)) })
	},
}

func generate(next func(i int, last float64) float64) []float64 {
	out := make([]float64, 120)
	last := 0.0
	for i := range out {
		last = next(i, last)
		out[i] = last
	}
	return out
}

// Series that have nothing to do with each other are seldom said to: by raw
// correlation random walks nearly always are.
func TestUnrelatedSeriesAreSeldomCorrelated(t *testing.T) {
	t.Parallel()
	for name, one := range made {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(1, 2))
			const pairs = 1000
			found, raw := 0, 0
			for range pairs {
				c, err := series.Correlate(one(r), one(r), 5)
				require.NoError(t, err)
				if c.P < 0.05 {
					found++
				}
				if math.Abs(c.Raw) > 0.18 { // what 120 independent pairs exceed in 5 % of all cases
					raw++
				}
			}
			require.Less(t, float64(found)/pairs, 0.07)
			t.Logf("%.1f %% by P, %.0f %% by the raw coefficient", 100*float64(found)/pairs, 100*float64(raw)/pairs)
		})
	}
}

// One that follows another is found, with its lag and sign.
func TestCorrelateFindsTheLag(t *testing.T) {
	t.Parallel()
	for name, one := range made {
		if name == "one step" || name == "one spike at the same time" {
			continue // one event is no proof
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(3, 4))
			const pairs = 200
			right := 0
			for i := range pairs {
				lag, sign := i%7-3, float64(1-i%2*2)
				x, own := one(r), one(r)
				y := make([]float64, len(x))
				for k := range y {
					y[k] = 0.5 * own[k]
					if k-lag >= 0 && k-lag < len(x) {
						y[k] += sign * x[k-lag]
					}
				}
				c, err := series.Correlate(x, y, 5)
				require.NoError(t, err)
				if c.Lag == lag && c.R*sign > 0 && c.P < 0.01 {
					right++
				}
			}
			require.Greater(t, float64(right)/pairs, 0.95)
		})
	}
}

func TestRelated(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 6))
	one := made["AR(1)"]
	wrong, found := 0, 0
	for range 50 {
		x := one(r)
		others := make([][]float64, 42)
		others[40], others[41] = make([]float64, len(x)), x[:10]
		for i := range others[:40] {
			others[i] = one(r)
			if i < 4 {
				for k := range x {
					others[i][k] = 0.7*others[i][k] + x[k]
				}
			}
		}
		for _, rel := range series.Related(x, others, 3, 0.05) {
			if rel.Index < 4 {
				found++
			} else {
				wrong++
			}
		}
	}
	require.Equal(t, 200, found)
	require.Less(t, float64(wrong)/float64(wrong+found), 0.08)
}

func TestCorrelateErrors(t *testing.T) {
	t.Parallel()
	x := made["noise"](rand.New(rand.NewPCG(7, 8)))
	for want, f := range map[string]func() (series.Correlation, error){
		"of 120 values with 119": func() (series.Correlation, error) { return series.Correlate(x, x[1:], 1) },
		"want finite values": func() (series.Correlation, error) {
			return series.Correlate(x, append(slices.Clone(x[1:]), math.NaN()), 1)
		},
		"at lags up to -1":               func() (series.Correlation, error) { return series.Correlate(x, x, -1) },
		"of 20 values at lags up to 3: ": func() (series.Correlation, error) { return series.Correlate(x[:20], x[:20], 3) },
		"of 0 values":                    func() (series.Correlation, error) { return series.Correlate(nil, nil, 0) },
	} {
		_, err := f()
		require.ErrorContains(t, err, want)
	}
	c, err := series.Correlate(x, make([]float64, len(x)), 5)
	require.NoError(t, err)
	require.Equal(t, series.Correlation{P: 1}, c, "what never changes moves with nothing")
	c, err = series.Correlate(x, x, 5)
	require.NoError(t, err)
	require.Zero(t, c.Lag)
	require.InDelta(t, 1, c.R, 1e-9)
	require.InDelta(t, 1, c.Raw, 1e-9)
	require.Less(t, c.P, 1e-12)
}
