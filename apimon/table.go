package apimon

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

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
	endpoints map[string]*endpoint // guarded by mu; by label
}

func newTable(set *instrument.Set, c *config) (*table, error) {
	t := &table{sizes: c.sizes, endpoints: map[string]*endpoint{}}
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
	errs := []error{
		set.Histogram(catalog.APIRequestDuration, t.requests, histDuration),
		set.Count(catalog.APIRequestTotal, t.requests, []int{histDuration}, []int{counterUpgraded}),
		set.Histogram(catalog.APIStreamDuration, t.streams, 0),
		set.Func(catalog.APIConcurrentRequests, t.inFlight),
	}
	if c.sizes {
		errs = append(errs,
			set.Histogram(catalog.APIRequestSize, t.requests, histRequestSize),
			set.Histogram(catalog.APIResponseSize, t.requests, histResponseSize))
	}
	var err error
	t.panics, err = set.Counters(catalog.APIPanics)
	errs = append(errs, err)
	t.slow, err = set.Counters(catalog.APISlowRequests)
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, fmt.Errorf("apimon: %w", err)
	}
	return t, nil
}

// endpoint is one value of the endpoint label with its cells at hand.
type endpoint struct {
	name   string
	table  *table
	cells  atomic.Pointer[[]statusCell] // few: grown by copying
	labels *instrument.Labels           // of the in-flight gauge; made by the first scrape
	count  int                          // scratch of a scrape, guarded by running.mu
}

// statusCell is the cell of one method and status.
type statusCell struct {
	key  int
	cell *instrument.Cell
}

// endpoint returns the endpoint of that label, making it if there is room.
func (t *table) endpoint(name string) *endpoint {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e, ok := t.endpoints[name]; ok {
		return e
	}
	if name != unmatched && !t.limiter.Allow(name) {
		name = otherName
		if e, ok := t.endpoints[name]; ok {
			return e
		}
	}
	e := &endpoint{name: strings.Clone(name), table: t}
	e.cells.Store(new([]statusCell))
	t.endpoints[e.name] = e
	return e
}

func (e *endpoint) cell(m method, status int) *instrument.Cell {
	key := status<<4 | int(m)
	for _, c := range *e.cells.Load() {
		if c.key == key {
			return c.cell
		}
	}
	return e.newCell(key, m, status)
}

func (e *endpoint) newCell(key int, m method, status int) *instrument.Cell {
	c := e.table.requests.Cell(m.String(), e.name, strconv.Itoa(status))
	e.table.mu.Lock()
	defer e.table.mu.Unlock()
	old := *e.cells.Load()
	if slices.ContainsFunc(old, func(c statusCell) bool { return c.key == key }) {
		return c
	}
	all := append(slices.Clip(old), statusCell{key, c})
	e.cells.Store(&all)
	return c
}

// route is what a pattern means to one middleware.
type route struct {
	pattern string // as the router says it
	*endpoint
	skip bool
}

// routes finds a route by pattern without a lock: first in a table that
// different patterns may fight over, then in a map that is copied to grow.
type routes struct {
	table *table
	skip  map[string]bool
	quick [64]atomic.Pointer[route]
	all   atomic.Pointer[map[string]*route]
	none  *route // no pattern
}

func newRoutes(t *table, skip []string) *routes {
	rs := &routes{table: t, skip: map[string]bool{}}
	for _, s := range skip {
		rs.skip[s] = true
	}
	rs.all.Store(&map[string]*route{})
	rs.none = rs.make("")
	return rs
}

// find returns the route of a pattern; "" is no match.
func (rs *routes) find(pattern string) *route {
	n := len(pattern)
	if n == 0 {
		return rs.none
	}
	slot := &rs.quick[(uint(n)*7+uint(pattern[n-1])+uint(pattern[n/2])*5)%uint(len(rs.quick))]
	if r := slot.Load(); r != nil && r.pattern == pattern {
		return r
	}
	r := (*rs.all.Load())[pattern]
	if r == nil {
		r = rs.make(pattern)
	}
	slot.Store(r)
	return r
}

// make adds a route. Past the limit of endpoints routes are not kept, so that
// patterns without end (a careless SetRoute) hold no memory.
func (rs *routes) make(pattern string) *route {
	name := label(pattern)
	r := &route{pattern: strings.Clone(pattern), endpoint: rs.table.endpoint(name), skip: rs.skip[name]}
	if r.name == otherName && name != otherName {
		return r
	}
	rs.table.mu.Lock()
	defer rs.table.mu.Unlock()
	all := maps.Clone(*rs.all.Load())
	if old, ok := all[pattern]; ok {
		return old
	}
	all[r.pattern] = r
	rs.all.Store(&all)
	return r
}

// label is a pattern as the endpoint label shows it: without its method.
func label(pattern string) string {
	if pattern == "" {
		return unmatched
	}
	if i := strings.IndexAny(pattern, " \t"); i > 0 {
		return strings.TrimLeft(pattern[i:], " \t")
	}
	return pattern
}
