package series_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/series"
)

// Level, spread and shape: a change of any is seen, and seldom one where none is.
func TestEDivisive(t *testing.T) {
	t.Parallel()
	const runs, n, at = 12, 200, 120
	for name, c := range map[string]struct {
		after       func(r *rand.Rand) float64
		least, most int // runs with a change
	}{
		"none":   {func(r *rand.Rand) float64 { return r.NormFloat64() }, 0, 1},
		"level":  {func(r *rand.Rand) float64 { return 1.5 + r.NormFloat64() }, 11, 12},
		"spread": {func(r *rand.Rand) float64 { return 3 * r.NormFloat64() }, 10, 12},
		"shape":  {func(r *rand.Rand) float64 { return float64(1 - 2*r.IntN(2)) }, 6, 12}, // of the same mean and spread
	} {
		r := rand.New(rand.NewPCG(2, 6))
		found := 0
		for range runs {
			y := make([]float64, n)
			for i := range y {
				if y[i] = r.NormFloat64(); i >= at {
					y[i] = c.after(r)
				}
			}
			got := series.EDivisive(y, 20, 0.01)
			require.IsIncreasing(t, append([]int{0}, append(got, n)...))
			if slices.ContainsFunc(got, func(g int) bool { return name == "none" || g > at-15 && g < at+15 }) {
				found++
			}
		}
		t.Logf("%s: %d of %d", name, found, runs)
		require.GreaterOrEqual(t, found, c.least, name)
		require.LessOrEqual(t, found, c.most, name)
	}
	y := []float64{1, 2, 1, 2, 1, 2, 1, 2, 7, 8, 9, 7, 8, 9, 7, 8}
	require.Equal(t, []int{8}, series.EDivisive(y, 4, 0.05))
	require.Equal(t, []int{8}, series.EDivisive(y, 4, 0.05), "the same again")
	require.Empty(t, series.EDivisive(nil, 5, 0.01))
	require.Empty(t, series.EDivisive(make([]float64, 50), 5, 0.01))
}
