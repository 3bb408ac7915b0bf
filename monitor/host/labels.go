package host

import "sync"

// labelCache keeps the label sets of what comes and goes: CPUs, mounts.
type labelCache[K comparable, V any] struct {
	make func(K) V

	mu   sync.Mutex
	kept map[K]V // guarded by mu
}

func newLabelCache[K comparable, V any](build func(K) V) *labelCache[K, V] {
	return &labelCache[K, V]{make: build, kept: map[K]V{}}
}

// get returns the labels for k. Those that have gone are forgotten once they
// outnumber the present ones.
func (c *labelCache[K, V]) get(k K, present int) V {
	c.mu.Lock()
	defer c.mu.Unlock()
	if v, ok := c.kept[k]; ok {
		return v
	}
	if len(c.kept) > 2*present {
		clear(c.kept)
	}
	v := c.make(k)
	c.kept[k] = v
	return v
}
