package dbmon

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/monitor"
)

// unwatchedName is the pool_name of pools that WatchPool was not told of.
const unwatchedName = "unwatched"

// poolCells is a pool's name with its cell at hand.
type poolCells struct {
	name string
	cell *instrument.Cell
}

// watchedPool is a pool that is shown in the metrics.
type watchedPool struct {
	*poolCells
	pool   *pgxpool.Pool
	labels []atomic.Pointer[instrument.Labels] // by gauge
}

// WatchPool shows the pool in db_connection_pool_usage and the db_pool metrics
// under the name, until stop is called; stop may be called more than once. The
// sizes and counts are read from the pool when they are scraped.
//
// The pool should have the tracer in its configuration, for waiting and held
// times and for queries; without it, it is only shown. A name can stand for one
// pool at a time on a registry, a pool can have one name, and there are as many
// names, those given up included, as monitor.WithLabelLimit allows: other uses,
// like a nil pool, are errors that wrap monitor.ErrInvalidOption.
func (t *Tracer) WatchPool(name string, pool *pgxpool.Pool) (stop func(), err error) {
	ms := t.metrics
	refuse := func(value any, want string) error {
		return fmt.Errorf("dbmon: watch pool %q: %w: %v: want %s", name, monitor.ErrInvalidOption, value, want)
	}
	switch {
	case pool == nil:
		return nil, refuse("pool = nil", "a pool")
	case name == "" || name == unwatchedName || name == instrument.Other:
		return nil, refuse("name", "a name of its own")
	}
	w := &watchedPool{
		poolCells: ms.cellsOf(name), pool: pool, labels: make([]atomic.Pointer[instrument.Labels], len(poolGauges)),
	}
	if w.name == instrument.Other {
		return nil, refuse("name", fmt.Sprintf("one of the %d names that were used first: monitor.WithLabelLimit is as many", t.m.Instruments().LabelLimit()))
	}
	ms.mu.Lock()
	defer ms.mu.Unlock()
	all := *ms.watched.Load()
	for _, other := range all {
		if other.name == w.name {
			return nil, refuse("name", "a name that no other pool has")
		}
		if other.pool == pool {
			return nil, refuse("pool", fmt.Sprintf("a pool that is not watched already, as %q", other.name))
		}
	}
	more := append(slices.Clip(all), w)
	ms.watched.Store(&more)
	return sync.OnceFunc(func() { ms.unwatch(w) }), nil
}

func (ms *metrics) unwatch(w *watchedPool) {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	rest := slices.DeleteFunc(slices.Clone(*ms.watched.Load()), func(o *watchedPool) bool { return o == w })
	ms.watched.Store(&rest)
}

func (ms *metrics) cellsOf(name string) *poolCells {
	cell := ms.pools.Cell(name)
	return &poolCells{cell.Labels().Values()[0], cell}
}

// poolOf finds the cells of a pool: there are one or two in a program.
func (ms *metrics) poolOf(pool *pgxpool.Pool) *poolCells {
	for _, w := range *ms.watched.Load() {
		if w.pool == pool {
			return w.poolCells
		}
	}
	return ms.unwatched
}

// poolGauge is one series of each pool, read when it is scraped.
type poolGauge struct {
	metric catalog.Metric
	label  string // the second label's value, if there is one
	value  func(*pgxpool.Stat) float64
}

var poolGauges = []poolGauge{
	{catalog.DBConnectionPoolUsage, "", func(s *pgxpool.Stat) float64 { return float64(s.AcquiredConns()) / float64(max(1, s.MaxConns())) }},
	{catalog.DBPoolConnections, "used", func(s *pgxpool.Stat) float64 { return float64(s.AcquiredConns()) }},
	{catalog.DBPoolConnections, "idle", func(s *pgxpool.Stat) float64 { return float64(s.IdleConns()) }},
	{catalog.DBPoolConnections, "constructing", func(s *pgxpool.Stat) float64 { return float64(s.ConstructingConns()) }},
	{catalog.DBPoolMaxConnections, "", func(s *pgxpool.Stat) float64 { return float64(s.MaxConns()) }},
	{catalog.DBPoolAcquires, "", func(s *pgxpool.Stat) float64 { return float64(s.AcquireCount()) }},
	{catalog.DBPoolEmptyAcquires, "", func(s *pgxpool.Stat) float64 { return float64(s.EmptyAcquireCount()) }},
	{catalog.DBPoolEmptyAcquireWait, "", func(s *pgxpool.Stat) float64 { return s.EmptyAcquireWaitTime().Seconds() }},
	{catalog.DBPoolCanceledAcquires, "", func(s *pgxpool.Stat) float64 { return float64(s.CanceledAcquireCount()) }},
	{catalog.DBPoolOpened, "", func(s *pgxpool.Stat) float64 { return float64(s.NewConnsCount()) }},
	{catalog.DBPoolExpired, "lifetime", func(s *pgxpool.Stat) float64 { return float64(s.MaxLifetimeDestroyCount()) }},
	{catalog.DBPoolExpired, "idle", func(s *pgxpool.Stat) float64 { return float64(s.MaxIdleDestroyCount()) }},
}

// showPools makes the pools' gauges metrics.
func (ms *metrics) showPools(set *instrument.Set) error {
	var errs []error
	for i, g := range poolGauges {
		errs = append(errs, set.Func(g.metric, func(labels instrument.LabelMaker) instrument.Func {
			return func(yield instrument.Yield) {
				for _, w := range *ms.watched.Load() {
					yield(w.labelsOf(i, labels), g.value(w.pool.Stat()))
				}
			}
		}))
	}
	return errors.Join(errs...)
}

// labelsOf returns the labels of the pool's i-th gauge, made by its first scrape.
func (w *watchedPool) labelsOf(i int, labels instrument.LabelMaker) *instrument.Labels {
	if l := w.labels[i].Load(); l != nil {
		return l
	}
	values := []string{w.name}
	if poolGauges[i].label != "" {
		values = append(values, poolGauges[i].label)
	}
	w.labels[i].CompareAndSwap(nil, labels(values...))
	return w.labels[i].Load()
}
