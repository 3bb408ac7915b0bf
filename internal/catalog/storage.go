package catalog

// Database and cache metrics of Section 6.1.
var (
	DBQueryDuration = Metric{
		Name: "db_query_duration_seconds", Type: Histogram, Unit: "s", Section: "6.1",
		Help:    "Time of a database query, the reading of its rows included.",
		HelpZH:  "数据库查询时间",
		Labels:  []string{"query_type", "table"},
		Buckets: querySeconds,
		otel: alias{
			"db.client.operation.duration",
			[]string{"db.operation.name", "db.collection.name"},
		},
	}
	DBConnectionPoolUsage = Metric{
		Name: "db_connection_pool_usage", Type: Gauge, Unit: "1", Section: "6.1",
		Help:   "Share of the pool's connections that are in use, 0 to 1.",
		HelpZH: "数据库连接池使用率",
		Labels: []string{"pool_name"},
	}
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

func storage() []Metric {
	return []Metric{DBQueryDuration, DBConnectionPoolUsage, CacheHitRate, CacheMemoryUsage}
}
