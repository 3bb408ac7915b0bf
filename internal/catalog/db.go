package catalog

// Database metrics: the first two are those of the design.
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
	DBQueryRows = Metric{
		Name: "db_query_rows_total", Type: Counter, Unit: "{row}",
		Help: "Rows that queries returned or changed, as the server counts them.", HelpZH: "查询返回或影响的行数",
		Labels: []string{"query_type", "table"},
	}
	DBSlowQueries = Metric{
		Name: "db_slow_queries_total", Type: Counter, Unit: "{query}",
		Help: "Queries slower than the report threshold.", HelpZH: "慢查询次数",
		Labels: []string{"query_type", "table"},
	}
	DBQueryErrors = Metric{
		Name: "db_query_errors_total", Type: Counter, Unit: "{query}",
		Help:   "Queries that failed, by SQLSTATE class, or canceled, timeout, connection, client.",
		HelpZH: "查询失败次数",
		Labels: []string{"query_type", "table", "class"},
	}
	DBBatchDuration = Metric{
		Name: "db_batch_duration_seconds", Type: Histogram, Unit: "s",
		Help: "Time of a batch of queries, from sending it to closing its results.", HelpZH: "批量查询时间",
		Buckets: querySeconds,
	}
	DBBatchStatements = Metric{
		Name: "db_batch_statements", Type: Histogram, Unit: "{statement}",
		Help: "Statements in a batch.", HelpZH: "批量查询的语句数",
		Buckets: []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000},
	}
	DBPrepareDuration = Metric{
		Name: "db_prepare_duration_seconds", Type: Histogram, Unit: "s",
		Help: "Time to prepare a statement that was not prepared yet.", HelpZH: "语句预编译时间",
		Buckets: querySeconds,
	}
	DBPrepareErrors = Metric{
		Name: "db_prepare_errors_total", Type: Counter, Unit: "{statement}",
		Help:   "Statements that could not be prepared outside of a query, by error class.",
		HelpZH: "语句预编译失败次数",
		Labels: []string{"class"},
	}
	DBConnectDuration = Metric{
		Name: "db_connect_duration_seconds", Type: Histogram, Unit: "s",
		Help: "Time to open a connection to the database, failures included.", HelpZH: "数据库建立连接时间",
		Buckets: querySeconds,
	}
	DBConnectErrors = Metric{
		Name: "db_connect_errors_total", Type: Counter, Unit: "{connection}",
		Help: "Connections that could not be opened, by error class.", HelpZH: "数据库连接失败次数",
		Labels: []string{"class"},
	}
)

// Metrics of connection pools.
var (
	DBPoolAcquireWait = Metric{
		Name: "db_pool_acquire_wait_seconds", Type: Histogram, Unit: "s",
		Help:   "Time to get a connection from the pool.",
		HelpZH: "获取数据库连接的等待时间",
		Labels: []string{"pool_name"}, Buckets: querySeconds,
		otel: alias{"db.client.connection.wait_time", []string{"db.client.connection.pool.name"}},
	}
	DBPoolAcquireErrors = Metric{
		Name: "db_pool_acquire_errors_total", Type: Counter, Unit: "{connection}",
		Help:   "Acquires that got no connection, by error class.",
		HelpZH: "获取数据库连接失败次数",
		Labels: []string{"pool_name", "class"},
	}
	DBPoolHeld = Metric{
		Name: "db_pool_held_seconds", Type: Histogram, Unit: "s",
		Help:   "Time from acquiring a connection to releasing it.",
		HelpZH: "数据库连接占用时间",
		Labels: []string{"pool_name"}, Buckets: querySeconds,
		otel: alias{"db.client.connection.use_time", []string{"db.client.connection.pool.name"}},
	}
	DBPoolConnections = Metric{
		Name: "db_pool_connections", Type: Gauge, Unit: "{connection}",
		Help:   "Connections of the pool: used, idle or constructing.",
		HelpZH: "连接池连接数",
		Labels: []string{"pool_name", "state"},
		otel: alias{
			"db.client.connection.count",
			[]string{"db.client.connection.pool.name", "db.client.connection.state"},
		},
	}
	DBPoolMaxConnections = Metric{
		Name: "db_pool_max_connections", Type: Gauge, Unit: "{connection}",
		Help: "The most connections that the pool may have.", HelpZH: "连接池最大连接数",
		Labels: []string{"pool_name"},
		otel:   alias{"db.client.connection.max", []string{"db.client.connection.pool.name"}},
	}
	DBPoolAcquires = Metric{
		Name: "db_pool_acquires_total", Type: Counter, Unit: "{acquire}",
		Help: "Connections acquired from the pool.", HelpZH: "获取连接次数",
		Labels: []string{"pool_name"},
	}
	DBPoolEmptyAcquires = Metric{
		Name: "db_pool_empty_acquires_total", Type: Counter, Unit: "{acquire}",
		Help: "Acquires that found no idle connection, so that one was waited for or opened.", HelpZH: "无空闲连接的获取次数",
		Labels: []string{"pool_name"},
	}
	DBPoolEmptyAcquireWait = Metric{
		Name: "db_pool_empty_acquire_wait_seconds_total", Type: Counter, Unit: "s",
		Help: "Time spent in acquires that found no idle connection. Its rate is the number of callers waiting at a time; those who give up are not in it.", HelpZH: "等待空闲连接的累计时间",
		Labels: []string{"pool_name"},
	}
	DBPoolCanceledAcquires = Metric{
		Name: "db_pool_canceled_acquires_total", Type: Counter, Unit: "{acquire}",
		Help: "Acquires given up by their callers.", HelpZH: "取消获取连接的次数",
		Labels: []string{"pool_name"},
	}
	DBPoolOpened = Metric{
		Name: "db_pool_connections_opened_total", Type: Counter, Unit: "{connection}",
		Help: "Connections that the pool opened.", HelpZH: "连接池新建连接数",
		Labels: []string{"pool_name"},
	}
	DBPoolExpired = Metric{
		Name: "db_pool_connections_expired_total", Type: Counter, Unit: "{connection}",
		Help: "Connections that the pool closed because of their lifetime or idle time.", HelpZH: "连接池过期关闭连接数",
		Labels: []string{"pool_name", "reason"},
	}
)

// Facts of the PostgreSQL server, under postgres_exporter's names. What it
// calls counters without _total are gauges here: neither name nor meaning
// changes for a query, and OpenMetrics knows no such counter.
var (
	PgUp = serverFact("pg_up", "1", "Whether the server answered the last poll: 1 or 0.", "PostgreSQL是否可用")

	PgSettingsMaxConnections = serverFact("pg_settings_max_connections", "{connection}",
		"The server's setting max_connections.", "PostgreSQL最大连接数")
	PgStatActivityCount = serverFact("pg_stat_activity_count", "{connection}",
		"Client connections of the server.", "PostgreSQL当前连接数")
	PgReplicationLag = serverFact("pg_replication_lag_seconds", "s",
		"How far a standby's replay is behind; 0 on a primary.", "PostgreSQL复制延迟")
	PgPostmasterStart = serverFact("pg_postmaster_start_time_seconds", "s",
		"When the server was started, in Unix time.", "PostgreSQL启动时间")
	PgLongTransactions = serverFact("pg_long_running_transactions", "{transaction}",
		"Open transactions.", "PostgreSQL未结束事务数")
	PgOldestTransaction = serverFact("pg_long_running_transactions_oldest_timestamp_seconds", "s",
		"Age of the oldest open transaction.", "PostgreSQL最老事务的持续时间")

	PgLocksCount = Metric{
		Name: "pg_locks_count", Type: Gauge, Unit: "{lock}",
		Help: "Locks held or waited for, by mode.", HelpZH: "PostgreSQL锁数量",
		Labels: []string{"server", "mode"},
	}
	PgActivityStates = Metric{
		Name: "pg_stat_activity_states", Type: Gauge, Unit: "{connection}",
		Help: "Client connections of the server by state.", HelpZH: "PostgreSQL各状态的连接数",
		Labels: []string{"server", "state"},
	}
	PgDatabaseSize     = databaseFact("pg_database_size_bytes", "By", "Size of the database on disk; the connected one's only.", "数据库大小")
	PgStatNumBackends  = databaseFact("pg_stat_database_numbackends", "{connection}", "Connections to the database.", "数据库连接数")
	PgStatXactCommit   = databaseFact("pg_stat_database_xact_commit", "{transaction}", "Transactions committed.", "已提交事务数")
	PgStatXactRollback = databaseFact("pg_stat_database_xact_rollback", "{transaction}", "Transactions rolled back.", "已回滚事务数")
	PgStatBlksRead     = databaseFact("pg_stat_database_blks_read", "{block}", "Blocks read from disk.", "磁盘读取块数")
	PgStatBlksHit      = databaseFact("pg_stat_database_blks_hit", "{block}", "Blocks found in the buffer cache.", "缓存命中块数")
	PgStatTupReturned  = databaseFact("pg_stat_database_tup_returned", "{row}", "Rows read by scans.", "查询返回行数")
	PgStatTupFetched   = databaseFact("pg_stat_database_tup_fetched", "{row}", "Rows fetched by index scans.", "查询获取行数")
	PgStatTupInserted  = databaseFact("pg_stat_database_tup_inserted", "{row}", "Rows inserted.", "插入行数")
	PgStatTupUpdated   = databaseFact("pg_stat_database_tup_updated", "{row}", "Rows updated.", "更新行数")
	PgStatTupDeleted   = databaseFact("pg_stat_database_tup_deleted", "{row}", "Rows deleted.", "删除行数")
	PgStatConflicts    = databaseFact("pg_stat_database_conflicts", "{query}", "Queries canceled because of recovery.", "恢复冲突次数")
	PgStatTempFiles    = databaseFact("pg_stat_database_temp_files", "{file}", "Temporary files that queries wrote.", "临时文件数")
	PgStatTempBytes    = databaseFact("pg_stat_database_temp_bytes", "By", "Bytes that queries wrote to temporary files.", "临时文件字节数")
	PgStatDeadlocks    = databaseFact("pg_stat_database_deadlocks", "{deadlock}", "Deadlocks.", "死锁次数")
	DBServerPollErrors = Metric{
		Name: "db_server_poll_errors_total", Type: Counter, Unit: "{query}",
		Help: "Queries for the server's facts that failed.", HelpZH: "服务器状态查询失败次数",
		Labels: []string{"server"},
	}
)

func serverFact(name, unit, help, helpZH string) Metric {
	return Metric{Name: name, Type: Gauge, Unit: unit, Help: help, HelpZH: helpZH, Labels: []string{"server"}}
}

func databaseFact(name, unit, help, helpZH string) Metric {
	return Metric{Name: name, Type: Gauge, Unit: unit, Help: help, HelpZH: helpZH, Labels: []string{"server", "datname"}}
}

// PgFacts lists the facts of a PostgreSQL server.
func PgFacts() []Metric {
	return []Metric{
		PgUp, PgSettingsMaxConnections, PgStatActivityCount, PgReplicationLag, PgPostmasterStart,
		PgLongTransactions, PgOldestTransaction, PgLocksCount, PgActivityStates, PgDatabaseSize,
		PgStatNumBackends, PgStatXactCommit, PgStatXactRollback, PgStatBlksRead, PgStatBlksHit,
		PgStatTupReturned, PgStatTupFetched, PgStatTupInserted, PgStatTupUpdated, PgStatTupDeleted,
		PgStatConflicts, PgStatTempFiles, PgStatTempBytes, PgStatDeadlocks,
	}
}

func db() []Metric {
	return append([]Metric{
		DBQueryDuration, DBConnectionPoolUsage, DBQueryRows, DBSlowQueries, DBQueryErrors,
		DBBatchDuration, DBBatchStatements, DBPrepareDuration, DBPrepareErrors, DBConnectDuration, DBConnectErrors,
		DBPoolAcquireWait, DBPoolAcquireErrors, DBPoolHeld, DBPoolConnections, DBPoolMaxConnections,
		DBPoolAcquires, DBPoolEmptyAcquires, DBPoolEmptyAcquireWait, DBPoolCanceledAcquires, DBPoolOpened, DBPoolExpired,
		DBServerPollErrors,
	}, PgFacts()...)
}
