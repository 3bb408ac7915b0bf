package dbmon

import (
	"cmp"
	"math/bits"
	"slices"
	"sync"
	"sync/atomic"
	"time"
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

	mu    sync.Mutex
	stats map[string]*stats // guarded by mu; by hash
}

func newTop(limit int) *top { return &top{max: limit, stats: map[string]*stats{}} }

// stats is what is counted of one statement.
type stats struct {
	statement *statement
	listed    atomic.Bool // it is in the table

	mu      sync.Mutex              // held for a few additions: cheaper than as many atomic ones
	total   time.Duration           // guarded by mu
	wait    time.Duration           // guarded by mu
	rows    uint64                  // guarded by mu
	errors  uint64                  // guarded by mu
	buckets [durationBuckets]uint32 // guarded by mu
}

func (s *stats) add(o *outcome, wait time.Duration, failed bool) {
	at := durationBucket(o.elapsed)
	s.mu.Lock()
	s.buckets[at]++
	s.total += o.elapsed
	s.wait += wait
	if o.rows > 0 {
		s.rows += uint64(o.rows)
	}
	if failed {
		s.errors++
	}
	s.mu.Unlock()
}

// spent is the time of all calls.
func (s *stats) spent() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.total
}

// admit puts the statement into the table and returns what counts for it: the
// stats that are there, those it had when it was last in the table, or new ones.
func (t *top) admit(st *statement, had *stats) *stats {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.stats[st.hash]
	if s == nil {
		if s = had; s == nil {
			s = &stats{statement: st}
		}
		if len(t.stats) >= t.max {
			t.evict()
		}
		t.stats[st.hash] = s
		s.listed.Store(true)
	}
	st.stats.Store(s)
	return s
}

// evictAmong is how many entries the one to go is chosen from: a stream of new
// statements takes out its own kind, and costs no walk through the table.
const evictAmong = 8

// evict removes the cheapest of a few entries. mu is held.
func (t *top) evict() {
	var victim *stats
	var least time.Duration
	n := 0
	for _, s := range t.stats { // in random order
		if spent := s.spent(); victim == nil || spent < least {
			victim, least = s, spent
		}
		if n++; n == evictAmong {
			break
		}
	}
	delete(t.stats, victim.statement.hash)
	victim.listed.Store(false)
}

func (t *top) list() []TopQuery {
	t.mu.Lock()
	all := make([]*stats, 0, len(t.stats))
	for _, s := range t.stats {
		all = append(all, s)
	}
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
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range &s.buckets {
		q.Calls += uint64(n)
	}
	if q.Calls == 0 {
		return q
	}
	q.Errors, q.Rows, q.Total = s.errors, s.rows, s.total
	q.Mean = q.Total / time.Duration(q.Calls)
	q.P95 = quantile(&s.buckets, q.Calls, 0.95)
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

// quantile returns the middle of the bucket that the q-th of all values is in.
func quantile(counts *[durationBuckets]uint32, all uint64, q float64) time.Duration {
	rank := uint64(q*float64(all-1)) + 1
	for i, n := range counts {
		if rank <= uint64(n) {
			return (bucketStart(i) + bucketStart(i+1)) / 2
		}
		rank -= uint64(n)
	}
	return bucketStart(durationBuckets - 1)
}
