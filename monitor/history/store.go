package history

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
)

// limits are what a store may grow to.
type limits struct {
	series    int
	bytes     int64
	retention [tiers]int64 // milliseconds
	lookback  int64        // milliseconds
}

// store is the series and their bounds. Writing methods are called with
// writing held; reading ones at any time.
type store struct {
	limits limits
	index  *index
	counts counts
	disk   *disk // nil: in memory only

	writing sync.Mutex
	total   change // guarded by writing
	fixed   int64  // guarded by writing; bytes of the series beside their chunks
	series  int    // guarded by writing
	full    bool   // guarded by writing; no room could be made in this batch
	leap    leap   // guarded by writing; the clock's last one

	// Readers see samples up to this time, so that they see a collection whole
	// or not at all.
	committed atomic.Int64
	published published
}

// published is what the self-metrics show.
type published struct {
	series, samples, chunkBytes, storageBytes atomic.Int64
	oldest                                    [tiers]atomic.Int64 // Unix milliseconds; 0: none
}

func newStore(l limits, c counts) *store { return &store{limits: l, index: newIndex(), counts: c} }

// seriesOverhead is the heap a series takes beside its labels and closed
// chunks: the structure, its place in the index, the memory of its head.
const seriesOverhead = 640

func weight(l labels.Labels) int64 { return seriesOverhead + int64(l.ByteSize()) }

// get returns the series with the labels, making it if needed at a time; nil if
// there is no room for it.
func (st *store) get(l labels.Labels, in tier, now int64) *series {
	hash := l.Hash()
	if s := st.index.get(l, hash); s != nil {
		return s
	}
	if !st.makeRoom(now) {
		return nil
	}
	s := &series{labels: l, hash: hash, tier: in}
	st.index.add(s)
	st.series++
	st.fixed += weight(l)
	return s
}

// makeRoom makes room for one more series: old samples and series that have
// ended go before it. If that did not help it is not tried again in the batch.
func (st *store) makeRoom(now int64) bool {
	fits := func() bool { return st.series < st.limits.series && st.size() < st.limits.bytes }
	switch {
	case fits():
		return true
	case st.full:
		return false
	}
	if st.size() >= st.limits.bytes {
		st.shrink(now)
	}
	if st.series >= st.limits.series {
		st.evictEnded()
	}
	st.full = !fits()
	return !st.full
}

// size is what counts against the storage size.
func (st *store) size() int64 {
	return st.fixed + st.index.bytes + st.total.bytes + st.total.chunks*chunkOverhead
}

// append adds a sample and counts what became of it. A series that was evicted
// has to be found again.
func (st *store) append(s *series, t int64, v float64) taken {
	got := s.append(t, v, &st.total)
	if got == stored {
		st.disk.float(s, t, v)
	}
	return st.count(got)
}

func (st *store) appendNative(s *series, t int64, h *histogram.Histogram, fh *histogram.FloatHistogram) taken {
	got := s.appendNative(t, h, fh, &st.total)
	if got == stored {
		st.disk.native(s, t, h, fh)
	}
	return st.count(got)
}

func (st *store) count(got taken) taken {
	switch got {
	case stored:
		st.counts.samples++
	case outOfOrder:
		st.counts.drop(dropOutOfOrder)
	case another:
		st.counts.drop(dropDuplicate)
	}
	return got
}

// begin begins a batch whose samples are of a time that readers may see already:
// they see none of it before it is committed.
func (st *store) begin(t int64) (resume func()) {
	seen := st.committed.Load()
	if seen < t {
		return func() {}
	}
	st.committed.Store(t - 1)
	return func() { st.committed.Store(max(seen, st.committed.Load())) }
}

// commit ends a batch of appends at a time: what it wrote is on disk, if there is
// one, and can be read.
func (st *store) commit(t int64) {
	st.disk.commit(t)
	if t > st.committed.Load() {
		st.committed.Store(t)
	}
	st.full = false
	st.counts.flush()
	st.publish()
}

func (st *store) publish() {
	p := &st.published
	p.series.Store(int64(st.series))
	p.samples.Store(st.total.samples)
	p.chunkBytes.Store(st.total.bytes)
	p.storageBytes.Store(st.size())
}

// retain gives up what is past its retention at the time, and as much more as
// the storage size asks for.
func (st *store) retain(now int64) {
	all := st.index.series()
	before := st.total.samples
	for _, s := range all {
		s.trim(st.outlived(s.tier, now), &st.total)
	}
	st.counts.evictSamples(evictRetention, before-st.total.samples)
	st.evict(all, evictRetention, func(s *series) bool { return s.head == nil })
	if st.size() > st.limits.bytes {
		st.shrink(now)
	}
	st.findOldest()
	st.publish()
}

// outlived is the time before which a tier's samples are past their retention.
// A leap of the clock makes nothing older.
func (st *store) outlived(in tier, now int64) int64 {
	before := now - st.limits.retention[in]
	if l := st.leap; before < l.to {
		before -= l.to - l.from
	}
	return before
}

// shrink gives up the oldest chunks until the store is a little smaller than
// its limit. Both tiers give up the same share of their retention.
func (st *store) shrink(now int64) {
	target := st.limits.bytes - st.limits.bytes/16
	if st.size() <= target {
		return
	}
	type aged struct {
		s    *series
		age  float64 // in retentions
		size int64
	}
	var all []aged
	for _, s := range st.index.series() {
		for i := range s.sealed { // only this goroutine writes
			age := float64(now-s.sealed[i].to()) / float64(st.limits.retention[s.tier])
			all = append(all, aged{s, age, s.sealed[i].size()})
		}
	}
	slices.SortStableFunc(all, func(a, b aged) int { return cmp.Compare(b.age, a.age) })
	drop := map[*series]int{} // the oldest of a series come first
	for size, i := st.size(), 0; i < len(all) && size > target; i++ {
		drop[all[i].s]++
		size -= all[i].size
	}
	before := st.total.samples
	for s, n := range drop {
		s.mu.Lock()
		s.drop(n, &st.total)
		s.mu.Unlock()
	}
	st.counts.evictSamples(evictSize, before-st.total.samples)
	if st.size() > st.limits.bytes {
		st.evictEnded()
	}
	st.publish()
}

// evictEnded gives up series that have ended, those that ended first, to make
// room: a sixteenth of the limit.
func (st *store) evictEnded() {
	var ended []*series
	for _, s := range st.index.series() {
		if s.ended {
			ended = append(ended, s)
		}
	}
	slices.SortFunc(ended, func(a, b *series) int { return cmp.Compare(a.last, b.last) })
	if most := max(1, st.limits.series/16); len(ended) > most {
		ended = ended[:most]
	}
	st.evict(ended, evictLimit, func(*series) bool { return true })
}

// evict takes the series out for which f is true; it is called with their lock held.
func (st *store) evict(all []*series, why evictReason, f func(*series) bool) {
	gone := map[*series]bool{}
	for _, s := range all {
		s.mu.Lock()
		if f(s) {
			s.gone = true
			gone[s] = true
			st.forget(s, why)
		}
		s.mu.Unlock()
	}
	if len(gone) == 0 {
		return
	}
	st.index.remove(gone)
	st.counts.evictSeries(why, int64(len(gone)))
}

// forget takes what a series holds out of the totals; its lock is held.
func (st *store) forget(s *series, why evictReason) {
	before := st.total.samples
	s.drop(len(s.sealed), &st.total)
	s.behead(&st.total)
	st.counts.evictSamples(why, before-st.total.samples)
	st.series--
	st.fixed -= weight(s.labels)
}

func (st *store) findOldest() {
	var oldest [tiers]int64
	for _, s := range st.index.series() {
		if s.head == nil { // only this goroutine writes
			continue
		}
		if t := s.oldest(); oldest[s.tier] == 0 || t < oldest[s.tier] {
			oldest[s.tier] = t
		}
	}
	for i, t := range oldest {
		st.published.oldest[i].Store(t)
	}
}
