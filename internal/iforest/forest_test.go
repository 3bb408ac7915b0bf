package iforest_test

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/iforest"
)

// c(n) of the paper's equation 1, with H(i) summed and not estimated, is within the
// estimate's error of a half over i.
func TestAverage(t *testing.T) {
	t.Parallel()
	require.Zero(t, iforest.Average(1))
	require.InDelta(t, 1, iforest.Average(2), 0)
	for _, n := range []int{3, 10, 256, 1024} {
		h := 0.0
		for i := 1; i < n; i++ {
			h += 1 / float64(i)
		}
		want := 2*h - 2*float64(n-1)/float64(n)
		require.InDelta(t, want, iforest.Average(n), 1/float64(n-1), "n = %d", n)
	}
}

// In one column of evenly spread rows a cut parts ranks evenly: the rows that a tree
// is grown from lie as deep as chance has it, on average.
func TestDepthIsAsExpected(t *testing.T) {
	t.Parallel()
	rows := make([]float64, 1024)
	for i := range rows {
		rows[i] = float64(i)
	}
	f := fit(t, rows, 1, iforest.Config{Sample: 1024, Trees: 200})
	mean := 0.0
	for i := range rows {
		mean += f.Depth(rows[i:i+1]) / float64(len(rows))
	}
	require.InDelta(t, 1, mean, 0.02)
}

func TestFindsOutliers(t *testing.T) {
	t.Parallel()
	const columns = 4
	rows := noise(2000, columns)
	for i := range 10 * columns { // ten that are far out
		rows[i] = 5
	}
	s := scores(fit(t, rows, columns, iforest.Config{}), rows, columns)
	others := slices.Clone(s[10:])
	slices.Sort(others)
	for i := range 10 {
		require.Greater(t, s[i], others[len(others)*99/100], "row %d", i)
	}
}

func TestSeed(t *testing.T) {
	t.Parallel()
	rows := noise(1000, 3)
	a := scores(fit(t, rows, 3, iforest.Config{Seed: 1}), rows, 3)
	require.Equal(t, a, scores(fit(t, rows, 3, iforest.Config{Seed: 1}), rows, 3))
	require.NotEqual(t, a, scores(fit(t, rows, 3, iforest.Config{Seed: 2}), rows, 3))
}

// However many rows go together, each has the score that it has alone.
func TestScoreAllIsScore(t *testing.T) {
	t.Parallel()
	rows := noise(1003, 5)
	rows[17] = math.NaN()
	f := fit(t, rows, 5, iforest.Config{Trees: 30})
	for _, n := range []int{0, 1, 3, 255, 256, 257, 1003} {
		all := scores(f, rows[:n*5], 5)
		for i, s := range all {
			if i == 3 {
				require.True(t, math.IsNaN(s))
				require.True(t, math.IsNaN(f.Score(rows[15:20])))
				continue
			}
			require.Equal(t, f.Score(rows[i*5:i*5+5]), s, "row %d of %d", i, n)
		}
	}
}

func TestThreshold(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1000, 10_000} { // all rows, and some
		rows := noise(n, 2)
		for _, share := range []float64{0.01, 0.1, 0.5} {
			f := fit(t, rows, 2, iforest.Config{Contamination: share})
			above := 0
			for _, s := range scores(f, rows, 2) {
				if s > f.Threshold() {
					above++
				}
			}
			require.InDelta(t, share, float64(above)/float64(n), 0.02, "%d rows", n)
		}
	}
}

// Rows that are all alike cannot be parted: all score as any other. A column that
// does not vary changes nothing.
func TestColumnsThatDoNotVary(t *testing.T) {
	t.Parallel()
	same := make([]float64, 600)
	f := fit(t, same, 2, iforest.Config{})
	require.InDelta(t, 0.5, f.Score([]float64{0, 0}), 1e-6)
	require.InDelta(t, 0.5, f.Threshold(), 1e-6)

	rows := noise(500, 1)
	wide := make([]float64, 0, 1500)
	for _, v := range rows {
		wide = append(wide, 3, v, -1e300)
	}
	wide[0*3+1] = 40 // and one that is far out
	f = fit(t, wide, 3, iforest.Config{})
	require.Greater(t, f.Score(wide[:3]), 0.7)
	require.Greater(t, f.Score(wide[:3]), f.Threshold())
}

// Rows with what is not finite are as if they were not there; to score, an infinity
// lies beyond everything.
func TestNotFinite(t *testing.T) {
	t.Parallel()
	rows := noise(900, 2)
	for i := range 300 {
		rows[i*6] = []float64{math.NaN(), math.Inf(1), math.Inf(-1)}[i%3]
	}
	f := fit(t, rows, 2, iforest.Config{})
	require.InDelta(t, f.Score([]float64{1e9, 0}), f.Score([]float64{math.Inf(1), 0}), 0)
	require.InDelta(t, f.Score([]float64{0, -1e9}), f.Score([]float64{0, math.Inf(-1)}), 0)
	require.Greater(t, f.Score([]float64{math.Inf(1), math.Inf(-1)}), f.Threshold())
	require.False(t, math.IsNaN(f.Threshold()))
}

func TestLargestFloats(t *testing.T) {
	t.Parallel()
	rows := noise(1000, 2)
	for i := range rows {
		rows[i] *= math.MaxFloat64 / 5
	}
	f := fit(t, rows, 2, iforest.Config{})
	middle, corner := f.Score([]float64{0, 0}), f.Score([]float64{math.MaxFloat64, -math.MaxFloat64})
	require.Less(t, middle, 0.5)
	require.Greater(t, corner, 0.6)
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	for _, rows := range [][]float64{nil, {1}, {1, nan}, {nan, nan, nan}} {
		_, err := iforest.Fit(rows, 1, iforest.Config{})
		require.ErrorIs(t, err, iforest.ErrShort, "%v", rows)
	}
	for _, columns := range []int{0, -1, 3, 1 << 20} {
		_, err := iforest.Fit(make([]float64, 8), columns, iforest.Config{})
		require.Error(t, err, "%d columns", columns)
	}
	for _, c := range []iforest.Config{
		{Trees: -1},
		{Trees: 1001},
		{Sample: 1},
		{Sample: 1025},
		{Contamination: -0.1},
		{Contamination: 0.6},
		{Contamination: nan},
	} {
		_, err := iforest.Fit(noise(10, 1), 1, c)
		require.Error(t, err, "%+v", c)
		_, err = iforest.New(1, c)
		require.Error(t, err, "%+v", c)
	}
}

// Trees follow what comes: once all are of new rows, the old ones are outliers.
func TestGrow(t *testing.T) {
	t.Parallel()
	f, err := iforest.New(1, iforest.Config{Trees: 20, Sample: 64})
	require.NoError(t, err)
	require.True(t, math.IsNaN(f.Score([]float64{0})))
	require.False(t, f.Grow(1, func(to []float64, _ int) []float64 { return append(to, 1) }), "a single row")
	require.False(t, f.Grow(9, func(to []float64, _ int) []float64 { return append(to, math.NaN()) }))

	rows := noise(500, 1)
	old := func(to []float64, i int) []float64 { return append(to, rows[i]) }
	fresh := func(to []float64, i int) []float64 { return append(to, rows[i]+100) }
	for range 20 {
		require.False(t, f.Full())
		require.True(t, f.Grow(len(rows), old))
	}
	require.True(t, f.Full())
	require.Less(t, f.Score([]float64{0}), f.Score([]float64{100}))
	for range 20 {
		require.True(t, f.Grow(len(rows), fresh))
	}
	require.Greater(t, f.Score([]float64{0}), f.Score([]float64{100}))
	require.False(t, fit(t, rows, 1, iforest.Config{}).Grow(len(rows), old), "what was fitted stays")
}

func TestAllocs(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	rows := noise(1000, 5)
	f := fit(t, rows, 5, iforest.Config{})
	out := make([]float64, 1000)
	require.Zero(t, testing.AllocsPerRun(5, func() { f.ScoreAll(out, rows) }))
	require.Zero(t, testing.AllocsPerRun(5, func() { f.Score(rows[:5]) }))
	g, err := iforest.New(5, iforest.Config{})
	require.NoError(t, err)
	row := func(to []float64, i int) []float64 { return append(to, rows[i*5:i*5+5]...) }
	require.Zero(t, testing.AllocsPerRun(5, func() { g.Grow(1000, row) }))
}

func BenchmarkFit(b *testing.B) {
	rows := noise(100_000, 10)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := iforest.Fit(rows, 10, iforest.Config{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkScoreAll(b *testing.B) {
	rows := noise(100_000, 10)
	f, err := iforest.Fit(rows, 10, iforest.Config{})
	require.NoError(b, err)
	out := make([]float64, 100_000)
	b.ReportAllocs()
	for b.Loop() {
		f.ScoreAll(out, rows)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100_000, "ns/row")
}
