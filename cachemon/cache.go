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
// owner and hands what was counted to the next one: a counter does not go back.
type cache struct {
	typ, name string
	table     *table
	window    *window.Counters
	past      window.Totals // of the owners before
	local     bool          // in the process
	notes     notes

	owned  bool         // guarded by table.mu
	watch  *Watch       // guarded by table.mu; the owner, or
	reader *statsReader // guarded by table.mu; what the owner's numbers are read from
}

var (
	errTaken = errors.New("the name is taken: give each cache of a registry its own")
	errFull  = errors.New("there are as many names as a label may have values (monitor.WithLabelLimit): names are for caches that stay")
)

// claim makes the cache of that type and name its caller's. Names are never
// forgotten, and as many as a label may have values.
func (t *table) claim(typ, name string, span time.Duration, set func(*cache)) (*cache, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	id := cacheID{typ, name}
	before, known := t.caches[id]
	if known && before.owned {
		return nil, errTaken
	}
	if !known && len(t.caches) >= t.set.LabelLimit() {
		return nil, errFull
	}
	c := &cache{typ: typ, name: name, table: t, window: window.New(span, t.now()), owned: true}
	set(c)
	t.caches[id] = c
	if known {
		c.past = before.totals()
		t.order[slices.Index(t.order, before)] = c
	} else {
		t.order = append(t.order, c)
	}
	return c, nil
}

// totals are all that was counted under the name.
func (c *cache) totals() window.Totals {
	all := c.window.Totals()
	for i, n := range c.past {
		all[i] += n
	}
	return all
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
	total, lately = c.totals(), c.window.Sum(now)
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
// never followed: one that was noted before a command was sent is another's, at
// whose place it now is. The memory is short.
type notes struct {
	n atomic.Uint64 // notes so far

	mu   sync.Mutex
	ring [512]note // guarded by mu
}

type note struct {
	number  uint64 // from 1
	command uintptr
}

func (n *notes) add(command uintptr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	number := n.n.Add(1)
	n.ring[number%uint64(len(n.ring))] = note{number, command}
}

// take reports whether the command was noted since there were before notes,
// and forgets it.
func (n *notes) take(command uintptr, before uint64) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i := range n.ring {
		if was := &n.ring[i]; was.command == command && was.number > before {
			*was = note{}
			return true
		}
	}
	return false
}
