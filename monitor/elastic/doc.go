// Package elastic takes log records and events to Elasticsearch, by bulk
// requests to one index a day: it is a slog.Handler, see [Store.Handler], and a
// sink.
//
//	store, err := elastic.New([]string{"https://es-1:9200", "https://es-2:9200"},
//		elastic.WithAPIKey(key), elastic.WithSpill("/var/lib/quotes/elastic", 256<<20))
//	if err != nil {
//		return err
//	}
//	m, err := monitor.New(monitor.WithSink("elastic", store, monitor.WithKinds(monitor.KindAlert, monitor.KindMark)))
//	if err != nil {
//		return err
//	}
//	if err := store.Watch(m); err != nil {
//		return err
//	}
//	both := slog.NewMultiHandler(slog.NewJSONHandler(os.Stderr, nil), store.Handler())
//	slog.SetDefault(slog.New(m.LogHandler(both)))
//	return m.Run(ctx, store)
//
// # Documents
//
// The index is chronoretrace-logs-YYYY.MM.DD, of the record's day in UTC. A
// document has @timestamp, kind ("log" for log records) and what there is of
// level, message, source, name, duration_seconds, failed, slow, trace_id,
// span_id, request_id and user; all else is below attributes, groups as objects.
// [Store.Setup] gives the indices a template in which attributes are of the type
// flattened: no attribute, whatever its type, can be refused or swell the mapping.
//
// What is secret by its name (password, token, authorization, …, see
// [WithRedact]) is replaced before it leaves, in groups and in marshalled values
// too, and so are credentials in URLs and headers, and after "Bearer" or "password="
// in any text.
//
// A log record is there once: with a handler, what monitor.LogHandler makes events
// of (the kind monitor.KindLog) is not taken from the sink.
//
// # Trouble
//
// Nothing here is in the host's way: a log record is written out, queued and
// counted if there is no room; events come through the monitor's queue. What
// the server does costs this:
//
//	down, frozen, 5xx, wrong     all wait, and are sent again: 0.2 s later, then
//	credentials and other 4xx    twice as long each time, up to 30 s
//	429, 503 with Retry-After    all wait as long as it asks for, 5 min at most
//	errors for some documents    the others are taken. Those that never will be,
//	                             as they do not fit the mapping, are rejected; what
//	                             somebody can mend waits: 429, 5xx, privileges, a
//	                             block, an index that is closed or missing, limits
//	413, 400 for all             sent again in halves, until those that are to
//	                             blame are alone, which are rejected: 64 requests,
//	                             and so on 0.2 s later
//	no answer of an              as down: a page, whatever its status, half an
//	Elasticsearch                answer, a list of items that does not fit
//	down for longer than there   in memory the oldest of 16,384 held log records,
//	is room for                  on disk the oldest files, and what comes while the
//	                             queue is full (4,096) go
//
// With [WithSpill] what waits is on disk, survives a restart and counts as
// delivered to the monitor. Queue and disk are emptied by themselves, in the
// order in which records came (events and log records are two orders). Each
// document has an id and is created, not indexed: sent again after an answer was
// lost, it is found to be there and counted as a duplicate. VictoriaLogs has no
// ids and takes it twice.
//
// # Metrics
//
//	name                              labels          unit
//	monitor_store_records_total       store, result   documents, a counter
//	monitor_store_requests_total      store, result   requests, a counter
//	monitor_store_logs_dropped_total  store, reason   log records, a counter
//	monitor_store_logs_queue_length   store           log records, a gauge
//	monitor_spill_records             store           documents on disk, a gauge
//	monitor_spill_bytes               store           bytes of disk, a gauge
//	monitor_spill_dropped_total       store, reason   documents, a counter
//
// Those of the disk are there with [WithSpill]. The labels' values:
//
//	store              WithName's, "elastic"
//	result, records    taken, duplicate (was there already), rejected
//	result, requests   ok, throttled (429, 503), too_large (413), refused (other
//	                   4xx), error (no answer, 5xx, none of an Elasticsearch)
//	reason, logs       queue_full, spill_full (held for too long), rejected,
//	                   panicked, shutdown (not taken by the end), stopped (logged
//	                   after it)
//	reason, spill      full, expired (see WithSpillAge), corrupt
package elastic
