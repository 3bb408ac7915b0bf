package instrument

import (
	"cmp"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// A HistogramSpec says how one histogram of a cell counts: values are int64 in
// some integer unit, and Scale turns them into the exposed unit.
type HistogramSpec struct {
	Bounds []float64 // upper bounds in the exposed unit, ascending, without +Inf
	Scale  float64   // exposed unit per integer unit: 1e-9 for nanoseconds shown as seconds
}

// A Spec says what each cell of a group holds.
type Spec struct {
	Labels     []string // catalogue names; their number and order are every cell's
	Histograms []HistogramSpec
	Counters   int
}

// layout is a Spec as offsets into a row of numbers: each histogram's buckets
// (the last one is +Inf, counts are per bucket) and sum, then the counters.
type layout struct {
	histograms []histogramLayout
	counters   int
	width      int
}

type histogramLayout struct {
	at     int     // first bucket
	sum    int     // float64 bits
	bounds []int64 // in the integer unit
	upper  []float64
	units  float64 // integer units per exposed one
}

// count is the number of values in a row's histogram.
func (h *histogramLayout) count(row []uint64) uint64 {
	var n uint64
	for _, v := range row[h.at:h.sum] {
		n += v
	}
	return n
}

// bucket is the position in the row of the bucket that v belongs to.
func (h *histogramLayout) bucket(v int64) int {
	for i, bound := range h.bounds {
		if v <= bound {
			return h.at + i
		}
	}
	return h.at + len(h.bounds)
}

func newLayout(s Spec) layout {
	var l layout
	for _, h := range s.Histograms {
		hl := histogramLayout{at: l.width, sum: l.width + len(h.Bounds) + 1, upper: h.Bounds, units: units(h.Scale)}
		for _, b := range h.Bounds {
			hl.bounds = append(hl.bounds, hl.integer(b))
		}
		l.histograms = append(l.histograms, hl)
		l.width = hl.sum + 1
	}
	l.counters = l.width
	l.width += s.Counters
	return l
}

// units is the number of integer units per exposed one. A scale of 1e-9 is
// not a float, the 1e9 units it stands for are: shown values come out as
// time.Duration.Seconds gives them.
func units(scale float64) float64 {
	n := 1 / scale
	if r := math.Round(n); math.Abs(r-n) < 1e-9*n {
		return r
	}
	return n
}

// shown is a value in the exposed unit.
func (h *histogramLayout) shown(v float64) float64 { return v / h.units }

// integer is the largest integer that, shown, is at most bound. Beyond 2^53
// integers are not told apart as floats.
func (h *histogramLayout) integer(bound float64) int64 {
	x := bound * h.units
	switch {
	case x >= math.MaxInt64:
		return math.MaxInt64
	case x <= math.MinInt64:
		return math.MinInt64
	case math.Abs(x) >= 1<<53:
		return int64(x)
	}
	n := int64(x)
	for h.shown(float64(n)) > bound {
		n--
	}
	for h.shown(float64(n+1)) <= bound {
		n++
	}
	return n
}

// A Group is the cells that share labels and layout.
type Group struct {
	set      *Set
	labels   []string
	layout   layout
	lanes    int
	limiters []*Limiter // by label

	sorted atomic.Pointer[[]*Cell] // by label values; nil when a cell has come since

	mu      sync.RWMutex
	cells   map[string]*Cell // guarded by mu
	namings [][]string       // guarded by mu; appended to only
}

// Limit gives a label another limiter than its own: one that several groups
// share. It is for the time before the group has cells.
func (g *Group) Limit(label string, l *Limiter) {
	if i := slices.Index(g.labels, label); i >= 0 {
		g.limiters[i] = l
	}
}

// Cell returns the cell for the label values, making it if needed. A value
// past its label's limit becomes [Other], which is counted. Callers on a hot
// path keep the cell. It panics if the number of values is not the labels'.
func (g *Group) Cell(values ...string) *Cell {
	if len(values) != len(g.labels) {
		panic("instrument: number of label values differs from number of labels")
	}
	var buf [128]byte
	key := appendKey(buf[:0], values)
	g.mu.RLock()
	c := g.cells[string(key)]
	g.mu.RUnlock()
	if c != nil {
		return c
	}
	return g.add(clean(values)) // a copy: values itself stays on the caller's stack
}

// add makes the cell for values that no cell has as they are.
func (g *Group) add(values []string) *Cell {
	for i, l := range g.limiters {
		values[i] = l.Value(values[i])
	}
	key := appendKey(nil, values)

	g.mu.Lock()
	defer g.mu.Unlock()
	if c := g.cells[string(key)]; c != nil {
		return c
	}
	c := g.newCell(values)
	g.cells[string(key)] = c
	g.sorted.Store(nil)
	return c
}

func (g *Group) newCell(values []string) *Cell {
	c := &Cell{group: g, labels: newLabels(g.namings, values)}
	c.first.v = make([]uint64, g.layout.width)
	if f := g.set.nativeFactor; f > 1 {
		for range g.layout.histograms {
			c.native = append(c.native, prometheus.NewHistogram(prometheus.HistogramOpts{
				Name: "native", Help: "native buckets of a cell",
				NativeHistogramBucketFactor: f, NativeHistogramMaxBucketNumber: nativeMaxBuckets,
			}))
		}
	}
	return c
}

// naming returns the index of a list of label names, adding it if it is new.
func (g *Group) naming(names []string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, n := range g.namings {
		if slices.Equal(n, names) {
			return i
		}
	}
	g.namings = append(g.namings, names)
	return len(g.namings) - 1
}

// snapshot returns the cells ordered by label values.
func (g *Group) snapshot() []*Cell {
	if s := g.sorted.Load(); s != nil {
		return *s
	}
	g.mu.RLock()
	defer g.mu.RUnlock()
	cells := make([]*Cell, 0, len(g.cells))
	for _, c := range g.cells {
		cells = append(cells, c)
	}
	slices.SortFunc(cells, func(a, b *Cell) int { return slices.CompareFunc(a.labels.values, b.labels.values, cmp.Compare[string]) })
	g.sorted.Store(&cells) // under the read lock: no cell can come in between
	return cells
}
