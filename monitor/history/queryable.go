package history

import (
	"context"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/util/annotations"
)

var (
	_ storage.Queryable = (*store)(nil)
	_ storage.Querier   = (*reader)(nil)
)

// reader reads the store as of one moment: batches committed later are not seen.
type reader struct {
	st       *store
	from, to int64
}

// Querier implements storage.Queryable.
func (st *store) Querier(from, to int64) (storage.Querier, error) {
	return &reader{st, from, min(to, st.committed.Load())}, nil
}

// Select implements storage.Querier.
func (r *reader) Select(ctx context.Context, sorted bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	if err := ctx.Err(); err != nil {
		return storage.ErrSeriesSet(err)
	}
	from, to, limit, newest := r.from, r.to, 0, false
	if hints != nil {
		from, to, limit = max(from, hints.Start), min(to, hints.End), hints.Limit
		// A selector without a range that is evaluated once has one value, unless
		// it is smoothed and looks ahead as well as back.
		newest = hints.Step == 0 && hints.Range == 0 && hints.End-hints.Start < r.st.limits.lookback
	}
	found := r.live(matchers, from, to)
	if sorted {
		slices.SortFunc(found, func(a, b *series) int { return labels.Compare(a.labels, b.labels) })
	}
	if limit > 0 && len(found) > limit {
		found = found[:limit]
	}
	return newSelection(found, from, to, newest)
}

// live returns the series that match and have samples in the time.
func (r *reader) live(matchers []*labels.Matcher, from, to int64) []*series {
	found := r.st.index.find(matchers)
	return slices.DeleteFunc(found, func(s *series) bool { return !s.holds(from, to) })
}

// LabelValues implements storage.Querier.
func (r *reader) LabelValues(_ context.Context, name string, hints *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	values := map[string]bool{}
	for _, s := range r.live(matchers, r.from, r.to) {
		if v := s.labels.Get(name); v != "" {
			values[v] = true
		}
	}
	return limited(values, hints), nil, nil
}

// LabelNames implements storage.Querier.
func (r *reader) LabelNames(_ context.Context, hints *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	names := map[string]bool{}
	for _, s := range r.live(matchers, r.from, r.to) {
		s.labels.Range(func(l labels.Label) { names[l.Name] = true })
	}
	return limited(names, hints), nil, nil
}

func limited(set map[string]bool, hints *storage.LabelHints) []string {
	list := make([]string, 0, len(set))
	for v := range set {
		list = append(list, v)
	}
	slices.Sort(list)
	if hints != nil && hints.Limit > 0 && len(list) > hints.Limit {
		list = list[:hints.Limit]
	}
	return list
}

// Close implements storage.Querier.
func (*reader) Close() error { return nil }

// selection is the series that a selector found.
type selection struct {
	all []selected
	at  int
}

// selected is a series between two times.
type selected struct {
	*series
	from, to int64
	newest   bool // only the newest sample is asked for
}

func newSelection(found []*series, from, to int64, newest bool) *selection {
	all := make([]selected, len(found))
	for i, s := range found {
		all[i] = selected{s, from, to, newest}
	}
	return &selection{all: all, at: -1}
}

// Next implements storage.SeriesSet.
func (s *selection) Next() bool { s.at++; return s.at < len(s.all) }

// At implements storage.SeriesSet.
func (s *selection) At() storage.Series { return &s.all[s.at] }

// Err implements storage.SeriesSet.
func (*selection) Err() error { return nil }

// Warnings implements storage.SeriesSet.
func (*selection) Warnings() annotations.Annotations { return nil }

// Labels implements storage.Series.
func (s *selected) Labels() labels.Labels { return s.labels }

// Iterator implements storage.Series.
func (s *selected) Iterator(reuse chunkenc.Iterator) chunkenc.Iterator {
	it, ok := reuse.(*iterator)
	if !ok {
		it = &iterator{}
	}
	s.iterate(it, s.from, s.to, s.newest)
	return it
}
