// Package evidence captures, when an anomaly or an alert opens, what is gone by the
// time somebody looks: a trace of the seconds before, profiles, the most expensive
// queries, the last errors, what was changed. One bundle of each, once.
//
//	failures := evidence.NewErrors()
//	m, err := monitor.New(monitor.WithProfileLabels(), monitor.WithSink("evidence", failures))
//	…
//	recorder, err := evidence.New(m, "/var/lib/api/evidence",
//		evidence.WithErrors(failures), evidence.WithTopQueries(tracer, 20)) // tracer is dbmon's
//	…
//	id, err := recorder.Capture(ctx, evidence.Subject{Kind: "alert", Name: "HighAPILatency", Explanation: why})
//	…
//	return m.Run(ctx, recorder, engine)
//
// # A bundle
//
// A bundle is a tar archive, compressed by gzip, of
//
//	subject.json        kind, name and times of what it is about
//	explanation.json    what its author said of it
//	marks.json          the changes that monitor.Monitor.Mark noted
//	queries.json        the most expensive statements, of WithTopQueries
//	trace.out           the execution trace of the time before, for "go tool trace"
//	goroutine.pb.gz     the stacks of all goroutines, for "go tool pprof"
//	heap.pb.gz          the heap as of the last collection
//	cpu.pb.gz           a CPU profile from the moment on
//	errors.jsonl        the last events that failed, of WithErrors, an event a line
//	manifest.json       what became of each
//
// A part that fails, panics or does not fit is missing, counted, and named in the
// manifest with the reason; the rest stands. Samples of profiles have the labels of
// their goroutines: with monitor.WithProfileLabels, "go tool pprof -tagfocus
// route=/quotes" shows one route.
//
// # Off the path
//
// [Recorder.Capture] takes a place in a queue of eight and returns the id. One worker,
// which [Recorder.Run] is, makes the bundles one at a time. The queue is full for
// nobody but a storm, in which the first bundles are those that matter.
//
// # Limits
//
//	WithCooldown         30 min; a subject has one bundle within it
//	WithHourly           12 bundles within any hour
//	WithProfile          2 s of CPU profile for a bundle
//	WithProfileBudget    30 s of them within any hour
//	WithTrace            10 s, about 4 MiB, kept in memory all the time
//	WithBundleSize       16 MiB for a bundle
//	WithStorage          50 bundles and 256 MiB in all; the oldest make room
//
// Keeping the trace at hand is what costs something all the time: a small request over
// the loopback interface took 30 µs of CPU, its client included, and 35 µs with it. A
// bundle takes about 70 ms of CPU besides its profile, and Capture less than 1 µs.
//
// Go has one flight recorder and one CPU profile in a process. While the host's own
// is at work the bundles have none.
//
// # Secrets
//
// In what is text, the values of fields that are secret by their names (password,
// token, cookie and the like, and those of WithSecretNames) are replaced, and so are
// credentials in URLs and headers and what follows "password=" and "Bearer", as
// monitor.Monitor.LogHandler does. Statements are as dbmon normalised them: without
// literals. Profiles and traces hold the names of functions and labels, and what the
// host itself wrote by trace.Log, which is left as it is. Files are their owner's to
// read alone.
//
// # Metrics
//
//	anomaly_evidence_bundles_total          result          ok, partial, failed
//	anomaly_evidence_parts_total            part, result    ok, failed, panicked, large, skipped
//	anomaly_evidence_skipped_total          reason          cooldown, hourly, busy, stopped, shutdown
//	anomaly_evidence_written_bytes_total
//	anomaly_evidence_deleted_total
//
// A part is subject, explanation, marks, queries, trace, goroutines, heap, cpu or
// errors; one is skipped where the budget of CPU profiles is spent.
package evidence
