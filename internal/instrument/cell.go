package instrument

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// A Cell is what a group counts for one set of label values.
type Cell struct {
	group      *Group
	labels     Labels
	first      lane
	more       atomic.Pointer[lanes]
	parts      atomic.Pointer[parts]
	collisions atomic.Uint32
	exemplars  atomic.Pointer[exemplars]
	native     []prometheus.Histogram // by histogram; nil unless asked for
}

// Labels returns the cell's label values.
func (c *Cell) Labels() *Labels { return &c.labels }

// Begin locks one lane of the cell for a few writes; End releases it.
func (c *Cell) Begin(h *Home) Batch { return Batch{c, c.acquire(h)} }

// Add adds n to the cell's counter i.
func (c *Cell) Add(h *Home, i int, n uint64) {
	b := c.Begin(h)
	b.Add(i, n)
	b.End()
}

// Observe adds one value to the cell's histogram i, in the histogram's integer unit.
func (c *Cell) Observe(h *Home, i int, v int64) {
	b := c.Begin(h)
	b.Observe(i, v)
	b.End()
}

// A Batch writes to one cell under one lock. Nothing that can block or panic
// may happen between Begin and End.
type Batch struct {
	cell *Cell
	lane *lane
}

// Observe adds one value to histogram i, in the histogram's integer unit
// (nanoseconds, bytes).
func (b Batch) Observe(i int, v int64) {
	if n := b.cell.native; n != nil {
		// Before the classic buckets, which are read first: the native count
		// a reader sees is never the smaller one.
		n[i].Observe(b.cell.group.layout.histograms[i].shown(float64(v)))
	}
	h := &b.cell.group.layout.histograms[i]
	row := b.lane.v
	row[h.bucket(v)]++
	row[h.sum] = addFloat(row[h.sum], float64(v))
}

// Add adds n to counter i.
func (b Batch) Add(i int, n uint64) {
	b.lane.v[b.cell.group.layout.counters+i] += n
}

// End releases the cell.
func (b Batch) End() { b.lane.mu.Unlock() }
