package series_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// near holds got to want within a share of want's range, or of its largest value
// where that is more.
func near(t *testing.T, want, got []float64, tolerance float64, what string) {
	t.Helper()
	require.Len(t, got, len(want), what)
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range want {
		low, high = min(low, v, 0), max(high, v, 0)
	}
	for i, v := range want {
		require.InDelta(t, v, got[i], tolerance*max(high-low, 1e-300), "%s[%d]", what, i)
	}
}

func nearOne(t *testing.T, want, got, tolerance float64, what string) {
	t.Helper()
	near(t, []float64{want}, []float64{got}, tolerance, what)
}
