// Package window counts what happened lately: a few counters that are summed
// over a sliding span of time, written by many goroutines at once.
//
// The span is cut into [Slots] slots. A sum covers the present slot and the
// whole ones before it: never more than the span and at least all but one slot
// of it. Writers add to one of several lanes of running totals; what the
// totals were when a slot began is noted by the first who comes in it.
package window

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Slots is how finely a span is cut.
const Slots = 30

// Max is how many counters a set may have.
const Max = 7

// maxLanes bounds the lanes, each of which is a cache line.
const maxLanes = 16

// Totals is the values of all counters.
type Totals [Max]uint64

// A Lane is the writer's choice of where to write. Writers that run at the same
// time do best with different ones; any number will do.
type Lane uint32

// Counters is a set of counters. It is safe for concurrent use. Times are
// readings of one monotonic clock, as durations since some moment.
type Counters struct {
	width time.Duration
	lanes []lane
	mask  uint         // lanes are a power of two
	slot  atomic.Int64 // the newest slot that has a mark
	turns atomic.Int64 // when the next one begins: a division less for each writer

	mu    sync.Mutex
	first int64         // guarded by mu; the slot in which counting began
	marks [Slots]Totals // guarded by mu; totals at the beginning of a slot, by slot modulo Slots
}

type lane struct {
	v [Max]atomic.Uint64
	_ [8]byte
}

// New returns counters over the span, counting from now on. A span that is too
// short to be cut gets slots of a nanosecond.
func New(span, now time.Duration) *Counters {
	lanes := 1
	for lanes < min(runtime.GOMAXPROCS(0), maxLanes) {
		lanes *= 2
	}
	c := &Counters{width: max(span/Slots, 1), lanes: make([]lane, lanes), mask: uint(lanes - 1)}
	c.first = int64(now / c.width)
	c.begin(c.first)
	return c
}

// Add adds n to counter i.
func (c *Counters) Add(now time.Duration, l Lane, i int, n uint64) {
	if int64(now) >= c.turns.Load() {
		c.turn(int64(now / c.width))
	}
	c.lanes[uint(l)&c.mask].v[i].Add(n)
}

// begin makes s the newest slot.
func (c *Counters) begin(s int64) {
	c.slot.Store(s)
	c.turns.Store((s + 1) * int64(c.width))
}

// turn notes the totals at the beginning of slot s and of those since the last
// one that has a mark, in which nothing was counted.
func (c *Counters) turn(s int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := c.slot.Load()
	if s <= last {
		return
	}
	t := c.Totals()
	for i := max(last, s-Slots) + 1; i <= s; i++ {
		c.marks[i%Slots] = t
	}
	c.begin(s)
}

// Totals returns the sums since the beginning.
func (c *Counters) Totals() (t Totals) {
	for l := range c.lanes {
		for i := range t {
			t[i] += c.lanes[l].v[i].Load()
		}
	}
	return t
}

// Sum returns the sums over the span that ends now.
func (c *Counters) Sum(now time.Duration) Totals {
	if int64(now) >= c.turns.Load() {
		c.turn(int64(now / c.width))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.Totals()
	oldest := c.slot.Load() - Slots + 1
	if oldest <= c.first {
		return t // counting began within the span
	}
	was := c.marks[oldest%Slots]
	for i := range t {
		t[i] -= was[i]
	}
	return t
}
