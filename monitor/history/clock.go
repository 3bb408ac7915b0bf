package history

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// ErrAhead is returned for a sample that is further ahead of the clock than
// clocks differ: ten minutes.
var ErrAhead = errors.New("too far ahead of the clock")

// mostAhead is by how much a sample may be ahead of the clock, and the clock's
// next collection ahead of the last one, in milliseconds.
const mostAhead = int64(10 * time.Minute / time.Millisecond)

// checkTime returns an error for a time that no clock shows: differences between
// others do not overflow.
func checkTime(t int64) error {
	if t < minTime || t > maxTime {
		return fmt.Errorf("a time of %d ms since 1970", t)
	}
	return nil
}

// leap is a step of more than mostAhead between two collections: the process was
// suspended, or its clock was set.
type leap struct{ from, to int64 }

// setback is a run of collections whose times are not after those that are stored.
type setback struct {
	since, at   int64 // the first and the last of them; 0: none
	after       int64 // the oldest sample that is later
	interrupted bool  // there are samples from before, too
}

// admit says whether there may be a collection at a time. If the clock went back
// it has to prove itself against what is stored. The store is locked by the caller.
func (db *DB) admit(now int64) error {
	c := db.collector
	if err := checkTime(now); err != nil {
		return fmt.Errorf("history: collect: %w", err)
	}
	if now > c.last {
		if c.expected == nil && c.last != math.MinInt64 && now-c.last > mostAhead {
			db.store.leap = leap{from: c.last, to: now}
		}
		db.setback = setback{}
		return nil
	}
	back := &db.setback
	if back.at == 0 || now <= back.at {
		*back = setback{since: now}
		back.after, back.interrupted = db.store.after(now)
	}
	back.at = now
	if !back.believed(c.last) {
		return fmt.Errorf("history: collect at %s: %w: the last one was at %s", when(now), ErrOutOfOrder, when(c.last))
	}
	db.m.Logger().Warn("history: the clock went back, the samples of later times are given up", "now", when(now), "last", when(c.last))
	db.rewind(now - 1)
	return nil
}

// believed reports whether the present time is right and those that are stored
// were wrong: it is not alone, and what there is to lose is less than the gap in
// it that the present falls into, or was collected in less time than has passed
// since.
func (b *setback) believed(last int64) bool {
	lost := max(0, last-b.after)
	return b.at > b.since && (b.at-b.since >= lost || (b.interrupted && b.after-b.at > lost))
}

// after returns the time of the oldest sample after a time, and whether there are
// others. The store is locked by the caller.
func (st *store) after(t int64) (oldest int64, others bool) {
	oldest = math.MaxInt64
	var it iterator
	for _, s := range st.index.series() {
		if s.head == nil { // only this goroutine writes
			continue
		}
		others = others || s.oldest() <= t
		s.iterate(&it, t+1, math.MaxInt64, false)
		for at := it.Next(); at != chunkenc.ValNone; at = it.Next() {
			if it.AtT() > t {
				oldest = min(oldest, it.AtT())
				break
			}
		}
	}
	return oldest, others
}

// rewind gives up what is later than a time, on disk too. The store is locked by
// the caller.
func (db *DB) rewind(to int64) {
	st := db.store
	st.rewind(to)
	db.exemplars.rewind(to)
	db.watches.forget()
	st.disk.rewind(to)
	st.disk.commit(to)
	st.counts.flush()
	st.publish()
	db.collector.last, db.swept, db.setback = to, to, setback{}
	db.epoch++
}

// rewind gives up the samples after a time.
func (st *store) rewind(to int64) {
	all := st.index.series()
	before := st.total.samples
	for _, s := range all {
		s.rewind(to, &st.total)
	}
	st.counts.evictSamples(evictClock, before-st.total.samples)
	st.evict(all, evictClock, func(s *series) bool { return s.head == nil })
	st.committed.Store(min(to, st.committed.Load()))
	st.leap = leap{}
	st.findOldest()
}
