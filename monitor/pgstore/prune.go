package pgstore

import (
	"context"
	"time"

	"github.com/chronoretrace/chronomon/monitor"
)

var _ monitor.Runner = (*Store)(nil)

// pruneEvery is how often Run deletes.
const pruneEvery = time.Hour

// Run deletes what is too old, now and then every hour, until ctx is done. Any
// number of replicas may run it. With a lease it is for the leader:
// lease.WithLead(store.Run). A failure is logged, and tried again an hour later.
func (s *Store) Run(ctx context.Context) error {
	for {
		if !s.m.Off() {
			if err := s.Prune(ctx, s.m.Now()); err != nil && ctx.Err() == nil {
				s.m.Logger().Warn("pgstore: not pruned", "error", err)
			}
		}
		if !sleep(ctx, pruneEvery) {
			return ctx.Err()
		}
	}
}

// String names the store in the errors of Run.
func (s *Store) String() string { return "pgstore" }

// Prune deletes what is too old at now, a thousand rows a statement.
func (s *Store) Prune(ctx context.Context, now time.Time) error {
	r := s.retention
	confirmed := max(r.Anomalies, r.Alerts)
	if r.Alerts < 0 || r.Anomalies < 0 {
		confirmed = -1
	}
	for _, p := range []struct {
		table, rows string
		keep        time.Duration
	}{
		{"alert_history", "SELECT id FROM {schema}.alert_history WHERE started_at < $3::text::timestamp AND resolved_at IS NOT NULL ORDER BY started_at", r.Alerts},
		{"anomaly_detections", "SELECT id FROM {schema}.anomaly_detections WHERE detected_at < $3::text::timestamp AND is_confirmed IS NOT TRUE ORDER BY detected_at", r.Anomalies},
		{"anomaly_detections", "SELECT id FROM {schema}.anomaly_detections WHERE detected_at < $3::text::timestamp ORDER BY detected_at", confirmed},
		{"capacity_plans", "SELECT id FROM {schema}.capacity_plans WHERE created_at < $3::text::timestamp ORDER BY created_at", r.Plans},
	} {
		if p.keep < 0 {
			continue
		}
		if err := s.pruneTable(ctx, p.table, p.rows, instant(now.Add(-p.keep))); err != nil {
			return err
		}
	}
	return s.pruneVersions(ctx)
}

// pruneTable deletes the rows that a query selects, until it finds no more. Rows
// that another one is at are passed over.
func (s *Store) pruneTable(ctx context.Context, table, rows, before string) error {
	return s.pruneChunks(ctx, table, `
WITH {term}, old AS (`+rows+` LIMIT $4::integer FOR UPDATE SKIP LOCKED), gone AS (
	DELETE FROM {schema}.`+table+` t USING old, term WHERE t.id = old.id RETURNING 1
) SELECT (SELECT count(*) FROM term), (SELECT count(*) FROM gone)`, before)
}

// pruneVersions keeps the newest versions of each configuration.
func (s *Store) pruneVersions(ctx context.Context) error {
	if s.retention.Versions < 0 {
		return nil
	}
	return s.pruneChunks(ctx, "monitoring_config_versions", `
WITH {term}, old AS (
	SELECT config_type, config_name, version FROM (
		SELECT config_type, config_name, version, row_number() OVER (PARTITION BY config_type, config_name ORDER BY version DESC) AS age
		FROM {schema}.monitoring_config_versions
	) v WHERE age > $3::integer LIMIT $4::integer
), gone AS (
	DELETE FROM {schema}.monitoring_config_versions v USING old, term
	WHERE (v.config_type, v.config_name, v.version) = (old.config_type, old.config_name, old.version) RETURNING 1
) SELECT (SELECT count(*) FROM term), (SELECT count(*) FROM gone)`, s.retention.Versions)
}

func (s *Store) pruneChunks(ctx context.Context, table, sql string, bound any) error {
	for {
		var n int64
		if err := s.write(ctx, table, "prune "+table, sql, []any{bound, chunk}, []any{&n}); err != nil {
			return err
		}
		s.metrics.prunedRows(table, n)
		if n < chunk {
			return nil
		}
	}
}
