package instrument

import (
	"cmp"
	"slices"
	"sync"

	"github.com/chronoretrace/chronomon/internal/catalog"
)

// cellSource is a part of a group: one histogram, or a sum of counts.
type cellSource struct {
	group *Group
	typ   catalog.Type
	// A histogram family shows histograms[0]. A counter family shows the
	// number of values in each of histograms plus each of counters.
	histograms []int
	counters   []int
}

func (s *cellSource) namingOf(names []string) int { return s.group.naming(names) }

func (s *cellSource) histogram() *histogramLayout {
	return &s.group.layout.histograms[s.histograms[0]]
}

// shown reports whether the row has a line in this family: a histogram that
// has seen nothing is not exposed.
func (s *cellSource) shown(row []uint64) bool {
	return s.typ != catalog.Histogram || s.histogram().count(row) > 0
}

// total is the value of a counter family.
func (s *cellSource) total(row []uint64) uint64 {
	var n uint64
	for _, i := range s.histograms {
		n += s.group.layout.histograms[i].count(row)
	}
	for _, i := range s.counters {
		n += row[s.group.layout.counters+i]
	}
	return n
}

// Yield is called by a Func for each of its series.
type Yield func(labels *Labels, value float64)

// A Func computes the values of a family when it is scraped. It may be called
// concurrently with itself.
type Func func(yield Yield)

// funcSource is a family whose values are computed at scrape time, by one or
// more functions. Where several yield the same labels the values are added.
type funcSource struct {
	mu      sync.RWMutex
	funcs   []Func     // guarded by mu
	namings [][]string // guarded by mu; appended to only
}

type funcValue struct {
	labels *Labels
	value  float64
}

func (s *funcSource) namingOf(names []string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, n := range s.namings {
		if slices.Equal(n, names) {
			return i
		}
	}
	s.namings = append(s.namings, names)
	return len(s.namings) - 1
}

func (s *funcSource) labels(values []string) *Labels {
	s.mu.RLock()
	defer s.mu.RUnlock()
	l := newLabels(s.namings, clean(values))
	return &l
}

func (s *funcSource) add(f Func) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.funcs = append(slices.Clip(s.funcs), f)
}

// valueList collects what Funcs yield. It is used again from scrape to scrape.
type valueList struct {
	list  []funcValue
	yield Yield // appends to list; made once, since a closure is an allocation
}

func newValueList() *valueList {
	l := &valueList{}
	l.yield = func(labels *Labels, v float64) { l.list = append(l.list, funcValue{labels, v}) }
	return l
}

// read collects the source's present values, ordered by labels.
func (l *valueList) read(s *funcSource) []funcValue {
	s.mu.RLock()
	funcs := s.funcs
	s.mu.RUnlock()
	l.list = l.list[:0]
	for _, f := range funcs {
		f(l.yield)
	}
	if !slices.IsSortedFunc(l.list, byLabels) {
		slices.SortFunc(l.list, byLabels)
	}
	out := l.list[:0]
	for _, v := range l.list {
		if n := len(out); n > 0 && slices.Equal(out[n-1].labels.values, v.labels.values) {
			out[n-1].value += v.value
			continue
		}
		out = append(out, v)
	}
	return out
}

func byLabels(a, b funcValue) int {
	return slices.CompareFunc(a.labels.values, b.labels.values, cmp.Compare[string])
}
