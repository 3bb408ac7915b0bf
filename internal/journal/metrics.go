package journal

import (
	"errors"
	"sync"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
)

// metrics are one store's. A nil one counts nothing.
type metrics struct {
	table                           *table
	written, refused                *instrument.Cell
	compactions, failed, damageSeen *instrument.Cell
}

// table is what all journals on one registry share.
type table struct {
	writes, compactions, damaged *instrument.Group

	mu   sync.Mutex
	open map[*Store][2]*instrument.Labels // guarded by mu; of its live part, and of its log
}

// show adds a store to the registry's metrics; a nil set has none.
func show(set *instrument.Set, s *Store) (*metrics, error) {
	if set == nil {
		return nil, nil
	}
	t, err := instrument.Share(set, "journal", func() (*table, error) { return newTable(set) })
	if err != nil {
		return nil, err
	}
	m := &metrics{
		table: t, written: t.writes.Cell(s.name, "ok"), refused: t.writes.Cell(s.name, "error"),
		compactions: t.compactions.Cell(s.name, "ok"), failed: t.compactions.Cell(s.name, "error"),
		damageSeen: t.damaged.Cell(s.name),
	}
	add(m.damageSeen, uint64(len(s.opened.Damage)))
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open[s] = [2]*instrument.Labels{}
	return m, nil
}

func newTable(set *instrument.Set) (*table, error) {
	t := &table{open: map[*Store][2]*instrument.Labels{}}
	var errs [3]error
	t.writes, errs[0] = set.Counters(catalog.JournalWrites)
	t.compactions, errs[1] = set.Counters(catalog.JournalCompactions)
	t.damaged, errs[2] = set.Counters(catalog.JournalDamaged)
	return t, errors.Join(errs[0], errs[1], errs[2], set.Func(catalog.JournalBytes, t.sizes))
}

func (t *table) sizes(labels instrument.LabelMaker) instrument.Func {
	return func(yield instrument.Yield) {
		t.mu.Lock()
		defer t.mu.Unlock()
		for s, l := range t.open {
			if l[0] == nil {
				l = [2]*instrument.Labels{labels(s.name, "live"), labels(s.name, "log")}
				t.open[s] = l
			}
			stats := s.Stats()
			yield(l[0], float64(stats.Bytes))
			yield(l[1], float64(stats.LogBytes))
		}
	}
}

func (m *metrics) wrote(err error) {
	if m != nil {
		add(either(err, m.written, m.refused), 1)
	}
}

func (m *metrics) compacted(err error) {
	if m != nil {
		add(either(err, m.compactions, m.failed), 1)
	}
}

// hide takes a store out again.
func (m *metrics) hide(s *Store) {
	if m != nil {
		m.table.mu.Lock()
		defer m.table.mu.Unlock()
		delete(m.table.open, s)
	}
}

func either(err error, ok, failed *instrument.Cell) *instrument.Cell {
	if err != nil {
		return failed
	}
	return ok
}

func add(c *instrument.Cell, n uint64) { c.Add(&instrument.Home{}, 0, n) }
