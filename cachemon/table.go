package cachemon

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
)

// Where a value stands in a cell of a group that is timed.
const (
	histDuration   = 0
	counterUntimed = 0 // operations that are not in the histogram
)

// table holds the instruments: one per registry, shared by all that this
// package makes on it.
type table struct {
	set        *instrument.Set
	operations *instrument.Group // cache_name, node, operation
	batches    *instrument.Group // the same, of pipelines and transactions
	errors     *instrument.Group // cache_name, node, operation, error
	patterns   *instrument.Group // cache_name, key_pattern, result
	big        *instrument.Group // cache_name, key_pattern
	dials      *instrument.Group // cache_name, node
	dialErrors *instrument.Group // cache_name, node, error
	pollErrors *instrument.Group // cache_name, node, error
	overflow   *instrument.Cell  // key patterns past their limit
	epoch      time.Time         // of the monotonic clock that durations are read from

	mu      sync.Mutex
	caches  map[cacheID]*cache // guarded by mu
	order   []*cache           // guarded by mu
	watched map[any]string     // guarded by mu; names by client
	polled  map[string]bool    // guarded by mu; names
	pollers []*MemoryPoller    // guarded by mu
}

type cacheID struct{ typ, name string }

// now is the time on the table's clock.
func (t *table) now() time.Duration { return time.Since(t.epoch) }

// openTable returns the registry's table.
func openTable(set *instrument.Set, buckets []float64) (*table, error) {
	return instrument.Share(set, "cachemon", func() (*table, error) { return newTable(set, buckets) })
}

func newTable(set *instrument.Set, buckets []float64) (*table, error) {
	t := &table{
		set: set, epoch: time.Now(), caches: map[cacheID]*cache{}, watched: map[any]string{}, polled: map[string]bool{},
	}
	t.operations = set.NewGroup(catalog.CacheOperations.Name, instrument.Spec{
		Labels:     catalog.CacheOperations.Labels,
		Histograms: []instrument.HistogramSpec{{Bounds: buckets, Scale: 1e-9}},
		Counters:   1,
	})
	t.batches = set.NewGroup(catalog.CacheBatchDuration.Name, instrument.Spec{
		Labels:     catalog.CacheBatchDuration.Labels,
		Histograms: []instrument.HistogramSpec{{Bounds: buckets, Scale: 1e-9}},
	})
	t.dials = set.NewGroup(catalog.CacheDialDuration.Name, instrument.Spec{
		Labels:     catalog.CacheDialDuration.Labels,
		Histograms: []instrument.HistogramSpec{{Bounds: catalog.CacheDialDuration.Buckets, Scale: 1e-9}},
	})
	errs := []error{
		set.Histogram(catalog.CacheOperationDuration, t.operations, histDuration),
		set.Count(catalog.CacheOperations, t.operations, []int{histDuration}, []int{counterUntimed}),
		set.Histogram(catalog.CacheBatchDuration, t.batches, histDuration),
		set.Histogram(catalog.CacheDialDuration, t.dials, histDuration),
		t.showCaches(), t.showPools(), t.showServers(),
	}
	var overflow *instrument.Group
	for _, c := range []struct {
		metric catalog.Metric
		group  **instrument.Group
	}{
		{catalog.CacheErrors, &t.errors},
		{catalog.CacheKeyRequests, &t.patterns},
		{catalog.CacheBigValues, &t.big},
		{catalog.CacheDialErrors, &t.dialErrors},
		{catalog.CachePollErrors, &t.pollErrors},
		{catalog.MonitorLabelOverflow, &overflow},
	} {
		g, err := set.Counters(c.metric)
		*c.group = g
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("cachemon: %w", err)
	}
	t.overflow = overflow.Cell(catalog.CacheKeyRequests.Name, "key_pattern")
	return t, nil
}

// series makes the labels of what a scrape yields, once each.
type series struct {
	make instrument.LabelMaker

	mu   sync.Mutex
	made map[[4]string]*instrument.Labels // guarded by mu
}

// maxSeries is when a series forgets the labels it has made: nodes come and go.
const maxSeries = 4096

func newSeries(maker instrument.LabelMaker) *series {
	return &series{make: maker, made: map[[4]string]*instrument.Labels{}}
}

func (s *series) labels(values ...string) *instrument.Labels {
	var key [4]string
	copy(key[:], values)
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.made[key]
	if l == nil {
		if len(s.made) >= maxSeries {
			clear(s.made)
		}
		l = s.make(values...)
		s.made[key] = l
	}
	return l
}
