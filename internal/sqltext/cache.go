package sqltext

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
)

// Cache keeps what was made of each distinct statement. A look-up takes no lock:
// it is a hash and a probe of a table whose slots are only ever filled. It is
// safe for concurrent use.
//
// There are two generations: when the young one is full it becomes the old
// one, and what is asked for again comes over from there. What is not asked
// for during a generation is forgotten, without any bookkeeping by hits.
//
// It keeps the strings that it is given, as pgx's own statement cache does: one
// that the program has as a constant is found by its address, without a look at
// its bytes.
type Cache[V any] struct {
	maxCount, maxBytes int // of one generation
	make               func(sql string) V
	seed               maphash.Seed

	quick [256]atomic.Pointer[entry[V]] // found without hashing; different statements may fight over one
	young atomic.Pointer[generation[V]] // read without mu, replaced and filled under it

	mu  sync.Mutex
	old *generation[V] // guarded by mu
}

// maxQuick bounds what the quick slots may hold on to beyond the generations:
// 128 KiB in all.
const maxQuick = 512

// NewCache returns a cache of at most count statements and bytes of statement
// text in all, both at least 2, whose values makeValue makes. It may be called
// more than once for a statement, also at the same time.
func NewCache[V any](count, bytes int, makeValue func(sql string) V) *Cache[V] {
	c := &Cache[V]{maxCount: max(1, count/2), maxBytes: max(1, bytes/2), make: makeValue, seed: maphash.MakeSeed()}
	c.old = newGeneration[V](minSlots)
	c.young.Store(newGeneration[V](minSlots))
	return c
}

// Get returns the statement's value. A statement longer than a sixteenth of
// the cache's bytes is not kept.
func (c *Cache[V]) Get(sql string) V {
	n := uint(len(sql))
	if n == 0 || n > maxQuick {
		return c.look(sql, nil)
	}
	slot := &c.quick[uint8(n*7+uint(sql[n-1])+uint(sql[n/2])*5+uint(sql[n/4])*3+uint(sql[n/8])*11)]
	if e := slot.Load(); e != nil && e.sql == sql {
		return e.value
	}
	return c.look(sql, slot)
}

// look looks beyond the quick slots, and puts what it finds into the given one.
func (c *Cache[V]) look(sql string, slot *atomic.Pointer[entry[V]]) V {
	hash := maphash.String(c.seed, sql)
	e := c.young.Load().find(hash, sql)
	if e == nil {
		return c.get(hash, sql)
	}
	if slot != nil {
		slot.Store(e)
	}
	return e.value
}

// get looks where a lock is needed, and makes what is not there.
func (c *Cache[V]) get(hash uint64, sql string) V {
	if e := c.revive(hash, sql); e != nil {
		return e.value
	}
	e := &entry[V]{hash, sql, c.make(sql)} // not under the lock: it calls back
	if len(sql) > c.maxBytes/8 {
		return e.value
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if kept := c.young.Load().find(hash, sql); kept != nil {
		return kept.value
	}
	c.add(e)
	return e.value
}

// revive takes an entry of the old generation into the young one.
func (c *Cache[V]) revive(hash uint64, sql string) *entry[V] {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.young.Load().find(hash, sql); e != nil {
		return e
	}
	e := c.old.find(hash, sql)
	if e != nil {
		c.add(e)
	}
	return e
}

// add adds to the young generation. mu is held.
func (c *Cache[V]) add(e *entry[V]) {
	g := c.young.Load()
	if g.count >= c.maxCount || g.bytes+len(e.sql) > c.maxBytes {
		c.old = g
		g = newGeneration[V](minSlots)
	} else if 2*g.count >= len(g.slots) {
		g = g.grown()
	}
	g.add(e)
	c.young.Store(g)
}

// Len returns the number of statements kept and the bytes of their text.
func (c *Cache[V]) Len() (count, bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	young := c.young.Load()
	return young.count + c.old.count, young.bytes + c.old.bytes
}

type entry[V any] struct {
	hash  uint64
	sql   string
	value V
}

// generation is a hash table with open addressing, at most half full. A filled
// slot stays as it is, so that readers need no lock.
type generation[V any] struct {
	slots        []atomic.Pointer[entry[V]] // a power of two
	count, bytes int                        // for the writer
}

const minSlots = 64

func newGeneration[V any](slots int) *generation[V] {
	return &generation[V]{slots: make([]atomic.Pointer[entry[V]], slots)}
}

func (g *generation[V]) find(hash uint64, sql string) *entry[V] {
	for i := hash; ; i++ {
		e := g.slots[i&uint64(len(g.slots)-1)].Load()
		if e == nil || e.hash == hash && e.sql == sql {
			return e
		}
	}
}

func (g *generation[V]) add(e *entry[V]) {
	last := uint64(len(g.slots) - 1)
	i := e.hash & last
	for g.slots[i].Load() != nil {
		i = (i + 1) & last
	}
	g.slots[i].Store(e)
	g.count++
	g.bytes += len(e.sql)
}

// grown is a copy of twice the size.
func (g *generation[V]) grown() *generation[V] {
	big := newGeneration[V](2 * len(g.slots))
	for i := range g.slots {
		if e := g.slots[i].Load(); e != nil {
			big.add(e)
		}
	}
	return big
}
