package pgstore_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"math"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/testenv"
	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/pgstore"
)

// asked is a pool of no server: it notes what is asked, and each write fails.
type asked struct{ sql []string }

func (p *asked) Begin(context.Context) (pgx.Tx, error) { return nil, &pgconn.PgError{Code: "53100"} }

func (p *asked) Exec(context.Context, string, ...any) (pgconn.CommandTag, error) {
	return pgconn.CommandTag{}, &pgconn.PgError{Code: "53100"}
}

func (p *asked) Query(context.Context, string, ...any) (pgx.Rows, error) {
	return nil, &pgconn.PgError{Code: "53100"}
}

func (p *asked) QueryRow(_ context.Context, sql string, _ ...any) pgx.Row {
	p.sql = append(p.sql, sql)
	return p
}

func (p *asked) Scan(...any) error { return &pgconn.PgError{Code: "53100"} }

// TestOptions: each bound is one that is just within, and not just beyond.
func TestOptions(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ fine, bad pgstore.Option }{
		"schema":   {pgstore.WithSchema(strings.Repeat("x", 63)), pgstore.WithSchema(strings.Repeat("x", 64))},
		"NUL":      {pgstore.WithSchema("a b"), pgstore.WithSchema("a\x00b")},
		"lease":    {pgstore.WithLease(strings.Repeat("x", 100)), pgstore.WithLease(strings.Repeat("x", 101))},
		"NUL too":  {pgstore.WithLease("a b"), pgstore.WithLease("a\x00b")},
		"longest":  {pgstore.WithTimeout(time.Hour), pgstore.WithTimeout(time.Hour + 1)},
		"shortest": {pgstore.WithTimeout(1), pgstore.WithTimeout(0)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := pgstore.New(newMonitor(t), &asked{}, tc.fine)
			require.NoError(t, err)
			_, err = pgstore.New(newMonitor(t), &asked{}, tc.bad)
			require.ErrorIs(t, err, monitor.ErrInvalidOption)
		})
	}
	s, err := pgstore.New(newMonitor(t), &asked{})
	require.NoError(t, err)
	for _, namespace := range []string{"", strings.Repeat("x", 101), "\xff", "a\x00"} {
		_, err := s.State(namespace)
		require.ErrorIs(t, err, pgstore.ErrInvalid, "%q", namespace)
	}
	_, err = s.State(strings.Repeat("x", 100))
	require.NoError(t, err)
}

// TestEveryHour: what cannot be pruned is logged, and tried again in an hour; the
// end is no failure.
func TestEveryHour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		m, err := monitor.New(monitor.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
		require.NoError(t, err)
		pool := &asked{}
		s, err := pgstore.New(m, pool)
		require.NoError(t, err)
		require.Equal(t, "pgstore", s.String())
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		time.Sleep(2*time.Hour + time.Minute)
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
		require.Len(t, pool.sql, 3, "at once, and after an hour and two")
		require.Equal(t, 3, strings.Count(log.String(), `msg="pgstore: not pruned" error="pgstore: prune alert_history: SQLSTATE 53100: the disk is full"`))
	})
}

// testWidths: a text may have as many characters as its column, of any kind, and
// numbers and times are what the columns can hold.
func testWidths(t *testing.T, server *testenv.PostgresServer) {
	t.Helper()
	f := open(t, server, pgx.QueryExecModeCacheStatement)
	wide := func(n int) string { return strings.Repeat("\U0001f4c8", n) }
	a := pgstore.Alert{ID: wide(100), Name: wide(200), Severity: wide(20), Status: wide(20), StartedAt: time.Unix(0, 0), ResolvedAt: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)}
	b := pgstore.Anomaly{Metric: wide(100), Method: wide(50), Series: wide(5000), Score: math.MaxFloat64, Threshold: -math.SmallestNonzeroFloat64, DetectedAt: time.Unix(0, 0)}
	p := plan(wide(50))
	p.Period, p.Confidence = wide(20), 1
	require.NoError(t, f.SaveAlerts(t.Context(), a))
	require.NoError(t, f.SaveAnomalies(t.Context(), b))
	require.NoError(t, f.SavePlans(t.Context(), p))
	_, err := f.SaveConfig(t.Context(), pgstore.Config{Type: wide(50), Name: wide(100), Data: json.RawMessage("1")}, 0)
	require.NoError(t, err)
	_, err = f.SaveConfig(t.Context(), pgstore.Config{Type: "t", Name: "n", Data: json.RawMessage("1"), Author: "a\x00\xff", Comment: "b\xff\x00"}, 0)
	require.NoError(t, err)
	c, err := f.Config(t.Context(), "t", "n", 0)
	require.NoError(t, err)
	require.Equal(t, "a\ufffd\ufffd b\ufffd\ufffd", c.Author+" "+c.Comment)
	var seconds int
	require.NoError(t, f.pool.QueryRow(t.Context(), "SELECT duration_seconds FROM "+f.table("alert_history")).Scan(&seconds))
	require.Equal(t, math.MaxInt32, seconds)
	got, err := f.Anomalies(t.Context(), pgstore.AnomalyQuery{})
	require.NoError(t, err)
	require.Equal(t, b.Series, got[0].Series)
	require.InDelta(t, math.MaxFloat64, got[0].Score, 0)

	for column, err := range map[string]error{
		"alert_id has 101":        f.SaveAlerts(t.Context(), func() pgstore.Alert { a := a; a.ID = wide(101); return a }()),
		"alert_name has 201":      f.SaveAlerts(t.Context(), func() pgstore.Alert { a := a; a.Name = wide(201); return a }()),
		"severity has 21":         f.SaveAlerts(t.Context(), func() pgstore.Alert { a := a; a.Severity = wide(21); return a }()),
		"status has 21":           f.SaveAlerts(t.Context(), func() pgstore.Alert { a := a; a.Status = wide(21); return a }()),
		"started_at is in":        f.SaveAlerts(t.Context(), func() pgstore.Alert { a := a; a.StartedAt = time.Unix(-1, 0); return a }()),
		"resolved_at is in":       f.SaveAlerts(t.Context(), func() pgstore.Alert { a := a; a.ResolvedAt = a.ResolvedAt.Add(time.Second); return a }()),
		"metric_name has 101":     f.SaveAnomalies(t.Context(), func() pgstore.Anomaly { b := b; b.Metric = wide(101); return b }()),
		"detection_method has 51": f.SaveAnomalies(t.Context(), func() pgstore.Anomaly { b := b; b.Method = wide(51); return b }()),
		"detected_at is in":       f.SaveAnomalies(t.Context(), func() pgstore.Anomaly { b := b; b.DetectedAt = time.Unix(-1, 0); return b }()),
		"resource_type has 51":    f.SavePlans(t.Context(), func() pgstore.Plan { p := p; p.Resource = wide(51); return p }()),
		"forecast_period has 21":  f.SavePlans(t.Context(), func() pgstore.Plan { p := p; p.Period = wide(21); return p }()),
		"confidence_score":        f.SavePlans(t.Context(), func() pgstore.Plan { p := p; p.Confidence = -0.1; return p }()),
		"created_at is in":        f.SavePlans(t.Context(), func() pgstore.Plan { p := p; p.CreatedAt = time.Unix(-1, 0); return p }()),
	} {
		require.ErrorIs(t, err, pgstore.ErrInvalid, column)
		require.ErrorContains(t, err, "invalid value: "+column)
	}
	for column, c := range map[string]pgstore.Config{"config_type has 51": {Type: wide(51), Name: "n"}, "config_name has 101": {Type: "t", Name: wide(101)}} {
		c.Data = json.RawMessage("1")
		_, err := f.SaveConfig(t.Context(), c, 0)
		require.ErrorContains(t, err, "invalid value: "+column)
	}
}

// testLimits: a page and a list have as many rows as was asked for, a hundred by
// default, and ten thousand at most.
func testLimits(t *testing.T, server *testenv.PostgresServer) {
	t.Helper()
	f := open(t, server, pgx.QueryExecModeCacheStatement)
	_, err := f.pool.Exec(t.Context(), "INSERT INTO "+f.table("alert_history")+` (alert_id, alert_name, severity, status, started_at)
SELECT i::text, 'A', 's', 's', '2026-01-01' FROM generate_series(1, 10001) i`)
	require.NoError(t, err)
	for limit, want := range map[int]int{0: 100, -1: 100, 7: 7, 10_000: 10_000, 10_001: 10_000} {
		got, err := f.Alerts(t.Context(), pgstore.AlertQuery{Page: pgstore.Page{Limit: limit, Before: -1}})
		require.NoError(t, err)
		require.Len(t, got, want, "Limit: %d", limit)
	}
	for i := range 3 {
		_, err := f.SaveConfig(t.Context(), pgstore.Config{Type: "t", Name: "n", Data: json.RawMessage(strconv.Itoa(i))}, i)
		require.NoError(t, err)
	}
	for limit, want := range map[int]int{-1: 1, 0: 1, 2: 2, 9: 3} {
		got, err := f.ConfigVersions(t.Context(), "t", "n", limit)
		require.NoError(t, err)
		require.Len(t, got, want, "limit: %d", limit)
	}
	for _, to := range []int{0, -1} {
		_, err := f.Rollback(t.Context(), "t", "n", to, "amy")
		require.ErrorIs(t, err, pgstore.ErrNotFound, "0 would be the newest")
	}
}

// testKept: what is kept by default is kept for as long as is said, and what is
// to be kept for ever is.
func testKept(t *testing.T, server *testenv.PostgresServer) {
	t.Helper()
	f := open(t, server, pgx.QueryExecModeCacheStatement)
	const day = 24 * time.Hour
	put := func(name string, age time.Duration) {
		t.Helper()
		at := t0.Add(-age)
		a, b, confirmed, p := alert(name), anomaly(name), anomaly(name+" confirmed"), plan(name)
		a.StartedAt, a.ResolvedAt, b.DetectedAt, confirmed.DetectedAt, p.CreatedAt = at, at, at, at, at
		require.NoError(t, f.SaveAlerts(t.Context(), a))
		require.NoError(t, f.SaveAnomalies(t.Context(), b, confirmed))
		require.NoError(t, f.SavePlans(t.Context(), p))
		_, err := f.pool.Exec(t.Context(), "UPDATE "+f.table("anomaly_detections")+" SET is_confirmed = true WHERE metric_name LIKE '% confirmed'")
		require.NoError(t, err)
	}
	put("a month", 30*day)
	put("a quarter", 90*day-time.Hour)
	put("more", 90*day+time.Hour)
	put("a year", 365*day-time.Hour)
	put("over a year", 365*day+time.Hour)
	for i := range 102 {
		_, err := f.SaveConfig(t.Context(), pgstore.Config{Type: "t", Name: "n", Data: json.RawMessage(strconv.Itoa(i))}, i)
		require.NoError(t, err)
	}
	rows := func() []int {
		return []int{
			f.count(t, f.table("alert_history")), f.count(t, f.table("anomaly_detections")+" WHERE NOT is_confirmed"),
			f.count(t, f.table("anomaly_detections")+" WHERE is_confirmed"), f.count(t, f.table("capacity_plans")), f.count(t, f.table("monitoring_config_versions")),
		}
	}
	for _, tc := range []struct {
		keep pgstore.Retention
		want []int // alerts, anomalies, confirmed ones, plans, versions
	}{
		{pgstore.Retention{Alerts: -1, Anomalies: -1, Plans: -1, Versions: -1}, []int{5, 5, 5, 5, 102}},
		{pgstore.Retention{Alerts: -1, Versions: -1, Plans: -1}, []int{5, 2, 5, 5, 102}},
		{pgstore.Retention{Anomalies: -1, Versions: -1, Plans: -1}, []int{4, 2, 5, 5, 102}},
		{pgstore.Retention{}, []int{4, 2, 4, 4, 100}},
		{pgstore.Retention{Alerts: 80 * day, Anomalies: 100 * day, Plans: 31 * day, Versions: 1}, []int{1, 2, 3, 1, 1}},
	} {
		require.NoError(t, f.another(t, pgstore.WithRetention(tc.keep)).Prune(t.Context(), t0))
		require.Equal(t, tc.want, rows(), "%+v", tc.keep)
	}
}
