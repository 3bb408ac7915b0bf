package catalog

// What monitor/promapi says of the servers it asks.
var (
	PromAPIDuration = Metric{
		Name: "monitor_promapi_query_duration_seconds", Type: Histogram, Unit: "s",
		Help: "Time until a query of a metrics server ended, waits and retries included.", HelpZH: "指标服务器查询耗时（含等待与重试）",
		Labels: []string{"server", "call"}, Buckets: requestSeconds,
	}
	PromAPIErrors = Metric{
		Name: "monitor_promapi_query_errors_total", Type: Counter, Unit: "{query}",
		Help: "Queries of a metrics server without an answer, by reason.", HelpZH: "指标服务器查询失败次数（按原因）",
		Labels: []string{"server", "reason"},
	}
	PromAPIRetries = Metric{
		Name: "monitor_promapi_retries_total", Type: Counter, Unit: "{request}",
		Help: "Requests to a metrics server that were made again.", HelpZH: "指标服务器请求重试次数",
		Labels: []string{"server"},
	}
	PromAPIWarnings = Metric{
		Name: "monitor_promapi_warnings_total", Type: Counter, Unit: "{warning}",
		Help: "Warnings that came with a metrics server's answers.", HelpZH: "指标服务器返回的警告数",
		Labels: []string{"server"},
	}
	PromAPIInFlight = Metric{
		Name: "monitor_promapi_queries_in_flight", Type: Gauge, Unit: "{query}",
		Help: "Queries that a metrics server is working on.", HelpZH: "正在进行的指标服务器查询数",
		Labels: []string{"server"},
	}
)

func promAPI() []Metric {
	return []Metric{PromAPIDuration, PromAPIErrors, PromAPIRetries, PromAPIWarnings, PromAPIInFlight}
}
