package dbmon

import (
	"fmt"
	"strings"

	"github.com/chronoretrace/chronomon/internal/catalog"
)

// maxDatabases bounds the databases of a server whose statistics are shown.
const maxDatabases = 100

// factQueries ask PostgreSQL 10 and later, as any user: what a user may not
// see of others' sessions is counted all the same. Each gives rows of a
// metric's name, a label and a value, and fails for itself.
var factQueries = []string{
	facts(`SELECT %s, '', current_setting('max_connections')::float8`, catalog.PgSettingsMaxConnections) +
		facts(` UNION ALL SELECT %s, '', extract(epoch FROM pg_postmaster_start_time())::float8`, catalog.PgPostmasterStart),

	// As postgres_exporter computes it.
	facts(`SELECT * FROM (SELECT %s, '', CASE
		WHEN NOT pg_is_in_recovery() THEN 0
		WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
		ELSE greatest(0, extract(epoch FROM now() - pg_last_xact_replay_timestamp())) END::float8 AS lag) f
		WHERE lag IS NOT NULL`, catalog.PgReplicationLag),

	facts(`SELECT %s, '', count(*)::float8 FROM pg_stat_activity WHERE backend_type = 'client backend'`, catalog.PgStatActivityCount) +
		facts(` UNION ALL SELECT %s, s.state, count(a.pid)::float8
		FROM (VALUES ('active'), ('idle'), ('idle in transaction'), ('idle in transaction (aborted)'), ('fastpath function call'), ('unknown')) s(state)
		LEFT JOIN pg_stat_activity a ON coalesce(a.state, 'unknown') = s.state AND a.backend_type = 'client backend'
		GROUP BY s.state`, catalog.PgActivityStates),

	facts(`WITH open AS (
			SELECT count(*)::float8 AS n, coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)::float8 AS oldest
			FROM pg_stat_activity
			WHERE state IS DISTINCT FROM 'idle' AND query NOT LIKE 'autovacuum:%%' AND xact_start IS NOT NULL AND pid <> pg_backend_pid()
		) SELECT %s, '', n FROM open UNION ALL SELECT %s, '', oldest FROM open`, catalog.PgLongTransactions, catalog.PgOldestTransaction),

	facts(`SELECT %s, lower(m.mode), count(l.mode)::float8
		FROM (VALUES ('AccessShareLock'), ('RowShareLock'), ('RowExclusiveLock'), ('ShareUpdateExclusiveLock'), ('ShareLock'),
			('ShareRowExclusiveLock'), ('ExclusiveLock'), ('AccessExclusiveLock'), ('SIReadLock')) m(mode)
		LEFT JOIN pg_locks l ON l.mode = m.mode AND l.pid IS DISTINCT FROM pg_backend_pid()
		GROUP BY m.mode`, catalog.PgLocksCount),

	databaseStatistics(),

	facts(`SELECT %s, current_database(), pg_database_size(current_database())::float8`, catalog.PgDatabaseSize),
}

// facts puts metrics' names into a query, as literals.
func facts(sql string, metrics ...catalog.Metric) string {
	names := make([]any, len(metrics))
	for i, m := range metrics {
		names[i] = "'" + m.Name + "'"
	}
	return fmt.Sprintf(sql, names...)
}

// databaseStatistics reads pg_stat_database, whose columns the metrics are
// named after.
func databaseStatistics() string {
	const prefix = "pg_stat_database_"
	var values []string
	for _, m := range catalog.PgFacts() {
		if column, ok := strings.CutPrefix(m.Name, prefix); ok {
			values = append(values, fmt.Sprintf("('%s', d.%s::float8)", m.Name, column))
		}
	}
	return fmt.Sprintf(`SELECT v.name, d.datname, v.value FROM (
			SELECT * FROM pg_stat_database WHERE datname IS NOT NULL AND datname NOT LIKE 'template_'
			ORDER BY datname <> current_database(), datname LIMIT %d
		) d CROSS JOIN LATERAL (VALUES %s) v(name, value) WHERE v.value IS NOT NULL`, maxDatabases, strings.Join(values, ", "))
}
