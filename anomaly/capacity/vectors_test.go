package capacity_test

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/testenv"
)

// vectors reads what other tools gave for their inputs and calls f with each case.
func vectors[In, Out any](t *testing.T, file string, f func(t *testing.T, in In, want Out)) {
	t.Helper()
	raw, err := os.ReadFile(testenv.Shared(t, "golden", "forecast", file))
	require.NoError(t, err)
	var all struct {
		Cases []struct {
			Name     string
			Input    In
			Expected Out
		}
	}
	require.NoError(t, json.Unmarshal(raw, &all))
	require.NotEmpty(t, all.Cases)
	for _, c := range all.Cases {
		t.Run(c.Name, func(t *testing.T) { f(t, c.Input, c.Expected) })
	}
}

// near requires two numbers to differ by a share of the greater at most.
func near(t *testing.T, want, got, tolerance float64, what string) {
	t.Helper()
	require.LessOrEqual(t, math.Abs(want-got), tolerance*max(math.Abs(want), math.Abs(got)), "%s: want %v, got %v", what, want, got)
}
