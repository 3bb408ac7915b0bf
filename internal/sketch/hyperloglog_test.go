package sketch_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/sketch"
)

// TestError: at every size the estimates of many independent sets are unbiased
// and have the error that the paper promises.
func TestError(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ n, sets uint64 }{{1, 20}, {10, 20}, {1000, 50}, {6000, 40}, {20_000, 40}, {100_000, 30}, {300_000, 20}} {
		var sum, squares float64
		for set := range c.sets {
			e := seen(set<<40, c.n).Estimate()/float64(c.n) - 1
			require.Less(t, math.Abs(e), 0.02, "%d hashes, set %d", c.n, set)
			sum += e
			squares += e * e
		}
		require.Less(t, math.Sqrt(squares/float64(c.sets)), 1.5*sketch.StandardError, "%d hashes", c.n)
		require.Less(t, math.Abs(sum)/float64(c.sets), sketch.StandardError, "%d hashes: bias", c.n)
	}
	empty := &sketch.HyperLogLog{}
	require.Zero(t, empty.Estimate())
	require.True(t, empty.Empty())
}

func TestErrorAtAMillion(t *testing.T) {
	t.Parallel()
	for set := range uint64(5) {
		s := seen(set<<50, 1_000_000)
		require.InEpsilon(t, 1_000_000, s.Estimate(), 0.02)
		require.Equal(t, 64<<10, s.Bytes())
	}
}

// TestMergeIsUnion: whatever was seen where, in whichever form, the merge of
// two sketches is the sketch of all of it, register for register.
func TestMergeIsUnion(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 1))
	sizes := []uint64{0, 1, 100, 100, 3000, 6000, 6200, 20_000, 150_000} // the case of 100 + 100 broke others
	for range 150 {
		a, b := sizes[rng.IntN(len(sizes))], sizes[rng.IntN(len(sizes))]
		from := rng.Uint64N(max(a, 1)) // they overlap, more or less
		left, right, union := seen(0, a), seen(from, b), seen(0, a)
		for i := range b {
			union.Insert(mix(from + i))
		}
		ab, ba := left.Clone(), right.Clone()
		changed := ab.Merge(right)
		ba.Merge(left)
		require.True(t, ab.Equal(union), "%d and %d from %d", a, b, from)
		require.True(t, ba.Equal(union), "in either order")
		require.InDelta(t, union.Estimate(), ab.Estimate(), 1e-6, "the form makes no difference")
		require.Equal(t, !ab.Equal(left), changed)
		require.False(t, ab.Merge(right), "again it changes nothing")
		require.False(t, ab.Merge(nil))
	}
}

func TestInsertTellsChange(t *testing.T) {
	t.Parallel()
	var s sketch.HyperLogLog
	for i := range uint64(20_000) {
		before := s.Clone()
		changed := s.Insert(mix(i))
		if i%500 == 0 {
			require.Equal(t, !before.Equal(&s), changed)
		}
		require.False(t, s.Insert(mix(i)))
	}
	require.LessOrEqual(t, seen(0, 6000).Bytes(), 32<<10, "half of what a dense one takes")
	s.Reset()
	require.True(t, s.Empty())
	require.Zero(t, s.Bytes())
}

func TestInsertAllocs(t *testing.T) {
	if raced {
		t.Skip("allocations are counted without the race detector")
	}
	for _, n := range []uint64{1000, 100_000} {
		s := seen(0, n)
		i := uint64(0)
		require.Zero(t, testing.AllocsPerRun(1000, func() { s.Insert(mix(i % n)); i++ }))
		require.Zero(t, testing.AllocsPerRun(10, func() { s.Estimate() }))
	}
	k := sketch.NewKey([]byte("0123456789abcdef"))
	var sum uint64
	require.Zero(t, testing.AllocsPerRun(1000, func() { sum += k.Hash("a user id of some length@example.com") }))
	require.NotZero(t, sum)
	top := sketch.NewTopK(2)
	top.Add("600519", 1)
	require.Zero(t, testing.AllocsPerRun(1000, func() { top.Add("600519", 1) }))
}

func BenchmarkHyperLogLog(b *testing.B) {
	b.Run("hash", func(b *testing.B) {
		k := sketch.NewKey([]byte("0123456789abcdef"))
		for b.Loop() {
			k.Hash("8b0c1bd0-7d3c-4c5e-9f6d-2f4e0a6f9b1c")
		}
	})
	for name, n := range map[string]uint64{"sparse": 1000, "dense": 100_000} {
		s, o := seen(0, n), seen(n/2, n)
		b.Run("insert/"+name, func(b *testing.B) {
			b.ReportAllocs()
			i := uint64(0)
			for b.Loop() {
				s.Insert(mix(i % n))
				i++
			}
		})
		b.Run("estimate/"+name, func(b *testing.B) {
			for b.Loop() {
				s.Estimate()
			}
		})
		b.Run("merge/"+name, func(b *testing.B) {
			for b.Loop() {
				s.Merge(o)
			}
		})
	}
}
