package catalog

// HTTP API metrics: the first three are Section 6.1's.
var (
	APIRequestDuration = Metric{
		Name: "api_request_duration_seconds", Type: Histogram, Unit: "s", Section: "6.1",
		Help:    "Time from the arrival of an API request to the end of its handler. Streams count to their first byte; upgraded connections are left out.",
		HelpZH:  "API请求响应时间分布",
		Labels:  []string{"method", "endpoint", "status_code"},
		Buckets: requestSeconds,
		chronoRetrace: alias{
			"http_request_duration_seconds",
			[]string{"method", "endpoint", "status"},
		},
		otel: alias{
			"http.server.request.duration",
			[]string{"http.request.method", "http.route", "http.response.status_code"},
		},
	}
	APIRequestTotal = Metric{
		Name: "api_request_total", Type: Counter, Unit: "{request}", Section: "6.1",
		Help:   "API requests answered, upgraded connections included.",
		HelpZH: "API请求总数",
		Labels: []string{"method", "endpoint", "status_code"},
		chronoRetrace: alias{
			"http_requests_total",
			[]string{"method", "endpoint", "status"},
		},
	}
	APIConcurrentRequests = Metric{
		Name: "api_concurrent_requests", Type: Gauge, Unit: "{request}", Section: "6.1",
		Help:   "API requests in flight.",
		HelpZH: "并发请求数",
		Labels: []string{"endpoint"},
		otel:   alias{"http.server.active_requests", []string{"http.route"}},
	}
	APIRequestSize = Metric{
		Name: "api_request_size_bytes", Type: Histogram, Unit: "By",
		Help:    "Body bytes the handler read from an API request.",
		HelpZH:  "API请求体大小分布",
		Labels:  []string{"method", "endpoint", "status_code"},
		Buckets: sizeBytes,
		otel: alias{
			"http.server.request.body.size",
			[]string{"http.request.method", "http.route", "http.response.status_code"},
		},
	}
	APIResponseSize = Metric{
		Name: "api_response_size_bytes", Type: Histogram, Unit: "By",
		Help:    "Body bytes the handler wrote to an API response.",
		HelpZH:  "API响应体大小分布",
		Labels:  []string{"method", "endpoint", "status_code"},
		Buckets: sizeBytes,
		otel: alias{
			"http.server.response.body.size",
			[]string{"http.request.method", "http.route", "http.response.status_code"},
		},
	}
	APIStreamDuration = Metric{
		Name: "api_stream_duration_seconds", Type: Histogram, Unit: "s",
		Help:    "Lifetime of upgraded connections and event streams, which are kept out of the request duration.",
		HelpZH:  "长连接与事件流的持续时间分布",
		Labels:  []string{"endpoint", "kind"},
		Buckets: streamSeconds,
	}
	APIPanics = Metric{
		Name: "api_panics_total", Type: Counter, Unit: "{panic}",
		Help:   "API handlers that panicked. Each is also counted as status 500.",
		HelpZH: "API处理函数发生panic的次数",
		Labels: []string{"endpoint"},
	}
	APISlowRequests = Metric{
		Name: "api_slow_requests_total", Type: Counter, Unit: "{request}",
		Help:   "API requests slower than the report threshold.",
		HelpZH: "慢请求次数",
		Labels: []string{"endpoint"},
	}
)

func api() []Metric {
	return []Metric{
		APIRequestDuration, APIRequestTotal, APIConcurrentRequests,
		APIRequestSize, APIResponseSize, APIStreamDuration, APIPanics, APISlowRequests,
	}
}
