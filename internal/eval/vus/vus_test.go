package vus_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/eval/vus"
)

// series is a label with events, by their first and last rows.
func series(n int, events ...int) []bool {
	out := make([]bool, n)
	for i := 0; i < len(events); i += 2 {
		for k := events[i]; k <= events[i+1]; k++ {
			out[k] = true
		}
	}
	return out
}

func scores(n int, high ...int) []float64 {
	out := make([]float64, n)
	for _, i := range high {
		out[i] = 1
	}
	return out
}

func TestPR(t *testing.T) {
	t.Parallel()
	label := series(10, 3, 4)
	require.InDelta(t, 1, vus.PR(label, scores(10, 3, 4), 0), 1e-12, "just the event")
	// One of its rows: precision 1 up to half the recall, and then 2 of 10.
	require.InDelta(t, 0.5+0.5*0.2, vus.PR(label, scores(10, 3), 0), 1e-12)
	// A row beside it: nothing is found before all rows are.
	require.InDelta(t, 0.2, vus.PR(label, scores(10, 5), 0), 1e-12)
	// Of two events one is touched: recall 1/2 counts as 1/4 until the other is.
	require.InDelta(t, 0.25+0.75*0.2, vus.PR(series(10, 3, 3, 7, 7), scores(10, 3), 0), 1e-12)
	require.InDelta(t, 0.2, vus.PR(label, scores(10), 0), 1e-12, "scores that know nothing")
	require.True(t, math.IsNaN(vus.PR(series(10), scores(10), 4)), "no event")
	nan := scores(10, 3, 4)
	nan[0], nan[9] = math.NaN(), math.NaN()
	require.InDelta(t, 1, vus.PR(label, nan, 0), 1e-12)
}

// With edges, a row beside the event counts for what it is worth.
func TestPREdges(t *testing.T) {
	t.Parallel()
	label := series(100, 50, 59)
	near, far := vus.PR(label, scores(100, 61), 10), vus.PR(label, scores(100, 80), 10)
	require.Greater(t, near, far)
	require.Less(t, near, vus.PR(label, scores(100, 55), 10))
	// At a width of 4: two rows on either side, worth √(3/4) and √(2/4).
	soft := 10 + 2*(math.Sqrt(0.75)+math.Sqrt(0.5))
	positives := (10 + soft) / 2
	hit := math.Sqrt(0.75)
	want := hit/positives*hit + (1-hit/positives)*soft/100
	// The mean over widths of 0 to 4 in steps of 0.4: 0 0 0 1 1 2 2 2 3 3 4.
	of := func(width int) float64 {
		if width == 4 {
			return want
		}
		half := width / 2
		soft := 10.0
		for i := 1; i <= half; i++ {
			soft += 2 * math.Sqrt(1-float64(i)/float64(width))
		}
		positives := (10 + soft) / 2
		hit := 0.0
		if half >= 1 {
			hit = math.Sqrt(1 - 1/float64(width))
		}
		return hit/positives*hit + (min(1, soft/positives)-hit/positives)*soft/100
	}
	var sum float64
	for _, w := range []int{0, 0, 0, 1, 1, 2, 2, 2, 3, 3, 4} {
		sum += of(w)
	}
	require.InDelta(t, sum/11, vus.PR(label, scores(100, 60), 4), 1e-12)
}

func TestPRIsAShare(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		n := 2 + r.IntN(60)
		label, score := make([]bool, n), make([]float64, n)
		for i := range label {
			label[i], score[i] = r.IntN(4) == 0, float64(r.IntN(5))
		}
		label[r.IntN(n)] = true
		v := vus.PR(label, score, r.IntN(30))
		require.GreaterOrEqual(t, v, 0.0)
		require.LessOrEqual(t, v, 1+1e-12)
	}
}
