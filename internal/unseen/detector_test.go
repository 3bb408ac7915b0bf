package unseen_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/unseen"
)

const step = 300 // seconds

// days is a series with a daily season and noise, a point every five minutes.
func days(n int) []float64 {
	r := rand.New(rand.NewPCG(1, 2))
	out := make([]float64, n)
	for i := range out {
		out[i] = 100 + 30*math.Sin(2*math.Pi*float64(i)/288) + 2*r.NormFloat64()
	}
	return out
}

// alarms are the points that are news.
func alarms(d *unseen.Detector, values []float64) (out []int) {
	for i, v := range values {
		if s := d.Observe(float64(i)*step, v); !s.Repeat && s.Ratio >= unseen.Default().Limit {
			out = append(out, i)
		}
	}
	return out
}

func TestFinds(t *testing.T) {
	t.Parallel()
	const from, to, all = 6000, 6100, 7000
	for name, fault := range map[string]func(i int, v float64) float64{
		"spike": func(i int, v float64) float64 {
			if i == from {
				return v + 100
			}
			return v
		},
		"level":          func(_ int, v float64) float64 { return v + 60 },
		"season missing": func(_ int, _ float64) float64 { return 100 },
		"flat line":      func(_ int, _ float64) float64 { return 0 },
		"noise":          func(i int, v float64) float64 { return v + 12*float64(i%2*2-1) },
		"jumps":          func(i int, _ float64) float64 { return 75 + 50*float64(i%2) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			values := days(all)
			usual := alarms(unseen.New(unseen.Default()), values)
			for i := from; i < to; i++ {
				values[i] = fault(i, values[i])
			}
			found := alarms(unseen.New(unseen.Default()), values)
			require.LessOrEqual(t, len(usual), 4, "20 days in which nothing happens: %v", usual)
			n := 0
			for _, i := range found {
				if i >= from && i < to {
					n++
				}
			}
			require.Positive(t, n, "%v", found)
			require.LessOrEqual(t, n, 5, "one event is told once, and when it is clearly worse: %v", found)
		})
	}
}

// The end of a spike is none.
func TestSpikeThatGoes(t *testing.T) {
	t.Parallel()
	values := days(6100)
	values[6000] += 200
	d := unseen.New(unseen.Default())
	for i, v := range values {
		s := d.Observe(float64(i)*step, v)
		switch {
		case i == 6000:
			require.Greater(t, s.Ratio, 2.0)
			require.False(t, s.Repeat)
			require.Less(t, s.High, v)
		case i > 6000 && s.Ratio >= unseen.Default().Limit:
			require.True(t, s.Repeat, "point %d", i)
		}
	}
}

func TestNotReadyInWarmup(t *testing.T) {
	t.Parallel()
	for _, warmup := range []int{16, 31, 32, 33, 1000} {
		c := unseen.Default()
		c.Warmup = warmup
		d := unseen.New(c)
		for i, v := range days(warmup + 10) {
			s := d.Observe(float64(i)*step, v)
			require.Equal(t, i >= warmup, s.Ready, "point %d", i)
			if !s.Ready {
				require.Zero(t, s)
			}
		}
	}
}

// Where values are put does not matter, nor in which unit they are.
func TestScaleAndOffset(t *testing.T) {
	t.Parallel()
	want := ratios(t, days(3000))
	for _, c := range []struct{ times, plus float64 }{{1e-6, 0}, {1e9, 0}, {-1, 0}, {1, 1e6}} {
		values := days(3000)
		for i, v := range values {
			values[i] = v*c.times + c.plus
		}
		got := ratios(t, values)
		for i, w := range want {
			require.InEpsilon(t, 1+w, 1+got[i], 0.02, "times %v plus %v: point %d", c.times, c.plus, i)
		}
	}
}

// ratios are finite and not negative, and the band is in order.
func ratios(t *testing.T, values []float64) []float64 {
	t.Helper()
	d := unseen.New(unseen.Default())
	out := make([]float64, len(values))
	for i, v := range values {
		s := d.Observe(float64(i)*step, v)
		require.False(t, math.IsNaN(s.Ratio) || math.IsInf(s.Ratio, 0) || s.Ratio < 0, "point %d: %v", i, s.Ratio)
		require.False(t, math.IsNaN(s.Expected) || s.Low > s.High, "point %d: %v", i, s)
		out[i] = s.Ratio
	}
	return out
}

func TestExtremes(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]func(i int) float64{
		"constant":      func(int) float64 { return 0.1 },
		"zero":          func(int) float64 { return 0 },
		"largest":       func(i int) float64 { return math.MaxFloat64 * float64(i%3-1) },
		"smallest":      func(i int) float64 { return math.SmallestNonzeroFloat64 * float64(i%3) },
		"from nothing":  func(i int) float64 { return max(0, float64(i)-1000) },
		"grows":         func(i int) float64 { return math.Exp(min(700, float64(i)/4)) },
		"counter reset": func(i int) float64 { return float64(i % 900) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := ratios(t, func() []float64 {
				v := make([]float64, 4000)
				for i := range v {
					v[i] = value(i)
				}
				return v
			}())
			if name == "constant" || name == "zero" {
				for i, r := range out {
					require.Zero(t, r, "point %d", i)
				}
			}
		})
	}
}

// Points of ten seconds, for months: alarms stay rare, as they do for five minutes.
func TestLongStream(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("half a million points")
	}
	const perDay = 24 * 60 * 6
	r := rand.New(rand.NewPCG(1, 2))
	d := unseen.New(unseen.Default())
	n := 0
	for i := range 60 * perDay {
		s := d.Observe(float64(i)*10, 100+20*math.Sin(2*math.Pi*float64(i)/perDay)+3*r.NormFloat64())
		if s.Ratio >= unseen.Default().Limit && !s.Repeat {
			n++
		}
	}
	require.Less(t, n, 60*3/10+10, "0.3 a day, and some for the first days")
}

func TestValidate(t *testing.T) {
	t.Parallel()
	c := unseen.Default()
	require.NoError(t, c.Validate())
	c.Warmup, c.Growth = 15, math.NaN()
	require.ErrorContains(t, c.Validate(), "15 points")
	require.ErrorContains(t, c.Validate(), "growth of NaN")
}
