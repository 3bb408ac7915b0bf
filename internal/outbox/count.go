package outbox

import (
	"sync/atomic"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
)

// What became of a record.
const (
	Taken     = "taken"
	Duplicate = "duplicate" // was taken before: an answer had been lost
	Rejected  = "rejected"  // never will be
)

// What became of a request.
const (
	OK        = "ok"
	Throttled = "throttled" // 429 or 503: the store has too much to do
	TooLarge  = "too_large" // 413: sent again in parts
	Refused   = "refused"   // other answers of the 4xx
	Failed    = "error"     // no answer, 5xx, or none of a store
)

// Expired is why a batch is dropped that was on disk for too long; the other
// reasons are package spill's.
const Expired = "expired"

// Counter counts by one label whose values are known.
type Counter struct {
	names  []string
	values []atomic.Uint64
}

// NewCounter returns a counter of those values.
func NewCounter(names ...string) *Counter {
	return &Counter{names: names, values: make([]atomic.Uint64, len(names))}
}

// Add counts n of a value; of one that is not known it counts none.
func (c *Counter) Add(name string, n int) {
	for i := range c.names {
		if c.names[i] == name {
			c.values[i].Add(uint64(n))
			return
		}
	}
}

// Get returns the count of a value.
func (c *Counter) Get(name string) uint64 {
	for i := range c.names {
		if c.names[i] == name {
			return c.values[i].Load()
		}
	}
	return 0
}

// Sum returns the count of all values.
func (c *Counter) Sum() (n uint64) {
	for i := range c.values {
		n += c.values[i].Load()
	}
	return n
}

// Show makes the counter a metric with the labels store and that of the values.
func (c *Counter) Show(set *instrument.Set, m catalog.Metric, store string) error {
	return set.Func(m, func(labels instrument.LabelMaker) instrument.Func {
		of := make([]*instrument.Labels, len(c.names))
		for i, name := range c.names {
			of[i] = labels(store, name)
		}
		return func(yield instrument.Yield) {
			for i := range of {
				yield(of[i], float64(c.values[i].Load()))
			}
		}
	})
}

// ShowGauge makes a function a metric with the label store.
func ShowGauge(set *instrument.Set, m catalog.Metric, store string, value func() float64) error {
	return set.Func(m, func(labels instrument.LabelMaker) instrument.Func {
		of := labels(store)
		return func(yield instrument.Yield) { yield(of, value()) }
	})
}
