package history_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/history"
)

func TestWatchNames(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.gauge(t, "g").WithLabelValues().Set(1)
	r.sample(t, start)
	for _, name := range []string{"", "bad name!", "ärger", "1st", "g", "monitor_history_series"} {
		require.ErrorIs(t, r.db.Watch(name, "vector(1)", time.Minute), monitor.ErrInvalidOption, name)
	}
	require.ErrorContains(t, r.db.Watch("g", "vector(1)", time.Minute), "a metric that is collected")
	require.NoError(t, r.db.Watch("team:g_sum", "sum(g)", time.Minute))
	r.sample(t, start.Add(time.Minute))
	require.NoError(t, r.db.Watch("team:g_sum", "sum(g) + 1", time.Minute), "its own series are no obstacle")
}

// TestWatchNameTaken: a metric that comes after the watch keeps its name and its
// samples; the watch says once what is wrong, and goes on when the name is free.
func TestWatchNameTaken(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	m, err := monitor.New(monitor.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	require.NoError(t, err)
	db, err := history.New(m, history.WithWatch("orders_total", `vector(42)`, time.Second))
	require.NoError(t, err)
	r := rig{m, db}
	r.sample(t, start)
	require.Equal(t, 42., r.one(t, "orders_total", start))

	orders := prometheus.NewCounter(prometheus.CounterOpts{Name: "orders_total", Help: "x"})
	require.NoError(t, m.Registerer().Register(orders))
	at := start
	for range 3 {
		at = at.Add(time.Second)
		orders.Inc()
		require.ErrorContains(t, db.Sample(t.Context(), at), `watch "orders_total": a metric that is collected has the name`)
	}
	require.Equal(t, map[string]float64{"orders_total": 3}, r.query(t, "orders_total", at), "the metric's own")
	require.Equal(t, 1, strings.Count(log.String(), "a metric that is collected has the name"), log.String())
	require.True(t, m.Registerer().Unregister(orders))
	for range 2 { // the metric ends with the first
		at = at.Add(time.Second)
		r.sample(t, at)
	}
	require.Equal(t, 42., r.one(t, "orders_total", at))
	require.Contains(t, log.String(), "is recorded again")
	require.Equal(t, 3., r.one(t, `monitor_history_watch_failures_total{watch="orders_total"}`, at))
	require.NotContains(t, r.query(t, "monitor_history_samples_dropped_total > 0", at), `monitor_history_samples_dropped_total{reason="out_of_order"}`)

	require.NoError(t, m.Registerer().Register(orders))
	at = at.Add(time.Second)
	require.Error(t, db.Sample(t.Context(), at), "the name is taken again")
	require.Equal(t, 2, strings.Count(log.String(), "a metric that is collected has the name"))
}

// TestWatchNameTakenWithLabels: it is the name that counts, not the labels.
func TestWatchNameTakenWithLabels(t *testing.T) {
	t.Parallel()
	r := setup(t, history.WithWatch("g", "sum(g)", time.Second))
	g := r.gauge(t, "g", "a")
	g.WithLabelValues("x").Set(1)
	g.WithLabelValues("y").Set(2)
	for i := range 3 {
		require.ErrorContains(t, r.db.Sample(t.Context(), start.Add(time.Duration(i)*time.Second)), "has the name")
	}
	require.Equal(t, map[string]float64{`g{a="x"}`: 1, `g{a="y"}`: 2}, r.query(t, "g", start.Add(2*time.Second)))
}

// TestWatchNameAppended: the series that engines append have their names for as
// long as queries see them.
func TestWatchNameAppended(t *testing.T) {
	t.Parallel()
	r := setup(t, history.WithLookback(10*time.Second), history.WithWatch("n", "vector(2)", time.Second))
	require.NoError(t, r.db.Append(sampleOf(start, 1, "__name__", "n")))
	require.ErrorContains(t, r.db.Sample(t.Context(), start.Add(time.Second)), "an engine appends has the name")
	require.Equal(t, 1., r.one(t, "n", start.Add(time.Second)))
	for i := range 3 {
		r.sample(t, start.Add(time.Duration(20+i)*time.Second))
	}
	require.Equal(t, 2., r.one(t, "n", start.Add(22*time.Second)))
}

// TestWatchNameFreed: what an earlier process collected under the name is no
// obstacle to the next one, whose metric has another.
func TestWatchNameFreed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	retention := history.WithRetention(5*time.Minute, time.Hour)
	before := begin(t, dir, start, retention)
	before.rig.gauge(t, "g").WithLabelValues().Set(1)
	before.sample(t, start)
	require.NoError(t, before.db.Close())
	after := begin(t, dir, start, retention)
	require.NoError(t, after.db.Watch("g", "vector(2)", time.Second))
	for i := range 3 {
		after.sample(t, start.Add(time.Duration(1+i)*time.Second))
	}
	at := start.Add(3 * time.Second)
	require.Equal(t, map[string]float64{"g": 2}, after.query(t, "g", at))
	after.db.Abandon() // the log has to say that the series is of the long tier now
	again := begin(t, dir, start.Add(30*time.Minute), retention)
	again.sample(t, start.Add(30*time.Minute))
	require.Equal(t, map[string]float64{"g": 2}, again.query(t, "g", at))
}
