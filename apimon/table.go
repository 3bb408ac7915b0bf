package apimon

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
)

// Where a value stands in a cell of the request group.
const (
	histDuration = iota
	histRequestSize
	histResponseSize
)

// counterUpgraded counts requests that are not in the histograms.
const counterUpgraded = 0

// The endpoint labels that are no routes.
const (
	unmatched = "unmatched"
	otherName = instrument.Other
)

// table holds the instruments: one per registry, shared by all middlewares on it.
type table struct {
	requests *instrument.Group // method, endpoint, status_code
	streams  *instrument.Group // endpoint, kind
	panics   *instrument.Group // endpoint
	slow     *instrument.Group // endpoint
	limiter  *instrument.Limiter
	sizes    bool
	running  running

	mu        sync.Mutex
	endpoints []*endpoint // guarded by mu; by label, as a scrape wants them
}

func newTable(set *instrument.Set, c *config) (*table, error) {
	t := &table{sizes: c.sizes}
	limit := set.LabelLimit()
	if c.limitSet {
		limit = c.limit
	}
	t.limiter = set.Limiter(catalog.APIRequestTotal.Name, "endpoint", limit)
	spec := instrument.Spec{
		Labels:     catalog.APIRequestDuration.Labels,
		Histograms: []instrument.HistogramSpec{{Bounds: c.buckets, Scale: 1e-9}},
		Counters:   1,
	}
	if c.sizes {
		spec.Histograms = append(spec.Histograms,
			instrument.HistogramSpec{Bounds: catalog.APIRequestSize.Buckets, Scale: 1},
			instrument.HistogramSpec{Bounds: catalog.APIResponseSize.Buckets, Scale: 1})
	}
	t.requests = set.NewGroup(catalog.APIRequestTotal.Name, spec)
	t.streams = set.NewGroup(catalog.APIStreamDuration.Name, instrument.Spec{
		Labels:     catalog.APIStreamDuration.Labels,
		Histograms: []instrument.HistogramSpec{{Bounds: catalog.APIStreamDuration.Buckets, Scale: 1e-9}},
	})
	t.limiter.Exempt(unmatched)
	t.requests.Limit("endpoint", t.limiter)
	t.streams.Limit("endpoint", t.limiter)
	if err := t.show(set); err != nil {
		set.Drop(
			catalog.APIRequestDuration, catalog.APIRequestTotal, catalog.APIStreamDuration, catalog.APIConcurrentRequests,
			catalog.APIRequestSize, catalog.APIResponseSize, catalog.APIPanics, catalog.APISlowRequests)
		return nil, fmt.Errorf("apimon: %w", err)
	}
	return t, nil
}

// show gives the instruments their names.
func (t *table) show(set *instrument.Set) error {
	errs := []error{
		set.Histogram(catalog.APIRequestDuration, t.requests, histDuration),
		set.Count(catalog.APIRequestTotal, t.requests, []int{histDuration}, []int{counterUpgraded}),
		set.Histogram(catalog.APIStreamDuration, t.streams, 0),
		set.Func(catalog.APIConcurrentRequests, t.inFlight),
	}
	if t.sizes {
		errs = append(errs,
			set.Histogram(catalog.APIRequestSize, t.requests, histRequestSize),
			set.Histogram(catalog.APIResponseSize, t.requests, histResponseSize))
	}
	var err error
	t.panics, err = set.Counters(catalog.APIPanics)
	errs = append(errs, err)
	t.slow, err = set.Counters(catalog.APISlowRequests)
	if err := errors.Join(append(errs, err)...); err != nil {
		return err
	}
	t.panics.Limit("endpoint", t.limiter)
	t.slow.Limit("endpoint", t.limiter)
	return nil
}

// endpoint returns the endpoint of that label, making it if there is room.
func (t *table) endpoint(name string) *endpoint {
	t.mu.Lock()
	defer t.mu.Unlock()
	at, ok := t.search(name)
	if ok {
		return t.endpoints[at]
	}
	if !t.limiter.Allow(name) {
		name = otherName
		if at, ok = t.search(name); ok {
			return t.endpoints[at]
		}
	}
	e := &endpoint{name: strings.Clone(name), table: t}
	e.cells.Store(new([]statusCell))
	t.endpoints = slices.Insert(t.endpoints, at, e)
	return e
}

// search finds the endpoint of that label, or its place. mu is held.
func (t *table) search(name string) (at int, ok bool) {
	return slices.BinarySearchFunc(t.endpoints, name, func(e *endpoint, name string) int {
		return strings.Compare(e.name, name)
	})
}
