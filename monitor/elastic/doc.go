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
// too, and so are credentials in URLs and after "Bearer" or "password=" in any text.
//
// # Trouble
//
// Nothing here is in the host's way. A log record is written out and put in a
// bounded queue; what there is no room for is counted in
// monitor_store_logs_dropped_total. Events come through the monitor's queue.
//
// Each document has an id of its own and is created, not indexed: sent again
// after an answer was lost, it is found to be there (VictoriaLogs has no ids and
// takes it twice). Of an answer with errors for some documents, those that may
// be taken later (429 and 5xx) are tried again, they alone, and those that never
// will are counted in monitor_store_records_total as rejected. A request that is
// too large (413), or refused as a whole (400), is sent again in parts. On 429 and
// 503, on what is no answer of an Elasticsearch, and on wrong credentials
// everything waits, in memory or with [WithSpill] on disk, for as long as the
// server asks for or longer and longer. Queue and disk are emptied in order, by
// themselves.
package elastic
