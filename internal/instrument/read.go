package instrument

import (
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/chronoretrace/chronomon/internal/catalog"
)

// Type is the family's type.
func (f *Family) Type() catalog.Type { return f.metric.Type }

// Help is the family's help text, in the set's language.
func (f *Family) Help() string { return f.metric.Help }

// LabelNames are the names of the label values of its series, in their order.
// The caller must not change them.
func (f *Family) LabelNames() []string { return f.naming.Labels }

// Bounds are a histogram's upper bounds in the exposed unit, ascending,
// without +Inf. The caller must not change them.
func (f *Family) Bounds() []float64 {
	if src, ok := f.source.(*cellSource); ok && f.metric.Type == catalog.Histogram {
		return src.histogram().upper
	}
	return nil
}

// Rows are one reading of a family's series, ordered by label values. They are
// valid until the function they were handed to returns.
type Rows struct {
	cells  *groupRows  // of a cellSource
	source *cellSource // nil: values has them
	values []funcValue
}

// Read reads every family of the set, in the order of their names, without
// gathering them: numbers come straight from the cells, and all families of a
// group agree with each other.
func (s *Set) Read(visit func(*Family, *Rows)) {
	sc := scrapes.Get().(*scrape)
	defer sc.release()
	var rows Rows
	for _, f := range *s.families.Load() {
		switch src := f.source.(type) {
		case *cellSource:
			rows = Rows{cells: sc.rows(src.group), source: src}
		case *funcSource:
			rows = Rows{values: sc.values.read(src)}
		}
		visit(f, &rows)
	}
}

// Len is the number of series, those that are not shown included.
func (r *Rows) Len() int {
	if r.source != nil {
		return len(r.cells.cells)
	}
	return len(r.values)
}

// Shown reports whether series i is exposed: a histogram that has seen nothing
// is not.
func (r *Rows) Shown(i int) bool {
	return r.source == nil || r.source.shown(r.cells.row(i))
}

// Labels are those of series i. They are the same pointer from one reading to
// the next for as long as the series lives, if it is a cell's.
func (r *Rows) Labels(i int) *Labels {
	if r.source != nil {
		return &r.cells.cells[i].labels
	}
	return r.values[i].labels
}

// Value is that of series i of a counter or gauge.
func (r *Rows) Value(i int) float64 {
	if r.source != nil {
		return float64(r.source.total(r.cells.row(i)))
	}
	return r.values[i].value
}

// Histogram returns the counts per bucket of series i of a histogram, the last
// one for +Inf, and the sum of the values in the exposed unit.
func (r *Rows) Histogram(i int) (buckets []uint64, sum float64) {
	h, row := r.source.histogram(), r.cells.row(i)
	return row[h.at:h.sum], h.shownSum(row)
}

// Native returns the native histogram beside the classic one of series i, or
// nil if there is none.
func (r *Rows) Native(i int) (*dto.Histogram, error) {
	native := r.cells.cells[i].native
	if native == nil {
		return nil, nil
	}
	var m dto.Metric
	if err := native[r.source.histograms[0]].Write(&m); err != nil {
		return nil, err
	}
	m.Histogram.Bucket = nil
	return m.Histogram, nil
}

// Exemplars calls yield for each bucket of series i of a histogram that has an
// exemplar.
func (r *Rows) Exemplars(i int, yield func(bucket int, trace string, value float64, at time.Time)) {
	all := r.cells.cells[i].exemplars.Load()
	if all == nil {
		return
	}
	h := r.source.histogram()
	for at := h.at; at < h.sum; at++ {
		if e := (*all)[at].Load(); e != nil {
			yield(at-h.at, e.trace, e.value, e.at)
		}
	}
}
