package series_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// golden reads the cases of one file of reference vectors, which are not part of
// this project: under CHRONOMON_SHARED, or in a folder "shared" beside one of
// the folders above.
func golden[In, Out any](t *testing.T, file string, each func(t *testing.T, in In, want Out)) {
	t.Helper()
	var doc struct {
		Cases []struct {
			Name     string
			Input    In
			Expected Out
		}
	}
	data, err := os.ReadFile(sharedFile(t, filepath.Join("golden", "forecast", file)))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &doc))
	require.NotEmpty(t, doc.Cases)
	for _, c := range doc.Cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			each(t, c.Input, c.Expected)
		})
	}
}

func sharedFile(t *testing.T, inside string) string {
	t.Helper()
	var tried []string
	if dir := os.Getenv("CHRONOMON_SHARED"); dir != "" {
		tried = append(tried, filepath.Join(dir, inside))
	}
	dir, err := os.Getwd()
	require.NoError(t, err)
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		tried = append(tried, filepath.Join(dir, "shared", inside))
	}
	for _, f := range tried {
		if _, err := os.Stat(f); err == nil {
			return f
		}
	}
	t.Skip("the reference vectors are not here: set CHRONOMON_SHARED to where " + inside + " is")
	return ""
}

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
