// Package dbmon measures PostgreSQL as a host uses it through pgx: how long
// queries take by type and table, how much of a pool is in use, what explains
// them, slow queries, the statements that cost most, an event per query, and
// facts of the server.
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
// With database/sql, open the handle with stdlib.OpenDBFromPool(pool): queries
// and pool are measured. stdlib.OpenDB takes a configuration with the tracer,
// too, and queries are measured, but there the pool is database/sql's own, of
// which nothing is shown. A tracer that was there before goes on with [WithNext].
//
// # Metrics
//
// Durations are histograms in seconds, with a bucket for each of 0.5, 1, 2.5, 5,
// 10, 25, 50, 100, 250, 500 ms, 1, 2.5, 5 and 10 s.
//
//	name                                        labels                      unit
//	db_query_duration_seconds                   query_type, table           seconds
//	db_query_rows_total                         query_type, table           rows returned or changed
//	db_query_errors_total                       query_type, table, class    queries
//	db_slow_queries_total                       query_type, table           queries
//	db_batch_duration_seconds                                               seconds
//	db_batch_statements                                                     statements, a histogram
//	db_prepare_duration_seconds                                             seconds
//	db_prepare_errors_total                     class                       statements
//	db_connect_duration_seconds                                             seconds
//	db_connect_errors_total                     class                       connections
//
//	db_connection_pool_usage                    pool_name                   0 to 1
//	db_pool_acquire_wait_seconds                pool_name                   seconds
//	db_pool_acquire_errors_total                pool_name, class            acquires
//	db_pool_held_seconds                        pool_name                   seconds
//	db_pool_connections                         pool_name, state            connections
//	db_pool_max_connections                     pool_name                   connections
//	db_pool_acquires_total                      pool_name                   acquires
//	db_pool_empty_acquires_total                pool_name                   acquires
//	db_pool_empty_acquire_wait_seconds_total    pool_name                   seconds, a counter
//	db_pool_canceled_acquires_total             pool_name                   acquires
//	db_pool_connections_opened_total            pool_name                   connections
//	db_pool_connections_expired_total           pool_name, reason           connections
//
//	db_server_poll_errors_total                 server                      queries; see below for facts
//
// The values of the labels:
//
//	query_type    the statement's verb: SELECT, INSERT, UPDATE, DELETE, MERGE,
//	              COPY, CREATE, ALTER, DROP, TRUNCATE, GRANT, REVOKE, COMMENT,
//	              REFRESH, REINDEX, CLUSTER, VACUUM, ANALYZE, EXPLAIN, LOCK,
//	              CALL, DO, SET, SHOW, RESET, DISCARD, DECLARE, FETCH, MOVE,
//	              CLOSE, PREPARE, EXECUTE, DEALLOCATE, LISTEN, UNLISTEN, NOTIFY,
//	              CHECKPOINT, LOAD, IMPORT, REASSIGN, SECURITY; TX; OTHER; of
//	              errors also BATCH
//	table         the main table as the statement writes it; none; other past
//	              the limit
//	class         the first two characters of the SQLSTATE ("23" is an integrity
//	              violation), or canceled (by the caller), timeout (the caller's),
//	              connection (it failed), client (pgx refused before sending),
//	              unknown (the server gave no SQLSTATE)
//	pool_name     as in WatchPool; unwatched for all others
//	state         used, idle, constructing
//	reason        lifetime, idle
//	server        as in WatchServer
//
// And the defaults:
//
//	WithBuckets           the bounds above, for db_query_duration_seconds
//	WithTableLimit        200 tables
//	WithSlowThreshold     1 s
//	WithTopQueries        500 statements
//	WithStatementCache    1,024 statements, 4 MiB of them
//	WithPollInterval      15 s; 1 s is the least
//	WithPollTimeout       5 s
//
// # What counts as what
//
//   - query_type is the statement's verb (that behind WITH; VALUES and TABLE are
//     SELECT), TX for BEGIN, COMMIT, ROLLBACK, SAVEPOINT and their like, OTHER for
//     what is not understood.
//   - table is the main table: what is written to, else the first one read. It is
//     what the statement says: "stocks" and "public.stocks" are two, so write one
//     of them everywhere. As in PostgreSQL, each part of it ends after 63 bytes.
//   - Several statements in one Exec ("insert …; update …") are one query: of the
//     first one that is not about the transaction, a SET or a SHOW, with the time
//     of all of them, and the rows of the last one.
//   - A query lasts until its rows are closed: pgx says so then, and the time
//     includes the caller's reading of them.
//   - Each statement of a batch counts as a query, with the time that reading
//     its own result took, not what the caller did between two results. Mind
//     that PostgreSQL holds small results back until the batch ends or 8 KiB
//     have come together: what it takes until then is the time of the first
//     result in it, and the others' is next to nothing. The batch as a whole is in
//     db_batch_duration_seconds. Statements behind one that failed were not run
//     and do not count. What fails a batch before its first statement, or at its
//     end when all went well (a deferred constraint), counts as one error of
//     query_type BATCH. An error that a callback of the caller's returns is none of
//     the database's; pgx does not read the results behind it, so that they do not
//     count either.
//   - COPY through CopyFrom counts as COPY with its table and rows.
//   - A statement that was prepared under a name counts as what it is, as long as
//     it is among the last 2,048 names at least that its connection has prepared or
//     used. One that was forgotten is OTHER.
//   - A query that fails counts once, in db_query_errors_total, also where pgx
//     prepares it first; db_prepare_errors_total has what the caller prepares. That
//     there was no row is no error.
//
// # Pools
//
// How long callers wait for a connection is db_pool_acquire_wait_seconds, how
// long they keep it db_pool_held_seconds, both without the polls of
// [Tracer.WatchServer]. Sizes and counts are what the pool says when it is
// scraped; its acquires have the polls' in them.
//
// Alert on both of
//
//	rate(db_pool_empty_acquire_wait_seconds_total[5m]) > 1    # callers waiting at a time
//	rate(db_pool_acquire_errors_total[5m]) > 0                # callers that got nothing
//
// since the pool counts as waiting only what ended with a connection: where all
// callers give up the first one is 0. The number of empty acquires grows on an
// idle pool too and means little.
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
// connections, locks, transactions and statistics now and then, over the pool or,
// when all of its connections are in use, over one of its own. Its queries are in
// no metric of queries. Trouble is logged when it begins, when it becomes another
// one, and when it is over. The names are postgres_exporter's where it has the
// fact, the labels fewer:
//
//	name                                                   labels             postgres_exporter's labels
//	pg_up                                                  server             none
//	pg_settings_max_connections                            server             server
//	pg_stat_activity_count                                 server             server, datname, state, usename, …
//	pg_stat_activity_states                                server, state      has no such metric
//	pg_replication_lag_seconds                             server             none
//	pg_postmaster_start_time_seconds                       server             none
//	pg_long_running_transactions                           server             none; newer ones have …_count by threshold
//	pg_long_running_transactions_oldest_timestamp_seconds  server             none; an age, for all its name
//	pg_locks_count                                         server, mode       datname, mode
//	pg_database_size_bytes                                 server, datname    datname
//	pg_stat_database_numbackends                           server, datname    datid, datname, here and below
//	pg_stat_database_xact_commit                           server, datname
//	pg_stat_database_xact_rollback                         server, datname
//	pg_stat_database_blks_read                             server, datname
//	pg_stat_database_blks_hit                              server, datname
//	pg_stat_database_tup_returned                          server, datname
//	pg_stat_database_tup_fetched                           server, datname
//	pg_stat_database_tup_inserted                          server, datname
//	pg_stat_database_tup_updated                           server, datname
//	pg_stat_database_tup_deleted                           server, datname
//	pg_stat_database_conflicts                             server, datname
//	pg_stat_database_temp_files                            server, datname
//	pg_stat_database_temp_bytes                            server, datname
//	pg_stat_database_deadlocks                             server, datname
//
//	state      active, idle, idle in transaction, idle in transaction (aborted),
//	           fastpath function call, unknown
//	mode       accesssharelock, rowsharelock, rowexclusivelock,
//	           shareupdateexclusivelock, sharelock, sharerowexclusivelock,
//	           exclusivelock, accessexclusivelock, sireadlock
//	datname    a database; the connected one first, at most 100, no templates. Of
//	           pg_database_size_bytes it is the connected one only
//
// All of them are gauges, also those that only grow: rate and increase work on
// them all the same. Absent is what the server did not tell at the last poll, and
// everything but pg_up when it did not answer.
//
// # Cost
//
// What is measured is kept on the connection. A query, or a statement of a
// batch, allocates nothing once its text was seen; a text seen for the first
// time is analysed, which takes some microseconds. Acquiring from a pool
// allocates one small context.
package dbmon
