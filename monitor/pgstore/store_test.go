package pgstore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/journal"
	"github.com/chronoretrace/chronomon/internal/journal/journaltest"
	"github.com/chronoretrace/chronomon/internal/testenv"
	"github.com/chronoretrace/chronomon/internal/testenv/pgtest"
	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/lease"
	"github.com/chronoretrace/chronomon/monitor/lease/pglease"
	"github.com/chronoretrace/chronomon/monitor/pgstore"
)

// testModes does everything in every way that pgx can ask.
func testModes(t *testing.T, server *testenv.PostgresServer) {
	t.Helper()
	testEach(t, server, pgtest.Modes)
}

// testPooler does it behind PgBouncer in transaction mode, where each statement
// may have another session, and there are two for all.
func testPooler(t *testing.T, server *testenv.PostgresServer) {
	t.Helper()
	pooler := testenv.Pooler(t, server)
	t.Run("migrate", func(t *testing.T) { migrateTogether(t, pooler, "pooled", pgtest.PooledModes) })
	testEach(t, pooler, pgtest.PooledModes)
}

// testEach does everything in each of the modes.
func testEach(t *testing.T, db database, modes []pgx.QueryExecMode) {
	t.Helper()
	for _, mode := range modes {
		for name, test := range map[string]func(*testing.T, *fixture){
			"Alerts": testAlerts, "Anomalies": testAnomalies, "Plans": testPlans, "Configs": testConfigs, "State": testState, "Fence": testFence,
		} {
			t.Run(mode.String()+" "+name, func(t *testing.T) { test(t, open(t, db, mode)) })
		}
	}
}

func testState(t *testing.T, f *fixture) {
	t.Helper()
	journaltest.TestKeyed(t, func(t testing.TB) (journal.Keyed, func() journal.Keyed) {
		again := func() journal.Keyed {
			k, err := f.another(t).State(t.Name())
			require.NoError(t, err)
			return k
		}
		return again(), again
	})
}

func testAlerts(t *testing.T, f *fixture) {
	t.Helper()
	firing := pgstore.Alert{
		ID: "4f2a", Name: "API\u5ef6\u8fdf 'high' \x00", Severity: "critical", Status: "firing", StartedAt: t0,
		AffectedServices: []string{"api", "a \"b\", c", ""},
	}
	before := time.Now()
	require.NoError(t, f.SaveAlerts(t.Context(), firing, firing))
	require.NoError(t, f.SaveAlerts(t.Context(), firing))
	got, err := f.Alerts(t.Context(), pgstore.AlertQuery{})
	require.NoError(t, err)
	require.Len(t, got, 1, "a write that is repeated is one")
	require.WithinRange(t, got[0].CreatedAt, before.Add(-time.Minute), before.Add(time.Minute), "UTC, whatever the session's zone")
	want := firing
	want.Name = "API\u5ef6\u8fdf 'high' \ufffd"
	want.StartedAt = time.Date(2026, 3, 2, 1, 30, 0, 123456000, time.UTC)
	want.Row, want.CreatedAt = got[0].Row, got[0].CreatedAt
	require.Equal(t, want, got[0])

	resolved := firing
	resolved.Status, resolved.ResolvedAt = "resolved", t0.Add(90*time.Second)
	resolved.RecoveryActions = json.RawMessage(`[{"action":"restart"}]`)
	other := firing
	other.StartedAt = t0.Add(time.Hour)
	require.NoError(t, f.SaveAlerts(t.Context(), resolved, other))
	require.NoError(t, f.SaveAlerts(t.Context(), firing), "late, and out of order")
	got, err = f.Alerts(t.Context(), pgstore.AlertQuery{})
	require.NoError(t, err)
	require.Len(t, got, 2)
	require.Equal(t, other.StartedAt.UTC().Truncate(time.Microsecond), got[0].StartedAt, "the newest first")
	require.Equal(t, "resolved", got[1].Status, "what was resolved stays so")
	require.Equal(t, 90*time.Second, got[1].ResolvedAt.Sub(got[1].StartedAt))
	require.JSONEq(t, `[{"action":"restart"}]`, string(got[1].RecoveryActions))
	var seconds int
	require.NoError(t, f.pool.QueryRow(t.Context(), "SELECT duration_seconds FROM "+f.table("alert_history")+" WHERE resolved_at IS NOT NULL").Scan(&seconds))
	require.Equal(t, 90, seconds)

	bare := firing
	bare.Name, bare.Severity, bare.AffectedServices = want.Name, "warning", nil
	require.NoError(t, f.SaveAlerts(t.Context(), bare))
	got, err = f.Alerts(t.Context(), pgstore.AlertQuery{Severity: "warning"})
	require.NoError(t, err)
	require.Len(t, got, 1, "brought up to date")
	require.Equal(t, firing.AffectedServices, got[0].AffectedServices, "what is not said stays")

	for n, q := range map[int]pgstore.AlertQuery{
		2: {ID: "4f2a"}, 1: {Unresolved: true}, 0: {Severity: "info"},
	} {
		got, err = f.Alerts(t.Context(), q)
		require.NoError(t, err)
		require.Len(t, got, n)
	}
	got, err = f.Alerts(t.Context(), pgstore.AlertQuery{Page: pgstore.Page{From: t0.Add(time.Hour), To: t0.Add(2 * time.Hour)}, Status: "firing", Name: want.Name})
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.NoError(t, f.SaveAlerts(t.Context()))
}

func testAnomalies(t *testing.T, f *fixture) {
	t.Helper()
	one := pgstore.Anomaly{
		Metric: "api_request_duration_seconds", Method: "statistical", Series: `{endpoint="/quotes"}`, Score: 4.25, Threshold: 3,
		DetectedAt: t0, Context: map[string]any{"mean": 0.5, "nul": "\x00", `back\u0000slash`: `\u0000`},
	}
	other := one
	other.Series = `{endpoint="/stocks"}`
	bare := pgstore.Anomaly{Metric: "m", Method: "x", DetectedAt: t0.Add(-time.Hour)}
	require.NoError(t, f.SaveAnomalies(t.Context(), one, other, bare, one))
	got, err := f.Anomalies(t.Context(), pgstore.AnomalyQuery{})
	require.NoError(t, err)
	require.Len(t, got, 3)
	require.Equal(t, []string{"api_request_duration_seconds", "m"}, []string{got[0].Metric, got[2].Metric})
	require.Nil(t, got[2].Context)
	require.NoError(t, f.Confirm(t.Context(), got[0].Row, true))
	require.ErrorIs(t, f.Confirm(t.Context(), 12345, true), pgstore.ErrNotFound)

	changed := one
	changed.Score = 99
	require.NoError(t, f.SaveAnomalies(t.Context(), changed, other, bare), "what is there stays as it is")
	confirmed, err := f.Anomalies(t.Context(), pgstore.AnomalyQuery{Confirmed: true})
	require.NoError(t, err)
	require.Len(t, confirmed, 1)
	require.True(t, confirmed[0].Confirmed)
	require.InDelta(t, 4.25, confirmed[0].Score, 0)
	require.Contains(t, []string{one.Series, other.Series}, confirmed[0].Series)
	require.Equal(t, map[string]any{"mean": 0.5, "nul": "\ufffd", `back\u0000slash`: `\u0000`}, confirmed[0].Context)
	require.Len(t, one.Context, 3, "the caller's map is the caller's")
	require.NoError(t, f.Confirm(t.Context(), got[0].Row, false))
	got, err = f.Anomalies(t.Context(), pgstore.AnomalyQuery{Metric: "m", Method: "x"})
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.Equal(t, 3, f.count(t, f.table("anomaly_detections")))
}

func testPlans(t *testing.T, f *fixture) {
	t.Helper()
	plan := pgstore.Plan{
		Resource: "disk", Current: json.RawMessage(`{"used": 10}`), Predicted: json.RawMessage(`[1.5]`), Recommendations: json.RawMessage(`[]`),
		Period: "90d", Confidence: .9, CreatedAt: t0,
	}
	unsure := plan
	unsure.Resource, unsure.Confidence, unsure.CreatedAt = "memory", math.NaN(), t0.Add(time.Minute)
	require.NoError(t, f.SavePlans(t.Context(), plan, unsure))
	plan.Recommendations = json.RawMessage(`["buy"]`)
	require.NoError(t, f.SavePlans(t.Context(), plan, unsure))
	got, err := f.Plans(t.Context(), "", pgstore.Page{})
	require.NoError(t, err)
	require.Len(t, got, 2)
	require.True(t, math.IsNaN(got[0].Confidence))
	got, err = f.Plans(t.Context(), "disk", pgstore.Page{})
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.JSONEq(t, `["buy"]`, string(got[0].Recommendations))
	require.JSONEq(t, `{"used": 10}`, string(got[0].Current))
	require.Equal(t, plan.CreatedAt.UTC().Truncate(time.Microsecond), got[0].CreatedAt)
	require.InDelta(t, .9, got[0].Confidence, 0)
}

// testConfigs: who changed what and when, and back again.
func testConfigs(t *testing.T, f *fixture) {
	t.Helper()
	save := func(data, author string, from int) (int, error) {
		return f.SaveConfig(t.Context(), pgstore.Config{Type: "rules", Name: "main", Data: json.RawMessage(data), Author: author, Comment: "why\x00"}, from)
	}
	_, err := f.Config(t.Context(), "rules", "main", 0)
	require.ErrorIs(t, err, pgstore.ErrNotFound)
	version, err := save(`{"for": "5m", "on": true}`, "amy", 0)
	require.NoError(t, err)
	require.Equal(t, 1, version)
	version, err = save(`{"on":true,"for":"5m"}`, "amy", 0)
	require.NoError(t, err, "a write that is repeated")
	require.Equal(t, 1, version)
	version, err = save(`{"for": "10m", "on": true}`, "bob", 1)
	require.NoError(t, err)
	require.Equal(t, 2, version)
	_, err = save(`{"for": "1m"}`, "carl", 1)
	require.ErrorIs(t, err, pgstore.ErrConflict)
	require.EqualError(t, err, "pgstore: save a configuration: version 2, made from 1: the configuration was changed meanwhile")
	version, err = save(`{"for": "10m", "on": false}`, "carl", pgstore.AnyVersion)
	require.NoError(t, err)
	require.Equal(t, 3, version)

	diff, err := f.ConfigDiff(t.Context(), "rules", "main", 1, 3)
	require.NoError(t, err)
	require.Equal(t, []pgstore.Change{
		{Path: "/for", Before: json.RawMessage(`"5m"`), After: json.RawMessage(`"10m"`)},
		{Path: "/on", Before: json.RawMessage(`true`), After: json.RawMessage(`false`)},
	}, diff)
	version, err = f.Rollback(t.Context(), "rules", "main", 1, "dora")
	require.NoError(t, err)
	require.Equal(t, 4, version)
	_, err = f.Rollback(t.Context(), "rules", "main", 9, "dora")
	require.ErrorIs(t, err, pgstore.ErrNotFound)
	now, err := f.Config(t.Context(), "rules", "main", 0)
	require.NoError(t, err)
	require.JSONEq(t, `{"for": "5m", "on": true}`, string(now.Data))
	require.Equal(t, "dora", now.Author)
	require.Equal(t, "rollback to version 1", now.Comment)
	require.WithinDuration(t, time.Now(), now.At, time.Minute)
	all, err := f.ConfigVersions(t.Context(), "rules", "main", 3)
	require.NoError(t, err)
	require.Len(t, all, 3)
	require.Equal(t, []string{"dora", "carl", "bob"}, []string{all[0].Author, all[1].Author, all[2].Author})
	require.Equal(t, 1, f.count(t, f.table("monitoring_configs")+` WHERE config_data = '{"for": "5m", "on": true}'`), "the table of the design has the newest")
}

// testConfigRace: of changes from the same version one is made; changes from any
// are all made, one after the other.
func testConfigRace(t *testing.T, server *testenv.PostgresServer) {
	t.Helper()
	f := open(t, server, pgx.QueryExecModeCacheStatement)
	const writers = 6
	save := func(from int) (won int) {
		errs := make([]error, writers)
		var all sync.WaitGroup
		for i := range writers {
			all.Go(func() {
				_, errs[i] = f.SaveConfig(t.Context(), pgstore.Config{
					Type: "x", Name: "y", Data: json.RawMessage(fmt.Sprintf(`{"from": %d, "writer": %d}`, from, i)),
				}, from)
			})
		}
		all.Wait()
		for _, err := range errs {
			if err == nil {
				won++
				continue
			}
			require.ErrorIs(t, err, pgstore.ErrConflict)
		}
		return won
	}
	require.Equal(t, 1, save(0))
	require.Equal(t, 1, save(1))
	require.Equal(t, writers, save(pgstore.AnyVersion))
	all, err := f.ConfigVersions(t.Context(), "x", "y", 100)
	require.NoError(t, err)
	require.Len(t, all, 2+writers)
	var current string
	require.NoError(t, f.pool.QueryRow(t.Context(), "SELECT config_data::text FROM "+f.table("monitoring_configs")).Scan(&current))
	require.JSONEq(t, string(all[0].Data), current)
}

// testFence: what a leader writes is written in its term, and not after it.
func testFence(t *testing.T, f *fixture) {
	t.Helper()
	f.Store = f.another(t, pgstore.WithLease("alerting"))
	state, err := f.State("x")
	require.NoError(t, err)
	leases, err := pglease.New(f.pool, "alerting", pglease.WithSchema(f.schema))
	require.NoError(t, err)
	writes := func(ctx context.Context, n int) []error {
		at := t0.Add(time.Duration(n) * time.Minute)
		_, err := f.SaveConfig(ctx, pgstore.Config{Type: "x", Name: "y", Data: json.RawMessage(strconv.Itoa(n))}, pgstore.AnyVersion)
		return []error{
			f.SaveAlerts(ctx, pgstore.Alert{ID: "a", Name: "A", Severity: "info", Status: "firing", StartedAt: at}),
			f.SaveAnomalies(ctx, pgstore.Anomaly{Metric: "m", Method: "x", DetectedAt: at}),
			f.SavePlans(ctx, pgstore.Plan{Resource: "r", Current: json.RawMessage("1"), Predicted: json.RawMessage("1"), Recommendations: json.RawMessage("1"), Period: "1d", CreatedAt: at}),
			err,
			state.Write(ctx, map[string][]byte{fmt.Sprint("key", n): {1}}),
			f.Prune(ctx, t0),
		}
	}
	term := func(epoch uint64) context.Context {
		return lease.NewContext(t.Context(), lease.Term{Lease: "alerting", Epoch: epoch})
	}
	refused := func(ctx context.Context, n int) {
		t.Helper()
		for _, err := range writes(ctx, n) {
			require.ErrorIs(t, err, lease.ErrLost)
		}
		require.ErrorIs(t, f.Confirm(ctx, 1, true), lease.ErrLost)
	}
	rows := func() (n int) {
		for _, table := range []string{"alert_history", "anomaly_detections", "capacity_plans", "monitoring_config_versions", "monitoring_state"} {
			n += f.count(t, f.table(table))
		}
		return n
	}
	refused(t.Context(), 1)
	refused(term(1), 2)
	refused(lease.NewContext(t.Context(), lease.Term{Lease: "another", Epoch: 1}), 3)
	old, err := leases.Acquire(t.Context(), "a", time.Minute)
	require.NoError(t, err)
	refused(term(old+1), 4)
	require.Zero(t, rows())
	require.NoError(t, errors.Join(writes(term(old), 5)...))
	refused(lease.NewContext(t.Context(), lease.Term{Lease: "another", Epoch: old}), 9)
	require.Equal(t, 5, rows())
	epoch, err := leases.Acquire(t.Context(), "a", time.Minute)
	require.NoError(t, err)
	refused(term(old), 6)
	require.Equal(t, 5, rows())
	require.NoError(t, errors.Join(writes(term(epoch), 7)...))
	require.NoError(t, leases.Release(t.Context(), "a", epoch))
	refused(term(epoch), 8)
	require.Equal(t, 10, rows())
	got, err := f.Alerts(t.Context(), pgstore.AlertQuery{})
	require.NoError(t, err, "reading needs no lease")
	require.Len(t, got, 2)
}

func testPrune(t *testing.T, server *testenv.PostgresServer) {
	t.Helper()
	f := open(t, server, pgx.QueryExecModeCacheStatement,
		pgstore.WithRetention(pgstore.Retention{Alerts: 100 * time.Hour, Anomalies: 10 * time.Hour, Plans: -1, Versions: 3}))
	const old = 2500 // three chunks
	var alerts []pgstore.Alert
	var anomalies []pgstore.Anomaly
	for i := range old {
		at := t0.Add(-200*time.Hour + time.Duration(i)*time.Second)
		alerts = append(alerts, pgstore.Alert{ID: strconv.Itoa(i), Name: "A", Severity: "info", Status: "resolved", StartedAt: at, ResolvedAt: at})
		anomalies = append(anomalies, pgstore.Anomaly{Metric: "m", Method: "x", DetectedAt: at})
	}
	alerts = append(alerts,
		pgstore.Alert{ID: "still", Name: "A", Severity: "info", Status: "firing", StartedAt: t0.Add(-900 * time.Hour)},
		pgstore.Alert{ID: "new", Name: "A", Severity: "info", Status: "resolved", StartedAt: t0.Add(-99 * time.Hour), ResolvedAt: t0})
	anomalies = append(anomalies,
		pgstore.Anomaly{Metric: "confirmed", Method: "x", DetectedAt: t0.Add(-50 * time.Hour)},
		pgstore.Anomaly{Metric: "new", Method: "x", DetectedAt: t0.Add(-9 * time.Hour)})
	require.NoError(t, f.SaveAlerts(t.Context(), alerts...))
	require.NoError(t, f.SaveAnomalies(t.Context(), anomalies...))
	require.NoError(t, f.SavePlans(t.Context(), pgstore.Plan{
		Resource: "r", Current: json.RawMessage("1"), Predicted: json.RawMessage("1"), Recommendations: json.RawMessage("1"), Period: "1d", CreatedAt: t0.Add(-9999 * time.Hour),
	}))
	for i := range 5 {
		_, err := f.SaveConfig(t.Context(), pgstore.Config{Type: "x", Name: "y", Data: json.RawMessage(strconv.Itoa(i))}, pgstore.AnyVersion)
		require.NoError(t, err)
	}
	confirmed, err := f.Anomalies(t.Context(), pgstore.AnomalyQuery{Metric: "confirmed"})
	require.NoError(t, err)
	require.NoError(t, f.Confirm(t.Context(), confirmed[0].Row, true))
	require.NoError(t, f.Prune(t.Context(), t0))
	require.Equal(t, 2, f.count(t, f.table("alert_history")+" WHERE alert_id IN ('still', 'new')"))
	require.Equal(t, 2, f.count(t, f.table("alert_history")))
	require.Equal(t, 2, f.count(t, f.table("anomaly_detections")+" WHERE metric_name IN ('confirmed', 'new')"))
	require.Equal(t, 2, f.count(t, f.table("anomaly_detections")))
	require.Equal(t, 1, f.count(t, f.table("capacity_plans")))
	require.Equal(t, 3, f.count(t, f.table("monitoring_config_versions")+" WHERE version > 2"))
	require.Equal(t, 3, f.count(t, f.table("monitoring_config_versions")))
	text := f.exposition()
	require.Contains(t, text, `monitor_pgstore_pruned_rows_total{table="alert_history"} 2500`)
	require.Contains(t, text, `monitor_pgstore_pruned_rows_total{table="anomaly_detections"} 2500`)
	require.Contains(t, text, `monitor_pgstore_writes_total{table="capacity_plans",result="ok"} 1`)
	require.NoError(t, f.Prune(t.Context(), t0.Add(60*time.Hour)))
	require.Equal(t, 0, f.count(t, f.table("anomaly_detections")+" WHERE metric_name <> 'confirmed'"))
	require.NoError(t, f.Prune(t.Context(), t0.Add(90*time.Hour)))
	require.Equal(t, 0, f.count(t, f.table("anomaly_detections")))
}

// testRun: the store prunes when it starts, and ends when it is asked to.
func testRun(t *testing.T, server *testenv.PostgresServer) {
	t.Helper()
	f := open(t, server, pgx.QueryExecModeCacheStatement)
	require.NoError(t, f.SaveAnomalies(t.Context(), pgstore.Anomaly{Metric: "m", Method: "x", DetectedAt: time.Now().AddDate(0, -4, 0)}))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- f.Run(ctx) }()
	require.Eventually(t, func() bool { return f.count(t, f.table("anomaly_detections")) == 0 }, 20*time.Second, 20*time.Millisecond)
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
}

// testInvalid: what a column does not take is refused before it is sent, all of
// it is said at once, and no value is shown.
func testInvalid(t *testing.T, server *testenv.PostgresServer) {
	t.Helper()
	f := open(t, server, pgx.QueryExecModeCacheStatement)
	long := strings.Repeat("secret", 50)
	check := func(err error, columns ...string) {
		t.Helper()
		require.ErrorIs(t, err, pgstore.ErrInvalid)
		for _, c := range columns {
			require.ErrorContains(t, err, c)
		}
		require.NotContains(t, err.Error(), "secret")
	}
	fine := pgstore.Alert{ID: "fine", Name: "A", Severity: "info", Status: "firing", StartedAt: t0}
	check(f.SaveAlerts(t.Context(), fine, pgstore.Alert{ID: long, Name: long, Severity: long, RecoveryActions: json.RawMessage("{secret")}),
		"alert_id has 300 characters: want 1 to 100", "alert_name", "severity", "status has 0", "started_at", "recovery_actions")
	check(f.SaveAlerts(t.Context(), pgstore.Alert{ID: "1", Name: "A", Severity: "s", Status: "s", StartedAt: t0, ResolvedAt: t0.Add(-1)}), "resolved_at")
	require.Equal(t, 1, f.count(t, f.table("alert_history")), "the one that is fine")
	check(f.SaveAnomalies(t.Context(), pgstore.Anomaly{Method: long, Score: math.NaN(), Threshold: math.Inf(1)}), "metric_name", "detection_method", "anomaly_score", "threshold", "detected_at")
	check(f.SaveAnomalies(t.Context(), pgstore.Anomaly{Metric: "m", Method: "x", DetectedAt: t0, Context: map[string]any{"f": func() {}}}))
	check(f.SavePlans(t.Context(), pgstore.Plan{Current: json.RawMessage("null"), Confidence: 2}), "resource_type", "current_usage", "predicted_usage", "recommendations", "forecast_period", "confidence_score", "created_at")
	_, err := f.SaveConfig(t.Context(), pgstore.Config{Name: long, Data: json.RawMessage("secret")}, -2)
	check(err, "config_type", "config_name", "config_data", "version")
	_, err = f.State("")
	check(err, "namespace")
	_, err = pgstore.Diff(json.RawMessage("secret"), nil)
	check(err)

	_, err = pgstore.New(nil, nil, pgstore.WithSchema(""), pgstore.WithLease(""), pgstore.WithTimeout(0), nil)
	require.ErrorIs(t, err, monitor.ErrInvalidOption)
	for _, want := range []string{"monitor = nil", "pool = nil", `WithSchema = ""`, `WithLease = ""`, "WithTimeout = 0s"} {
		require.ErrorContains(t, err, want)
	}
}

// testErrors: an error has the operation and the SQLSTATE, and no value.
func testErrors(t *testing.T, server *testenv.PostgresServer) {
	t.Helper()
	f := open(t, server, pgx.QueryExecModeCacheStatement)
	alert := pgstore.Alert{ID: "1", Name: "secret", Severity: "s", Status: "s", StartedAt: t0, RecoveryActions: json.RawMessage(`"\ud800secret"`)}
	err := f.SaveAlerts(t.Context(), alert)
	pg := &pgconn.PgError{}
	require.ErrorAs(t, err, &pg)
	require.EqualError(t, err, "pgstore: save alerts: alerts[0]: invalid value: SQLSTATE 22P02: a value has not the form of its type")
	require.Contains(t, f.exposition(), `monitor_pgstore_writes_total{table="alert_history",result="error"} 1`)

	lost, err := pgstore.New(f.m, pgtest.Connect(t, "postgres://someuser:hunter2@127.0.0.1:1/somedb?sslmode=disable", pgx.QueryExecModeExec))
	require.NoError(t, err)
	alert.RecoveryActions = nil
	require.EqualError(t, lost.SaveAlerts(t.Context(), alert), "pgstore: save alerts: no connection: refused: nobody listens there")
	require.Contains(t, f.exposition(), "monitor_pgstore_retries_total 3")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, f.SaveAlerts(ctx, alert), context.Canceled)

	// A statement has its time.
	tx, err := f.pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(t.Context()) }()
	_, err = tx.Exec(t.Context(), "LOCK TABLE "+f.table("alert_history"))
	require.NoError(t, err)
	began := time.Now()
	require.ErrorIs(t, f.another(t, pgstore.WithTimeout(100*time.Millisecond)).SaveAlerts(t.Context(), alert), context.DeadlineExceeded)
	require.Less(t, time.Since(began), 5*time.Second)
}

func testPages(t *testing.T, server *testenv.PostgresServer) {
	t.Helper()
	f := open(t, server, pgx.QueryExecModeCacheStatement)
	var alerts []pgstore.Alert
	for i := range 25 {
		alerts = append(alerts, pgstore.Alert{ID: strconv.Itoa(i), Name: "A", Severity: "s", Status: "s", StartedAt: t0.Add(time.Duration(i/3) * time.Hour)})
	}
	require.NoError(t, f.SaveAlerts(t.Context(), alerts...))
	seen := map[string]bool{}
	page := pgstore.Page{Limit: 4}
	for range 10 {
		got, err := f.Alerts(t.Context(), pgstore.AlertQuery{Page: page})
		require.NoError(t, err)
		require.LessOrEqual(t, len(got), 4)
		if len(got) == 0 {
			break
		}
		for _, a := range got {
			require.False(t, seen[a.ID])
			seen[a.ID] = true
		}
		page.Before = got[len(got)-1].Row
	}
	require.Len(t, seen, 25)
}
