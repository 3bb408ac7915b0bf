package instrument

import (
	"io"
	"slices"
	"sync"
)

// scrapes are reused: a scrape in steady state allocates next to nothing.
var scrapes = sync.Pool{New: func() any { return &scrape{values: newValueList()} }}

// scrape holds one reading of every group, so that all families of a group
// agree with each other, and the text on its way out.
type scrape struct {
	groups []groupRows
	values *valueList
	text   []byte
}

// groupRows is one reading of a group's cells.
type groupRows struct {
	group *Group
	cells []*Cell
	width int
	v     []uint64
}

func (r *groupRows) row(i int) []uint64 { return r.v[i*r.width : (i+1)*r.width] }

// rows returns the scrape's reading of the group, taking it on first use.
func (sc *scrape) rows(g *Group) *groupRows {
	for i := range sc.groups {
		if sc.groups[i].group == g {
			return &sc.groups[i]
		}
	}
	n := len(sc.groups)
	sc.groups = slices.Grow(sc.groups, 1)[:n+1] // keeps the buffer of an earlier scrape
	r := &sc.groups[n]
	r.group, r.cells, r.width = g, g.snapshot(), g.layout.width
	r.v = slices.Grow(r.v[:0], len(r.cells)*r.width)[:len(r.cells)*r.width]
	for i, c := range r.cells {
		c.read(r.row(i))
	}
	return r
}

// release gives the scrape's memory back, holding on to no series.
func (sc *scrape) release() {
	for i := range sc.groups {
		sc.groups[i].group, sc.groups[i].cells = nil, nil
	}
	sc.groups = sc.groups[:0]
	clear(sc.values.list[:cap(sc.values.list)])
	scrapes.Put(sc)
}

// A Block is the text of one family that is not the set's.
type Block struct {
	Name string
	Text []byte
}

// chunk is how much text is collected before it is written out.
const chunk = 64 << 10

// WriteText writes the set's families and the foreign ones, which are ordered
// by name, as one exposition ordered by name: in the Prometheus text format
// 0.0.4 or, with om, in OpenMetrics 1.0 without its EOF line.
func (s *Set) WriteText(w io.Writer, om bool, foreign []Block) error {
	sc := scrapes.Get().(*scrape)
	defer sc.release()
	b := sc.text[:0]
	for _, f := range *s.families.Load() {
		for len(foreign) > 0 && foreign[0].Name < f.Name() {
			b = append(b, foreign[0].Text...)
			foreign = foreign[1:]
		}
		b = f.appendText(b, sc, om)
		if len(b) >= chunk {
			if _, err := w.Write(b); err != nil {
				return err
			}
			b = b[:0]
		}
	}
	for _, f := range foreign {
		b = append(b, f.Text...)
	}
	sc.text = b
	_, err := w.Write(b)
	return err
}
