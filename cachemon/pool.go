package cachemon

import (
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
)

// pool is the state of one connection pool of one node's client.
type pool struct {
	cache, node, name string
	size              int
	stats             redis.PoolStats
}

// pools reads the pools of everything that is watched.
func (t *table) pools(f func(p pool)) {
	t.mu.Lock()
	watches := make([]*Watch, 0, len(t.order))
	for _, c := range t.order {
		if c.watch != nil {
			watches = append(watches, c.watch)
		}
	}
	t.mu.Unlock()
	for _, w := range watches {
		w.pools(func(node string, c *redis.Client) {
			s := c.PoolStats()
			f(pool{w.cache.name, node, "main", c.Options().PoolSize, *s})
			if s.PipelineStats != nil {
				size := c.Options().PipelinePoolSize
				if size == 0 {
					size = c.Options().PoolSize
				}
				f(pool{w.cache.name, node, "pipeline", size, redis.PoolStats(*s.PipelineStats)})
			}
		})
	}
}

// showPools makes the pools' numbers metrics.
func (t *table) showPools() error {
	show := func(m catalog.Metric, each func(p pool, yield func(v float64, more ...string))) error {
		return t.set.Func(m, func(maker instrument.LabelMaker) instrument.Func {
			s := newSeries(maker)
			return func(yield instrument.Yield) {
				t.pools(func(p pool) {
					each(p, func(v float64, more ...string) {
						yield(s.labels(append([]string{p.cache, p.node, p.name}, more...)...), v)
					})
				})
			}
		})
	}
	return errors.Join(
		show(catalog.CachePoolConnections, func(p pool, yield func(float64, ...string)) {
			yield(float64(p.stats.IdleConns), "idle")
			yield(float64(p.stats.TotalConns-min(p.stats.IdleConns, p.stats.TotalConns)), "used")
		}),
		show(catalog.CachePoolSize, func(p pool, yield func(float64, ...string)) { yield(float64(p.size)) }),
		show(catalog.CachePoolGets, func(p pool, yield func(float64, ...string)) {
			yield(float64(p.stats.Hits), "hit")
			yield(float64(p.stats.Misses), "miss")
			yield(float64(p.stats.Timeouts), "timeout")
		}),
		show(catalog.CachePoolWaits, func(p pool, yield func(float64, ...string)) { yield(float64(p.stats.WaitCount)) }),
		show(catalog.CachePoolWaitSeconds, func(p pool, yield func(float64, ...string)) {
			yield(time.Duration(p.stats.WaitDurationNs).Seconds())
		}),
		show(catalog.CachePoolStale, func(p pool, yield func(float64, ...string)) { yield(float64(p.stats.StaleConns)) }),
	)
}
