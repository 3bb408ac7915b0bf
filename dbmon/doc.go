// Package dbmon measures PostgreSQL as a host uses it through pgx: a tracer for
// connections and pools that emits the database metrics of Section 6.1, slow
// queries, the statements that cost most, an event per query, and facts of the
// server.
//
//	db, err := dbmon.NewTracer(m)
//	if err != nil {
//		return err
//	}
//	config, err := pgxpool.ParseConfig(dsn)
//	if err != nil {
//		return err
//	}
//	config.ConnConfig.Tracer = db
//	pool, err := pgxpool.NewWithConfig(ctx, config)
//	if err != nil {
//		return err
//	}
//	stop, err := db.WatchPool("main", pool)
//
// With database/sql, the tracer is given to the configuration that
// stdlib.OpenDB takes, or use stdlib.OpenDBFromPool. A tracer that was there
// before goes on with [WithNext].
//
// # What counts as what
//
//   - query_type is the statement's verb (that behind WITH), TX for BEGIN,
//     COMMIT, ROLLBACK, SAVEPOINT and their like, OTHER for what is not understood.
//   - table is the main table: what is written to, else the first one read. At
//     most 200 are told apart, see [WithTableLimit]; "none" is none.
//   - A query lasts until its rows are closed: pgx says so then, and the time
//     includes the caller's reading of them.
//   - Each statement of a batch counts as a query, with the time that reading
//     its own result took, not what the caller did between two results. Mind
//     that PostgreSQL holds small results back until the batch ends or 8 KiB
//     have come together: what it takes until then is the time of the first
//     result in it, and the others' is next to nothing. The batch as a whole is in
//     db_batch_duration_seconds. Statements behind one that failed were not run
//     and do not count. What fails a batch before its first statement counts as
//     one error of query_type BATCH.
//   - COPY through CopyFrom counts as COPY with its table and rows.
//   - A statement that was prepared under a name counts as what it is.
//   - A query that fails counts once, in db_query_errors_total by the class of its
//     SQLSTATE ("23" is an integrity violation) or as canceled (by the caller),
//     timeout (the caller's deadline), connection or client (pgx refused).
//     That there was no row is no error.
//
// # Pools
//
// How long callers wait for a connection is db_pool_acquire_wait_seconds, how
// long they keep it db_pool_held_seconds, sizes and counts are read from the
// pool when it is scraped. Pools that [Tracer.WatchPool] was not told of are
// "unwatched". Alert on rate(db_pool_empty_acquire_wait_seconds_total), which is
// the number of callers waiting; the count of empty acquires alone grows on
// an idle pool too.
//
// # Slow and costly statements
//
// Literals and arguments are in nothing that leaves this package. A statement
// is named by its hash, the first 16 hexadecimal digits of the SHA-256 of its
// normalised text; with [WithQueryText] the normalised text comes along.
// [Tracer.SlowQueries] has the last slow ones with their call sites,
// [Tracer.TopQueries] those with the most total time.
//
// # The server
//
// [Tracer.WatchServer] returns a monitor.Runner that asks the server for its
// connections, locks, transactions and statistics now and then, over the
// pool, and shows them under postgres_exporter's names.
//
// # Cost
//
// What is measured is kept on the connection. A query, or a statement of a
// batch, allocates nothing once its text was seen; a text seen for the first
// time is analysed, which takes some microseconds. Acquiring from a pool
// allocates one small context.
package dbmon
