package history

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/chronoretrace/chronomon/monitor"
)

// An Exemplar points from a sample to the trace it is an example of.
type Exemplar struct {
	Labels monitor.Labels // trace_id, as a rule
	monitor.Point
}

// ExemplarSeries is the exemplars of one series, oldest first.
type ExemplarSeries struct {
	Labels    monitor.Labels
	Exemplars []Exemplar
}

// exemplars is a bounded list: a full one loses its oldest.
type exemplars struct {
	limit int
	disk  *disk // nil: in memory only

	mu     sync.RWMutex
	ring   []exemplar         // guarded by mu, as all below
	next   int                // where the next one goes, once the ring is full
	newest map[*series]newest // it is offered again with each collection
	before int64              // older ones are not kept
}

// newest is what tells a series' newest exemplar.
type newest struct {
	at    int64
	value float64
}

type exemplar struct {
	series *series
	labels labels.Labels
	value  float64
	at     int64
}

func newExemplars(limit int) *exemplars {
	return &exemplars{limit: limit, newest: map[*series]newest{}}
}

// add keeps an exemplar with one label.
func (x *exemplars) add(s *series, name, label string, v float64, at int64) {
	if x.offered(s, v, at) {
		x.keep(exemplar{s, labels.FromStrings(name, label), v, at})
	}
}

// addPairs keeps an exemplar whose labels are names and values in turn.
func (x *exemplars) addPairs(s *series, pairs []string, v float64, at int64) {
	if x.offered(s, v, at) {
		x.keep(exemplar{s, labels.FromStrings(pairs...), v, at})
	}
}

// offered reports whether the exemplar is one to keep: newer than the series' last.
func (x *exemplars) offered(s *series, v float64, at int64) bool {
	if s == nil {
		return false
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	old, known := x.newest[s]
	return at >= x.before && (!known || at > old.at || (at == old.at && v != old.value))
}

func (x *exemplars) keep(e exemplar) {
	x.disk.exemplar(e)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.newest[e.series] = newest{e.at, e.value}
	if len(x.ring) < x.limit {
		x.ring = append(x.ring, e)
		return
	}
	x.ring[x.next] = e
	x.next = (x.next + 1) % x.limit
}

// list returns all, the oldest first.
func (x *exemplars) list() []exemplar {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return slices.Concat(x.ring[x.next:], x.ring[:x.next])
}

// become takes over what another one has, which nobody uses any more.
func (x *exemplars) become(other *exemplars) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.ring, x.next, x.newest = other.ring, other.next, other.newest
}

// trim gives up what is older than the time.
func (x *exemplars) trim(before int64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.before = before
	// From here on the ring begins with the oldest.
	x.ring = slices.Concat(x.ring[x.next:], x.ring[:x.next])
	x.next = 0
	x.ring = slices.DeleteFunc(x.ring, func(e exemplar) bool { return e.at < before })
	maps.DeleteFunc(x.newest, func(_ *series, n newest) bool { return n.at < before })
}

// Exemplars returns the exemplars between two times, ends included, of the series
// that an expression selects.
func (db *DB) Exemplars(_ context.Context, promql string, from, to time.Time) ([]ExemplarSeries, error) {
	selectors, err := selectorsOf(promql)
	if err != nil {
		return nil, err
	}
	x := db.exemplars
	found := map[*series][]Exemplar{}
	x.mu.RLock()
	for _, e := range x.ring {
		if e.at < millis(from) || e.at > millis(to) {
			continue
		}
		if slices.ContainsFunc(selectors, func(m []*labels.Matcher) bool { return matches(e.series, m) }) {
			point := monitor.Point{Time: time.UnixMilli(e.at), Value: e.value}
			found[e.series] = append(found[e.series], Exemplar{exported(e.labels), point})
		}
	}
	x.mu.RUnlock()
	var list []*series
	for s, all := range found {
		slices.SortStableFunc(all, func(a, b Exemplar) int { return a.Time.Compare(b.Time) })
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b *series) int { return labels.Compare(a.labels, b.labels) })
	out := make([]ExemplarSeries, 0, len(list))
	for _, s := range list {
		out = append(out, ExemplarSeries{exported(s.labels), found[s]})
	}
	return out, nil
}
