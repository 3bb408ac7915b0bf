package halfspace_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chronoretrace/chronomon/internal/halfspace"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var unit = []halfspace.Span{{Low: 0, High: 1}, {Low: 0, High: 1}}

func setup(t testing.TB, c halfspace.Config) *halfspace.Trees {
	t.Helper()
	trees, err := halfspace.New(2, c)
	require.NoError(t, err)
	return trees
}

// learn has a whole window of rows around a centre counted, and turns.
func learn(trees *halfspace.Trees, spans []halfspace.Span, centre, spread float64) {
	random := rand.New(rand.NewPCG(3, 3))
	for !trees.Complete() {
		trees.Learn([]float64{centre + spread*random.NormFloat64(), centre + spread*random.NormFloat64()})
	}
	trees.Turn(spans)
}

// Both ends of the score are what the paper's is: all rows in the deepest part, and
// none in any.
func TestEnds(t *testing.T) {
	t.Parallel()
	trees := setup(t, halfspace.Config{})
	require.False(t, trees.Begun())
	at := []halfspace.Span{{Low: 4, High: 4}, {Low: -1, High: -1}}
	trees.Turn(at)
	require.True(t, trees.Begun())
	require.False(t, trees.Ready())
	for !trees.Complete() {
		trees.Learn([]float64{4, -1})
	}
	trees.Turn(at)
	require.True(t, trees.Ready())
	require.False(t, trees.Complete())
	require.Zero(t, trees.Score([]float64{4, -1}))
	require.InDelta(t, 1, trees.Score([]float64{4.5, -0.5}), 0)
}

// A window scores by the one before: what was common there is not in the next.
func TestWindows(t *testing.T) {
	t.Parallel()
	trees := setup(t, halfspace.Config{})
	trees.Turn(unit)
	learn(trees, unit, 0.2, 0.05)
	near, far := trees.Score([]float64{0.2, 0.2}), trees.Score([]float64{0.8, 0.8})
	require.Less(t, near, far-0.2)
	learn(trees, unit, 0.8, 0.05)
	require.Greater(t, trees.Score([]float64{0.2, 0.2}), trees.Score([]float64{0.8, 0.8})+0.2)
}

// Rows and spans in another unit give the same scores.
func TestSpans(t *testing.T) {
	t.Parallel()
	const scale = 1 << 20
	a, b := setup(t, halfspace.Config{}), setup(t, halfspace.Config{})
	large := []halfspace.Span{{Low: 0, High: scale}, {Low: 0, High: scale}}
	a.Turn(unit)
	b.Turn(large)
	learn(a, unit, 0.5, 0.2)
	learn(b, large, 0.5*scale, 0.2*scale)
	for _, v := range []float64{-3, 0, 0.3, 0.5, 1, 9} {
		require.Equal(t, a.Score([]float64{v, 0.5}), b.Score([]float64{v * scale, 0.5 * scale}))
	}
	// A window is scored by its own spans, whatever the next one's are.
	before := a.Score([]float64{0.5, 0.5})
	learn(a, large, 0.5, 0.2)
	require.InDelta(t, before, a.Score([]float64{0.5, 0.5}), 0)
}

func TestSeed(t *testing.T) {
	t.Parallel()
	score := func(seed uint64) (out []float64) {
		trees := setup(t, halfspace.Config{Seed: seed})
		trees.Turn(unit)
		learn(trees, unit, 0.4, 0.1)
		for i := range 20 {
			out = append(out, trees.Score([]float64{float64(i) / 20, 0.4}))
		}
		return out
	}
	first := score(1)
	require.Equal(t, first, score(1))
	require.NotEqual(t, first, score(2))
}

func TestLargestFloats(t *testing.T) {
	t.Parallel()
	trees := setup(t, halfspace.Config{})
	spans := []halfspace.Span{{Low: -math.MaxFloat64, High: math.MaxFloat64}, {Low: 0, High: math.SmallestNonzeroFloat64}}
	trees.Turn(spans)
	values := []float64{math.MaxFloat64, -math.MaxFloat64, 0, 1, math.Inf(1), math.Inf(-1)}
	for i := 0; !trees.Complete(); i++ {
		trees.Learn([]float64{values[i%6], values[i/6%6]})
	}
	trees.Turn(spans)
	for _, v := range values {
		s := trees.Score([]float64{v, -v})
		require.True(t, s >= 0 && s <= 1, "%v: %v", v, s)
	}
}

// Each row is counted once: an outlier among a few hundred others is among the
// highest scores.
func TestFindsOutliers(t *testing.T) {
	t.Parallel()
	trees := setup(t, halfspace.Config{})
	trees.Turn(unit)
	learn(trees, unit, 0.5, 0.1)
	random := rand.New(rand.NewPCG(5, 5))
	var common []float64
	for range 1000 {
		common = append(common, trees.Score([]float64{0.5 + 0.1*random.NormFloat64(), 0.5 + 0.1*random.NormFloat64()}))
	}
	slices.Sort(common)
	require.Greater(t, trees.Score([]float64{1.2, 0.5}), common[980])
	require.Greater(t, trees.Score([]float64{0, 1}), common[980])
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []halfspace.Config{{Trees: -1}, {Trees: 1001}, {Depth: -1}, {Depth: 16}, {Window: 1}, {Window: 1 << 16}} {
		_, err := halfspace.New(1, c)
		require.Error(t, err, "%+v", c)
	}
	for _, columns := range []int{0, 257} {
		_, err := halfspace.New(columns, halfspace.Config{})
		require.Error(t, err, "%d columns", columns)
	}
}

func TestAllocs(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	trees := setup(t, halfspace.Config{})
	row := []float64{0.5, 0.5}
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		if trees.Score(row); !trees.Begun() || trees.Complete() {
			trees.Turn(unit)
		}
		trees.Learn(row)
	}))
}

func BenchmarkTrees(b *testing.B) {
	trees := setup(b, halfspace.Config{})
	trees.Turn(unit)
	learn(trees, unit, 0.5, 0.1)
	row := []float64{0.45, 0.52}
	b.ReportAllocs()
	for b.Loop() {
		trees.Score(row)
		trees.Learn(row)
		if trees.Complete() {
			trees.Turn(unit)
		}
	}
}
