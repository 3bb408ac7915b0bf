package instrument

import (
	"math"
	"sync"
	"sync/atomic"
)

// growAfter is how many collisions between writers a cell bears before it gets
// a lane per CPU. A collision is two writers inside the same few nanoseconds,
// so a series that is merely used from several CPUs never grows.
const growAfter = 8

// A Home is the lane that one writer prefers. A writer that lives for many
// requests (a pooled one) keeps its Home, and with it a lane that no other
// running writer uses: after a collision it moves to one that was free. The
// zero Home is ready for use. A Home must not be used from two goroutines at
// once.
type Home struct{ lane uint32 }

// lane is one copy of a cell's numbers.
type lane struct {
	mu sync.Mutex
	v  []uint64 // guarded by mu; laid out by the group's layout
}

// ownLane is a lane that shares no cache line with another one's: the header
// is padded and the row rounded up to pairs of lines.
type ownLane struct {
	lane
	_ [cacheLines - 32]byte
}

const cacheLines = 128

func newLane(width int) *lane {
	const words = cacheLines / 8
	own := new(ownLane)
	own.v = make([]uint64, width, (width+words-1)/words*words)
	return &own.lane
}

// lanes is a grown cell's table; an entry is made when a writer first needs it.
type lanes []atomic.Pointer[lane]

// acquire locks a lane of the cell.
func (c *Cell) acquire(h *Home) *lane {
	ln := &c.first
	if more := c.more.Load(); more != nil {
		ln = (*more)[h.lane%uint32(len(*more))].Load()
		if ln == nil {
			return c.move(h)
		}
	}
	if ln.mu.TryLock() {
		return ln
	}
	return c.move(h)
}

// move finds a free lane after a collision, growing the cell if collisions
// are frequent. Where all lanes are taken it waits for the home lane: its
// holder is inside a few plain additions.
func (c *Cell) move(h *Home) *lane {
	more := c.more.Load()
	if more == nil {
		if c.group.lanes < 2 || c.collisions.Add(1) < growAfter {
			c.first.mu.Lock()
			return &c.first
		}
		more = c.grow()
	}
	n := uint32(len(*more))
	for i := range n {
		at := (h.lane + i) % n
		ln := (*more)[at].Load()
		if ln == nil {
			ln = newLane(c.group.layout.width)
			if !(*more)[at].CompareAndSwap(nil, ln) {
				continue
			}
		}
		if ln.mu.TryLock() {
			h.lane = at
			return ln
		}
	}
	ln := (*more)[h.lane%n].Load()
	ln.mu.Lock()
	return ln
}

// grow gives the cell its table. The first lane is not in it: it lies in the
// cell, beside what every writer reads, and writing it on would slow them all.
func (c *Cell) grow() *lanes {
	more := make(lanes, c.group.lanes)
	if !c.more.CompareAndSwap(nil, &more) {
		return c.more.Load()
	}
	return &more
}

// read adds up the lanes and parts into row, which has the layout's width.
func (c *Cell) read(row []uint64) {
	clear(row)
	if all := c.parts.Load(); all != nil {
		all.mu.Lock()
		defer all.mu.Unlock()
		for _, p := range all.list {
			p.lane.addTo(row, &c.group.layout)
		}
	}
	more := c.more.Load()
	if more == nil {
		c.collisions.Store(0) // a reader's collisions do not add up to growth
		c.first.addTo(row, &c.group.layout)
		return
	}
	c.first.addTo(row, &c.group.layout) // what it held when the cell grew
	for i := range *more {
		if ln := (*more)[i].Load(); ln != nil {
			ln.addTo(row, &c.group.layout)
		}
	}
}

func (ln *lane) addTo(row []uint64, lay *layout) {
	ln.mu.Lock()
	defer ln.mu.Unlock()
	lay.add(row, ln.v)
}

// add adds one row to another.
func (l *layout) add(to, row []uint64) {
	for i := range l.histograms {
		h := &l.histograms[i]
		for j := h.at; j < h.sum; j++ {
			to[j] += row[j]
		}
		to[h.sum] = addFloat(to[h.sum], math.Float64frombits(row[h.sum]))
	}
	for j := l.counters; j < l.width; j++ {
		to[j] += row[j]
	}
}

// addFloat adds v to a float64 kept as its bits.
func addFloat(bits uint64, v float64) uint64 {
	return math.Float64bits(math.Float64frombits(bits) + v)
}
