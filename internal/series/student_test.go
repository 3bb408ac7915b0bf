package series_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/series"
)

// The tables of any textbook.
func TestStudentQuantile(t *testing.T) {
	t.Parallel()
	for freedom, want := range map[float64]float64{1: 12.7062, 2: 4.3027, 5: 2.5706, 9: 2.2622, 30: 2.0423, 1e7: 1.95996} {
		require.InDelta(t, want, series.StudentQuantile(0.975, freedom), 1e-4)
		require.InDelta(t, -want, series.StudentQuantile(0.025, freedom), 1e-4)
	}
	require.InDelta(t, 0, series.StudentQuantile(0.5, 4), 1e-9)
	require.True(t, math.IsInf(series.StudentQuantile(1, 4), 1))
	require.InDelta(t, 1.6449, series.NormalQuantile(0.95), 1e-4)
}
