package bizmontest

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/bizmon"
)

// TestSketchStore holds a store to the contract of [bizmon.SketchStore]. open
// returns handles of one store, each as another process of the fleet would have
// it; a new t is a new, empty store.
func TestSketchStore(t *testing.T, open func(t testing.TB) func() bizmon.SketchStore) {
	t.Helper()
	for name, test := range map[string]func(t *testing.T, open func() bizmon.SketchStore){
		"Join":       testJoin,
		"Empty":      testEmpty,
		"Union":      testUnion,
		"Order":      testOrder,
		"Isolation":  testIsolation,
		"Concurrent": testConcurrent,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

// day is a key.
const day = "users/1d/0"

// sketch is what n users make, from the first on.
func sketch(first, n uint64) *bizmon.Sketch {
	s := &bizmon.Sketch{}
	for i := range n {
		x := (first + i + 1) * 0x9e3779b97f4a7c15
		x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
		x = (x ^ x>>27) * 0x94d049bb133111eb
		s.Insert(x ^ x>>31)
	}
	return s
}

func put(t *testing.T, s bizmon.SketchStore, key string, sk *bizmon.Sketch) {
	t.Helper()
	require.NoError(t, s.Merge(t.Context(), []bizmon.StoredSketch{{Key: key, Sketch: sk, Expires: time.Now().Add(time.Hour)}}))
}

func get(t *testing.T, s bizmon.SketchStore) *bizmon.Sketch {
	t.Helper()
	out, err := s.Load(t.Context(), []string{day})
	require.NoError(t, err)
	require.Len(t, out, 1)
	return out[0]
}

// testJoin: the first key is the fleet's.
func testJoin(t *testing.T, open func() bizmon.SketchStore) {
	t.Helper()
	require.NoError(t, open().Join(t.Context(), "one"))
	require.NoError(t, open().Join(t.Context(), "one"))
	require.ErrorIs(t, open().Join(t.Context(), "another"), bizmon.ErrOtherKey)
	require.NoError(t, open().Join(t.Context(), "one"))
}

// testEmpty: what is not there is nil, and nothing to do is no error.
func testEmpty(t *testing.T, open func() bizmon.SketchStore) {
	t.Helper()
	s := open()
	require.Nil(t, get(t, s))
	out, err := s.Load(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, out)
	require.NoError(t, s.Merge(t.Context(), nil))
	put(t, s, day, &bizmon.Sketch{})
	if sk := get(t, s); sk != nil {
		require.True(t, sk.Empty())
	}
}

// testUnion: what several handles merge is there for all, exactly, at any size
// and however often.
func testUnion(t *testing.T, open func() bizmon.SketchStore) {
	t.Helper()
	a, b := open(), open()
	union := &bizmon.Sketch{}
	for i, n := range []uint64{1, 100, 100, 5000, 100_000, 100_000} {
		part := sketch(uint64(i/2)*50, n)
		put(t, []bizmon.SketchStore{a, b}[i%2], day, part)
		put(t, a, day, part)
		union.Merge(part)
		require.True(t, union.Equal(get(t, b)), "after %d users", n)
	}
}

// testOrder: the answers are in the order of the keys.
func testOrder(t *testing.T, open func() bizmon.SketchStore) {
	t.Helper()
	s := open()
	keys := []string{}
	for i := range uint64(50) {
		key := "users/30s/" + string(rune('a'+i%26)) + string(rune('a'+i/26))
		keys = append(keys, key)
		if i%3 > 0 {
			put(t, s, key, sketch(1000*i, i))
		}
	}
	out, err := s.Load(t.Context(), keys)
	require.NoError(t, err)
	require.Len(t, out, len(keys))
	for i := range uint64(50) {
		if i%3 == 0 {
			require.Nil(t, out[i])
			continue
		}
		require.True(t, sketch(1000*i, i).Equal(out[i]), keys[i])
	}
}

// testIsolation: the caller may change what it gave and what it got.
func testIsolation(t *testing.T, open func() bizmon.SketchStore) {
	t.Helper()
	s := open()
	mine := sketch(0, 10)
	put(t, s, day, mine)
	require.True(t, mine.Equal(sketch(0, 10)), "the store leaves it as it is")
	mine.Merge(sketch(100, 10))
	get(t, s).Merge(sketch(200, 10))
	require.True(t, sketch(0, 10).Equal(get(t, s)))
}

// testConcurrent: merges under one key at the same time lose nothing.
func testConcurrent(t *testing.T, open func() bizmon.SketchStore) {
	t.Helper()
	const writers, rounds = 4, 15
	var all sync.WaitGroup
	errs := make([]error, writers)
	for w := range writers {
		s := open()
		all.Go(func() {
			for r := range rounds {
				part := []bizmon.StoredSketch{{
					Key: day, Sketch: sketch(uint64(w*rounds+r)<<20, uint64(1+500*r)), Expires: time.Now().Add(time.Hour),
				}}
				if errs[w] = s.Merge(t.Context(), part); errs[w] != nil {
					return
				}
			}
		})
	}
	all.Wait()
	union := &bizmon.Sketch{}
	for w := range writers {
		require.NoError(t, errs[w])
		for r := range rounds {
			union.Merge(sketch(uint64(w*rounds+r)<<20, uint64(1+500*r)))
		}
	}
	require.True(t, union.Equal(get(t, open())))
}
