package history_test

import (
	"bytes"
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/monitor/history"
)

// hanging registers a collector that says when it is asked, and waits then.
func (r rig) hanging(t testing.TB, name string) (asked chan struct{}, release func()) {
	t.Helper()
	asked, wait := make(chan struct{}, 100), make(chan struct{})
	d := prometheus.NewDesc(name, "x", nil, nil)
	r.m.Registerer().MustRegister(given{d, func() []prometheus.Metric {
		asked <- struct{}{}
		<-wait
		return []prometheus.Metric{prometheus.MustNewConstMetric(d, prometheus.GaugeValue, 1)}
	}})
	return asked, func() { close(wait) }
}

// TestHangingCollector: a collector of the host's that does not return holds up
// nothing but collections, each of which says so.
//
//nolint:paralleltest // a bubble
func TestHangingCollector(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := setup(t)
		r.gauge(t, "g").WithLabelValues().Set(1)
		asked, release := r.hanging(t, "hanging")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		over := make(chan error)
		go func() { over <- r.db.Sample(ctx, begin) }()
		<-asked
		require.NoError(t, r.db.Append(sampleOf(begin, 1, "__name__", "ALERTS")))
		require.NoError(t, r.db.Snapshot(t.Context(), io.Discard))
		require.NoError(t, r.db.Watch("w", "vector(1)", time.Minute))
		require.Equal(t, 1., r.one(t, "ALERTS", begin))
		var b bytes.Buffer
		require.NoError(t, r.db.Snapshot(t.Context(), &b))
		restoring, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer stop()
		require.ErrorIs(t, r.db.Restore(restoring, bytes.NewReader(b.Bytes())), context.DeadlineExceeded, "it waits for the collection")
		require.ErrorIs(t, <-over, context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(begin))
		for range 3 {
			time.Sleep(time.Second)
			err := r.db.Sample(t.Context(), time.Now())
			require.ErrorContains(t, err, "a collector of the registry has not returned since "+begin.UTC().Format(time.RFC3339))
		}
		require.Empty(t, asked, "there is one at a time")
		require.NoError(t, r.db.Restore(t.Context(), &b))
		release()
		synctest.Wait()
		time.Sleep(time.Second)
		r.sample(t, time.Now())
		require.Equal(t, 1., r.one(t, "g", time.Now()))
		time.Sleep(time.Second)
		r.sample(t, time.Now())
		require.Equal(t, 4., r.one(t, `monitor_history_collections_total{result="failed"}`, time.Now()))
	})
}

// TestRunWithHangingCollector: Run goes on when it returns, and ends though it
// does not.
//
//nolint:paralleltest // a bubble
func TestRunWithHangingCollector(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := setup(t, history.WithInterval(time.Second))
		_, release := r.hanging(t, "hanging")
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- r.db.Run(ctx) }()
		time.Sleep(30 * time.Second)
		require.Empty(t, r.query(t, "hanging", time.Now()))
		release()
		time.Sleep(10 * time.Second)
		require.InDelta(t, 10, r.one(t, "count_over_time(hanging[1m])", time.Now()), 1)
		require.InDelta(t, 20, r.one(t, `monitor_history_collections_total{result="failed"}`, time.Now()), 2)

		_, release = r.hanging(t, "other")
		time.Sleep(5 * time.Second)
		begin := time.Now()
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
		require.LessOrEqual(t, time.Since(begin), time.Second)
		release()
	})
}

// TestCollectorUsesTheHistory: what a collector asks of it, or writes to it, does
// not wait for the collection that asks the collector.
func TestCollectorUsesTheHistory(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir(), start)
	d := prometheus.NewDesc("c", "x", nil, nil)
	p.m.Registerer().MustRegister(given{d, func() []prometheus.Metric {
		if p.db.Append(sampleOf(start, 1, "__name__", "n")) != nil || p.db.Err() != nil || p.db.Watch("w", "n", time.Second) != nil ||
			p.db.Snapshot(t.Context(), io.Discard) != nil {
			return nil
		}
		return []prometheus.Metric{prometheus.MustNewConstMetric(d, prometheus.GaugeValue, 1)}
	}})
	p.sample(t, start)
	require.Len(t, p.query(t, "c", start), 1)
	require.Len(t, p.query(t, "n", start), 1)
}

// TestInstrumentPanics: those that could not be read do not end.
func TestInstrumentPanics(t *testing.T) {
	t.Parallel()
	r := setup(t)
	first, second := newShownSet(t, r.m, "t_a"), newShownSet(t, r.m, "t_z")
	first.set("x")
	second.set("x")
	metric := catalog.Metric{Name: "t_m", Type: catalog.Gauge, Help: "m"}
	panics := false
	require.NoError(t, r.m.Instruments().Func(metric, func(instrument.LabelMaker) instrument.Func {
		return func(instrument.Yield) {
			if panics {
				panic("down")
			}
		}
	}))
	r.sample(t, start)
	panics = true
	require.ErrorContains(t, r.db.Sample(t.Context(), start.Add(time.Second)), "panicked")
	require.Equal(t, 2., r.one(t, "count_over_time(t_a[1m])", start.Add(time.Second)))
	require.Len(t, r.query(t, "t_z", start.Add(time.Second)), 1)
	panics = false
	r.sample(t, start.Add(2*time.Second))
	require.Equal(t, 2., r.one(t, "count_over_time(t_z[1m])", start.Add(2*time.Second)))
}
