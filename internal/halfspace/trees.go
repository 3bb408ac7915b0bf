package halfspace

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// A Config says what trees there are. Zero values are the defaults.
type Config struct {
	Trees  int    // 25, as of the paper; up to 1,000
	Depth  int    // of a tree: 7; from 1 to 15
	Window int    // rows that are counted: 250, as of the paper; from 2 to 65,535
	Seed   uint64 // of all that is drawn
}

func (c *Config) check() error {
	if c.Trees == 0 {
		c.Trees = 25
	}
	if c.Depth == 0 {
		c.Depth = 7
	}
	if c.Window == 0 {
		c.Window = 250
	}
	switch {
	case c.Trees < 1 || c.Trees > 1000:
		return fmt.Errorf("halfspace: %d trees, not from 1 to 1000", c.Trees)
	case c.Depth < 1 || c.Depth > 15:
		return fmt.Errorf("halfspace: a depth of %d, not from 1 to 15", c.Depth)
	case c.Window < 2 || c.Window > math.MaxUint16:
		return fmt.Errorf("halfspace: a window of %d, not from 2 to %d", c.Window, math.MaxUint16)
	}
	return nil
}

// A Span is between what values most of a column lie.
type Span struct{ Low, High float64 }

// scale makes Low 0 and High 1. Of a span without a length all else is infinitely far.
func (s Span) scale(v float64) float64 {
	// Halves, lest the difference of two be too much.
	d, length := v/2-s.Low/2, s.High/2-s.Low/2
	if d == 0 {
		return 0
	}
	return d / length
}

// Trees counts rows. It is for one goroutine at a time.
type Trees struct {
	columns, depth, trees, window int

	// The column that a node halves, and where. The nodes of a tree lie one after
	// another, the children of node i, from 1 on, at 2i and 2i+1.
	by   []uint8
	cuts []float32

	last, now counts // of the window before, and of this one
	turns, n  int    // windows begun, and rows in this one
	row       []float32
}

// counts is how many rows were in each node's part, scaled by spans.
type counts struct {
	spans []Span
	mass  []uint16
}

// New returns trees of rows of so many columns, up to 256. The first window begins
// with Turn.
func New(columns int, c Config) (*Trees, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if columns < 1 || columns > 256 {
		return nil, fmt.Errorf("halfspace: %d columns, not from 1 to 256", columns)
	}
	t := &Trees{
		columns: columns, depth: c.Depth, trees: c.Trees, window: c.Window,
		by: make([]uint8, c.Trees<<c.Depth), cuts: make([]float32, c.Trees<<c.Depth),
		row: make([]float32, columns),
	}
	for _, s := range []*counts{&t.last, &t.now} {
		s.spans, s.mass = make([]Span, columns), make([]uint16, c.Trees<<(c.Depth+1))
	}
	random := rand.New(rand.NewPCG(c.Seed, 0x2011))
	ranges := make([][2]float32, columns)
	for tree := range c.Trees {
		for i := range ranges { // the work range: it holds 0 to 1, and as much again on either side
			s := random.Float32()
			reach := 2 * max(s, 1-s)
			ranges[i] = [2]float32{s - reach, s + reach}
		}
		t.halve(random, ranges, tree<<c.Depth, 1, 0)
	}
	return t, nil
}

func (t *Trees) halve(random *rand.Rand, ranges [][2]float32, from, node, deep int) {
	if deep == t.depth {
		return
	}
	column := random.IntN(t.columns)
	r := ranges[column]
	at := (r[0] + r[1]) / 2
	t.by[from+node], t.cuts[from+node] = uint8(column), at
	ranges[column] = [2]float32{r[0], at}
	t.halve(random, ranges, from, 2*node, deep+1)
	ranges[column] = [2]float32{at, r[1]}
	t.halve(random, ranges, from, 2*node+1, deep+1)
	ranges[column] = r
}

// Turn ends a window and begins the next, whose rows are scaled by the spans, one per
// column.
func (t *Trees) Turn(spans []Span) {
	t.turns++
	t.n = 0
	t.last, t.now = t.now, t.last
	clear(t.now.mass)
	copy(t.now.spans, spans)
}

// Complete reports whether the window has all of its rows.
func (t *Trees) Complete() bool { return t.n >= t.window }

// Begun reports whether there is a window to learn in.
func (t *Trees) Begun() bool { return t.turns > 0 }

// Ready reports whether there is a window to score by.
func (t *Trees) Ready() bool { return t.turns > 1 }

// Learn counts a row.
func (t *Trees) Learn(row []float64) {
	t.scale(t.now.spans, row)
	t.n++
	for tree := range t.trees {
		by, cuts := t.by[tree<<t.depth:(tree+1)<<t.depth], t.cuts[tree<<t.depth:(tree+1)<<t.depth]
		mass := t.now.mass[tree<<(t.depth+1) : (tree+1)<<(t.depth+1)]
		node := 1
		for range t.depth {
			mass[node]++
			node = 2*node + side(t.row[by[node]], cuts[node])
		}
		mass[node]++
	}
}

// Score is 0 for a row that all rows of the window before were like, as far as trees can
// tell, and 1 for one that none was like. It is the logarithm of the paper's score, the
// sum over trees of rows × 2^depth, in proportion to the most that there can be.
func (t *Trees) Score(row []float64) float64 {
	t.scale(t.last.spans, row)
	few := uint16(t.window / 10) // which, as in the paper, are not halved further
	sum := 0.0
	for tree := range t.trees {
		by, cuts := t.by[tree<<t.depth:(tree+1)<<t.depth], t.cuts[tree<<t.depth:(tree+1)<<t.depth]
		mass := t.last.mass[tree<<(t.depth+1) : (tree+1)<<(t.depth+1)]
		node, deep := 1, 0
		for deep < t.depth && mass[node] > few {
			node = 2*node + side(t.row[by[node]], cuts[node])
			deep++
		}
		sum += float64(int(mass[node]) << deep)
	}
	return 1 - math.Log1p(sum)/math.Log1p(float64(t.trees*t.window<<t.depth))
}

func (t *Trees) scale(spans []Span, row []float64) {
	for i, v := range row[:t.columns] {
		t.row[i] = float32(spans[i].scale(v))
	}
}

// side is 1 for a value at a cut or above it, and 0 otherwise.
func side(v, cut float32) int {
	if v >= cut {
		return 1
	}
	return 0
}
