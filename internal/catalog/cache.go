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
		Help:   "Memory the caches of the type use: used_memory of the Redis primaries that are polled, or what in-process caches say of themselves.",
		HelpZH: "缓存内存使用量",
		Labels: []string{"cache_type"},
	}
	CacheRequests = Metric{
		Name: "cache_requests_total", Type: Counter, Unit: "{key}",
		Help:   "Keys that were looked up, by result: hit or miss. Writes never count.",
		HelpZH: "缓存查询次数，按命中与否",
		Labels: []string{"cache_type", "cache_name", "result"},
	}
	CacheOperationDuration = Metric{
		Name: "cache_operation_duration_seconds", Type: Histogram, Unit: "s",
		Help:    "Time of a cache command that was sent by itself. Commands that block on purpose are left out.",
		HelpZH:  "缓存操作时间分布",
		Labels:  []string{"cache_name", "node", "operation"},
		Buckets: cacheSeconds,
	}
	CacheBatchDuration = Metric{
		Name: "cache_batch_duration_seconds", Type: Histogram, Unit: "s",
		Help:    "Time of a pipeline or a transaction as a whole (operation pipeline, tx).",
		HelpZH:  "缓存管道与事务的时间分布",
		Labels:  []string{"cache_name", "node", "operation"},
		Buckets: cacheSeconds,
	}
	CacheOperations = Metric{
		Name: "cache_operations_total", Type: Counter, Unit: "{operation}",
		Help:   "Cache commands, each once, those in pipelines and transactions included.",
		HelpZH: "缓存操作次数",
		Labels: []string{"cache_name", "node", "operation"},
	}
	CacheErrors = Metric{
		Name: "cache_errors_total", Type: Counter, Unit: "{error}",
		Help:   "Cache commands that failed, by kind of error. A key that is not there is no error. The node is empty where none was reached.",
		HelpZH: "缓存操作错误次数，按错误类型",
		Labels: []string{"cache_name", "node", "operation", "error"},
	}
	CacheKeyRequests = Metric{
		Name: "cache_key_requests_total", Type: Counter, Unit: "{key}",
		Help:   "Keys that were looked up, by pattern of the key and result: hit or miss.",
		HelpZH: "缓存查询次数，按键模式与命中与否",
		Labels: []string{"cache_name", "key_pattern", "result"},
	}
	CacheBigValues = Metric{
		Name: "cache_big_values_total", Type: Counter, Unit: "{value}",
		Help:   "Values read or written that are bigger than the report threshold, by pattern of the key.",
		HelpZH: "大值读写次数，按键模式",
		Labels: []string{"cache_name", "key_pattern"},
	}
	CacheDialDuration = Metric{
		Name: "cache_dial_duration_seconds", Type: Histogram, Unit: "s",
		Help:    "Time to open a connection to a cache server, failed attempts included.",
		HelpZH:  "缓存建立连接时间分布",
		Labels:  []string{"cache_name", "node"},
		Buckets: cacheSeconds,
	}
	CacheDialErrors = Metric{
		Name: "cache_dial_errors_total", Type: Counter, Unit: "{error}",
		Help:   "Connections to a cache server that could not be opened, by kind of error.",
		HelpZH: "缓存建立连接失败次数，按错误类型",
		Labels: []string{"cache_name", "node", "error"},
	}
	CachePoolConnections = Metric{
		Name: "cache_pool_connections", Type: Gauge, Unit: "{connection}",
		Help:   "Connections in the client's pool, by state: idle or used.",
		HelpZH: "缓存连接池中的连接数，按状态",
		Labels: []string{"cache_name", "node", "pool", "state"},
	}
	CachePoolSize = Metric{
		Name: "cache_pool_size", Type: Gauge, Unit: "{connection}",
		Help:   "Connections the client's pool is made for.",
		HelpZH: "缓存连接池容量",
		Labels: []string{"cache_name", "node", "pool"},
	}
	CachePoolGets = Metric{
		Name: "cache_pool_gets_total", Type: Counter, Unit: "{get}",
		Help:   "Connections asked of the pool, by result: hit (there was an idle one), miss (one was opened), timeout.",
		HelpZH: "从缓存连接池获取连接的次数，按结果",
		Labels: []string{"cache_name", "node", "pool", "result"},
	}
	CachePoolWaits = Metric{
		Name: "cache_pool_waits_total", Type: Counter, Unit: "{wait}",
		Help:   "Times a command waited for a connection because all were in use.",
		HelpZH: "等待缓存连接的次数",
		Labels: []string{"cache_name", "node", "pool"},
	}
	CachePoolWaitSeconds = Metric{
		Name: "cache_pool_wait_seconds_total", Type: Counter, Unit: "s",
		Help:   "Time commands waited for a connection because all were in use.",
		HelpZH: "等待缓存连接的总时间",
		Labels: []string{"cache_name", "node", "pool"},
	}
	CachePoolStale = Metric{
		Name: "cache_pool_stale_total", Type: Counter, Unit: "{connection}",
		Help:   "Connections the pool closed because they were too old or broken.",
		HelpZH: "缓存连接池清除的失效连接数",
		Labels: []string{"cache_name", "node", "pool"},
	}
	CacheChanges = Metric{
		Name: "cache_changes_total", Type: Counter, Unit: "{entry}",
		Help:   "Entries of an in-process cache that were set, deleted or evicted.",
		HelpZH: "进程内缓存条目变更次数，按类型",
		Labels: []string{"cache_type", "cache_name", "change"},
	}
	CacheEntries = Metric{
		Name: "cache_entries", Type: Gauge, Unit: "{entry}",
		Help:   "Entries in an in-process cache.",
		HelpZH: "进程内缓存条目数",
		Labels: []string{"cache_type", "cache_name"},
	}
	CachePatternMemory = Metric{
		Name: "cache_pattern_memory_bytes", Type: Gauge, Unit: "By",
		Help:   "Memory of the keys of a pattern, estimated from a sample of the keys.",
		HelpZH: "按键模式估算的缓存内存",
		Labels: []string{"cache_name", "node", "key_pattern"},
	}
	CachePollErrors = Metric{
		Name: "cache_poll_errors_total", Type: Counter, Unit: "{error}",
		Help:   "Polls of a cache server's facts that failed, by kind of error.",
		HelpZH: "缓存服务器轮询失败次数，按错误类型",
		Labels: []string{"cache_name", "node", "error"},
	}
)

var cacheSeconds = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5}

func cache() []Metric {
	return append([]Metric{
		CacheHitRate, CacheMemoryUsage, CacheRequests, CacheOperationDuration, CacheBatchDuration, CacheOperations, CacheErrors,
		CacheKeyRequests, CacheBigValues, CacheDialDuration, CacheDialErrors,
		CachePoolConnections, CachePoolSize, CachePoolGets, CachePoolWaits, CachePoolWaitSeconds, CachePoolStale,
		CacheChanges, CacheEntries, CachePatternMemory, CachePollErrors,
	}, redis()...)
}
