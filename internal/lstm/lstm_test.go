package lstm_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/lstm"
)

const minute = 60_000 // in milliseconds

// wave is a series with a season of 24 steps, which are minutes, and noise.
func wave(n int) (times []int64, values []float64) {
	random := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		times = append(times, int64(i)*minute)
		values = append(values, 50+10*math.Sin(2*math.Pi*float64(i)/24)+random.NormFloat64()/2)
	}
	return times, values
}

func trained(t testing.TB, c lstm.Config, n int) *lstm.State {
	t.Helper()
	tr, err := lstm.NewTrainer(c, first(wave(n)), second(wave(n)))
	require.NoError(t, err)
	require.True(t, tr.Train(context.Background(), time.Hour).Done()) //nolint:usetesting // of benchmarks too
	return tr.Model().Begin()
}

func first(times []int64, _ []float64) []int64     { return times }
func second(_ []int64, values []float64) []float64 { return values }

// The gradient is that of the loss, by central differences of the fourth order.
func TestGradient(t *testing.T) {
	t.Parallel()
	for _, c := range []lstm.Config{
		{Hidden: 5, Window: 12, Stride: 4, Batch: 3, Seasons: []time.Duration{24 * time.Minute}},
		{Hidden: 3, Window: 20, Stride: 20},
		{Hidden: 8, Window: 60, Stride: 1},
	} {
		times, values := wave(100)
		random := rand.New(rand.NewPCG(3, 4))
		gradient, loss, err := lstm.Loss(c, times, values, []int{99, 70, 63}, func() float64 { return random.NormFloat64() / 2 })
		require.NoError(t, err)
		var largest float64
		for _, g := range gradient {
			largest = max(largest, math.Abs(g))
		}
		const h = 1e-3
		worst := 0.0
		for i, g := range gradient {
			want := (8*(loss(i, h)-loss(i, -h)) - loss(i, 2*h) + loss(i, -2*h)) / (12 * h)
			worst = max(worst, math.Abs(g-want)/max(math.Abs(want), 1e-3*largest))
		}
		require.Less(t, worst, 1e-6, "%+v", c)
		t.Logf("%d weights, largest relative error %.1e", len(gradient), worst)
	}
}

// A step is what the papers' equations say.
func TestStepIsTheEquations(t *testing.T) {
	t.Parallel()
	const hidden = 3
	s := trained(t, lstm.Config{Hidden: hidden, Epochs: 1, Seasons: []time.Duration{24 * time.Minute}}, 100)
	parts := s.Model().Parts()
	centre, scale, input, recurrent, bias, output, shift := parts[0][0], parts[0][1], parts[1], parts[2], parts[3], parts[4], parts[5][0]
	sigmoid := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	var h, c [hidden]float64
	for k, value := range []float64{50, 40, -1e9, 60} {
		at := int64(k*7+30) * minute
		phase := 2 * math.Pi * float64(at%(24*minute)) / (24 * minute)
		x := []float64{max(min((value-centre)/scale, 8), -8), math.Sin(phase), math.Cos(phase)}
		gate := func(g, unit int) float64 {
			z := bias[g*hidden+unit]
			for i, v := range x {
				z += v * input[i*4*hidden+g*hidden+unit]
			}
			for i, v := range h {
				z += v * recurrent[i*4*hidden+g*hidden+unit]
			}
			return z
		}
		var next [hidden]float64
		y := shift
		for u := range hidden {
			c[u] = sigmoid(gate(1, u))*c[u] + sigmoid(gate(0, u))*math.Tanh(gate(2, u))
			next[u] = sigmoid(gate(3, u)) * math.Tanh(c[u])
			y += output[u] * next[u]
		}
		h = next
		require.InEpsilon(t, value+scale*y, s.Step(value, at), 1e-12)
	}
}

// The season is learnt: what remains is the noise, about.
func TestLearns(t *testing.T) {
	t.Parallel()
	times, values := wave(1200)
	s := trained(t, lstm.Config{Hidden: 8, Window: 30, Epochs: 10}, 800)
	var ours, last float64
	for i := 1; i < len(values); i++ {
		e := math.Abs(s.Step(values[i-1], times[i]) - values[i])
		if i >= 800 {
			ours += e / 400
			last += math.Abs(values[i]-values[i-1]) / 400
		}
	}
	t.Logf("mean absolute error %.3f, of the last value %.3f", ours, last)
	require.Less(t, ours, 0.7) // the noise's own is 0.40
	require.Greater(t, last, 1.6)
}

// How a training is cut up does not change what comes of it, nor does its context.
func TestTrainingInParts(t *testing.T) {
	t.Parallel()
	c := lstm.Config{Hidden: 4, Window: 20, Epochs: 3, Seed: 7}
	whole := trained(t, c, 200)
	tr, err := lstm.NewTrainer(c, first(wave(200)), second(wave(200)))
	require.NoError(t, err)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	calls, p := 0, lstm.Progress{Epochs: c.Epochs}
	var early *lstm.State
	for !p.Done() {
		require.Less(t, calls, 1000)
		ctx, budget := t.Context(), time.Duration(0)
		if calls%2 == 0 {
			ctx, budget = ended, time.Hour
		}
		p = tr.Train(ctx, budget)
		if calls++; calls == 1 {
			early = tr.Model().Begin()
		}
	}
	require.Equal(t, 3*3, calls) // 180 steps, 20 or more windows of a stride of 8, in batches of 8
	require.Equal(t, 3, p.Epochs)
	require.Positive(t, p.Loss)
	require.Equal(t, p, tr.Train(t.Context(), time.Hour), "nothing is left to do")
	require.Equal(t, encoded(t, whole), encoded(t, tr.Model().Begin()))
	require.NotEqual(t, encoded(t, whole), encoded(t, early), "a model is left as it is")
	c.Seed = 8
	require.NotEqual(t, encoded(t, whole), encoded(t, trained(t, c, 200)))
}

// Whatever finite values come, so do finite forecasts.
func TestStrangeSeries(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]func(i int) float64{
		"zero":        func(int) float64 { return 0 },
		"constant":    func(int) float64 { return 1e6 },
		"negative":    func(int) float64 { return -3 },
		"one outlier": func(i int) float64 { return map[bool]float64{true: 1e308, false: float64(i % 7)}[i == 50] },
		"largest":     func(i int) float64 { return []float64{1e308, -1e308}[i%2] },
		"smallest":    func(i int) float64 { return []float64{5e-324, 0, -5e-324}[i%3] },
		"tiny":        func(i int) float64 { return 1e-300 * float64(i%5) },
		"nearly one":  func(i int) float64 { return 1e9 + 1e-7*float64(i%2) },
		"mostly zero": func(i int) float64 { return float64(i / 95 % 2) },
	} {
		var times []int64
		var values []float64
		for i := range 100 {
			times, values = append(times, int64(i)-50), append(values, value(i))
		}
		tr, err := lstm.NewTrainer(lstm.Config{Hidden: 4, Window: 20, Epochs: 2, Seasons: []time.Duration{time.Second}}, times, values)
		require.NoError(t, err, name)
		tr.Train(t.Context(), time.Hour)
		s := tr.Model().Begin()
		require.Positive(t, s.Model().Scale(), name)
		for i, v := range append(values, 1e300, -1e300, 0) {
			f := s.Step(v, int64(i)-50)
			require.False(t, math.IsNaN(f), "%s, step %d", name, i)
			if math.Abs(v) <= 1e300 && name != "largest" && name != "one outlier" {
				require.LessOrEqual(t, math.Abs(f-v), 20*s.Model().Scale()+1e-9*math.Abs(v), "%s, step %d", name, i)
			}
		}
	}
}

// One value that is far off leaves the others' scale about what it was.
func TestScale(t *testing.T) {
	t.Parallel()
	times, values := wave(200)
	scale := func() float64 {
		tr, err := lstm.NewTrainer(lstm.Config{Hidden: 1}, times, values)
		require.NoError(t, err)
		return tr.Model().Scale()
	}
	require.InEpsilon(t, math.Sqrt(100.0/2+0.25), scale(), 0.03) // of the wave and of the noise
	values[7] = 1e12
	require.Less(t, scale(), 3*math.Sqrt(50))
}

// Steps are those of the paper's algorithm 1, with gradients cut to a length of 1.
func TestAdam(t *testing.T) {
	t.Parallel()
	gradients := [][]float64{{0.3, -0.1}, {30, 40}, {0, 0.2}}
	var want, m, v [2]float64
	for k, g := range [][]float64{{0.3, -0.1}, {0.6, 0.8}, {0, 0.2}} {
		n := float64(k + 1)
		for i := range want {
			m[i] = 0.9*m[i] + 0.1*g[i]
			v[i] = 0.999*v[i] + 0.001*g[i]*g[i]
			want[i] -= 0.05 * m[i] / (1 - math.Pow(0.9, n)) / (math.Sqrt(v[i]/(1-math.Pow(0.999, n))) + 1e-8)
		}
	}
	require.InDeltaSlice(t, want[:], lstm.Adam(gradients, 0.05), 1e-6)
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	times, values := wave(61)
	_, err := lstm.NewTrainer(lstm.Config{}, times, values)
	require.NoError(t, err, "one more than a window")
	_, err = lstm.NewTrainer(lstm.Config{}, times[1:], values[1:])
	require.EqualError(t, err, "lstm: 60 values are too few for a window of 60")
	_, err = lstm.NewTrainer(lstm.Config{}, times[1:], values)
	require.EqualError(t, err, "lstm: 60 times of 61 values")
	_, err = lstm.NewTrainer(lstm.Config{}, nil, nil)
	require.Error(t, err)
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		values[7] = bad
		_, err = lstm.NewTrainer(lstm.Config{}, times, values)
		require.EqualError(t, err, fmt.Sprintf("lstm: value 7 is %v", bad))
	}
	_, err = lstm.NewTrainer(lstm.Config{
		Hidden: 257, Window: -1, Stride: 61, Batch: 65, Epochs: 1001, Rate: math.NaN(),
		Seasons: []time.Duration{0, 1e9, 1e9, 1e9, 1e9},
	}, times, values)
	require.EqualError(t, err, `lstm: hidden of 257 is not from 1 to 256
lstm: window of -1 is not from 1 to 1024
lstm: stride of 61 is not from 1 to -1
lstm: batch of 65 is not from 1 to 64
lstm: epochs of 1001 is not from 1 to 1000
lstm: 5 seasons are more than 4
lstm: a season of 0s is less than a second
lstm: rate of NaN is not from 0 to 1`)
}

func TestAllocations(t *testing.T) {
	s := trained(t, lstm.Config{Epochs: 1}, 100)
	require.Zero(t, testing.AllocsPerRun(1000, func() { s.Step(50, 0) }))
	tr, err := lstm.NewTrainer(lstm.Config{Epochs: 1000}, first(wave(200)), second(wave(200)))
	require.NoError(t, err)
	require.Zero(t, testing.AllocsPerRun(30, func() { tr.Train(t.Context(), 0) }), "a batch, and the shuffle of an epoch")
}

func BenchmarkStep(b *testing.B) {
	s := trained(b, lstm.Config{Epochs: 1, Seasons: []time.Duration{24 * time.Hour, 7 * 24 * time.Hour}}, 100)
	b.ReportAllocs()
	for i := int64(0); b.Loop(); i++ {
		s.Step(50, i*minute)
	}
}

// A batch is 8 windows of 60 steps.
func BenchmarkBatch(b *testing.B) {
	tr, err := lstm.NewTrainer(lstm.Config{Epochs: 1000}, first(wave(1000)), second(wave(1000)))
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		tr.Train(b.Context(), 0)
	}
}
