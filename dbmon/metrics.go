package dbmon

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
)

// Where a value stands in a cell of the query group.
const (
	histDuration = 0
	countRows    = 0
	countSlow    = 1
)

// Where a value stands in a cell of the batch group.
const (
	histBatch      = 0
	histStatements = 1
)

// Where a value stands in a cell of the pool group.
const (
	histWait = 0
	histHeld = 1
)

// noTable is the table label of a statement that is about none.
const noTable = "none"

// metrics holds the instruments: one per registry, shared by all tracers on it.
type metrics struct {
	queries       *instrument.Group // query_type, table
	queryErrors   *instrument.Group // query_type, table, class
	batches       *instrument.Cell
	prepares      *instrument.Cell
	prepareErrors *instrument.Group // class
	connects      *instrument.Cell
	connectErrors *instrument.Group // class
	pools         *instrument.Group // pool_name
	poolErrors    *instrument.Group // pool_name, class
	pollErrors    *instrument.Group // server
	tables        *instrument.Limiter

	unwatched *poolCells
	watched   atomic.Pointer[[]*watchedPool] // changed under mu
	servers   atomic.Pointer[[]*Server]      // changed under mu
	facts     map[string]factLabels          // by metric

	mu      sync.Mutex
	targets map[targetKey]*target // guarded by mu
}

func newMetrics(set *instrument.Set, c *config) (*metrics, error) {
	ms := &metrics{targets: map[targetKey]*target{}, facts: map[string]factLabels{}}
	ms.watched.Store(new([]*watchedPool))
	ms.servers.Store(new([]*Server))
	ms.tables = set.Limiter(catalog.DBQueryDuration.Name, "table", c.tables)
	ms.tables.Exempt(noTable)

	ms.queries = set.NewGroup(catalog.DBQueryDuration.Name, instrument.Spec{
		Labels: catalog.DBQueryDuration.Labels, Histograms: seconds(c.buckets), Counters: 2,
	})
	ms.queries.Limit("table", ms.tables)
	batches := set.NewGroup(catalog.DBBatchDuration.Name, instrument.Spec{Histograms: append(
		seconds(catalog.DBBatchDuration.Buckets),
		instrument.HistogramSpec{Bounds: catalog.DBBatchStatements.Buckets, Scale: 1},
	)})
	prepares := set.NewGroup(catalog.DBPrepareDuration.Name, instrument.Spec{Histograms: seconds(catalog.DBPrepareDuration.Buckets)})
	connects := set.NewGroup(catalog.DBConnectDuration.Name, instrument.Spec{Histograms: seconds(catalog.DBConnectDuration.Buckets)})
	ms.pools = set.NewGroup(catalog.DBPoolAcquireWait.Name, instrument.Spec{
		Labels:     catalog.DBPoolAcquireWait.Labels,
		Histograms: append(seconds(catalog.DBPoolAcquireWait.Buckets), seconds(catalog.DBPoolHeld.Buckets)...),
	})
	errs := []error{
		set.Histogram(catalog.DBQueryDuration, ms.queries, histDuration),
		set.Count(catalog.DBQueryRows, ms.queries, nil, []int{countRows}),
		set.Count(catalog.DBSlowQueries, ms.queries, nil, []int{countSlow}),
		set.Histogram(catalog.DBBatchDuration, batches, histBatch),
		set.Histogram(catalog.DBBatchStatements, batches, histStatements),
		set.Histogram(catalog.DBPrepareDuration, prepares, 0),
		set.Histogram(catalog.DBConnectDuration, connects, 0),
		set.Histogram(catalog.DBPoolAcquireWait, ms.pools, histWait),
		set.Histogram(catalog.DBPoolHeld, ms.pools, histHeld),
	}
	for _, c := range []struct {
		metric catalog.Metric
		group  **instrument.Group
	}{
		{catalog.DBQueryErrors, &ms.queryErrors},
		{catalog.DBPrepareErrors, &ms.prepareErrors},
		{catalog.DBConnectErrors, &ms.connectErrors},
		{catalog.DBPoolAcquireErrors, &ms.poolErrors},
		{catalog.DBServerPollErrors, &ms.pollErrors},
	} {
		g, err := set.Counters(c.metric)
		*c.group = g
		errs = append(errs, err)
	}
	errs = append(errs, ms.showPools(set), ms.showServers(set))
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("dbmon: %w", err)
	}
	ms.queryErrors.Limit("table", ms.tables)
	ms.batches, ms.prepares, ms.connects = batches.Cell(), prepares.Cell(), connects.Cell()
	ms.unwatched = ms.cellsOf(unwatchedName)
	return ms, nil
}

// seconds is a histogram of nanoseconds shown as seconds.
func seconds(bounds []float64) []instrument.HistogramSpec {
	return []instrument.HistogramSpec{{Bounds: bounds, Scale: 1e-9}}
}

// targetKey is what queries are counted by.
type targetKey struct{ typ, table string }

// target is one type and table with its cells at hand.
type target struct {
	targetKey
	metrics *metrics
	cell    *instrument.Cell
	errs    atomic.Pointer[[]classCell] // few: grown by copying
}

// classCell counts the failures of one class.
type classCell struct {
	class string
	cell  *instrument.Cell
}

// target returns the target of a type and table, making it if needed. Past the
// limit of tables it is that of "other".
func (ms *metrics) target(typ, table string) *target {
	if table == "" {
		table = noTable
	} else if !ms.tables.Allow(table) {
		table = instrument.Other
	}
	ms.mu.Lock()
	defer ms.mu.Unlock()
	k := targetKey{typ, table}
	t := ms.targets[k]
	if t == nil {
		t = &target{targetKey: k, metrics: ms, cell: ms.queries.Cell(typ, table)}
		t.errs.Store(new([]classCell))
		ms.targets[k] = t
	}
	return t
}

// failed counts a failure.
func (t *target) failed(h *instrument.Home, class string) {
	for _, e := range *t.errs.Load() {
		if e.class == class {
			e.cell.Add(h, 0, 1)
			return
		}
	}
	cell := t.metrics.queryErrors.Cell(t.typ, t.table, class)
	cell.Add(h, 0, 1)
	t.metrics.mu.Lock()
	defer t.metrics.mu.Unlock()
	known := *t.errs.Load()
	if slices.ContainsFunc(known, func(e classCell) bool { return e.class == class }) {
		return
	}
	more := append(slices.Clip(known), classCell{class, cell})
	t.errs.Store(&more)
}
