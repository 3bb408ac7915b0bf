package history_test

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/history"
)

// given collects what it is given.
type given struct {
	desc    *prometheus.Desc
	metrics func() []prometheus.Metric
}

func (g given) Describe(ch chan<- *prometheus.Desc) { ch <- g.desc }

func (g given) Collect(ch chan<- prometheus.Metric) {
	for _, m := range g.metrics() {
		ch <- m
	}
}

// written is a metric that says of itself what it likes.
type written struct {
	desc  *prometheus.Desc
	write func(*dto.Metric)
}

func (w written) Desc() *prometheus.Desc    { return w.desc }
func (w written) Write(m *dto.Metric) error { w.write(m); return nil }

// collects registers a metric without labels that says of itself what it likes.
func (r rig) collects(name string, write func(*dto.Metric)) {
	d := prometheus.NewDesc(name, "x", nil, nil)
	r.m.Registerer().MustRegister(given{d, func() []prometheus.Metric { return []prometheus.Metric{written{d, write}} }})
}

// restorable requires that what the history has is whole, on disk and in a backup.
func (p *process) restorable(t testing.TB) {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, p.db.Snapshot(t.Context(), &b))
	require.NoError(t, p.db.Verify(t.Context(), &b))
	require.NoError(t, begin(t, copyDir(t, p.dir), p.clock()).db.Err())
}

// TestLabelsClash: no two labels have one name, whatever the metric's own are
// called, and what it is called then is what a Prometheus server calls it.
func TestLabelsClash(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir(), start, history.WithLabels(monitor.Labels{"a": "mine", "b": "ours"}))
	p.rig.gauge(t, "g", "a", "exported_a", "b", "c").WithLabelValues("1", "2", "3", "4").Set(1)
	p.rig.gauge(t, "innocent").WithLabelValues().Set(1)
	d := prometheus.NewDesc("h", "x", []string{"le"}, nil)
	p.m.Registerer().MustRegister(given{d, func() []prometheus.Metric {
		return []prometheus.Metric{prometheus.MustNewConstHistogram(d, 3, 4, map[float64]uint64{1: 2}, "own")}
	}})
	p.sample(t, start)
	require.Equal(t, map[string]float64{`g{a="mine",b="ours",c="4",exported_a="2",exported_b="3",exported_exported_a="1"}`: 1}, p.query(t, "g", start))
	require.Equal(t, map[string]float64{
		`h_bucket{a="mine",b="ours",exported_le="own",le="1.0"}`:  2,
		`h_bucket{a="mine",b="ours",exported_le="own",le="+Inf"}`: 3,
	}, p.query(t, "h_bucket", start))
	p.restorable(t)
}

// TestLabelsTooLong: they are refused by those who append them, and cost a
// collection nothing else.
func TestLabelsTooLong(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir(), start)
	for _, n := range []int{1 << 20, 1<<24 + 1} {
		long := strings.Repeat("x", n)
		for _, l := range []monitor.Labels{
			{"__name__": "m", "v": long},
			{"__name__": "m", long: "v"},
			{"__name__": long},
			{"__name__": "m", "v": long[:n/2], "w": long[:n/2]},
		} {
			err := p.db.Append(monitor.Sample{Labels: l, Point: monitor.Point{Time: start, Value: 1}})
			require.ErrorContains(t, err, "want at most")
			require.Less(t, len(err.Error()), 2000)
		}
	}
	p.rig.gauge(t, "long", "v").WithLabelValues(strings.Repeat("x", 1<<24+1)).Set(1)
	p.rig.gauge(t, "innocent").WithLabelValues().Set(1)
	require.ErrorContains(t, p.db.Sample(t.Context(), start), "history: collect long: a label")
	require.Len(t, p.query(t, "innocent", start), 1)
	require.Error(t, p.db.Sample(t.Context(), start.Add(time.Second)))
	require.Equal(t, 9., p.one(t, `monitor_history_samples_dropped_total{reason="invalid"}`, start.Add(time.Second)), "eight and one before")
	p.restorable(t)
}

// TestStrangeLabels: whatever label names a host's metrics have, each series is
// one that a backup takes.
func TestStrangeLabels(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	names := []string{"a", "exported_a", "exported_exported_a", "b", "le", "quantile", "exported_le", "ä", "__name__", "", "\xff"}
	p := begin(t, t.TempDir(), start, history.WithLabels(monitor.Labels{"a": "x", "exported_b": "y"}))
	fail := 0
	for i := range 200 {
		var pairs []*dto.LabelPair
		for range rng.IntN(5) {
			pairs = append(pairs, &dto.LabelPair{Name: &names[rng.IntN(len(names))], Value: &names[rng.IntN(len(names))]})
		}
		if history.CollectLabels(p.db, pairs, start.Add(time.Duration(i)*time.Second)) != nil {
			fail++
		}
	}
	require.NotZero(t, fail)
	require.Less(t, fail, 150)
	p.restorable(t)
}
