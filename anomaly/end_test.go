package anomaly_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/anomaly"
	"github.com/chronoretrace/chronomon/internal/testenv"
	"github.com/chronoretrace/chronomon/internal/testenv/pgtest"
	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/monitortest"
	"github.com/chronoretrace/chronomon/monitor/pgstore"
)

func contextOf(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithCancel(t.Context())
}

// Results and state in a real PostgreSQL.
func TestPostgreSQL(t *testing.T) {
	t.Parallel()
	m := monitortest.New(t)
	store, err := pgstore.New(m, pgtest.Connect(t, testenv.Postgres(t).DSN(), pgx.QueryExecModeExec))
	require.NoError(t, err)
	require.NoError(t, store.Migrate(t.Context()))
	state, err := store.State("anomaly")
	require.NoError(t, err)
	saving := anomaly.StoreFunc(func(ctx context.Context, anomalies ...anomaly.Anomaly) error {
		rows := make([]pgstore.Anomaly, len(anomalies))
		for i, a := range anomalies {
			rows[i] = pgstore.Anomaly(a.Row())
		}
		return store.SaveAnomalies(ctx, rows...)
	})
	w := &world{series: []seriesOf{
		{monitor.Labels{"s": "nul\x00 and \xff"}, calm([2]time.Duration{step, 2 * step})},
		{monitor.Labels{"s": `\u0000`, "b": "\x00"}, calm([2]time.Duration{step, 2 * step})},
	}}
	opts := []anomaly.EngineOption{anomaly.WithWatch(watchOf(bounds)), anomaly.WithStore(saving), anomaly.WithState(state)}
	e := newEngine(t, m, w, opts...)
	detect(t, e, 0, 10*step)
	active := e.Active()
	require.Len(t, active, 2)
	require.NoError(t, e.Confirm(t.Context(), active[0].ID, "ann\x00"))

	second := newEngine(t, monitortest.New(t), w, opts...)
	detect(t, second, 12*step, 12*step)
	require.Len(t, second.Active(), 2)
	require.Equal(t, anomaly.Confirmed, second.Active()[0].Verdict)

	rows, err := store.Anomalies(t.Context(), pgstore.AnomalyQuery{Metric: "requests", Method: "rule"})
	require.NoError(t, err)
	require.Len(t, rows, 2, "the second process adds none")
	for _, r := range rows {
		require.True(t, r.DetectedAt.Equal(active[0].Started))
		require.Equal(t, 1.0, r.Score)
		require.Equal(t, anomaly.Threshold, r.Threshold)
		require.Equal(t, 1000.0, r.Context["observed"])
		require.Equal(t, 500.0, r.Context["high"])
		require.NotContains(t, r.Context, "expected")
		require.Contains(t, []string{active[0].ID, active[1].ID}, r.Context["id"])
		require.Len(t, r.Context["together"], 1)
		require.Contains(t, r.Series, `s="`)
	}
}
