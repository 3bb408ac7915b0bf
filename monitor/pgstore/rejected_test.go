package pgstore_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/testenv"
	"github.com/chronoretrace/chronomon/internal/testenv/pgtest"
	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/lease"
	"github.com/chronoretrace/chronomon/monitor/lease/pglease"
	"github.com/chronoretrace/chronomon/monitor/pgstore"
)

func alert(id string) pgstore.Alert {
	return pgstore.Alert{ID: id, Name: "A", Severity: "s", Status: "firing", StartedAt: t0}
}

func anomaly(metric string) pgstore.Anomaly {
	return pgstore.Anomaly{Metric: metric, Method: "x", DetectedAt: t0}
}

func plan(resource string) pgstore.Plan {
	one := json.RawMessage("1")
	return pgstore.Plan{Resource: resource, Period: "1d", Current: one, Predicted: one, Recommendations: one, CreatedAt: t0}
}

// counting is a pool that counts statements.
type counting struct {
	*pgxpool.Pool
	rows, queries atomic.Int64
}

func (p *counting) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	p.rows.Add(1)
	return p.Pool.QueryRow(ctx, sql, args...)
}

func (p *counting) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	p.queries.Add(1)
	return p.Pool.Query(ctx, sql, args...)
}

// counted returns a store on the fixture's tables, and the pool that it uses.
func (f *fixture) counted(t *testing.T) (*pgstore.Store, *counting) {
	t.Helper()
	pool := &counting{Pool: f.pool}
	s, err := pgstore.New(f.m, pool, pgstore.WithSchema(f.schema))
	require.NoError(t, err)
	return s, pool
}

// with returns a pool whose sessions have these settings.
func (f *fixture) with(t *testing.T, db database, settings ...string) *pgxpool.Pool {
	t.Helper()
	c, err := pgxpool.ParseConfig(db.DSN())
	require.NoError(t, err)
	for i := 0; i < len(settings); i += 2 {
		c.ConnConfig.RuntimeParams[settings[i]] = settings[i+1]
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

// testRejected: JSON that is JSON, but not jsonb's, and what a host's constraint
// does not take, is said and counted, and keeps no other row from the table.
func testRejected(t *testing.T, server *testenv.PostgresServer) {
	t.Helper()
	f := open(t, server, pgx.QueryExecModeCacheStatement)
	_, err := f.pool.Exec(t.Context(), "ALTER TABLE "+f.table("alert_history")+" ADD CHECK (severity <> 'odd')")
	require.NoError(t, err)
	bad := map[int]string{0: `"\ud800 secret"`, 41: `1e400000`, 42: `{"a":"\udc00\ud800"}`, 998: `-`, 1499: ""}
	why := map[int]string{0: "SQLSTATE 22P02: a value has not the form of its type", 41: "SQLSTATE 22003", 42: "SQLSTATE 22P02: a value has not the form of its type", 998: "recovery_actions: want JSON", 1499: "SQLSTATE 23514"}
	var alerts []pgstore.Alert
	for i := range 1500 {
		a := alert(strconv.Itoa(i))
		a.RecoveryActions = json.RawMessage(`[1]`)
		if data, ok := bad[i]; ok {
			a.RecoveryActions = json.RawMessage(data)
			if data == "" {
				a.RecoveryActions, a.Severity = nil, "odd"
			}
		}
		alerts = append(alerts, a)
	}
	s, pool := f.counted(t)
	for range 2 {
		err = s.SaveAlerts(t.Context(), alerts...)
		require.ErrorIs(t, err, pgstore.ErrInvalid)
		require.NotContains(t, err.Error(), "secret")
		for i, reason := range why {
			require.ErrorContains(t, err, fmt.Sprintf("alerts[%d]: invalid value: %s", i, reason))
		}
		require.Len(t, strings.Split(err.Error(), "\n"), len(bad))
		require.Equal(t, 1500-len(bad), f.count(t, f.table("alert_history")))
	}
	require.Less(t, pool.rows.Load(), int64(2*4*2*11), "four rows, each found by halves")
	require.Contains(t, f.exposition(), `monitor_pgstore_rejected_rows_total{table="alert_history"} 10`)

	// The anomalies and plans go the same way, and so does a configuration.
	odd := anomaly("odd")
	odd.Context = map[string]any{"a": json.RawMessage(`"\ud800"`)}
	err = f.SaveAnomalies(t.Context(), anomaly("m"), odd)
	require.EqualError(t, err, "pgstore: save anomalies: anomalies[1]: invalid value: SQLSTATE 22P02: a value has not the form of its type")
	wide := plan("wide")
	wide.Current = json.RawMessage(`1e400000`)
	err = f.SavePlans(t.Context(), wide, plan("r"))
	require.EqualError(t, err, "pgstore: save capacity plans: plans[0]: invalid value: SQLSTATE 22003")
	for table, n := range map[string]int{"anomaly_detections": 1, "capacity_plans": 1} {
		require.Equal(t, n, f.count(t, f.table(table)))
		require.Contains(t, f.exposition(), `monitor_pgstore_rejected_rows_total{table="`+table+`"} 1`)
	}
	_, err = f.SaveConfig(t.Context(), pgstore.Config{Type: "t", Name: "n", Data: json.RawMessage(`"\ud800"`)}, pgstore.AnyVersion)
	require.ErrorIs(t, err, pgstore.ErrInvalid)
	require.EqualError(t, err, "pgstore: save a configuration: invalid value: SQLSTATE 22P02: a value has not the form of its type")

	// So does what is too deep for the server, or too long for an index of a host.
	_, err = f.pool.Exec(t.Context(), "CREATE INDEX ON "+f.table("alert_history")+" (affected_services)")
	require.NoError(t, err)
	long, deep := alert("long"), alert("deep")
	var text strings.Builder
	for i := range 2000 {
		text.WriteString(strconv.FormatUint(uint64(i)*0x9e3779b97f4a7c15, 36)) // what does not compress
	}
	long.AffectedServices = []string{text.String()}
	deep.RecoveryActions = json.RawMessage(strings.Repeat("[", 5000) + strings.Repeat("]", 5000))
	shallow := f.with(t, server, "max_stack_depth", "100kB")
	s, err = pgstore.New(f.m, shallow, pgstore.WithSchema(f.schema))
	require.NoError(t, err)
	err = s.SaveAlerts(t.Context(), long, alert("after long"), deep, alert("after deep"))
	require.EqualError(t, err, "pgstore: save alerts: alerts[0]: invalid value: SQLSTATE 54000\nalerts[2]: invalid value: SQLSTATE 54001")
	require.Equal(t, 2, f.count(t, f.table("alert_history")+" WHERE alert_id LIKE 'after %'"))

	// However many there are, an error tells of ten.
	err = f.SaveAlerts(t.Context(), make([]pgstore.Alert, 1000)...)
	require.ErrorContains(t, err, "alerts[9]: ")
	require.NotContains(t, err.Error(), "alerts[10]: ")
	require.ErrorContains(t, err, "\nand 990 more")

	// What is not the row's fault is another error, and says that all is to be repeated.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err = f.SaveAlerts(ctx, pgstore.Alert{}, alert("fine"))
	require.ErrorIs(t, err, context.Canceled)
	require.NotErrorIs(t, err, pgstore.ErrInvalid)
}

// testApart: texts by which a row is known are kept as they are, or not at all;
// after cleaning two of them would be one.
func testApart(t *testing.T, server *testenv.PostgresServer) {
	t.Helper()
	f := open(t, server, pgx.QueryExecModeCacheStatement)
	for _, odd := range []string{"\xff", "\xfe", "\x00", "a\x00"} {
		for column, err := range map[string]error{
			"alerts[1]: invalid value: alert_id":        f.SaveAlerts(t.Context(), alert("\ufffd"), alert(odd)),
			"anomalies[1]: invalid value: metric_name":  f.SaveAnomalies(t.Context(), anomaly("\ufffd"), anomaly(odd)),
			"anomalies[0]: invalid value: detection_me": f.SaveAnomalies(t.Context(), pgstore.Anomaly{Metric: "m", Method: odd, DetectedAt: t0}),
			"anomalies[0]: invalid value: series":       f.SaveAnomalies(t.Context(), pgstore.Anomaly{Metric: "m", Method: "x", Series: odd, DetectedAt: t0}),
			"plans[1]: invalid value: resource_type":    f.SavePlans(t.Context(), plan("\ufffd"), plan(odd)),
			"plans[0]: invalid value: forecast_period":  f.SavePlans(t.Context(), func() pgstore.Plan { p := plan("r"); p.Period = odd; return p }()),
		} {
			require.ErrorIs(t, err, pgstore.ErrInvalid)
			require.ErrorContains(t, err, column)
			require.ErrorContains(t, err, "want UTF-8 without NUL")
		}
		for _, c := range []pgstore.Config{{Type: odd, Name: "n"}, {Type: "t", Name: odd}} {
			c.Data = json.RawMessage("1")
			_, err := f.SaveConfig(t.Context(), c, pgstore.AnyVersion)
			require.ErrorIs(t, err, pgstore.ErrInvalid)
		}
	}
	for _, table := range []string{"alert_history", "anomaly_detections", "capacity_plans"} {
		require.Equal(t, 1, f.count(t, f.table(table)), "the one that is U+FFFD")
	}
	require.Zero(t, f.count(t, f.table("monitoring_config_versions")))
}

// testSeries: the series is what the context calls so, and nothing else.
func testSeries(t *testing.T, server *testenv.PostgresServer) {
	t.Helper()
	f := open(t, server, pgx.QueryExecModeCacheStatement)
	of := func(series string, context map[string]any) pgstore.Anomaly {
		a := anomaly("m")
		a.Series, a.Context = series, context
		return a
	}
	a, b := of("", map[string]any{"series": "a"}), of("", map[string]any{"series": "b", "mean": 1.})
	same := of("a", map[string]any{"series": "a"})
	for _, anomalies := range [][]pgstore.Anomaly{{a, b}, {a}, {b}, {a, same, of("a", nil)}} {
		require.NoError(t, f.SaveAnomalies(t.Context(), anomalies...))
		require.Equal(t, 2, f.count(t, f.table("anomaly_detections")))
	}
	got, err := f.Anomalies(t.Context(), pgstore.AnomalyQuery{})
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"a", "b"}, []string{got[0].Series, got[1].Series})
	err = f.SaveAnomalies(t.Context(), of("a", map[string]any{"series": "b"}), of("", map[string]any{"series": 1}))
	require.ErrorIs(t, err, pgstore.ErrInvalid)
	for i := range 2 {
		require.ErrorContains(t, err, fmt.Sprintf(`anomalies[%d]: invalid value: context_data: want the series, or none, as "series"`, i))
	}
	require.Equal(t, 2, f.count(t, f.table("anomaly_detections")))
}

// testBig: a statement has 4 MiB and one row more at most, and a row no more than that.
func testBig(t *testing.T, server *testenv.PostgresServer) {
	t.Helper()
	f := open(t, server, pgx.QueryExecModeCacheStatement)
	s, pool := f.counted(t)
	long := func(n int) pgstore.Anomaly {
		a := anomaly("m" + strconv.Itoa(n))
		a.Context = map[string]any{"text": strings.Repeat("x", n)}
		return a
	}
	const row = 1 << 20
	var anomalies []pgstore.Anomaly
	for i := range 10 {
		anomalies = append(anomalies, long(row+i))
	}
	require.NoError(t, s.SaveAnomalies(t.Context(), anomalies...))
	require.Equal(t, int64(3), pool.rows.Load(), "four, four and two")
	require.Equal(t, 10, f.count(t, f.table("anomaly_detections")))
	err := s.SaveAnomalies(t.Context(), long(4*row), long(4*row-1000))
	require.ErrorIs(t, err, pgstore.ErrInvalid)
	require.ErrorContains(t, err, "bytes of JSON: want 4194304 at most")
	require.Equal(t, 11, f.count(t, f.table("anomaly_detections")))
	_, err = s.SaveConfig(t.Context(), pgstore.Config{Type: "t", Name: "n", Data: json.RawMessage(`"` + strings.Repeat("x", 4*row) + `"`)}, 0)
	require.ErrorIs(t, err, pgstore.ErrInvalid)
	_, err = s.SaveConfig(t.Context(), pgstore.Config{Type: "t", Name: "n", Data: json.RawMessage(`"` + strings.Repeat("x", 4*row-2) + `"`)}, 0)
	require.NoError(t, err)

	var alerts []pgstore.Alert
	for i := range 2001 {
		alerts = append(alerts, alert(strconv.Itoa(i)))
	}
	pool.rows.Store(0)
	require.NoError(t, s.SaveAlerts(t.Context(), alerts...))
	require.Equal(t, int64(3), pool.rows.Load(), "a thousand rows a statement")
}

// testQueries: what no row can have is an error that says so, and a time is any.
func testQueries(t *testing.T, server *testenv.PostgresServer) {
	t.Helper()
	f := open(t, server, pgx.QueryExecModeCacheStatement)
	require.NoError(t, f.SaveAlerts(t.Context(), alert("a")))
	for _, odd := range []string{"a\x00", "\xff"} {
		for column, q := range map[string]pgstore.AlertQuery{"alert_id": {ID: odd}, "alert_name": {Name: odd}, "severity": {Severity: odd}, "status": {Status: odd}} {
			_, err := f.Alerts(t.Context(), q)
			require.ErrorIs(t, err, pgstore.ErrInvalid)
			require.EqualError(t, err, "pgstore: read alerts: invalid value: "+column+": want UTF-8 without NUL")
		}
		for column, q := range map[string]pgstore.AnomalyQuery{"metric_name": {Metric: odd}, "detection_method": {Method: odd}} {
			_, err := f.Anomalies(t.Context(), q)
			require.EqualError(t, err, "pgstore: read anomalies: invalid value: "+column+": want UTF-8 without NUL")
		}
		_, err := f.Plans(t.Context(), odd, pgstore.Page{})
		require.EqualError(t, err, "pgstore: read capacity plans: invalid value: resource_type: want UTF-8 without NUL")
		for _, names := range [][2]string{{odd, "n"}, {"t", odd}} {
			_, err = f.Config(t.Context(), names[0], names[1], 0)
			require.ErrorIs(t, err, pgstore.ErrInvalid)
			_, err = f.ConfigVersions(t.Context(), names[0], names[1], 1)
			require.ErrorIs(t, err, pgstore.ErrInvalid)
			_, err = f.Rollback(t.Context(), names[0], names[1], 1, "amy")
			require.ErrorIs(t, err, pgstore.ErrInvalid)
		}
	}
	first, last := time.Date(-5000, 1, 1, 0, 0, 0, 0, time.UTC), time.Unix(1<<45, 0) // beyond PostgreSQL's
	for n, pages := range map[int][]pgstore.Page{
		1: {{From: first}, {To: last}, {From: first, To: last}, {From: t0, To: t0.Add(time.Microsecond)}},
		0: {{To: first}, {From: last}, {To: t0}, {From: t0.Add(time.Microsecond)}},
	} {
		for _, page := range pages {
			got, err := f.Alerts(t.Context(), pgstore.AlertQuery{Page: page})
			require.NoError(t, err)
			require.Len(t, got, n)
		}
	}
	require.NoError(t, f.Prune(t.Context(), first), "a clock that is wrong")
	require.Equal(t, 1, f.count(t, f.table("alert_history")))

	// Keys begin with bytes, be they a text or not.
	state, err := f.State("s")
	require.NoError(t, err)
	require.NoError(t, state.Write(t.Context(), map[string][]byte{"aé": {1}, "aê": {1}, "a\u4e00": {1}, "a\ufffd": {1}, "b": {1}}))
	for prefix, want := range map[string][]string{
		"a\xc3": {"aé", "aê"}, "a\xe4": {"a\u4e00"}, "a\ufffd": {"a\ufffd"}, "a\xff": nil, "a\x00": nil, "": {"aé", "aê", "a\u4e00", "a\ufffd", "b"},
	} {
		var keys []string
		require.NoError(t, state.Range(t.Context(), prefix, func(key string, _ []byte) error {
			keys = append(keys, key)
			return nil
		}))
		require.Equal(t, want, keys, "%q", prefix)
	}
}

// testMigrateTimeouts: a role whose statements and waits are short, as hosts
// have them, waits for another one that migrates; the context ends it.
func testMigrateTimeouts(t *testing.T, server *testenv.PostgresServer) {
	t.Helper()
	f := open(t, server, pgx.QueryExecModeCacheStatement)
	pool := f.with(t, server, "statement_timeout", "200ms", "lock_timeout", "200ms")
	s, err := pgstore.New(f.m, pool, pgstore.WithSchema(f.schema))
	require.NoError(t, err)
	tx, err := f.pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	_, err = tx.Exec(t.Context(), "LOCK TABLE "+f.table("monitoring_migrations")) // as one that migrates these tables has it
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 600*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, s.Migrate(ctx), context.DeadlineExceeded)
	done := make(chan error, 1)
	go func() { done <- s.Migrate(t.Context()) }()
	select {
	case err := <-done:
		require.Fail(t, "it did not wait", "%v", err)
	case <-time.After(600 * time.Millisecond):
	}
	require.NoError(t, tx.Rollback(t.Context()))
	require.NoError(t, <-done)
	var timeout string
	require.NoError(t, pool.QueryRow(t.Context(), "SHOW statement_timeout").Scan(&timeout))
	require.Equal(t, "200ms", timeout, "for that transaction only")
}

// testLocked: a statement of a leader that waits for somebody's lock, and whose
// process is as good as frozen, holds up a takeover for one lease's time, not more.
func testLocked(t *testing.T, server *testenv.PostgresServer) {
	t.Helper()
	f := open(t, server, pgx.QueryExecModeCacheStatement)
	require.NoError(t, f.SaveAlerts(t.Context(), alert("a")))
	tx, err := f.pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	_, err = tx.Exec(t.Context(), "SELECT FROM "+f.table("alert_history")+" FOR UPDATE")
	require.NoError(t, err)
	write := func(pool *pgxpool.Pool, name string, ttl time.Duration) (leases *pglease.Store, took time.Duration) {
		t.Helper()
		leases, err := pglease.New(pool, name, pglease.WithSchema(f.schema))
		require.NoError(t, err)
		epoch, err := leases.Acquire(t.Context(), "a", ttl)
		require.NoError(t, err)
		s, err := pgstore.New(f.m, pool, pgstore.WithSchema(f.schema), pgstore.WithLease(name), pgstore.WithTimeout(time.Minute))
		require.NoError(t, err)
		began := time.Now()
		err = s.SaveAlerts(lease.NewContext(t.Context(), lease.Term{Lease: name, Epoch: epoch}), alert("a"))
		require.EqualError(t, err, "pgstore: save alerts: SQLSTATE 55P03: a lock was not to be had")
		return leases, time.Since(began)
	}
	leases, took := write(f.pool, "x", time.Second)
	require.Greater(t, took, 900*time.Millisecond)
	require.Less(t, took, 20*time.Second)
	_, err = leases.Acquire(t.Context(), "b", time.Second)
	require.NoError(t, err, "taken over")

	// A role that waits less long goes on doing so.
	impatient := f.with(t, server, "lock_timeout", "200ms")
	_, took = write(impatient, "y", time.Hour)
	require.Less(t, took, 20*time.Second)

	// While it waits, the lease is renewed, and not taken over.
	leases, err = pglease.New(f.pool, "z", pglease.WithSchema(f.schema))
	require.NoError(t, err)
	epoch, err := leases.Acquire(t.Context(), "a", time.Hour)
	require.NoError(t, err)
	done := make(chan error, 1)
	s := f.another(t, pgstore.WithLease("z"), pgstore.WithTimeout(time.Minute))
	go func() {
		done <- s.SaveAlerts(lease.NewContext(t.Context(), lease.Term{Lease: "z", Epoch: epoch}), alert("a"))
	}()
	waits := "pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%" + f.schema + "%'"
	require.Eventually(t, func() bool { return f.count(t, waits) > 0 }, 20*time.Second, 10*time.Millisecond)
	require.NoError(t, leases.Renew(t.Context(), "a", epoch, time.Hour))
	_, err = impatient.Exec(t.Context(), "UPDATE "+f.table(pglease.Table)+" SET epoch = epoch + 1 WHERE name = 'z'")
	require.ErrorContains(t, err, "55P03")
	require.NoError(t, tx.Rollback(t.Context()))
	require.NoError(t, <-done)
}

// TestTypedNil: a pool that was never made is refused at once.
func TestTypedNil(t *testing.T) {
	t.Parallel()
	_, err := pgstore.New(newMonitor(t), (*pgxpool.Pool)(nil))
	require.ErrorIs(t, err, monitor.ErrInvalidOption)
	require.ErrorContains(t, err, "pool = nil")
}

// testPieces: what is read of a state is read by the megabyte, and by the thousand.
func testPieces(t *testing.T, server *testenv.PostgresServer) {
	t.Helper()
	f := open(t, server, pgx.QueryExecModeCacheStatement)
	s, pool := f.counted(t)
	state, err := s.State("big")
	require.NoError(t, err)
	for half := range 2 {
		changes := map[string][]byte{}
		for i := range 7 {
			changes[fmt.Sprint(half, i)] = make([]byte, 1<<20)
		}
		require.NoError(t, state.Write(t.Context(), changes))
	}
	read := func() (n int, queries int64) {
		pool.queries.Store(0)
		require.NoError(t, state.Range(t.Context(), "", func(string, []byte) error { n++; return nil }))
		return n, pool.queries.Load()
	}
	n, queries := read()
	require.Equal(t, 14, n)
	require.Equal(t, int64(5), queries, "four values each, and once nothing")
	state, err = s.State("many")
	require.NoError(t, err)
	changes := map[string][]byte{}
	for i := range 2001 {
		changes[strconv.Itoa(i)] = []byte{1}
	}
	require.NoError(t, state.Write(t.Context(), changes))
	n, queries = read()
	require.Equal(t, 2001, n)
	require.Equal(t, int64(4), queries)
}

// testOff: a store of a monitor that is off writes and reads, and deletes only when asked to.
func testOff(t *testing.T, server *testenv.PostgresServer) {
	t.Helper()
	f := open(t, server, pgx.QueryExecModeCacheStatement)
	m, err := monitor.New(monitor.WithDisabled())
	require.NoError(t, err)
	pool := &counting{Pool: pgtest.Connect(t, server.DSN(), pgx.QueryExecModeExec)}
	s, err := pgstore.New(m, pool, pgstore.WithSchema(f.schema))
	require.NoError(t, err)
	require.NoError(t, s.SaveAlerts(t.Context(), alert("a")))
	require.ErrorIs(t, s.SaveAlerts(t.Context(), pgstore.Alert{}), pgstore.ErrInvalid)
	written := pool.rows.Load()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, s.Run(ctx), context.DeadlineExceeded)
	require.Equal(t, written, pool.rows.Load())
	require.NoError(t, s.Prune(t.Context(), t0))
	require.Greater(t, pool.rows.Load(), written)
}
