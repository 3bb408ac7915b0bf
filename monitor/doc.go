// Package monitor is the hub of the SDK: one explicit value, [Monitor], that
// holds the registry of metrics, hands events to sinks and runs the engines.
//
//	m, err := monitor.New(monitor.WithService("quotes", "v1.4.0"))
//	if err != nil {
//		return err
//	}
//	http.Handle("GET /metrics", m.Handler())
//	return m.Run(ctx) // blocks; engines are given here
//
// # Two signals
//
// Metrics live in one Prometheus registry: a private one, or the host's own
// with [WithRegisterer]. Collectors (apimon, dbmon, …) put theirs there, the host
// may add its own through [Monitor.Registerer], and [Monitor.Handler] serves all
// of them. METRICS.md lists them; other profiles have other names, see
// [WithProfiles]. No label grows without bound: see [WithLabelLimit].
//
// Events say what happened, one by one, to whoever wants to know: a [Sink] with
// [WithSink]. Each sink has one bounded queue and one worker. [Monitor.Record]
// never blocks and never fails; a sink that is slow, failing or panicking
// costs events, which are counted by reason in monitor_events_dropped_total,
// and nothing else.
//
// # Running
//
// [Monitor.Run] owns every goroutine of the SDK. Constructors start nothing.
//
// # Off
//
// With [WithDisabled], or MONITOR=off in the environment, every call is a
// no-op that allocates nothing, and wrappers return what they were given.
package monitor
