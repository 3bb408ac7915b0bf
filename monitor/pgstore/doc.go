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
// repeated: what is there already is not there twice. The store itself repeats
// it if the connection broke or the server is starting.
//
// With [WithLease] a write is done only in the term that its context is of, see
// package lease: the statement checks the epoch, so that a leader that was
// frozen writes nothing when it wakes up.
//
// Errors name the operation and the SQLSTATE, never a value or an address. A
// configuration is stored as it is given: secrets do not belong there.
package pgstore
