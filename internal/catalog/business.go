package catalog

// Business metrics: the first three are Section 6.1's, two of them gauges that
// end in _total because the design names them so. The others are what the
// platform's own dashboard and rules ask for.
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
)

func business() []Metric {
	return []Metric{
		ActiveUsers, StockDataUpdates, WebSocketConnections,
		UserLogins, LoginAttempts, LoginFailures, StockDataLag, DataQualityScore,
		BacktestJobs, BacktestJobsRunning, BacktestJobsCompleted, BacktestFailures,
	}
}
