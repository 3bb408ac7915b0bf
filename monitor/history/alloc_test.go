package history_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestCollectAllocs: a collection of 10,000 series in steady state allocates for
// the chunks that are full, and next to nothing else.
//
//nolint:paralleltest // what others allocate would be counted too
func TestCollectAllocs(t *testing.T) {
	if raceEnabled {
		t.Skip("allocations cannot be counted under the race detector")
	}
	r := setupOwn(t)
	tr := newTraffic(t, r.m, 10_000/perEndpoint)
	at := start
	collect := func() {
		tr.step()
		at = at.Add(time.Second)
		r.sample(t, at)
	}
	for range 130 {
		collect()
	}
	require.LessOrEqual(t, testing.AllocsPerRun(100, collect), 1000.)
}
