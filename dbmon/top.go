package dbmon

import (
	"cmp"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/chronoretrace/chronomon/internal/instrument"
)

// TopQuery is what one statement has cost. Texts that differ by literals only
// are one statement.
type TopQuery struct {
	Hash   string // first 16 hexadecimal digits of the SHA-256 of the normalised text
	Type   string // as in the query_type label
	Table  string // main table, empty for none
	Text   string // normalised, without literals; empty unless WithQueryText was given
	Calls  uint64
	Errors uint64
	Rows   uint64
	Total  time.Duration // time of all calls
	Mean   time.Duration
	P95    time.Duration // from a histogram: within 7 %
	Share  float64       // of the time of all statements kept, 0 to 1
	// WaitShare is the share of its callers' time that went into waiting for a
	// connection from the pool, 0 to 1. What is waited counts for the first
	// statement on the connection.
	WaitShare float64
}

// TopQueries returns the n statements that took the most time in all since
// the tracer was made, the most expensive first; all that are kept if n is 0 or
// less.
func (t *Tracer) TopQueries(n int) []TopQuery {
	out := t.top.list()
	if n > 0 && n < len(out) {
		out = out[:n]
	}
	return out
}

// top is the bounded table of statements.
type top struct {
	max int

	mu      sync.Mutex
	byHash  map[string]*stats // guarded by mu
	entries []*stats          // guarded by mu
}

func newTop(limit int) *top { return &top{max: limit, byHash: map[string]*stats{}} }

// stats is what is counted of one statement. It is in the table while its part
// of the metrics is open.
type stats struct {
	statement *statement
	part      *instrument.Part // its lock guards what follows but at
	at        int              // in the table's list; guarded by the table's mu

	calls   uint64
	total   time.Duration
	wait    time.Duration
	rows    uint64
	errors  uint64
	early   [earlyCalls]time.Duration // until there are buckets
	buckets *[durationBuckets]uint32
}

// earlyCalls is how many calls a statement has before it gets buckets, which
// are most of what it costs: many are seen once.
const earlyCalls = 6

// add counts a call. The part's lock is held.
func (s *stats) add(o *outcome, wait time.Duration, failed bool) {
	switch {
	case s.buckets != nil:
		n := &s.buckets[durationBucket(o.elapsed)]
		if *n == math.MaxUint32 {
			s.halve()
		}
		*n++
	case s.calls < earlyCalls:
		s.early[s.calls] = o.elapsed
	default:
		s.buckets = s.spread(o.elapsed)
	}
	s.calls++
	s.total += o.elapsed
	s.wait += wait
	if o.rows > 0 {
		s.rows += uint64(o.rows)
	}
	if failed {
		s.errors++
	}
}

// halve keeps the distribution where a bucket is full.
func (s *stats) halve() {
	for i := range s.buckets {
		s.buckets[i] /= 2
	}
}

// spread returns buckets with the early calls and more.
func (s *stats) spread(more ...time.Duration) *[durationBuckets]uint32 {
	b := &[durationBuckets]uint32{}
	for _, d := range append(more, s.early[:min(s.calls, earlyCalls)]...) {
		b[durationBucket(d)]++
	}
	return b
}

// spent is the time of all calls.
func (s *stats) spent() time.Duration {
	b, _ := s.part.Begin()
	defer b.End()
	return s.total
}

// begin locks what counts for the statement, in the table and in the metrics.
func (t *top) begin(st *statement) (*stats, instrument.Batch) {
	s := st.stats.Load()
	b, open := s.part.Begin()
	for !open { // it has made room for others
		b.End()
		s = t.admit(st, s)
		b, open = s.part.Begin()
	}
	return s, b
}

// admit puts the statement into the table and returns what counts for it: the
// stats that are there, those it had when it was last in the table, or new ones.
func (t *top) admit(st *statement, had *stats) *stats {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.byHash[st.hash]
	if s == nil {
		if s = had; s == nil {
			s = &stats{statement: st, part: st.target.cell.Part()}
		}
		s.at = len(t.entries)
		if s.at < t.max {
			t.entries = append(t.entries, s)
		} else {
			s.at = t.evict()
			t.entries[s.at] = s
		}
		t.byHash[st.hash] = s
		s.part.Open()
	}
	st.stats.Store(s)
	return s
}

// evictAmong is how many entries the one to go is chosen from: a stream of new
// statements takes out its own kind, and costs no walk through the table.
const evictAmong = 8

// evict removes the cheapest of a few entries and returns its place. mu is held.
func (t *top) evict() int {
	var victim *stats
	var least time.Duration
	for range evictAmong {
		s := t.entries[rand.IntN(len(t.entries))]
		if spent := s.spent(); victim == nil || spent < least {
			victim, least = s, spent
		}
	}
	delete(t.byHash, victim.statement.hash)
	victim.part.Close()
	return victim.at
}

func (t *top) list() []TopQuery {
	t.mu.Lock()
	all := slices.Clone(t.entries)
	t.mu.Unlock()

	out := make([]TopQuery, 0, len(all))
	var sum time.Duration
	for _, s := range all {
		if q := s.query(); q.Calls > 0 {
			out = append(out, q)
			sum += q.Total
		}
	}
	for i := range out {
		if sum > 0 {
			out[i].Share = float64(out[i].Total) / float64(sum)
		}
	}
	slices.SortFunc(out, func(a, b TopQuery) int {
		return cmp.Or(cmp.Compare(b.Total, a.Total), cmp.Compare(a.Hash, b.Hash))
	})
	return out
}

func (s *stats) query() TopQuery {
	st := s.statement
	q := TopQuery{Hash: st.hash, Type: st.typ, Table: st.table, Text: st.text}
	b, _ := s.part.Begin()
	defer b.End()
	if s.calls == 0 {
		return q
	}
	q.Calls, q.Errors, q.Rows, q.Total = s.calls, s.errors, s.rows, s.total
	q.Mean = q.Total / time.Duration(q.Calls)
	buckets := s.buckets
	if buckets == nil {
		buckets = s.spread()
	}
	q.P95 = quantile(buckets, 0.95)
	if s.wait > 0 {
		q.WaitShare = float64(s.wait) / float64(s.wait+s.total)
	}
	return q
}

// The buckets of durations: eight for each doubling, from 1 µs to above an
// hour, so that a bucket is at most an eighth wide and its middle within 7 %
// of all that is in it.
const (
	durationBuckets = 240
	durationUnit    = 10 // as a shift: 1024 ns
)

func durationBucket(d time.Duration) int {
	v := uint64(max(0, d)) >> durationUnit
	if v < 8 {
		return int(v)
	}
	e := bits.Len64(v) - 4 // v>>e is 8 to 15
	return min(e*8+int(v>>e), durationBuckets-1)
}

// bucketStart is the least duration of a bucket.
func bucketStart(i int) time.Duration {
	if i < 8 {
		return time.Duration(i) << durationUnit
	}
	e := i/8 - 1
	return time.Duration(8+i%8) << (e + durationUnit)
}

// quantile returns the middle of the bucket that the q-th of all values is in,
// by nearest rank: at least q of the values are not above its bucket.
func quantile(counts *[durationBuckets]uint32, q float64) time.Duration {
	var all uint64
	for _, n := range counts {
		all += uint64(n)
	}
	rank := uint64(math.Ceil(q * float64(all)))
	for i, n := range counts {
		if rank <= uint64(n) {
			return (bucketStart(i) + bucketStart(i+1)) / 2
		}
		rank -= uint64(n)
	}
	return bucketStart(durationBuckets - 1)
}
