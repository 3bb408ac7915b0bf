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
// [Monitor.Run] owns every goroutine of the SDK. Constructors start nothing. A sink
// that has to be run is run with the monitor: [WithSink] is enough.
//
// # Backups
//
// [Monitor.Backup] writes what the engines know into one file, and [Monitor.Restore]
// takes it back: at the start, between making the engines and Run, if the operator
// asks for it.
//
//	history, err := history.New(m)         // engines add themselves
//	if file := os.Getenv("RESTORE"); file != "" {
//		f, err := os.Open(file)
//		…
//		archive, err := m.Restore(ctx, f)  // with WithDryRun: only says what it would do
//	}
//	return m.Run(ctx, history)
//
// And, each night while it runs, to a new file that takes the place of the last one
// when it is whole:
//
//	f, err := os.Create(path + ".new")
//	…
//	_, err = m.Backup(ctx, f)
//	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
//		err = os.Rename(path+".new", path)
//	}
//
// # Off
//
// With [WithDisabled], or MONITOR=off in the environment, every call is a
// no-op that allocates nothing, and wrappers return what they were given.
package monitor
