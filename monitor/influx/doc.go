// Package influx is a sink that writes events to InfluxDB by the write API of
// version 2, which InfluxDB 1.8 and VictoriaMetrics have too.
//
//	store, err := influx.New("http://influx:8086", "chronoretrace",
//		influx.WithOrg("chronoretrace"), influx.WithToken(token),
//		influx.WithSpill("/var/lib/quotes/influx", 256<<20))
//	if err != nil {
//		return err
//	}
//	m, err := monitor.New(monitor.WithSink("influx", store))
//	if err != nil {
//		return err
//	}
//	if err := store.Watch(m); err != nil {
//		return err
//	}
//	return m.Run(ctx, store)
//
// # Points
//
// An event is a point of the measurement its kind is called by ("request",
// "query", …). Tags are name, failed, those of [WithStaticTag] and the attributes
// chosen by [WithTags]; each has a bound, see [WithTagLimit]. Everything else is
// a field: duration_seconds, slow, trace_id, user and the attributes. Numbers of
// any type are floats, so that an attribute has one type for ever (whole numbers
// above 2^53 lose digits: ids are text); durations are seconds; groups are
// flattened with dots. An attribute whose name is taken has "attr_" before it.
// Text is cut at 32 KiB, a backslash in a tag becomes a slash, and what is not
// a finite number is left out.
//
// InfluxDB takes two points of a series with one time for the same point.
// Events that coincide to the nanosecond are told apart by moving the later one
// by a nanosecond, looked for among the last points; so a point that is sent
// again, after an answer was lost, replaces itself and nothing else.
// VictoriaMetrics counts milliseconds and may have such a point twice.
//
// # Trouble
//
// Nothing here is in the host's way: the monitor's queue is in front of it, see
// [monitor.WithQueue], WithRetry and WithSpill. What the server does costs this:
//
//	down, frozen, 5xx, wrong     all wait, and are sent again: 0.2 s later, then
//	credentials (401, 403),      twice as long each time, up to 30 s
//	no bucket (404)
//	429, 503 with Retry-After    all wait as long as it asks for, 5 min at most
//	a partial write              the points it names are rejected, the others taken
//	413, 400, 422 for all        sent again in halves, until those that are to
//	                             blame are alone, which are rejected: 64 requests,
//	                             and so on 0.2 s later
//	no answer of an InfluxDB     as down: anything but 204 that says it worked, a
//	                             page of a proxy's
//	down for longer than there   in memory the oldest of 16,384 held events, on
//	is room for                  disk the oldest files, and what comes while the
//	                             queue is full (4,096) go
//
// A request has at most 5 MiB before compression, or one point.
//
// With [WithSpill] what waits is on disk, survives a restart and counts as
// delivered to the monitor. Queue and disk are emptied by themselves, in the
// order in which events came.
//
// # Metrics
//
//	name                          labels          unit
//	monitor_store_records_total   store, result   points, a counter
//	monitor_store_requests_total  store, result   requests, a counter
//	monitor_spill_records         store           points on disk, a gauge
//	monitor_spill_bytes           store           bytes of disk, a gauge
//	monitor_spill_dropped_total   store, reason   points, a counter
//
// Those of the disk are there with [WithSpill]; what the queue drops is in
// monitor_events_dropped_total, and the values of a tag past [WithTagLimit] are
// in monitor_label_overflow_total. The labels' values:
//
//	store              WithName's, "influx"
//	result, records    taken, rejected (never will be; duplicate stays 0)
//	result, requests   ok, throttled (429, 503), too_large (413), refused (other
//	                   4xx), error (no answer, 5xx, none of an InfluxDB)
//	reason             full, expired (see WithSpillAge), corrupt
package influx
