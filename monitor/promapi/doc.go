// Package promapi asks a server that speaks the Prometheus HTTP API: Prometheus
// itself, Thanos, Mimir, VictoriaMetrics. Its [Client] is a [monitor.Querier].
//
//	metrics, err := promapi.New(m, "http://mimir:9009/prometheus",
//		promapi.WithTenant("quotes"), promapi.WithBasicAuth("monitor", password))
//	if err != nil {
//		return err
//	}
//	defer metrics.CloseIdleConnections()
//	samples, err := metrics.Query(ctx, `sum(rate(http_requests_total[5m]))`, time.Now())
//
// # Answers
//
// Times are of whole milliseconds, as the server's are; what a time has beyond
// is cut off. A step is one or more whole milliseconds.
//
// A [monitor.Point] is a number. An expression whose answer holds native
// histograms, strings, or several points per series where one is due, is
// therefore an error that wraps [monitor.ErrQueryInvalid], even if other series
// of the answer are numbers: to leave them out would be an alert that never
// fires. Ask for histogram_quantile, histogram_avg, histogram_count and the like.
//
// An answer that has not all its parts, a sample without a number, say, or points
// that are not in the order of time, is an error as well, and no zero.
//
// A warning that comes with an answer (Thanos's word that a part of it is
// missing, say) is counted, logged at most once a minute, and no error.
//
// # Errors
//
// They wrap [monitor.ErrQueryInvalid], ErrQueryLimit, ErrQueryTimeout,
// ErrQueryDenied or ErrQueryUnavailable, or context.Canceled if the caller gave
// up, and name the server (as the label server does, below) and the expression.
// Neither they nor what is logged has credentials or values of the URL's query,
// even if the server says them, or the rest of the URL, unless it does. A URL
// whose path is wrong is an error that wraps [ErrNoAPI].
//
// What may pass is tried again: connections that fail or break, and statuses 429
// and 5xx, at growing intervals or when Retry-After says so, as long as
// [WithRetry] and [WithTimeout] let it. What the server understood and refused
// is not.
//
// A server that is down, slow or full, or answers garbage, costs a call its
// time-out at most (30 s), and further calls wait for a place (10) no longer than
// theirs: an error of the kind ErrQueryUnavailable, ErrQueryTimeout or
// ErrQueryLimit, and nothing that lasts. The next call asks again.
//
// # Metrics
//
//	name                                    labels           unit
//	monitor_promapi_query_duration_seconds  server, call     seconds, a histogram
//	monitor_promapi_query_errors_total      server, reason   calls, a counter
//	monitor_promapi_retries_total           server           requests, a counter
//	monitor_promapi_warnings_total          server           warnings, a counter
//	monitor_promapi_queries_in_flight       server           calls, a gauge
//
// The labels' values:
//
//	server  WithName's, or the URL's host and port
//	call    query, query_range, series, label_names, label_values, metadata
//	reason  invalid, limit, timeout, denied, unavailable, cancelled
package promapi
