package history

import (
	"context"
	"fmt"
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
	ring   []exemplar // guarded by mu, as all below
	next   int        // where the next one goes, once the ring is full
	before int64      // older ones are not kept
}

// exampled is what tells a series' newest exemplar, which is offered again with
// each collection.
type exampled struct {
	is    bool
	at    int64
	value float64
}

type exemplar struct {
	series *series
	labels labels.Labels
	value  float64
	at     int64
}

func newExemplars(limit int) *exemplars { return &exemplars{limit: limit} }

// mostExemplar is how many bytes the labels of an exemplar may have. OpenMetrics
// allows 128 characters.
const mostExemplar = 1 << 10

// add keeps an exemplar.
func (x *exemplars) add(s *series, v float64, at int64, of ...labels.Label) error {
	if !x.offered(s, v, at) {
		return nil
	}
	size := 0
	for _, l := range of {
		if err := checkLabel(l.Name, l.Value); err != nil {
			return err
		}
		size += len(l.Name) + len(l.Value)
	}
	if size > mostExemplar {
		return fmt.Errorf("an exemplar's labels of %d bytes: want at most %d", size, mostExemplar)
	}
	names := labels.New(of...)
	if name, twice := names.HasDuplicateLabelNames(); twice {
		return fmt.Errorf("two labels of an exemplar are called %q", name)
	}
	x.keep(exemplar{s, names, v, at})
	return nil
}

// offered reports whether the exemplar is one to keep: newer than the series' last.
func (x *exemplars) offered(s *series, v float64, at int64) bool {
	if s == nil || checkTime(at) != nil {
		return false
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	old := s.example
	return at >= x.before && (!old.is || at > old.at || (at == old.at && v != old.value))
}

func (x *exemplars) keep(e exemplar) {
	x.disk.exemplar(e)
	x.mu.Lock()
	defer x.mu.Unlock()
	e.series.example = exampled{true, e.at, e.value}
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
	x.ring, x.next, x.before = other.ring, other.next, other.before
}

// trim gives up what is older than the time.
func (x *exemplars) trim(before int64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.before = before
	x.remove(func(e *exemplar) bool { return e.at < before })
}

// rewind gives up what is newer than the time.
func (x *exemplars) rewind(to int64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.before = min(x.before, to)
	x.remove(func(e *exemplar) bool {
		if e.at > to {
			e.series.example.is = false
		}
		return e.at > to
	})
}

// remove gives some up. mu is held.
func (x *exemplars) remove(f func(*exemplar) bool) {
	x.ring = slices.Concat(x.ring[x.next:], x.ring[:x.next]) // from here on it begins with the oldest
	x.next = 0
	x.ring = slices.DeleteFunc(x.ring, func(e exemplar) bool { return f(&e) })
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
