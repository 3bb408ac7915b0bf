package bizmon

import (
	"maps"
	"sync"
	"sync/atomic"
)

// mostName is how long a name may be, in bytes, that is kept as a label or a key.
const mostName = 200

// lookup is a map that only grows. What has been in it for a while is found
// without a lock and without an allocation.
type lookup[K comparable, V any] struct {
	read   atomic.Pointer[map[K]V]
	behind atomic.Bool // all has more than read
	size   atomic.Int64

	mu     sync.Mutex
	all    map[K]V // guarded by mu
	misses int     // guarded by mu
}

func (l *lookup[K, V]) get(k K) (V, bool) {
	if m := l.read.Load(); m != nil {
		if v, ok := (*m)[k]; ok {
			return v, true
		}
	}
	if !l.behind.Load() {
		var none V
		return none, false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	v, ok := l.all[k]
	l.misses++
	if l.misses > len(l.all) { // as many cheap looks as the copy costs
		m := maps.Clone(l.all)
		l.read.Store(&m)
		l.misses = 0
		l.behind.Store(false)
	}
	return v, ok
}

// getOrMake returns what is there for the key, or what build makes if there is
// room. build returns the key to keep, which must not be the caller's memory.
func (l *lookup[K, V]) getOrMake(k K, most int, build func() (K, V)) (v V, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if v, ok := l.all[k]; ok {
		return v, true
	}
	if len(l.all) >= most {
		return v, false
	}
	if l.all == nil {
		l.all = map[K]V{}
	}
	k, v = build()
	l.all[k] = v
	l.behind.Store(true)
	l.size.Add(1)
	return v, true
}

// full reports, without a lock, whether there are so many entries.
func (l *lookup[K, V]) full(most int) bool { return l.size.Load() >= int64(most) }

// values returns all values, in no order.
func (l *lookup[K, V]) values() []V {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]V, 0, len(l.all))
	for _, v := range l.all {
		out = append(out, v)
	}
	return out
}
