package monitor

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// registry is a monitor's private registry. It knows which collectors are the
// SDK's own, so that a scrape can write those directly and gather only the rest.
type registry struct {
	all     *prometheus.Registry
	foreign *prometheus.Registry
	count   atomic.Int64 // of foreign collectors
}

var (
	_ prometheus.Registerer = (*registry)(nil)
	_ prometheus.Gatherer   = (*registry)(nil)
)

func newRegistry() *registry {
	return &registry{all: prometheus.NewRegistry(), foreign: prometheus.NewRegistry()}
}

// own is where the SDK's instruments are registered.
func (r *registry) own() prometheus.Registerer { return r.all }

// Foreign gathers what is not the SDK's own: monitor/history reads the rest
// without gathering.
func (r *registry) Foreign() prometheus.Gatherer { return r.foreign }

// Register implements prometheus.Registerer. A name that an instrument of the
// SDK has is refused.
func (r *registry) Register(c prometheus.Collector) error {
	if err := r.all.Register(c); err != nil {
		return err
	}
	if err := r.foreign.Register(c); err != nil {
		r.all.Unregister(c)
		return err
	}
	r.count.Add(1)
	return nil
}

// MustRegister implements prometheus.Registerer; it panics, as that interface
// demands.
func (r *registry) MustRegister(cs ...prometheus.Collector) {
	for _, c := range cs {
		if err := r.Register(c); err != nil {
			panic(err)
		}
	}
}

// Unregister implements prometheus.Registerer.
func (r *registry) Unregister(c prometheus.Collector) bool {
	if !r.foreign.Unregister(c) {
		return false
	}
	r.count.Add(-1)
	return r.all.Unregister(c)
}

// Gather implements prometheus.Gatherer.
func (r *registry) Gather() ([]*dto.MetricFamily, error) { return r.all.Gather() }
