package pgstore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/testenv"
	"github.com/chronoretrace/chronomon/monitor/pgstore"
)

// testMeanwhile: a row that another transaction adds while a write is under way,
// and that the write cannot see, is brought up to date as one that was there.
func testMeanwhile(t *testing.T, server *testenv.PostgresServer) {
	t.Helper()
	f := open(t, server, pgx.QueryExecModeCacheStatement)
	// meanwhile does a write that waits for the one that adds the same row.
	meanwhile := func(insert string, write func() error) {
		t.Helper()
		tx, err := f.pool.Begin(t.Context())
		require.NoError(t, err)
		defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
		_, err = tx.Exec(t.Context(), insert, t0.UTC())
		require.NoError(t, err)
		done := make(chan error, 1)
		go func() { done <- write() }()
		waits := "pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%" + f.schema + "%'"
		require.Eventually(t, func() bool { return f.count(t, waits) > 0 }, 20*time.Second, 10*time.Millisecond, "it waits")
		require.NoError(t, tx.Commit(t.Context()))
		require.NoError(t, <-done)
	}
	meanwhile("INSERT INTO "+f.table("alert_history")+` (alert_id, alert_name, severity, status, started_at, resolved_at, duration_seconds, affected_services, recovery_actions)
VALUES ('a', 'Old', 'old', 'resolved', $1, $1, 7, '{api}', '[1]')`,
		func() error { return f.SaveAlerts(t.Context(), alert("a")) })
	alerts, err := f.Alerts(t.Context(), pgstore.AlertQuery{})
	require.NoError(t, err)
	require.Len(t, alerts, 1)
	a := alerts[0]
	require.Equal(t, []any{"A", "s", "resolved", []string{"api"}, `[1]`}, []any{a.Name, a.Severity, a.Status, a.AffectedServices, string(a.RecoveryActions)})
	require.False(t, a.ResolvedAt.IsZero(), "what was resolved stays so")
	require.Equal(t, 1, f.count(t, f.table("alert_history")+" WHERE duration_seconds = 7"))

	meanwhile("INSERT INTO "+f.table("anomaly_detections")+" (metric_name, detection_method, anomaly_score, threshold, detected_at, is_confirmed) VALUES ('m', 'x', 9, 9, $1, true)",
		func() error { return f.SaveAnomalies(t.Context(), anomaly("m")) })
	require.Equal(t, 1, f.count(t, f.table("anomaly_detections")+" WHERE anomaly_score = 9 AND is_confirmed"))
	require.Equal(t, 1, f.count(t, f.table("anomaly_detections")))

	meanwhile("INSERT INTO "+f.table("capacity_plans")+` (resource_type, forecast_period, current_usage, predicted_usage, recommendations, confidence_score, created_at)
VALUES ('r', '1d', '9', '9', '9', 0.9, $1)`,
		func() error { return f.SavePlans(t.Context(), plan("r")) })
	plans, err := f.Plans(t.Context(), "", pgstore.Page{})
	require.NoError(t, err)
	require.Len(t, plans, 1)
	require.Equal(t, []json.RawMessage{[]byte("1"), []byte("1"), []byte("1")}, []json.RawMessage{plans[0].Current, plans[0].Predicted, plans[0].Recommendations})
}

// testOrder: two that write the same rows, in whatever order, do not run into
// each other: no deadlock has to be tried again.
func testOrder(t *testing.T, server *testenv.PostgresServer) {
	t.Helper()
	f := open(t, server, pgx.QueryExecModeCacheStatement)
	state, err := f.State("x")
	require.NoError(t, err)
	const rows = 400
	for round := range 6 {
		var all sync.WaitGroup
		errs := make([]error, 8)
		for writer := range 2 {
			var alerts []pgstore.Alert
			var anomalies []pgstore.Anomaly
			var plans []pgstore.Plan
			changes := map[string][]byte{}
			for i := range rows {
				if writer == 1 {
					i = rows - 1 - i
				}
				key := fmt.Sprintf("%d/%d", round, i)
				alerts, anomalies, plans = append(alerts, alert(key)), append(anomalies, anomaly(key)), append(plans, plan(key))
				changes[key] = []byte(key)
			}
			all.Go(func() { errs[writer*4] = f.SaveAlerts(t.Context(), alerts...) })
			all.Go(func() { errs[writer*4+1] = f.SaveAnomalies(t.Context(), anomalies...) })
			all.Go(func() { errs[writer*4+2] = f.SavePlans(t.Context(), plans...) })
			all.Go(func() { errs[writer*4+3] = state.Write(t.Context(), changes) })
		}
		all.Wait()
		require.NoError(t, errors.Join(errs...))
	}
	require.NotRegexp(t, `monitor_pgstore_retries_total [1-9]`, f.exposition())
	for _, table := range []string{"alert_history", "anomaly_detections", "capacity_plans", "monitoring_state"} {
		require.Equal(t, 6*rows, f.count(t, f.table(table)))
	}
}
