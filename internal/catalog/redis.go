package catalog

// Facts of Redis servers, under redis_exporter's names.
var (
	RedisUp = Metric{
		Name: "redis_up", Type: Gauge, Unit: "1",
		Help:   "Whether the Redis server answered the last poll: 1 or 0.",
		HelpZH: "Redis服务器是否应答",
		Labels: []string{"cache_name", "node"},
	}
	RedisUptime            = redisGauge("redis_uptime_in_seconds", "s", "Time since the Redis server started.", "Redis运行时间")
	RedisMemoryUsed        = redisGauge("redis_memory_used_bytes", "By", "Memory the Redis server has allocated.", "Redis已用内存")
	RedisMemoryMax         = redisGauge("redis_memory_max_bytes", "By", "The Redis server's maxmemory; absent where there is no limit.", "Redis最大内存")
	RedisMemoryRSS         = redisGauge("redis_memory_used_rss_bytes", "By", "Memory of the Redis server as the operating system sees it.", "Redis常驻内存")
	RedisFragmentation     = redisGauge("redis_mem_fragmentation_ratio", "1", "Resident over allocated memory of the Redis server.", "Redis内存碎片率")
	RedisConnectedClients  = redisGauge("redis_connected_clients", "{client}", "Clients connected to the Redis server.", "Redis连接客户端数")
	RedisBlockedClients    = redisGauge("redis_blocked_clients", "{client}", "Clients waiting in a blocking command.", "Redis阻塞客户端数")
	RedisMaxClients        = redisGauge("redis_config_maxclients", "{client}", "Clients the Redis server takes at most.", "Redis最大客户端数")
	RedisSlowlogLength     = redisGauge("redis_slowlog_length", "{entry}", "Entries in the slow log.", "Redis慢查询日志长度")
	RedisConnectedReplicas = redisGauge("redis_connected_slaves", "{replica}", "Replicas connected to the Redis server.", "Redis已连接从节点数")
	RedisCommands          = redisCounter("redis_commands_processed_total", "{command}", "Commands the Redis server has processed.", "Redis处理命令总数")
	RedisConnections       = redisCounter("redis_connections_received_total", "{connection}", "Connections the Redis server has accepted.", "Redis接受连接总数")
	RedisRejected          = redisCounter("redis_rejected_connections_total", "{connection}", "Connections refused because of maxclients.", "Redis拒绝连接总数")
	RedisKeyspaceHits      = redisCounter("redis_keyspace_hits_total", "{key}", "Keys found, by all clients of the server.", "Redis键命中总数")
	RedisKeyspaceMisses    = redisCounter("redis_keyspace_misses_total", "{key}", "Keys not found, by all clients of the server.", "Redis键未命中总数")
	RedisEvicted           = redisCounter("redis_evicted_keys_total", "{key}", "Keys evicted because of maxmemory.", "Redis淘汰键总数")
	RedisExpired           = redisCounter("redis_expired_keys_total", "{key}", "Keys that expired.", "Redis过期键总数")
)

func redisGauge(name, unit, help, zh string) Metric {
	return Metric{Name: name, Type: Gauge, Unit: unit, Help: help, HelpZH: zh, Labels: RedisUp.Labels}
}

func redisCounter(name, unit, help, zh string) Metric {
	return Metric{Name: name, Type: Counter, Unit: unit, Help: help, HelpZH: zh, Labels: RedisUp.Labels}
}

func redis() []Metric {
	return []Metric{
		RedisUp, RedisUptime, RedisMemoryUsed, RedisMemoryMax, RedisMemoryRSS, RedisFragmentation,
		RedisConnectedClients, RedisBlockedClients, RedisMaxClients, RedisSlowlogLength, RedisConnectedReplicas,
		RedisCommands, RedisConnections, RedisRejected, RedisKeyspaceHits, RedisKeyspaceMisses, RedisEvicted, RedisExpired,
	}
}
