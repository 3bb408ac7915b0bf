// Package history keeps what was measured, in this process and compressed, and
// answers PromQL over it.
//
//	db, err := history.New(m,
//		history.WithStoragePath("/var/lib/api/history"),
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
// a series of its own; a series that is gone ends at once, not after the lookback,
// and so does one with timestamps of its own, which a server leaves to the lookback.
// There are two tiers. What is collected is kept for a day. The watched
// expressions, see [DB.Watch], are recorded at a step of their own and kept for
// thirty days: detectors and forecasts look back that far, and do not need every
// series for it. Engines write series that are no metrics, such as ALERTS, with
// [DB.Append].
//
// What cannot be taken is counted, and costs nothing else: a sample more than ten
// minutes ahead of the clock, another value for the time of a series' newest, a
// native histogram that is none or has more than 65,536 buckets, labels of more
// than 1 MiB. Metadata is kept of 20,000 metrics, and of 8 MiB.
//
// The registry is read beside all else. A collector of the host's that does not
// return ends the collection after ten seconds, or the interval if that is longer,
// and each one after it says so until it does. A watched expression that takes long
// delays none; its steps meanwhile are passed over and counted.
//
// # The clock
//
// A collection has the time at which it began. A leap of the clock, by more than
// ten minutes from one collection to the next, makes nothing older: what was there
// before is kept as if the time between had not been.
//
// When the clock goes back, collections are refused, which [DB.Sample] returns and
// Run logs, until it is clear which time is right. It is the present one if it falls
// into a gap of what is stored that is longer than what is after it, as after a leap
// that is undone: that is known with the second collection. Otherwise it is, when it
// has lasted as long as what is stored after it, or has caught up. Then what is
// stored after the present is given up, engines' series and the long tier
// included, and collections go on. So a clock that is wrong once, in whichever
// direction, costs no more than the time for which it was wrong, once more.
// Only a start believes its clock at once as to what is past its retention.
//
// # What it costs
//
// A sample takes 1.5 to 2 bytes; 10,000 series collected every 10 s need about 200 MB
// for a day. [WithStorageSize] bounds that: when it is full, the oldest samples go
// early, and monitor_history_samples_evicted_total says so. [WithSeriesLimit]
// bounds the series. A query is bounded in time, in samples, and in how many run
// at once.
//
// # On disk
//
// With [WithStoragePath] all of it outlives the process: both tiers, native
// histograms, the ends of series, exemplars and metadata. Each collection, and each
// batch of an engine, is one write to a log, of about 4 bytes a sample, and can be
// read by queries after that. A process that is killed loses the collection that
// was under way, and nothing else; the watched expressions of an interval come
// after its collection. A machine that stops loses what its operating system had
// not written by itself, on Linux about half a minute, at worst what came after
// the last 16 MiB of log were finished; with [WithStorageSync] an interval or two.
//
// [DB.Run] writes snapshots, beside the collections: when the logs since the last
// one have 16 MiB and half its size, and when it ends. A history that nobody runs
// does it within [DB.Sample], [DB.Append] and [DB.Close]. A start reads the snapshot and the
// logs after it; 10,000 series of 600 samples take 0.1 s of CPU from a snapshot of
// 10 MB, and 0.4 s from 25 MB of logs. The limits of now hold for what is read. The
// directory has a snapshot, which is smaller than the storage size but for a few
// megabytes of exemplars and metadata; another one while it is written; and logs
// of 16 MiB or half as much as the snapshot, which go on up to the storage size
// and 32 MiB only if no snapshot can be written. It should be on a local disk:
// a collection waits for its write.
//
// What was there before a start and is not found by the first collection ends with
// that, as a scrape ends the series of a target that was started anew. Series of a
// watched expression end with its first evaluation that does not have them. What
// engines appended ends after the lookback, unless they go on: whether an alert
// is over is theirs to know. There is nothing between the stop and the start, and
// queries see the last value for the lookback.
//
// Everything has a checksum. An unfinished write at the end of the newest log is
// cut off. What else cannot be read is damage: it is logged, counted, and in
// [DB.Err]; all other records are loaded, the file is kept with the suffix .damaged
// (the newest four are), and a new snapshot has what was read. A record of a
// snapshot has about 8 KB of series, one of a log a collection, or the names of
// about a hundred series that appear in it first. Files of a later version are an
// error of [New], and so is a directory that is in use.
//
// If the disk is full or fails, or the files are removed, the history goes on in
// memory and [DB.Err] says why. A snapshot is tried every minute, and with the first
// that succeeds all is on disk again; a directory that was removed has to be made
// again for that. Files of other names are left alone.
//
// The history is part of m's backups, see [monitor.Monitor.Backup].
//
// # The language
//
// Expressions are evaluated by Prometheus's own engine, of version 3: ranges do
// not include their left end. [DB.At] shares equal expressions among all rules of
// one evaluation. A native histogram is no number: an expression whose value has
// some is an error, from [DB.Query] and [DB.QueryRange]; the HTTP API returns them.
// A monitor that is off has nothing, and says so: every query is an error that
// wraps [monitor.ErrQueryUnavailable], and no empty result that reads "all quiet".
//
// # Queries for both sides
//
// The same expressions go to a Prometheus server that scrapes the process, through
// monitor/promapi, if they use what both sides have: the metrics of the registry.
// Only a server has up, scrape_duration_seconds and the like; here the process is up
// while it answers, and absent(...) of one of its own metrics means the same on
// both. Only a server adds the labels job and instance: give [WithLabels] the
// server's values, or leave them out of selectors and of by (...). A server that
// scrapes several processes has the series of all of them.
//
// Only this side has what is watched and what engines append. A server has the
// watch above by a recording rule:
//
//	groups:
//	  - name: chronomon
//	    interval: 1m
//	    rules:
//	      - record: api:p95
//	        expr: histogram_quantile(0.95, sum by (le, endpoint) (rate(api_request_duration_seconds_bucket[5m])))
//
// # Metrics
//
//	name                                             labels   unit
//	monitor_history_series                                    series held, ended ones included, a gauge
//	monitor_history_stored_samples                            samples held, a gauge
//	monitor_history_chunk_bytes                               bytes of compressed samples, a gauge
//	monitor_history_storage_bytes                             bytes that count against the storage size, a gauge
//	monitor_history_storage_limit_bytes                       the storage size, a gauge
//	monitor_history_bytes_per_sample                          bytes, a gauge; absent while there is no sample
//	monitor_history_compression_ratio                         share saved of 16 bytes a sample, a gauge; absent while there is none
//	monitor_history_oldest_sample_timestamp_seconds  tier     Unix time, a gauge; absent while there is none
//	monitor_history_samples_total                             samples taken, a counter
//	monitor_history_samples_dropped_total            reason   samples not taken, a counter
//	monitor_history_samples_evicted_total            reason   samples given up, a counter
//	monitor_history_series_evicted_total             reason   series given up, a counter
//	monitor_history_collections_total                result   collections, a counter
//	monitor_history_collection_duration_seconds               seconds, a histogram
//	monitor_history_query_duration_seconds           result   seconds, a histogram
//	monitor_history_queries_shared_total                      queries of a cycle answered from one before, a counter
//	monitor_history_watch_failures_total             watch    evaluations that failed, a counter
//	monitor_history_watch_missed_total               watch    steps passed over, a counter
//
// and with a directory:
//
//	monitor_history_disk_bytes                       part     bytes of its files, a gauge
//	monitor_history_disk_writes_total                result   writes to the log, a counter
//	monitor_history_snapshots_total                  result   snapshots written, a counter
//	monitor_history_damaged_regions_total                     regions that could not be read, a counter
//
// The labels' values:
//
//	tier    raw, long
//	reason  of what is not taken series_limit (no room for another series),
//	        out_of_order, duplicate (another value for the newest time), ahead (of
//	        the clock), invalid (labels, histogram, time, or a watched series); of
//	        what is given up retention, storage_size, series_limit, clock
//	result  of collections, writes and snapshots ok, failed; of queries ok,
//	        timeout, limit, canceled, invalid
//	watch   a watched expression's name
//	part    snapshot, log, damaged
//
// The defaults:
//
//	WithInterval           10 s
//	WithRetention          24 h and 30 d
//	WithStorageSize        256 MiB of memory
//	WithStoragePath        none: in memory only
//	WithStorageSync        off
//	WithSeriesLimit        50,000 series
//	WithExemplarLimit      10,000 exemplars
//	WithLabels             none
//	WithLookback           5 min
//	WithQueryTimeout       10 s
//	WithQuerySamples       20 million in memory at a time
//	WithQueryConcurrency   8 queries
package history
