package apimon

import (
	"maps"
	"strings"
	"sync/atomic"
)

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
		rs.skip[label(s)] = true
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
	r := &route{pattern: strings.Clone(pattern), skip: rs.skip[name]}
	if r.skip {
		r.endpoint = &endpoint{name: name} // shown nowhere
	} else {
		r.endpoint = rs.table.endpoint(name)
	}
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
	if i := strings.IndexAny(pattern, " \t"); i > 0 && !strings.Contains(pattern[:i], "/") {
		pattern = strings.TrimLeft(pattern[i:], " \t")
	}
	if pattern == "" {
		return unmatched
	}
	return pattern
}
