package lease

import (
	"errors"
	"fmt"
	"sync"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/monitor"
)

// metrics are one elector's; nil if the monitor is off, when it does not run.
type metrics struct {
	lease         string
	terms, errors *instrument.Group

	mu    sync.Mutex
	epoch uint64 // guarded by mu; of the last term
}

// table is the electors on one registry, by lease.
type table struct {
	terms, errors *instrument.Group

	mu       sync.Mutex
	electors []*Elector // guarded by mu
}

// show gives an elector its metrics and adds it to the registry's.
func show(m *monitor.Monitor, e *Elector) error {
	if m.Off() {
		return nil
	}
	set := m.Instruments()
	t, err := instrument.Share(set, "lease", func() (*table, error) { return newTable(set) })
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, other := range t.electors {
		if other.store.Name() == e.store.Name() {
			return fmt.Errorf("%w: store: want a lease that no other elector on this registry competes for, not %q",
				monitor.ErrInvalidOption, e.store.Name())
		}
	}
	e.metrics = &metrics{lease: e.store.Name(), terms: t.terms, errors: t.errors}
	t.electors = append(t.electors, e)
	return nil
}

func newTable(set *instrument.Set) (*table, error) {
	t := &table{}
	var errs [2]error
	t.terms, errs[0] = set.Counters(catalog.LeaseTerms)
	t.errors, errs[1] = set.Counters(catalog.LeaseErrors)
	return t, errors.Join(errs[0], errs[1],
		t.show(set, catalog.LeaseLeader, func(e *Elector) float64 {
			if _, ok := e.Leader(); ok {
				return 1
			}
			return 0
		}),
		t.show(set, catalog.LeaseEpoch, func(e *Elector) float64 { return float64(e.metrics.last()) }),
	)
}

func (t *table) show(set *instrument.Set, metric catalog.Metric, value func(*Elector) float64) error {
	return set.Func(metric, func(labels instrument.LabelMaker) instrument.Func {
		var names sync.Map // *Elector → *instrument.Labels
		return func(yield instrument.Yield) {
			t.mu.Lock()
			electors := t.electors
			t.mu.Unlock()
			for _, e := range electors {
				name, known := names.Load(e)
				if !known {
					name, _ = names.LoadOrStore(e, labels(e.store.Name()))
				}
				yield(name.(*instrument.Labels), value(e))
			}
		}
	})
}

func (m *metrics) last() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.epoch
}

func (m *metrics) begins(epoch uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.epoch = epoch
}

func (m *metrics) ends(why string) { m.terms.Cell(m.lease, why).Add(&instrument.Home{}, 0, 1) }

func (m *metrics) failed(operation string) {
	m.errors.Cell(m.lease, operation).Add(&instrument.Home{}, 0, 1)
}
