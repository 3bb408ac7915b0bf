package influx

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The last points are remembered, and no more than twice as many.
func TestRecent(t *testing.T) {
	t.Parallel()
	var r recent
	a, b := []byte("a"), []byte("b")
	for i := range int64(recentSize) {
		require.Equal(t, i, r.place(a, i))
	}
	require.Equal(t, int64(recentSize), r.place(a, recentSize-3))
	require.Equal(t, int64(7), r.place(b, 7))
	for i := range int64(4 * recentSize) {
		r.place(b, 1000+i)
		require.LessOrEqual(t, len(r.now), recentSize)
		require.LessOrEqual(t, len(r.before), recentSize)
	}
	require.Equal(t, int64(0), r.place(a, 0), "that was long ago")
}
