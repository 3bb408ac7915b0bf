package lease

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/monitor"
)

// metrics are one elector's; nil if the monitor is off, when it does not run.
type metrics struct {
	table *table
	lease string

	mu    sync.Mutex
	epoch uint64 // guarded by mu; of the last term
}

// table is the electors on one registry, by lease.
type table struct {
	terms, errors *instrument.Group

	mu       sync.Mutex
	electors []*Elector // guarded by mu; what has been read of it does not change
}

// state is how far an elector has come.
type state uint8

const (
	made state = iota
	running
	ended
)

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
	others := slices.DeleteFunc(slices.Clone(t.electors), func(other *Elector) bool { return other.name == e.name && other.state == ended })
	if slices.ContainsFunc(others, func(other *Elector) bool { return other.name == e.name }) {
		return fmt.Errorf("%w: store: want a lease that no other elector on this registry competes for, not %q",
			monitor.ErrInvalidOption, e.name)
	}
	e.metrics = &metrics{table: t, lease: e.name}
	t.electors = append(others, e)
	return nil
}

// begin notes that an elector runs.
func (t *table) begin(e *Elector) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case e.state == running:
		return errors.New("it runs already")
	case !slices.Contains(t.electors, e):
		return errors.New("another elector has taken its place")
	}
	e.state = running
	return nil
}

// end notes that an elector does not run any more.
func (t *table) end(e *Elector) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e.state = ended
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
		var names sync.Map // of leases → *instrument.Labels
		return func(yield instrument.Yield) {
			t.mu.Lock()
			electors := t.electors
			t.mu.Unlock()
			for _, e := range electors {
				name, known := names.Load(e.name)
				if !known {
					name, _ = names.LoadOrStore(e.name, labels(e.name))
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

func (m *metrics) ends(why string) { m.table.terms.Cell(m.lease, why).Add(&instrument.Home{}, 0, 1) }

func (m *metrics) failed(operation string) {
	m.table.errors.Cell(m.lease, operation).Add(&instrument.Home{}, 0, 1)
}
