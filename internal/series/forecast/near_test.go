package forecast_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// near holds got to want within a billionth of the largest of want.
func near(t *testing.T, want, got []float64, what string) {
	t.Helper()
	require.Len(t, got, len(want), what)
	var most float64
	for _, v := range want {
		most = max(most, math.Abs(v))
	}
	for i, v := range want {
		require.InDelta(t, v, got[i], 1e-9*most, "%s[%d]", what, i)
	}
}
