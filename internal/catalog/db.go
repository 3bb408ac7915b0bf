package catalog

// Database metrics: the first two are Section 6.1's.
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
)

func db() []Metric {
	return []Metric{DBQueryDuration, DBConnectionPoolUsage}
}
