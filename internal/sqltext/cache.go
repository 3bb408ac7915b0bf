package sqltext

import (
	"maps"
	"strings"
	"sync"
	"sync/atomic"
)

// Cache keeps what was made of each distinct statement. A look-up of a
// statement that is settled is one access to an immutable map, behind one
// atomic load, and less for the few that are asked for all the time. It is safe
// for concurrent use.
//
// There are two generations: when the young one is full it becomes the old
// one, and what is asked for again comes over from there. What is not asked
// for during a generation is forgotten, without any bookkeeping by hits.
type Cache[V any] struct {
	maxCount, maxBytes int // of one generation
	make               func(sql string) V

	quick   [256]atomic.Pointer[entry[V]] // different statements may fight over one
	settled atomic.Pointer[generation[V]] // read without mu

	mu      sync.Mutex
	fresh   generation[V] // guarded by mu; young too, not settled yet
	asked   int           // guarded by mu; look-ups that found theirs in fresh
	old     generation[V] // guarded by mu
	bytes   int           // guarded by mu; of the young generation's keys
	oldSize int           // guarded by mu; bytes of the old one's
}

type generation[V any] map[string]*entry[V]

type entry[V any] struct {
	sql   string
	value V
}

// maxQuick bounds what the quick slots may hold on to beyond the generations:
// 128 KiB in all.
const maxQuick = 512

// How long fresh entries wait to be settled, which copies the map: until this
// many look-ups had to take the lock for them, or until they are this many or
// a quarter of the map. One at a time, a stream of new statements would copy
// it each time.
const (
	settleAsked = 16
	settleFresh = 32
)

// NewCache returns a cache of at most count statements and bytes of statement
// text in all, both at least 2, whose values makeValue makes. It may be called
// more than once for a statement, also at the same time.
func NewCache[V any](count, bytes int, makeValue func(sql string) V) *Cache[V] {
	c := &Cache[V]{maxCount: max(1, count/2), maxBytes: max(1, bytes/2), make: makeValue, fresh: generation[V]{}}
	c.settled.Store(&generation[V]{})
	return c
}

// Get returns the statement's value. A statement longer than a sixteenth of
// the cache's bytes is not kept.
func (c *Cache[V]) Get(sql string) V {
	n := len(sql)
	if n == 0 || n > maxQuick {
		return c.look(sql)
	}
	slot := &c.quick[(uint(n)*7+uint(sql[n-1])+uint(sql[n/2])*5+uint(sql[n/4])*3+uint(sql[n/3])*11)%uint(len(c.quick))]
	if e := slot.Load(); e != nil && e.sql == sql {
		return e.value
	}
	if e, ok := (*c.settled.Load())[sql]; ok {
		slot.Store(e)
		return e.value
	}
	return c.get(sql)
}

func (c *Cache[V]) look(sql string) V {
	if e, ok := (*c.settled.Load())[sql]; ok {
		return e.value
	}
	return c.get(sql)
}

// Len returns the number of statements kept and the bytes of their text.
func (c *Cache[V]) Len() (count, bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(*c.settled.Load()) + len(c.fresh) + len(c.old), c.bytes + c.oldSize
}

// get looks where a lock is needed, and makes what is not there.
func (c *Cache[V]) get(sql string) V {
	if e := c.find(sql); e != nil {
		return e.value
	}
	e := &entry[V]{strings.Clone(sql), c.make(sql)} // not under the lock: it calls back
	if len(sql) > c.maxBytes/8 {
		return e.value
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if kept := c.young(sql); kept != nil {
		return kept.value
	}
	c.add(e)
	return e.value
}

func (c *Cache[V]) find(sql string) *entry[V] {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.young(sql); e != nil {
		if c.asked++; c.asked >= settleAsked {
			c.settle()
		}
		return e
	}
	e := c.old[sql]
	if e != nil {
		c.add(e)
	}
	return e
}

// young looks in the young generation. mu is held.
func (c *Cache[V]) young(sql string) *entry[V] {
	if e := (*c.settled.Load())[sql]; e != nil {
		return e
	}
	return c.fresh[sql]
}

// add adds to the young generation. mu is held.
func (c *Cache[V]) add(e *entry[V]) {
	n := len(*c.settled.Load()) + len(c.fresh)
	if n >= c.maxCount || c.bytes+len(e.sql) > c.maxBytes {
		c.settle()
		c.old, c.oldSize = *c.settled.Load(), c.bytes
		c.settled.Store(&generation[V]{})
		c.bytes = 0
	}
	c.fresh[e.sql] = e
	c.bytes += len(e.sql)
	if len(c.fresh) >= max(settleFresh, len(*c.settled.Load())/4) {
		c.settle()
	}
}

// settle makes the fresh entries readable without the lock. mu is held.
func (c *Cache[V]) settle() {
	all := make(generation[V], len(*c.settled.Load())+len(c.fresh))
	maps.Copy(all, *c.settled.Load())
	maps.Copy(all, c.fresh)
	c.settled.Store(&all)
	clear(c.fresh)
	c.asked = 0
}
