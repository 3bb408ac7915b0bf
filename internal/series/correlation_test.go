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
	"growth": func(r *rand.Rand) []float64 {
		slope := r.Float64()
		return generate(func(i int, _ float64) float64 { return slope*float64(i) + r.NormFloat64() })
	},
	"growth that bends": func(r *rand.Rand) []float64 {
		most := 50 + 50*r.Float64()
		return generate(func(i int, _ float64) float64 { return most*math.Tanh(float64(i)/60) + r.NormFloat64() })
	},
	"hardly any noise": func(r *rand.Rand) []float64 {
		return generate(func(i int, _ float64) float64 { return float64(i) + 1e-3*r.NormFloat64() })
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

func correlate(x, y []float64, most int) (series.Correlation, error) {
	return series.Correlate(series.NewMoves(x, 0), series.NewMoves(y, 0), most)
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
				c, err := correlate(one(r), one(r), 5)
				require.NoError(t, err)
				if c.P < 0.05 {
					found++
				}
				if math.Abs(c.Raw) > 0.18 { // what 120 independent pairs exceed in 5 % of all cases
					raw++
				}
			}
			require.Less(t, float64(found)/pairs, 0.06)
			t.Logf("%.1f %% by P, %.0f %% by the raw coefficient", 100*float64(found)/pairs, 100*float64(raw)/pairs)
		})
	}
}

// One that follows another is found, with its lag and sign.
func TestCorrelateFindsTheLag(t *testing.T) {
	t.Parallel()
	for name, one := range made {
		if name == "one step" || name == "one spike at the same time" || name == "hardly any noise" {
			continue // one event is no proof, and an end is one here
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
				c, err := correlate(x, y, 5)
				require.NoError(t, err)
				if c.Lag == lag && c.R*sign > 0 && c.P < 0.01 {
					right++
				}
			}
			require.Greater(t, float64(right)/pairs, 0.95)
		})
	}
}

// Gaps, in one or in both, and at the same time, are no moves.
func TestCorrelateGaps(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(8, 9))
	one := made["random walk"]
	holed := func(x []float64) []float64 {
		for i := range x {
			if i/10%4 == 1 || r.IntN(20) == 0 {
				x[i] = math.NaN()
			}
		}
		return x
	}
	const pairs = 1000
	found, right := 0, 0
	for range pairs {
		c, err := correlate(holed(one(r)), holed(one(r)), 3)
		require.NoError(t, err)
		require.Less(t, c.Pairs, 100)
		if c.P < 0.05 {
			found++
		}
		x, own := one(r), one(r)
		y := slices.Clone(x)
		for i := range y {
			y[i] += own[i] / 2
		}
		if c, err = correlate(holed(x), holed(y), 3); err == nil && c.Lag == 0 && c.P < 0.01 {
			right++
		}
	}
	t.Logf("%.1f %% by chance, %.1f %% found", 100*float64(found)/pairs, 100*float64(right)/pairs)
	require.Less(t, float64(found)/pairs, 0.06)
	require.Greater(t, float64(right)/pairs, 0.95)
}

// What happens in both once is little proof; ten times is much.
func TestCorrelateSparse(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(10, 9))
	events := func(n int) []float64 {
		x := make([]float64, 120)
		for range n {
			x[r.IntN(120)] = 1 + r.Float64()
		}
		return x
	}
	for _, n := range []int{1, 3, 10} {
		found := 0
		const pairs = 500
		for range pairs {
			c, err := correlate(events(n), events(n), 3)
			require.NoError(t, err)
			if c.P < 0.05 {
				found++
			}
		}
		t.Logf("%d: %.1f %%", n, 100*float64(found)/pairs)
		require.Less(t, float64(found)/pairs, 0.07, n)
	}
	x := events(10)
	c, err := correlate(x, x, 3)
	require.NoError(t, err)
	require.InDelta(t, 1e-4, c.P, 1e-9)
	one := events(1)
	c, err = correlate(one, one, 3)
	require.NoError(t, err)
	require.Greater(t, c.P, 0.005, "at one of 120 times it is at this one")
}

// Values are those of p.adjust(method = "BH") of R.
func TestFalseDiscovery(t *testing.T) {
	t.Parallel()
	require.InDeltaSlice(t, []float64{0.5, 0.018, 0.2 / 3, 0.018}, series.FalseDiscovery([]float64{0.5, 0.009, 0.05, 0.005}), 1e-12)
	require.InDeltaSlice(t, []float64{0.05, 0.05, 0.05, 0.05, 0.05}, series.FalseDiscovery([]float64{0.01, 0.02, 0.03, 0.04, 0.05}), 1e-12)
	require.Empty(t, series.FalseDiscovery(nil))
}

func TestCorrelateErrors(t *testing.T) {
	t.Parallel()
	x := made["noise"](rand.New(rand.NewPCG(7, 8)))
	for want, f := range map[string]func() (series.Correlation, error){
		"of 120 values with 119":     func() (series.Correlation, error) { return correlate(x, x[1:], 1) },
		"at lags up to -1":           func() (series.Correlation, error) { return correlate(x, x, -1) },
		"17 pairs of moves at lags ": func() (series.Correlation, error) { return correlate(x[:20], x[:20], 3) },
		"too few values: 0 pairs of": func() (series.Correlation, error) { return correlate(nil, nil, 0) },
	} {
		_, err := f()
		require.ErrorContains(t, err, want)
	}
	c, err := correlate(x, make([]float64, len(x)), 5)
	require.NoError(t, err)
	c.Pairs = 0
	require.Equal(t, series.Correlation{P: 1}, c, "what never changes moves with nothing")
	for _, scale := range []float64{1, 1e300, 1e-300} {
		y := slices.Clone(x)
		for i := range y {
			y[i] *= scale
		}
		y[3] = math.Inf(1)
		c, err = correlate(y, y, 5)
		require.NoError(t, err)
		require.Zero(t, c.Lag)
		require.InDelta(t, 1, c.R, 1e-9)
		require.InDelta(t, 1, c.Raw, 1e-9)
		require.Less(t, c.P, 1e-12)
	}
}
