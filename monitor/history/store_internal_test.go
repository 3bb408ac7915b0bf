package history

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/stretchr/testify/require"
)

func testStore(series int, bytes int64) *store {
	return newStore(limits{series: series, bytes: bytes, retention: [tiers]int64{raw: 1e6, long: 1e7}, lookback: 3e5}, counts{})
}

func named1(name string) labels.Labels { return labels.FromStrings("__name__", name) }

// testPoint is a sample of any kind, in words.
type testPoint struct {
	t    int64
	text string
}

func floatText(v float64) string {
	if value.IsStaleNaN(v) {
		return "stale"
	}
	return strconv.FormatUint(math.Float64bits(v), 16)
}

// points reads a series through its iterator.
func (s *series) points(it *iterator, from, to int64, newest bool) (out []testPoint) {
	s.iterate(it, from, to, newest)
	for typ := it.Next(); typ != chunkenc.ValNone; typ = it.Next() {
		out = append(out, it.point(typ))
	}
	return out
}

func (it *iterator) point(typ chunkenc.ValueType) testPoint {
	switch typ {
	case chunkenc.ValHistogram:
		t, h := it.AtHistogram(nil)
		if value.IsStaleNaN(h.Sum) {
			return testPoint{t, "stale"}
		}
		return testPoint{t, fmt.Sprint("ints ", h.Count)}
	case chunkenc.ValFloatHistogram:
		t, h := it.AtFloatHistogram(nil)
		if value.IsStaleNaN(h.Sum) {
			return testPoint{t, "stale"}
		}
		return testPoint{t, fmt.Sprint("floats ", h.Count)}
	}
	t, v := it.At()
	return testPoint{t, floatText(v)}
}

// TestStore does what collections and engines do to a store, at random, and holds
// it against lists: whatever is given up, what is left is what was written last,
// every bound holds, and all is counted.
func TestStore(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(seed, 0))
			const most, room = 20, 60_000
			st := testStore(most, room)
			want := map[*series][]testPoint{}
			now := int64(1e9)
			write := func() {
				now += 1 + rng.Int64N(2000)
				if rng.IntN(300) == 0 {
					now += chunkSpan + rng.Int64N(10) - 5
				}
				for range 5 {
					name := strconv.Itoa(rng.IntN(2 * most))
					s := st.get(named1(name), tier(rng.IntN(2)), now)
					if s == nil {
						continue
					}
					p := testPoint{t: now}
					var got taken
					switch n := rng.Uint64N(1e6); int(s.ref) % 4 {
					case 0:
						h := &histogram.Histogram{Count: n, PositiveSpans: []histogram.Span{{Offset: int32(n % 5), Length: 1}}, PositiveBuckets: []int64{int64(n)}}
						p.text, got = fmt.Sprint("ints ", n), st.appendNative(s, now, h, nil)
					case 1:
						h := &histogram.FloatHistogram{Count: float64(n), PositiveSpans: []histogram.Span{{Length: 1}}, PositiveBuckets: []float64{float64(n)}}
						p.text, got = fmt.Sprint("floats ", float64(n)), st.appendNative(s, now, nil, h)
					default:
						v := rng.NormFloat64()
						p.text, got = floatText(v), st.append(s, now, v)
					}
					if got == stored {
						require.False(t, s.ended)
						want[s] = append(want[s], p)
					}
					if rng.IntN(30) == 0 && st.append(s, now+1, Stale) == stored {
						require.True(t, s.ended)
						want[s] = append(want[s], testPoint{now + 1, "stale"})
					}
				}
				now++
				st.commit(now)
			}
			var it iterator
			check := func() {
				require.LessOrEqual(t, len(st.index.series()), most)
				require.Len(t, st.index.series(), st.series)
				require.Equal(t, Recounted(&DB{store: st}), Counted(&DB{store: st}))
				for _, s := range st.index.series() {
					all := want[s]
					require.NotEmpty(t, all)
					got := s.points(&it, math.MinInt64, math.MaxInt64, false)
					require.NotEmpty(t, got)
					require.Equal(t, all[len(all)-len(got):], got)
					want[s] = got
					for i := range s.sealed {
						require.LessOrEqual(t, s.sealed[i].samples(), chunkSamples)
						require.Less(t, len(s.sealed[i].data), 2*chunkBytes)
						if i > 0 {
							require.Greater(t, s.sealed[i].from, s.sealed[i-1].to())
						}
					}
					require.True(t, len(s.head.Bytes()) < chunkBytes || s.room == 0)
					checkWalk(t, rng, s, &it, got)
				}
			}
			for range 150 {
				for range rng.IntN(40) {
					write()
				}
				switch rng.IntN(4) {
				case 0:
					checkRetain(t, st, now)
				case 1:
					checkShrink(t, st, now)
				case 2:
					checkEvictEnded(t, st)
				case 3:
					to := now - rng.Int64N(20_000)
					st.rewind(to)
					require.LessOrEqual(t, st.committed.Load(), to)
					for _, s := range st.index.series() {
						want[s] = slices.DeleteFunc(want[s], func(p testPoint) bool { return p.t > to })
						require.Equal(t, want[s][len(want[s])-1].text == "stale", s.ended)
					}
				}
				check()
			}
		})
	}
}

// checkWalk holds ranges of a series, and jumps in them, against all of it.
func checkWalk(t *testing.T, rng *rand.Rand, s *series, it *iterator, all []testPoint) {
	t.Helper()
	at := func() int64 { return all[rng.IntN(len(all))].t + rng.Int64N(3) - 1 }
	from, to := at(), at()
	var in []testPoint
	for _, p := range all {
		if p.t >= from && p.t <= to {
			in = append(in, p)
		}
	}
	got := s.points(it, from, to, false)
	require.GreaterOrEqual(t, len(got), len(in))
	require.Equal(t, in, append([]testPoint(nil), got[len(got)-len(in):]...))
	for _, p := range got {
		require.LessOrEqual(t, p.t, to)
	}
	if got = s.points(it, from, to, true); len(in) > 0 {
		require.Equal(t, in[len(in)-1], got[len(got)-1])
	}
	s.iterate(it, from, to, false)
	for range 5 {
		seek := at()
		if it.at != chunkenc.ValNone {
			seek = max(seek, it.AtT())
		}
		typ := it.Seek(seek)
		i := slices.IndexFunc(all, func(p testPoint) bool { return p.t >= max(from, seek) && p.t <= to })
		switch {
		case i < 0:
			if typ != chunkenc.ValNone {
				require.Less(t, it.AtT(), from)
			}
			return
		case it.AtT() < from: // there may be some before
		default:
			require.Equal(t, all[i], it.point(typ))
		}
	}
}

// agedChunk is a closed chunk and how old it is, in retentions.
type agedChunk struct {
	s   *series
	to  int64
	age float64
}

func (st *store) closed(now int64) (out []agedChunk) {
	for _, s := range st.index.series() {
		for i := range s.sealed {
			to := s.sealed[i].to()
			out = append(out, agedChunk{s, to, float64(now-to) / float64(st.limits.retention[s.tier])})
		}
	}
	return out
}

func checkRetain(t *testing.T, st *store, now int64) {
	t.Helper()
	now += 3e5
	fits := st.size() <= st.limits.bytes
	before := st.closed(now)
	var ends []int64
	all := st.index.series()
	for _, s := range all {
		ends = append(ends, s.last)
	}
	st.retain(now)
	want := slices.DeleteFunc(slices.Clone(before), func(c agedChunk) bool { return c.age > 1 })
	if fits {
		want = slices.DeleteFunc(want, func(c agedChunk) bool { return c.s.gone })
		require.True(t, slices.Equal(want, st.closed(now)), "those that end before, and no other ones")
	}
	for i, s := range all {
		require.True(t, s.gone == (ends[i] < now-st.limits.retention[s.tier]) || !fits)
	}
	oldest := [tiers]int64{math.MaxInt64, math.MaxInt64}
	for _, s := range st.index.series() {
		oldest[s.tier] = min(oldest[s.tier], s.oldest())
	}
	for i, at := range oldest {
		require.Equal(t, at%math.MaxInt64, st.published.oldest[i].Load())
	}
}

func checkShrink(t *testing.T, st *store, now int64) {
	t.Helper()
	was := st.limits.bytes
	st.limits.bytes = st.size() * 3 / 4
	defer func() { st.limits.bytes = was }()
	before := st.closed(now)
	st.shrink(now)
	left := st.closed(now)
	if len(left) > 0 {
		require.LessOrEqual(t, st.size(), st.limits.bytes-st.limits.bytes/16)
	}
	var given []agedChunk
	for _, c := range before {
		if !slices.Contains(left, c) && !c.s.gone {
			given = append(given, c)
		}
	}
	if len(given) == 0 || len(left) == 0 {
		return
	}
	youngest := slices.MinFunc(given, func(a, b agedChunk) int { return cmp.Compare(a.age, b.age) })
	for _, c := range left {
		require.LessOrEqual(t, c.age, youngest.age, "the oldest go first")
	}
}

func checkEvictEnded(t *testing.T, st *store) {
	t.Helper()
	var ended []int64
	all := st.index.series()
	for _, s := range all {
		if s.ended {
			ended = append(ended, s.last)
		}
	}
	slices.Sort(ended)
	st.evictEnded()
	var gone []int64
	for _, s := range all {
		if s.gone {
			gone = append(gone, s.last)
			require.Equal(t, evicted, st.append(s, math.MaxInt32*1e6, 1))
		}
	}
	slices.Sort(gone)
	require.True(t, slices.Equal(ended[:min(len(ended), max(1, st.limits.series/16))], gone), "those that ended first")
}

// TestMakeRoom: a store that is full of live series takes no other one, and asks
// for room once a batch.
func TestMakeRoom(t *testing.T) {
	t.Parallel()
	st := testStore(2, 1<<20)
	a, b := st.get(named1("a"), raw, 1), st.get(named1("b"), raw, 1)
	st.append(a, 1, 1)
	st.append(b, 1, 1)
	require.Nil(t, st.get(named1("c"), raw, 1))
	st.append(a, 2, Stale)
	require.Nil(t, st.get(named1("c"), raw, 2), "it is known to be full")
	st.commit(2)
	require.NotNil(t, st.get(named1("c"), raw, 3))
	require.True(t, a.gone)

	small := testStore(1000, 10*weight(named1("10")))
	n := 0
	for small.get(named1(strconv.Itoa(n+10)), raw, 1) != nil {
		n++
	}
	require.Less(t, n, 11)
}

// TestBegin: a batch of a time that readers see already is seen when it is whole.
func TestBegin(t *testing.T) {
	t.Parallel()
	st := testStore(10, 1<<20)
	seen := func() int64 {
		q, err := st.Querier(0, math.MaxInt64)
		require.NoError(t, err)
		return q.(*reader).to
	}
	st.commit(100)
	resume := st.begin(50)
	require.Equal(t, int64(49), seen())
	st.commit(50)
	resume()
	require.Equal(t, int64(100), seen())
	resume = st.begin(200)
	require.Equal(t, int64(100), seen())
	st.commit(200)
	resume()
	require.Equal(t, int64(200), seen())
}

// TestNativeChunks: a chunk says whether counts went back from the one before, and
// a series of histograms ends as one.
func TestNativeChunks(t *testing.T) {
	t.Parallel()
	for _, floats := range []bool{false, true} {
		st := testStore(10, 1<<20)
		s := st.get(named1("n"), raw, 1)
		at := int64(0)
		add := func(n uint64) {
			at++
			h := &histogram.Histogram{Count: n, PositiveSpans: []histogram.Span{{Length: 1}}, PositiveBuckets: []int64{int64(n)}}
			if floats {
				require.Equal(t, stored, st.appendNative(s, at, nil, h.ToFloat(nil)))
			} else {
				require.Equal(t, stored, st.appendNative(s, at, h, nil))
			}
		}
		hint := func() chunkenc.CounterResetHeader {
			return chunkenc.CounterResetHeader(s.head.Bytes()[2] & chunkenc.CounterResetHeaderMask)
		}
		for n := range uint64(1000) {
			add(n)
		}
		require.NotEmpty(t, s.sealed)
		require.Equal(t, chunkenc.NotCounterReset, hint())
		add(1)
		require.Equal(t, chunkenc.CounterReset, hint())
		enc := s.head.Encoding()
		require.Equal(t, stored, st.append(s, at+1, Stale))
		require.Equal(t, enc, s.head.Encoding(), "the marker is of the series' own kind")
		at += 2
		add(7)
		require.False(t, s.ended)
		at += chunkSpan + 1
		sealed := len(s.sealed)
		add(8)
		require.Len(t, s.sealed, sealed+1)
		require.Equal(t, stored, st.append(s, at+1, 1))
		require.Equal(t, another, st.append(s, at+1, 2))
		require.Equal(t, duplicate, st.append(s, at+1, 1))
	}
}

// TestChunksAreNotClosedTogether: series that were born together.
func TestChunksAreNotClosedTogether(t *testing.T) {
	t.Parallel()
	st := testStore(200, 1<<20)
	closed := map[int]int{}
	for i := range 100 {
		s := st.get(named1(strconv.Itoa(i)), raw, 1)
		n := 0
		for ; len(s.sealed) == 0; n++ {
			st.append(s, int64(n), 1)
		}
		closed[n]++
	}
	require.Greater(t, len(closed), 90)
}

// TestExemplarTimes: those that were given up are not taken again, but for those
// that a clock that went back did.
func TestExemplarTimes(t *testing.T) {
	t.Parallel()
	x := newExemplars(3)
	s := &series{labels: named1("n")}
	add := func(at int64) {
		require.NoError(t, x.add(s, float64(at), at, labels.Label{Name: traceLabel, Value: strconv.FormatInt(at, 10)}))
	}
	times := func() (out []int64) {
		for _, e := range x.list() {
			out = append(out, e.at)
		}
		return out
	}
	for _, at := range []int64{10, 20, 20, 15, 30, 40} {
		add(at)
	}
	require.Equal(t, []int64{20, 30, 40}, times())
	x.trim(30)
	require.Equal(t, []int64{30, 40}, times())
	s = &series{labels: named1("other")}
	add(29)
	require.Equal(t, []int64{30, 40}, times())
	add(50)
	x.rewind(35)
	require.Equal(t, []int64{30}, times())
	add(36)
	require.Equal(t, []int64{30, 36}, times())
}

// TestChunkSpan: no chunk is longer than it can say.
func TestChunkSpan(t *testing.T) {
	t.Parallel()
	st := testStore(10, 1<<20)
	s := st.get(named1("n"), raw, 1)
	var want []testPoint
	for i := range int64(600) {
		at := i * (chunkSpan / 300)
		require.Equal(t, stored, st.append(s, at, float64(i)))
		want = append(want, testPoint{at, floatText(float64(i))})
	}
	require.NotEmpty(t, s.sealed)
	require.Equal(t, stored, st.append(s, want[599].t+2*chunkSpan, 1))
	for range 300 {
		require.Equal(t, stored, st.append(s, s.last+1, 1))
	}
	for i := range s.sealed {
		var f floats
		require.NoError(t, f.decode(s.sealed[i].data, math.MaxInt64))
		require.Equal(t, f.t[len(f.t)-1], s.sealed[i].to())
	}
	var it iterator
	require.Equal(t, want, s.points(&it, 0, want[599].t, false))
}

// TestChunkBytes: what does not compress fills a chunk before it has all samples.
func TestChunkBytes(t *testing.T) {
	t.Parallel()
	st := testStore(10, 1<<20)
	s := st.get(named1("n"), raw, 1)
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range int64(1000) {
		st.append(s, i*i, rng.NormFloat64())
		const one = 20 // bytes of a sample at most
		require.Less(t, len(s.head.Bytes()), chunkBytes+one)
	}
	require.Greater(t, len(s.sealed), 1000/chunkSamples+1)
}
