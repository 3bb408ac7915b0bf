package capacity_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// near requires two numbers to differ by a share of the greater at most.
func near(t *testing.T, want, got, tolerance float64, what string) {
	t.Helper()
	require.LessOrEqual(t, math.Abs(want-got), tolerance*max(math.Abs(want), math.Abs(got)), "%s: want %v, got %v", what, want, got)
}
