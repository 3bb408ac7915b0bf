// Package history keeps what was measured, in this process and compressed, and
// answers PromQL over it.
//
//	db, err := history.New(m,
//		history.WithWatch("api:p95", `histogram_quantile(0.95, sum by (le, endpoint) (rate(api_request_duration_seconds_bucket[5m])))`, time.Minute))
//	...
//	err = m.Run(ctx, db)
//
//	slow, err := db.Query(ctx, `api:p95 > 0.5`, m.Now())
//	mux.Handle("/prometheus/", http.StripPrefix("/prometheus", db.Handler())) // for Grafana
//
// # What is kept
//
// Every interval all of m's registry is collected, as a Prometheus server would
// scrape it: a histogram becomes its _bucket, _sum and _count, and a native one
// a series of its own; a series that is gone ends at once, not after the lookback.
// There are two tiers. What is collected is kept for a day. The watched
// expressions, see [DB.Watch], are recorded at a step of their own and kept for
// thirty days: detectors and forecasts look back that far, and do not need every
// series for it. Engines write series that are no metrics, such as ALERTS, with
// [DB.Append].
//
// # What it costs
//
// A sample takes 1.5 to 2 bytes; 10,000 series collected every 10 s need about 200 MB
// for a day. [WithStorageSize] bounds that: when it is full, the oldest samples go
// early, and monitor_history_samples_evicted_total says so. [WithSeriesLimit]
// bounds the series. A query is bounded in time, in samples, and in how many run
// at once. Nothing is written to disk.
//
// # The language
//
// Expressions are evaluated by Prometheus's own engine, of version 3: ranges do
// not include their left end. [DB.At] shares equal expressions among all rules of
// one evaluation.
package history
