// Package pgstore keeps what the monitor finds out in PostgreSQL: the history of
// alerts, anomalies and whether somebody confirmed them, capacity plans, versions
// of configurations, and the engines' state.
//
//	store, err := pgstore.New(m, pool)
//	if err != nil {
//		return err
//	}
//	if err := store.Migrate(ctx); err != nil {
//		return err
//	}
//	return m.Run(ctx, store, engine) // running deletes what is too old
//
// # Tables
//
// monitoring_configs, alert_history, anomaly_detections and capacity_plans are
// those of the design, column by column. A host that has them already keeps its
// rows. Beside them are monitoring_config_versions, monitoring_state,
// monitoring_leases (see pglease) and monitoring_migrations. Timestamps are UTC,
// whatever the session's time zone is.
//
// Migrations only go forward and only add, so that an older release runs with a
// newer schema.
//
// # Writes
//
// Each write is one statement, which a pooler may send anywhere, and may be
// repeated: what is there already is not there twice. Behind a pooler that does
// not know prepared statements the pool's default_query_exec_mode is to be "exec"
// or "simple_protocol", as ever.
//
// With [WithLease] a write is done only in the term that its context is of, see
// package lease: the statement checks the epoch, so that a leader that was
// frozen writes nothing when it wakes up. It waits for no lock longer than the
// lease's time, so that one whose statement waits holds up no takeover either.
//
// A row that is not for a table, or that the server refuses, is rejected and
// counted, and named in the error by its place among the arguments; the others
// of the call are written. The error wraps [ErrInvalid] if nothing else is wrong:
// such a call is not for repeating.
//
// Errors name the operation, the SQLSTATE and what it means, or why there is no
// connection; never a value or an address. A configuration is stored as it is
// given: secrets do not belong there.
//
// # Trouble
//
// Nothing is kept in memory and nothing waits behind: who writes gets the error,
// and writes again when it suits, as the engines do. What the server does costs this:
//
//	down, starting, all         four tries within about a second, then an error
//	connections taken, a
//	deadlock
//	frozen, slow, locked        the error context.DeadlineExceeded after
//	                            WithTimeout, 10 s; it may have been written
//	disk full, a value refused  an error at once, with the SQLSTATE: 53100, 22P02
//	locked, with WithLease      after the lease's time SQLSTATE 55P03
//	no PostgreSQL               as down, and as frozen if it says nothing
//
// What was acknowledged is there, once; recovery is the next call.
//
// # Metrics
//
//	name                                 labels          unit
//	monitor_pgstore_writes_total         table, result   statements, a counter
//	monitor_pgstore_retries_total        none            statements tried again, a counter
//	monitor_pgstore_rejected_rows_total  table           rows, a counter
//	monitor_pgstore_pruned_rows_total    table           rows, a counter
//
// table is that of the design or of the list above, result is ok or error; a
// write that was tried again is counted once, by how it ended.
package pgstore
