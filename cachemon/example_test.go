package cachemon_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/redis/go-redis/v9"

	"github.com/chronoretrace/chronomon/cachemon"
	"github.com/chronoretrace/chronomon/monitor"
)

func ExampleHook_Watch() {
	m, err := monitor.New(monitor.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		panic(err)
	}
	hook, err := cachemon.NewHook(m,
		cachemon.WithKeyPatterns("stock:daily:*", "user:*:profile"),
		cachemon.WithRule("exists", cachemon.CountNone), // asked for locks, not for cached things
	)
	if err != nil {
		panic(err)
	}
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1, DialerRetries: 1})
	defer rdb.Close()
	watch, err := hook.Watch("quotes", rdb)
	if err != nil {
		panic(err)
	}
	defer watch.Close()

	rdb.Get(context.Background(), "stock:daily:600519") // nobody is there
	for _, line := range lines(m, "cache_errors_total") {
		fmt.Println(line)
	}
	// Output:
	// cache_errors_total{cache_name="quotes",node="127.0.0.1:1",operation="get",error="refused"} 1
}

// lru is some cache of the host's.
type lru map[string]string

func ExampleTracker() {
	m, err := monitor.New()
	if err != nil {
		panic(err)
	}
	tracker, err := cachemon.NewTracker(m, "symbols")
	if err != nil {
		panic(err)
	}
	cache := lru{"600519": "贵州茅台"}
	for _, symbol := range []string{"600519", "000001", "600519", "600519"} {
		_, ok := cache[symbol]
		tracker.Look(ok)
	}
	for _, line := range lines(m, "cache_hit_rate", "cache_requests_total") {
		fmt.Println(line)
	}
	// Output:
	// cache_hit_rate{cache_type="local",cache_name="symbols"} 0.75
	// cache_requests_total{cache_type="local",cache_name="symbols",result="hit"} 3
	// cache_requests_total{cache_type="local",cache_name="symbols",result="miss"} 1
}

// ristrettoMetrics is what ristretto's Metrics has, of which Cache.Metrics is
// one when the cache was made with Config.Metrics.
type ristrettoMetrics interface {
	Hits() uint64
	Misses() uint64
	KeysAdded() uint64
	KeysEvicted() uint64
	CostAdded() uint64
	CostEvicted() uint64
}

// fromRistretto reads a cache in the manner of ristretto whose costs are bytes.
func fromRistretto(c ristrettoMetrics) func() cachemon.Stats {
	return func() cachemon.Stats {
		return cachemon.Stats{
			Hits: c.Hits(), Misses: c.Misses(),
			Sets: c.KeysAdded(), Evictions: c.KeysEvicted(),
			Entries: int64(c.KeysAdded() - c.KeysEvicted()),
			Bytes:   int64(c.CostAdded() - c.CostEvicted()),
		}
	}
}

// counts stands in for a cache with counters of its own.
type counts struct{ hits, misses atomic.Uint64 }

func (c *counts) Hits() uint64        { return c.hits.Load() }
func (c *counts) Misses() uint64      { return c.misses.Load() }
func (c *counts) KeysAdded() uint64   { return 12 }
func (c *counts) KeysEvicted() uint64 { return 2 }
func (c *counts) CostAdded() uint64   { return 4096 }
func (c *counts) CostEvicted() uint64 { return 1024 }

func ExampleWithStats_ristretto() {
	m, err := monitor.New()
	if err != nil {
		panic(err)
	}
	cache := &counts{} // in a host: cache.Metrics
	cache.hits.Store(8)
	_, err = cachemon.NewTracker(m, "pages", cachemon.WithCacheType("ristretto"), cachemon.WithStats(fromRistretto(cache)))
	if err != nil {
		panic(err)
	}
	for _, line := range lines(m, "cache_entries", "cache_memory_usage_bytes", "cache_changes_total") {
		fmt.Println(line)
	}
	// Output:
	// cache_changes_total{cache_type="ristretto",cache_name="pages",change="delete"} 0
	// cache_changes_total{cache_type="ristretto",cache_name="pages",change="evict"} 2
	// cache_changes_total{cache_type="ristretto",cache_name="pages",change="set"} 12
	// cache_entries{cache_type="ristretto",cache_name="pages"} 10
	// cache_memory_usage_bytes{cache_type="ristretto"} 3072
}

func ExampleNewMemoryPoller() {
	m, err := monitor.New(monitor.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		panic(err)
	}
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1, DialerRetries: 1})
	defer rdb.Close()
	poller, err := cachemon.NewMemoryPoller(m, rdb, cachemon.WithKeyMemory(500, "stock:daily:*"))
	if err != nil {
		panic(err)
	}
	_ = poller.Poll(context.Background()) // in a host: m.Run(ctx, poller)
	for _, line := range lines(m, "redis_up") {
		fmt.Println(line)
	}
	// Output:
	// redis_up{cache_name="redis",node="127.0.0.1:1"} 0
}
