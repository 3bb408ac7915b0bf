package sketch_test

import (
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/sketch"
)

// TestTopKGuarantees holds the paper's three promises on a skewed stream.
func TestTopKGuarantees(t *testing.T) {
	t.Parallel()
	const counters, stream = 100, 200_000
	rng := rand.New(rand.NewPCG(1, 1))
	zipf := rand.NewZipf(rng, 1.2, 1, 5000)
	k := sketch.NewTopK(counters)
	exact := map[string]float64{}
	for range stream {
		key := strconv.FormatUint(zipf.Uint64(), 10)
		exact[key]++
		k.Add(key, 1)
	}
	require.InDelta(t, stream, k.Total(), 0)
	require.Equal(t, counters, k.Len())
	found := map[string]bool{}
	for _, it := range k.Top(counters) {
		found[it.Key] = true
		require.GreaterOrEqual(t, it.Count, exact[it.Key], "never too low")
		require.LessOrEqual(t, it.Count-it.Error, exact[it.Key], "too high by the error at most")
		require.LessOrEqual(t, it.Error, float64(stream)/counters)
	}
	for key, n := range exact {
		if n > float64(stream)/counters {
			require.True(t, found[key], "%s has %v of %d", key, n, stream)
		}
	}
	require.Equal(t, "0", k.Top(1)[0].Key)
}

func TestTopK(t *testing.T) {
	t.Parallel()
	k := sketch.NewTopK(2)
	k.Add("a", 3)
	k.Add("b", 1)
	require.Equal(t, []sketch.Item{{Key: "a", Count: 3}, {Key: "b", Count: 1}}, k.Top(9))
	k.Add("c", 1)
	require.Equal(t, []sketch.Item{{Key: "a", Count: 3}, {Key: "c", Count: 2, Error: 1}}, k.Top(2))
	k.Scale(0.5)
	require.Equal(t, []sketch.Item{{Key: "a", Count: 1.5}}, k.Top(1))
	k.Remove("a")
	k.Remove("x")
	require.Equal(t, []sketch.Item{{Key: "c", Count: 1, Error: 0.5}}, k.Top(2))
	require.Empty(t, k.Top(-1))
	require.Equal(t, 1, k.Len())
	none := sketch.NewTopK(-5)
	none.Add("a", 1)
	require.Len(t, none.Top(5), 1)
}
