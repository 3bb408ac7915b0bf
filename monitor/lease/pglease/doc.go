// Package pglease keeps a lease in PostgreSQL.
//
//	store, err := pglease.New(pool, "alerting")
//	if err != nil {
//		return err
//	}
//	elector, err := lease.New(m, store)
//
// The lease is a row of the table monitoring_leases, which is made when it is
// first needed, or by [Store.Migrate]. The time is the database's. Epochs are
// milliseconds since 1970 or one more than the last, whichever is greater: they grow
// even if somebody deletes the row, or drops the table. Each call is
// one statement: there are no sessions, advisory locks or prepared statements to
// keep, so that a pooler may give each another connection. Behind one that does
// not know prepared statements the pool's default_query_exec_mode is to be
// "exec" or "simple_protocol", as ever.
//
// # Fencing
//
// What is written to the same database can check the epoch in the statement
// that writes it, as pgstore does:
//
//	WITH term AS (
//		SELECT FROM monitoring_leases
//		WHERE name = $1 AND epoch = $2 AND expires_at > clock_timestamp() FOR KEY SHARE
//	) INSERT INTO … SELECT … FROM term
//
// The epoch is part of a key, so that a takeover waits for such statements and
// a renewal does not.
package pglease
