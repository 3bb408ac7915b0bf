package history_test

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/history"
)

func TestSample(t *testing.T) {
	t.Parallel()
	r := setup(t)
	g := r.gauge(t, "g", "a")
	g.WithLabelValues("x").Set(1)
	g.WithLabelValues("y").Set(2)
	r.sample(t, start)
	g.WithLabelValues("x").Set(3)
	r.sample(t, start.Add(10*time.Second))

	require.Equal(t, map[string]float64{`g{a="x"}`: 1, `g{a="y"}`: 2}, r.query(t, "g", start))
	require.Equal(t, map[string]float64{`g{a="x"}`: 1, `g{a="y"}`: 2}, r.query(t, "g", start.Add(9999*time.Millisecond)))
	require.Equal(t, map[string]float64{`g{a="x"}`: 3, `g{a="y"}`: 2}, r.query(t, "g", start.Add(10*time.Second)))
	require.Empty(t, r.query(t, "g", start.Add(-time.Millisecond)))
	require.Empty(t, r.query(t, "g", start.Add(10*time.Second+5*time.Minute)), "the lookback is over")

	all, err := r.db.QueryRange(t.Context(), `g{a="x"}`, monitor.Range{From: start, To: start.Add(20 * time.Second), Step: 10 * time.Second})
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.Equal(t, monitor.Labels{"__name__": "g", "a": "x"}, all[0].Labels)
	var values []float64
	for i, p := range all[0].Points {
		require.True(t, start.Add(time.Duration(i)*10*time.Second).Equal(p.Time))
		values = append(values, p.Value)
	}
	require.Equal(t, []float64{1, 3, 3}, values)
}

// TestTypes: what a scrape would have made of every type of metric.
func TestTypes(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: "c_total", Help: "x"})
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "h", Help: "x", Buckets: []float64{.5, 1}})
	s := prometheus.NewSummary(prometheus.SummaryOpts{Name: "s", Help: "x", Objectives: map[float64]float64{.5: .1, 1: 0}})
	r.m.Registerer().MustRegister(c, h, s)
	c.Add(2)
	for _, v := range []float64{.1, .7, 3} {
		h.Observe(v)
		s.Observe(v)
	}
	r.sample(t, start)
	require.Equal(t, map[string]float64{
		`c_total`: 2, `h_bucket{le="0.5"}`: 1, `h_bucket{le="1.0"}`: 2, `h_bucket{le="+Inf"}`: 3, `h_sum`: 3.8, `h_count`: 3,
		`s{quantile="0.5"}`: .7, `s{quantile="1.0"}`: 3, `s_sum`: 3.8, `s_count`: 3,
	}, r.query(t, `{__name__=~"c_total|h_.*|s|s_.*"}`, start))
	require.Equal(t, history.Metadata{Type: "counter", Help: "x"}, r.db.Metadata()["c_total"])
	require.Equal(t, "summary", r.db.Metadata()["s"].Type)
}

// TestOwnInstruments: the SDK's own metrics are read without being gathered,
// and come out as if they had been.
func TestOwnInstruments(t *testing.T) {
	t.Parallel()
	r := setup(t)
	tr := newTraffic(t, r.m, 3)
	for i := range 3 {
		tr.step()
		r.sample(t, start.Add(time.Duration(i)*time.Second))
	}
	at := start.Add(2 * time.Second)
	families, err := r.m.Gatherer().Gather() // the gauges of traffic go on, the rest stands still
	require.NoError(t, err)
	compared := 0
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "t_") || strings.HasPrefix(f.GetName(), "t_gauge") {
			continue
		}
		for _, m := range f.GetMetric() {
			sel := `{endpoint="` + m.GetLabel()[0].GetValue() + `"}`
			if m.Counter != nil {
				require.Equal(t, m.Counter.GetValue(), r.one(t, f.GetName()+sel, at))
				compared++
				continue
			}
			require.Equal(t, float64(m.Histogram.GetSampleCount()), r.one(t, f.GetName()+"_count"+sel, at))
			require.Equal(t, m.Histogram.GetSampleSum(), r.one(t, f.GetName()+"_sum"+sel, at))
			buckets := map[string]float64{}
			for k, v := range r.query(t, f.GetName()+"_bucket"+sel, at) {
				_, le, _ := strings.Cut(k, `le="`)
				buckets[strings.TrimSuffix(le, `"}`)] = v
				compared++
			}
			require.Len(t, buckets, 12)
			require.Equal(t, float64(m.Histogram.GetSampleCount()), buckets["+Inf"])
			require.Equal(t, float64(m.Histogram.Bucket[0].GetCumulativeCount()), buckets["0.005"])
			require.Equal(t, float64(m.Histogram.Bucket[7].GetCumulativeCount()), buckets["1.0"])
		}
	}
	require.Equal(t, 3*12+3*3, compared)
	require.Len(t, r.query(t, "t_gauge_0", at), 3)
}

func TestStaleness(t *testing.T) {
	t.Parallel()
	r := setup(t)
	g := r.gauge(t, "g", "a")
	g.WithLabelValues("x").Set(1)
	g.WithLabelValues("y").Set(1)
	at := start
	step := func() { at = at.Add(10 * time.Second); r.sample(t, at) }
	r.sample(t, at)
	g.DeleteLabelValues("x")
	step()
	require.Equal(t, map[string]float64{`g{a="y"}`: 1}, r.query(t, "g", at), "gone at once, not after the lookback")
	require.Equal(t, 2., r.one(t, "count(g)", at.Add(-time.Millisecond)))
	g.WithLabelValues("x").Set(5)
	step()
	require.Equal(t, 5., r.one(t, `g{a="x"}`, at), "back")
	require.Equal(t, 2., r.one(t, `count_over_time(g{a="x"}[1m])`, at), "a marker is not a sample")
	require.True(t, r.m.Registerer().Unregister(g))
	step()
	require.Empty(t, r.query(t, "g", at))
}

// TestOwnStaleness is the same for the SDK's instruments, in every place of a family.
func TestOwnStaleness(t *testing.T) {
	t.Parallel()
	r := setup(t)
	shown := newShownSet(t, r.m, "t_shown")
	at := start
	for _, want := range []string{"", "b", "abc", "ac", "bd", "abcd", "d", "", "a"} {
		shown.set(want)
		at = at.Add(time.Second)
		r.sample(t, at)
		got := r.query(t, "t_shown", at)
		require.Len(t, got, len(want), want)
		for _, l := range want {
			require.Contains(t, got, `t_shown{endpoint="`+string(l)+`"}`)
		}
	}
	require.Equal(t, 4., r.one(t, "count(count_over_time(t_shown[1m]))", at), "nothing was forgotten")
	require.Equal(t, map[string]float64{
		`{endpoint="a"}`: 4, `{endpoint="b"}`: 4, `{endpoint="c"}`: 3, `{endpoint="d"}`: 3,
	}, r.query(t, "count_over_time(t_shown[1m])", at))
}

func TestCounterResets(t *testing.T) {
	t.Parallel()
	r := setup(t)
	for i, v := range []float64{10, 20, 30, 5, 15, 25} {
		require.NoError(t, r.db.Append(sampleOf(start.Add(time.Duration(i)*10*time.Second), v, "__name__", "c_total")))
	}
	at := start.Add(50 * time.Second)
	require.Equal(t, 1., r.one(t, "resets(c_total[1m])", at))
	// 10→30, then 5 from nothing, then 5→25: 45 in 50 s, extrapolated over the range.
	require.InDelta(t, 45./50, r.one(t, "rate(c_total[1m])", at), 1e-9)
}

func sampleOf(at time.Time, v float64, pairs ...string) monitor.Sample {
	l := monitor.Labels{}
	for i := 0; i < len(pairs); i += 2 {
		l[pairs[i]] = pairs[i+1]
	}
	return monitor.Sample{Labels: l, Point: monitor.Point{Time: at, Value: v}}
}

func TestAppend(t *testing.T) {
	t.Parallel()
	r := setup(t, history.WithSeriesLimit(30), history.WithStorageSize(1<<20))
	alert := []string{"__name__", "ALERTS", "alertname", "HighAPILatency", "alertstate", "firing", "empty", ""}
	require.NoError(t, r.db.Append(sampleOf(start, 1, alert...)))
	require.Equal(t, map[string]float64{`ALERTS{alertname="HighAPILatency",alertstate="firing"}`: 1}, r.query(t, "ALERTS", start))
	require.NoError(t, r.db.Append(sampleOf(start, 1, alert...)), "the same again is no error")
	require.ErrorIs(t, r.db.Append(sampleOf(start.Add(-time.Second), 1, alert...)), history.ErrOutOfOrder)
	require.NoError(t, r.db.Append(sampleOf(start.Add(time.Second), history.Stale, alert...)))
	require.Empty(t, r.query(t, "ALERTS", start.Add(time.Second)))
	require.Error(t, r.db.Append(sampleOf(start, 1, "a", "b")), "no name")
	require.Error(t, r.db.Append(sampleOf(start, 1, "__name__", "n", "\xff", "b")))
	for i := range 29 {
		require.NoError(t, r.db.Append(sampleOf(start, 1, "__name__", "n", "i", string(rune('A'+i)))))
	}
	require.NoError(t, r.db.Append(sampleOf(start, 1, "__name__", "n", "i", "takes the place of the alert that is over")))
	require.Empty(t, r.query(t, "ALERTS", start))
	err := r.db.Append(sampleOf(start, 1, "__name__", "one too many"), sampleOf(start.Add(time.Second), 2, "__name__", "n", "i", "A"))
	require.ErrorIs(t, err, history.ErrNoRoom)
	require.Equal(t, 2., r.one(t, `n{i="A"}`, start.Add(time.Second)), "the others are written")
}

func TestOrder(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.sample(t, start)
	require.ErrorIs(t, r.db.Sample(t.Context(), start), history.ErrOutOfOrder)
	require.ErrorIs(t, r.db.Sample(t.Context(), start.Add(-time.Hour)), history.ErrOutOfOrder)
	r.sample(t, start.Add(time.Second))
	require.Equal(t, 2., r.one(t, `monitor_history_collections_total{result="failed"}`, start.Add(time.Second)))
}

// TestCollectorFails: a collector that fails or panics costs its own series.
func TestCollectorFails(t *testing.T) {
	t.Parallel()
	r := setup(t)
	g := r.gauge(t, "g")
	g.WithLabelValues().Set(1)
	bad := &badCollector{desc: prometheus.NewDesc("bad", "x", nil, nil)}
	r.m.Registerer().MustRegister(bad)
	r.sample(t, start)
	bad.err = errors.New("down")
	require.ErrorContains(t, r.db.Sample(t.Context(), start.Add(time.Second)), "down")
	require.Equal(t, 1., r.one(t, "g", start.Add(time.Second)))
	require.Empty(t, r.query(t, "bad", start.Add(time.Second)))
	bad.err = nil
	r.sample(t, start.Add(2*time.Second))
	require.Equal(t, 7., r.one(t, "bad", start.Add(2*time.Second)))
}

type badCollector struct {
	desc *prometheus.Desc
	err  error
}

func (b *badCollector) Describe(ch chan<- *prometheus.Desc) { ch <- b.desc }

func (b *badCollector) Collect(ch chan<- prometheus.Metric) {
	if b.err != nil {
		ch <- prometheus.NewInvalidMetric(b.desc, b.err)
		return
	}
	ch <- prometheus.MustNewConstMetric(b.desc, prometheus.GaugeValue, 7)
}

func TestLabels(t *testing.T) {
	t.Parallel()
	r := setup(t, history.WithLabels(monitor.Labels{"job": "api", "instance": "a:1"}))
	r.gauge(t, "g", "job").WithLabelValues("x").Set(1)
	tr := newTraffic(t, r.m, 1)
	tr.step()
	r.sample(t, start)
	require.Equal(t, map[string]float64{`g{exported_job="x",instance="a:1",job="api"}`: 1}, r.query(t, "g", start))
	require.Len(t, r.query(t, `t_duration_seconds_bucket{job="api",instance="a:1"}`, start), 12)
}

func TestNativeHistograms(t *testing.T) {
	t.Parallel()
	r := setup(t)
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "h", Help: "x", NativeHistogramBucketFactor: 1.1, Buckets: []float64{1, 2}})
	only := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "only", Help: "x", NativeHistogramBucketFactor: 1.1})
	r.m.Registerer().MustRegister(h, only)
	at := start
	for i := range 700 { // several chunks, and new buckets as it goes
		h.Observe(float64(i%50) / 10)
		only.Observe(math.Pow(1.3, float64(i%20)))
		at = at.Add(time.Second)
		r.sample(t, at)
	}
	require.InDelta(t, 1, r.one(t, "histogram_count(rate(h[5m]))", at), 1e-9)
	require.InDelta(t, 1, r.one(t, "rate(h_count[5m])", at), 1e-9, "the classic ones are there too")
	require.InDelta(t, 2.5, r.one(t, "histogram_quantile(0.5, rate(h[5m]))", at), .15)
	require.InDelta(t, 700, r.one(t, "histogram_count(only)", at), 0)
	require.InDelta(t, 100, r.one(t, "histogram_count(only)", start.Add(100*time.Second)), 0)
	require.Empty(t, r.query(t, "only_count", at))
	_, err := r.db.Query(t.Context(), "h", at)
	require.ErrorIs(t, err, monitor.ErrQueryInvalid, "a histogram is no number")
	_, err = r.db.QueryRange(t.Context(), "h", monitor.Range{From: start, To: at, Step: time.Minute})
	require.ErrorIs(t, err, monitor.ErrQueryInvalid)
	require.ErrorContains(t, err, "native histograms: ask for histogram_quantile")
	require.True(t, r.m.Registerer().Unregister(only))
	at = at.Add(time.Second)
	r.sample(t, at)
	require.Empty(t, r.query(t, "histogram_count(only)", at), "stale")
}

// TestOwnNativeHistograms: beside the SDK's classic ones, by option.
func TestOwnNativeHistograms(t *testing.T) {
	t.Parallel()
	m, err := monitor.New(monitor.WithNativeHistograms(1.1))
	require.NoError(t, err)
	db, err := history.New(m)
	require.NoError(t, err)
	r := rig{m, db}
	tr := newTraffic(t, m, 2)
	at := start
	for range 60 {
		tr.step()
		at = at.Add(time.Second)
		r.sample(t, at)
	}
	for _, q := range []string{"0.5", "0.95"} {
		classic := r.query(t, "histogram_quantile("+q+", sum by (le) (rate(t_duration_seconds_bucket[30s])))", at)
		native := r.query(t, "histogram_quantile("+q+", sum(rate(t_duration_seconds[30s])))", at)
		require.InEpsilon(t, classic["{}"], native["{}"], .25)
	}
	require.Equal(t, r.query(t, "sum(rate(t_duration_seconds_count[30s]))", at), r.query(t, "histogram_count(sum(rate(t_duration_seconds[30s])))", at))
}

func TestOff(t *testing.T) {
	t.Parallel()
	m, err := monitor.New(monitor.WithDisabled())
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "none")
	db, err := history.New(m, history.WithWatch("w", "up", time.Minute), history.WithStoragePath(dir))
	require.NoError(t, err)
	require.NoError(t, db.Sample(t.Context(), start))
	require.NoError(t, db.Append(sampleOf(start, 1, "__name__", "n")))
	_, err = db.Query(t.Context(), "n", start)
	require.ErrorIs(t, err, monitor.ErrQueryUnavailable)
	require.ErrorContains(t, err, "the monitor is off")
	_, err = db.At(start).Query(t.Context(), "n", start)
	require.ErrorIs(t, err, monitor.ErrQueryUnavailable)
	_, err = db.QueryRange(t.Context(), "n", monitor.Range{From: start, To: start, Step: time.Second})
	require.ErrorIs(t, err, monitor.ErrQueryUnavailable)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, db.Run(ctx), context.Canceled)
	require.NoError(t, errors.Join(db.Err(), db.Close()))
	require.NoDirExists(t, dir)
	require.Empty(t, m.Snapshotters())
}

func TestOneHistoryPerRegistry(t *testing.T) {
	t.Parallel()
	r := setup(t)
	_, err := history.New(r.m)
	require.ErrorContains(t, err, "history already")
}

//nolint:paralleltest // a bubble
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := setup(t)
		g := r.gauge(t, "g")
		g.WithLabelValues().Set(1)
		time.Sleep(3*time.Second + 123*time.Millisecond) // not on a full interval
		begin := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- r.db.Run(ctx) }()
		synctest.Wait()
		require.Equal(t, 1., r.one(t, "g", begin), "at once")
		time.Sleep(time.Minute)
		synctest.Wait()
		now := time.Now()
		require.Equal(t, 7., r.one(t, "count_over_time(g[5m])", now))
		require.Zero(t, int64(r.one(t, "timestamp(g)", now))%10, "at full multiples of the interval")
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
	})
}
