package cachemon

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/internal/keypattern"
	"github.com/chronoretrace/chronomon/internal/window"
)

// The counters of a cache's window.
const (
	countHit = iota
	countMiss
	countSet
	countDelete
	countEvict
)

var (
	results = [...]string{countHit: "hit", countMiss: "miss"}
	changes = [...]string{countSet: "set", countDelete: "delete", countEvict: "evict"}
)

// cache is one value of the labels cache_type and cache_name. It outlives its
// owner: a counter does not go back.
type cache struct {
	typ, name string
	table     *table
	window    *window.Counters

	local  bool         // guarded by table.mu; in the process
	owned  bool         // guarded by table.mu
	watch  *Watch       // guarded by table.mu; the owner, or
	reader *statsReader // guarded by table.mu; what the owner's numbers are read from
	notes  notes
}

// errTaken says that a name is in use.
var errTaken = errors.New("the name is taken: give each cache of a registry its own")

// claim makes the cache of that type and name its caller's.
func (t *table) claim(typ, name string, span time.Duration, set func(*cache)) (*cache, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	id := cacheID{typ, name}
	c := t.caches[id]
	if c == nil {
		c = &cache{typ: typ, name: name, table: t, window: window.New(span, t.now())}
		t.caches[id] = c
		t.order = append(t.order, c)
	}
	if c.owned {
		return nil, errTaken
	}
	c.owned = true
	set(c)
	return c, nil
}

// release gives a cache's name back.
func (t *table) release(c *cache) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c.owned, c.watch, c.reader = false, nil, nil
}

// all returns the caches there are, and what their numbers are read from.
func (t *table) all() []*cache {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.order)
}

// rates are the hits and misses of a cache: since the beginning and lately.
func (c *cache) rates(now time.Duration) (total, lately window.Totals) {
	c.table.mu.Lock()
	r := c.reader
	c.table.mu.Unlock()
	total, lately = c.window.Totals(), c.window.Sum(now)
	if r != nil {
		stats, grown := r.read(now)
		total[countHit] += stats.Hits
		total[countMiss] += stats.Misses
		lately[countHit] += grown[countHit]
		lately[countMiss] += grown[countMiss]
	}
	return total, lately
}

// showCaches makes hits, misses and their rate metrics.
func (t *table) showCaches() error {
	return errors.Join(
		t.set.Func(catalog.CacheHitRate, func(maker instrument.LabelMaker) instrument.Func {
			s := newSeries(maker)
			return func(yield instrument.Yield) {
				now := t.now()
				for _, c := range t.all() {
					_, lately := c.rates(now)
					if n := lately[countHit] + lately[countMiss]; n > 0 {
						yield(s.labels(c.typ, c.name), float64(lately[countHit])/float64(n))
					}
				}
			}
		}),
		t.set.Func(catalog.CacheRequests, func(maker instrument.LabelMaker) instrument.Func {
			s := newSeries(maker)
			return func(yield instrument.Yield) {
				now := t.now()
				for _, c := range t.all() {
					total, _ := c.rates(now)
					for i, result := range results {
						yield(s.labels(c.typ, c.name, result), float64(total[i]))
					}
				}
			}
		}),
		t.showReaders(),
	)
}

// patternCells count one pattern of keys of one cache.
type patternCells [2]*instrument.Cell

// patterns are the cells of a cache's key patterns, by the pattern's number.
type patterns []atomic.Pointer[patternCells]

// count counts a key of the pattern.
func (ps patterns) count(h *instrument.Home, c *cache, p *keypattern.Pattern, result int, n uint64) {
	cells := ps[p.ID].Load()
	if cells == nil {
		cells = &patternCells{}
		for i, r := range results {
			cells[i] = c.table.patterns.Cell(c.name, p.Name, r)
		}
		ps[p.ID].Store(cells)
	}
	cells[result].Add(h, 0, n)
}

// wrap says which cache an error is about.
func wrap(verb, name string, err error) error {
	return fmt.Errorf("cachemon: %s %q: %w", verb, name, err)
}

// notes remember which failed commands a node has counted, so that the client
// above the nodes counts only those that reached none. Addresses are compared,
// never followed; the memory is short.
type notes struct {
	n atomic.Uint64 // errors counted so far

	mu   sync.Mutex
	ring [512]uintptr // guarded by mu
	next int          // guarded by mu
}

func (n *notes) add(p uintptr) {
	n.n.Add(1)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ring[n.next] = p
	n.next = (n.next + 1) % len(n.ring)
}

// take reports whether the command was noted, and forgets it.
func (n *notes) take(p uintptr) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i := range n.ring {
		if n.ring[i] == p {
			n.ring[i] = 0
			return true
		}
	}
	return false
}
