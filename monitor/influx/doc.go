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
// Nothing here is in the host's way: the monitor's queue is in front of it. A
// store that is down, slow, asks for a pause (429 or 503 with Retry-After) or
// answers what no InfluxDB would costs time, as do wrong credentials and a bucket
// that is missing, which somebody will put right. Meanwhile the batch is kept by
// the queue, in memory, or with [WithSpill] on disk, where it survives a restart
// and counts as delivered to the monitor. Queue and disk are emptied in order, by
// themselves; past their bounds the oldest go, and are counted.
//
// Points that the store will never take are counted in
// monitor_store_records_total as rejected: those named in a partial write, and
// those that are left when a request refused as a whole (400, 413, 422) was sent
// again in parts. If that is all of a batch, the monitor counts it as rejected too.
package influx
