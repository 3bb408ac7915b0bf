package catalog

// Cache metrics: the first two are Section 6.1's.
var (
	CacheHitRate = Metric{
		Name: "cache_hit_rate", Type: Gauge, Unit: "1", Section: "6.1",
		Help:   "Hits over look-ups in the window, 0 to 1; absent without look-ups.",
		HelpZH: "缓存命中率",
		Labels: []string{"cache_type", "cache_name"},
	}
	CacheMemoryUsage = Metric{
		Name: "cache_memory_usage_bytes", Type: Gauge, Unit: "By", Section: "6.1",
		Help:   "Memory the cache uses.",
		HelpZH: "缓存内存使用量",
		Labels: []string{"cache_type"},
	}
)

func cache() []Metric {
	return []Metric{CacheHitRate, CacheMemoryUsage}
}
