package catalog

// Business metrics: the first three are Section 6.1's, two of them gauges that
// end in _total because the design names them so. The next ones are what the
// platform's own dashboard and rules ask for; the rest extends them.
var (
	ActiveUsers = Metric{
		Name: "active_users_total", Type: Gauge, Unit: "{user}", Section: "6.1",
		Help:          "Distinct users seen in the window.",
		HelpZH:        "活跃用户数",
		Labels:        []string{"time_window"},
		chronoRetrace: alias{"chronoretrace_active_users_total", []string{"time_window"}},
	}
	StockDataUpdates = Metric{
		Name: "stock_data_updates_total", Type: Counter, Unit: "{update}", Section: "6.1",
		Help:          "Stock data updates received.",
		HelpZH:        "股票数据更新次数",
		Labels:        []string{"data_source", "symbol"},
		chronoRetrace: alias{"chronoretrace_stock_updates_total", []string{"data_source", "symbol"}},
	}
	WebSocketConnections = Metric{
		Name: "websocket_connections_total", Type: Gauge, Unit: "{connection}", Section: "6.1",
		Help:   "Open WebSocket connections.",
		HelpZH: "WebSocket连接数",
		Labels: []string{"connection_type"},
	}
	UserLogins = Metric{
		Name: "user_logins_total", Type: Counter, Unit: "{login}",
		Help: "Logins that succeeded.", HelpZH: "用户登录成功次数",
		chronoRetrace: alias{name: "chronoretrace_user_logins_total"},
	}
	LoginAttempts = Metric{
		Name: "login_attempts_total", Type: Counter, Unit: "{attempt}",
		Help: "Logins that were tried.", HelpZH: "用户登录尝试次数",
		chronoRetrace: alias{name: "chronoretrace_login_attempts_total"},
	}
	LoginFailures = Metric{
		Name: "login_failures_total", Type: Counter, Unit: "{failure}",
		Help: "Logins that failed.", HelpZH: "用户登录失败次数",
		chronoRetrace: alias{name: "chronoretrace_login_failures_total"},
	}
	StockDataLag = Metric{
		Name: "stock_data_lag_seconds", Type: Gauge, Unit: "s",
		Help: "Age of the newest data of a source, in trading time.", HelpZH: "股票数据更新延迟",
		Labels:        []string{"data_source"},
		chronoRetrace: alias{"chronoretrace_stock_data_lag_seconds", []string{"data_source"}},
	}
	DataQualityScore = Metric{
		Name: "data_quality_score", Type: Gauge, Unit: "1",
		Help: "Quality of a source's data, 0 to 1.", HelpZH: "数据质量分数",
		Labels:        []string{"data_source"},
		chronoRetrace: alias{"chronoretrace_data_quality_score", []string{"data_source"}},
	}
	BacktestJobs = Metric{
		Name: "backtest_jobs_total", Type: Counter, Unit: "{job}",
		Help: "Back-test jobs started.", HelpZH: "回测任务启动次数",
		chronoRetrace: alias{name: "chronoretrace_backtest_jobs_total"},
	}
	BacktestJobsRunning = Metric{
		Name: "backtest_jobs_running", Type: Gauge, Unit: "{job}",
		Help: "Back-test jobs running.", HelpZH: "运行中的回测任务数",
		chronoRetrace: alias{name: "chronoretrace_backtest_jobs_running"},
	}
	BacktestJobsCompleted = Metric{
		Name: "backtest_jobs_completed_total", Type: Counter, Unit: "{job}",
		Help: "Back-test jobs that completed.", HelpZH: "回测任务完成次数",
		chronoRetrace: alias{name: "chronoretrace_backtest_jobs_completed_total"},
	}
	BacktestFailures = Metric{
		Name: "backtest_failures_total", Type: Counter, Unit: "{job}",
		Help: "Back-test jobs that failed.", HelpZH: "回测任务失败次数",
		chronoRetrace: alias{name: "chronoretrace_backtest_failures_total"},
	}
	ConcurrentUsers = Metric{
		Name: "concurrent_users", Type: Gauge, Unit: "{user}",
		Help: "Distinct users seen within the last minute.", HelpZH: "并发用户数",
	}
	FeatureUses = Metric{
		Name: "feature_uses_total", Type: Counter, Unit: "{use}",
		Help: "Uses of a feature.", HelpZH: "功能使用次数",
		Labels: []string{"feature"},
	}
	UserSessions = Metric{
		Name: "user_sessions_total", Type: Counter, Unit: "{session}",
		Help: "User sessions begun.", HelpZH: "用户会话开始次数",
	}
	UserSessionsOpen = Metric{
		Name: "user_sessions_open", Type: Gauge, Unit: "{session}",
		Help: "User sessions that are not idle for too long.", HelpZH: "进行中的用户会话数",
	}
	UserSessionDuration = Metric{
		Name: "user_session_duration_seconds", Type: Histogram, Unit: "s",
		Help: "Time from the first to the last action of a user session.", HelpZH: "用户会话时长分布",
		Buckets: sessionSeconds,
	}
	UserSessionsUntracked = Metric{
		Name: "user_sessions_untracked_total", Type: Counter, Unit: "{action}",
		Help: "Actions that belong to no session because the table of sessions was full.", HelpZH: "会话表已满而未跟踪的操作次数",
	}
	LoginFailuresHottestNetwork = Metric{
		Name: "login_failures_hottest_network", Type: Gauge, Unit: "{failure}",
		Help: "Failed logins of late from the one network that has most of them.", HelpZH: "近期登录失败最多的网段的失败次数",
	}
	UserSketchSyncs = Metric{
		Name: "user_sketch_syncs_total", Type: Counter, Unit: "{sync}",
		Help: "Exchanges of user sketches with the fleet, by result.", HelpZH: "用户统计草图的集群同步次数",
		Labels: []string{"result"},
	}
	UserSketchSyncAge = Metric{
		Name: "user_sketch_sync_age_seconds", Type: Gauge, Unit: "s",
		Help: "Time since user sketches were last exchanged with the fleet.", HelpZH: "距上次用户统计草图集群同步的时间",
	}
	DataSourceUp = Metric{
		Name: "data_source_up", Type: Gauge, Unit: "1",
		Help: "Whether a data source answers: 1 or 0.", HelpZH: "数据源是否可用",
		Labels: []string{"data_source"},
	}
	DataSourceResponse = Metric{
		Name: "data_source_response_seconds", Type: Histogram, Unit: "s",
		Help: "Time a data source took to answer.", HelpZH: "数据源响应时间分布",
		Labels:  []string{"data_source"},
		Buckets: requestSeconds,
	}
	DataSourceRequests = Metric{
		Name: "data_source_requests_total", Type: Counter, Unit: "{request}",
		Help: "Requests to a data source, by outcome.", HelpZH: "数据源请求次数",
		Labels: []string{"data_source", "outcome"},
	}
	DataSourceHealth = Metric{
		Name: "data_source_health_score", Type: Gauge, Unit: "1",
		Help: "Health of a data source, 0 to 1.", HelpZH: "数据源健康分数",
		Labels: []string{"data_source"},
	}
	DataSourceHealthPart = Metric{
		Name: "data_source_health_part", Type: Gauge, Unit: "1",
		Help: "What a data source's health is made of, each 0 to 1.", HelpZH: "数据源健康分数的各组成部分",
		Labels: []string{"data_source", "part"},
	}
	DataSourcePoints = Metric{
		Name: "data_source_points_total", Type: Counter, Unit: "{point}",
		Help: "Data points received.", HelpZH: "收到的数据点数",
		Labels: []string{"data_source"},
	}
	DataSourceGaps = Metric{
		Name: "data_source_gaps_total", Type: Counter, Unit: "{gap}",
		Help: "Gaps in the data received.", HelpZH: "数据缺口次数",
		Labels: []string{"data_source"},
	}
	DataSourceMissingPoints = Metric{
		Name: "data_source_missing_points_total", Type: Counter, Unit: "{point}",
		Help: "Data points that gaps left out, in trading time.", HelpZH: "缺失的数据点数",
		Labels: []string{"data_source"},
	}
	DataSourceDuplicates = Metric{
		Name: "data_source_duplicate_points_total", Type: Counter, Unit: "{point}",
		Help: "Data points received again.", HelpZH: "重复的数据点数",
		Labels: []string{"data_source"},
	}
	DataSourceOutOfOrder = Metric{
		Name: "data_source_out_of_order_points_total", Type: Counter, Unit: "{point}",
		Help: "Data points older than one received before.", HelpZH: "乱序的数据点数",
		Labels: []string{"data_source"},
	}
	DataSourceLate = Metric{
		Name: "data_source_late_points_total", Type: Counter, Unit: "{point}",
		Help: "Data points older on arrival than the source may lag.", HelpZH: "迟到的数据点数",
		Labels: []string{"data_source"},
	}
	MarketOpen = Metric{
		Name: "market_open", Type: Gauge, Unit: "1",
		Help: "Whether an exchange trades now: 1 or 0.", HelpZH: "交易所当前是否开市",
		Labels: []string{"exchange"},
	}
	MarketCalendarRemaining = Metric{
		Name: "market_calendar_remaining_seconds", Type: Gauge, Unit: "s",
		Help: "How far beyond today an exchange's trading calendar reaches, in whole days; negative once it has ended.", HelpZH: "交易日历剩余时间",
		Labels: []string{"exchange"},
	}
	StockQueries = Metric{
		Name: "stock_queries_total", Type: Counter, Unit: "{query}",
		Help: "Queries for a stock's data.", HelpZH: "股票查询次数",
	}
	StockQueryTopShare = Metric{
		Name: "stock_query_top_share", Type: Gauge, Unit: "1",
		Help: "Share of the queries of late that the most queried stocks have, by their number.", HelpZH: "近期查询中最热门股票所占的份额",
		Labels: []string{"top"},
	}
	WebSocketOpened = Metric{
		Name: "websocket_connections_opened_total", Type: Counter, Unit: "{connection}",
		Help: "WebSocket connections opened.", HelpZH: "WebSocket连接打开次数",
		Labels: []string{"connection_type"},
	}
	WebSocketClosed = Metric{
		Name: "websocket_connections_closed_total", Type: Counter, Unit: "{connection}",
		Help: "WebSocket connections closed, by reason.", HelpZH: "WebSocket连接关闭次数",
		Labels: []string{"connection_type", "reason"},
	}
	WebSocketDuration = Metric{
		Name: "websocket_connection_duration_seconds", Type: Histogram, Unit: "s",
		Help: "Lifetime of WebSocket connections.", HelpZH: "WebSocket连接持续时间分布",
		Labels:  []string{"connection_type"},
		Buckets: streamSeconds,
	}
	WebSocketMessages = Metric{
		Name: "websocket_messages_total", Type: Counter, Unit: "{message}",
		Help: "WebSocket messages, by direction.", HelpZH: "WebSocket消息数",
		Labels: []string{"connection_type", "direction"},
	}
	WebSocketMessageBytes = Metric{
		Name: "websocket_message_bytes_total", Type: Counter, Unit: "By",
		Help: "Bytes of WebSocket messages, by direction.", HelpZH: "WebSocket消息字节数",
		Labels: []string{"connection_type", "direction"},
	}
	WebSocketDropped = Metric{
		Name: "websocket_messages_dropped_total", Type: Counter, Unit: "{message}",
		Help: "WebSocket messages dropped instead of sent.", HelpZH: "丢弃的WebSocket消息数",
		Labels: []string{"connection_type"},
	}
	WebSocketQueued = Metric{
		Name: "websocket_queued_messages", Type: Gauge, Unit: "{message}",
		Help: "WebSocket messages waiting to be sent.", HelpZH: "等待发送的WebSocket消息数",
		Labels: []string{"connection_type"},
	}
	WebSocketSlowConsumers = Metric{
		Name: "websocket_slow_consumers", Type: Gauge, Unit: "{connection}",
		Help: "Open WebSocket connections that do not keep up.", HelpZH: "跟不上推送的WebSocket连接数",
		Labels: []string{"connection_type"},
	}
	WebSocketSlowdowns = Metric{
		Name: "websocket_consumer_slowdowns_total", Type: Counter, Unit: "{slowdown}",
		Help: "Times that a WebSocket connection began not to keep up.", HelpZH: "WebSocket连接变慢的次数",
		Labels: []string{"connection_type"},
	}
	BacktestJobsQueued = Metric{
		Name: "backtest_jobs_queued", Type: Gauge, Unit: "{job}",
		Help: "Back-test jobs waiting.", HelpZH: "排队中的回测任务数",
	}
	BacktestQueueAge = Metric{
		Name: "backtest_queue_age_seconds", Type: Gauge, Unit: "s",
		Help: "Time for which the oldest waiting back-test job has waited.", HelpZH: "最早排队回测任务的等待时间",
	}
	BacktestQueueWait = Metric{
		Name: "backtest_queue_wait_seconds", Type: Histogram, Unit: "s",
		Help: "Time back-test jobs waited before they started.", HelpZH: "回测任务排队时间分布",
		Buckets: jobSeconds,
	}
	BacktestDuration = Metric{
		Name: "backtest_duration_seconds", Type: Histogram, Unit: "s",
		Help: "Time back-test jobs ran, by outcome.", HelpZH: "回测任务执行时间分布",
		Labels:  []string{"outcome"},
		Buckets: jobSeconds,
	}
	BacktestOutcomes = Metric{
		Name: "backtest_outcomes_total", Type: Counter, Unit: "{job}",
		Help: "Back-test jobs that ended, by outcome and reason.", HelpZH: "回测任务结束次数",
		Labels: []string{"outcome", "reason"},
	}
	BacktestProgress = Metric{
		Name: "backtest_progress_ratio", Type: Gauge, Unit: "1",
		Help: "Mean progress of the back-test jobs that run, 0 to 1.", HelpZH: "运行中回测任务的平均进度",
	}
	BacktestJobsStuck = Metric{
		Name: "backtest_jobs_stuck", Type: Gauge, Unit: "{job}",
		Help: "Running back-test jobs that have not given a sign of life for too long.", HelpZH: "失去心跳的回测任务数",
	}
)

// Sessions last minutes to hours; a job up to a day.
var (
	sessionSeconds = []float64{1, 10, 30, 60, 180, 600, 1800, 3600, 7200, 14400, 43200, 86400}
	jobSeconds     = []float64{.1, .5, 1, 5, 15, 60, 300, 900, 1800, 3600, 14400, 86400}
)

func business() []Metric {
	return []Metric{
		ActiveUsers, StockDataUpdates, WebSocketConnections,
		UserLogins, LoginAttempts, LoginFailures, StockDataLag, DataQualityScore,
		BacktestJobs, BacktestJobsRunning, BacktestJobsCompleted, BacktestFailures,

		ConcurrentUsers, FeatureUses, UserSessions, UserSessionsOpen,
		UserSessionDuration, UserSessionsUntracked, LoginFailuresHottestNetwork, UserSketchSyncs,
		UserSketchSyncAge, DataSourceUp, DataSourceResponse, DataSourceRequests,
		DataSourceHealth, DataSourceHealthPart, DataSourcePoints, DataSourceGaps,
		DataSourceMissingPoints, DataSourceDuplicates, DataSourceOutOfOrder, DataSourceLate,
		MarketOpen, MarketCalendarRemaining, StockQueries, StockQueryTopShare, WebSocketOpened,
		WebSocketClosed, WebSocketDuration, WebSocketMessages, WebSocketMessageBytes,
		WebSocketDropped, WebSocketQueued, WebSocketSlowConsumers, WebSocketSlowdowns,
		BacktestJobsQueued, BacktestQueueAge, BacktestQueueWait, BacktestDuration,
		BacktestOutcomes, BacktestProgress, BacktestJobsStuck,
	}
}
