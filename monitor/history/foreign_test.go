package history_test

import (
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor/history"
)

func spansOf(offsetsAndLengths ...int64) (out []*dto.BucketSpan) {
	for i := 0; i < len(offsetsAndLengths); i += 2 {
		out = append(out, &dto.BucketSpan{Offset: new(int32(offsetsAndLengths[i])), Length: new(uint32(offsetsAndLengths[i+1]))})
	}
	return out
}

// TestMalformedNative: a native histogram that is none costs itself only, however
// many buckets it says it has.
func TestMalformedNative(t *testing.T) {
	t.Parallel()
	three, schema := new(uint64(3)), new(int32(3))
	for i, h := range []*dto.Histogram{
		{SampleCount: three, Schema: schema, PositiveSpan: spansOf(0, 5), PositiveDelta: []int64{1}},
		{SampleCount: three, Schema: schema, PositiveSpan: spansOf(0, 1), PositiveDelta: []int64{1, 2, 3, 4}},
		{SampleCount: three, Schema: schema, PositiveSpan: spansOf(0, 1, -5, 1), PositiveDelta: []int64{1, 0}},
		{SampleCount: three, Schema: new(int32(100)), PositiveSpan: spansOf(0, 1), PositiveDelta: []int64{1}},
		{SampleCount: three, Schema: schema, PositiveSpan: spansOf(0, math.MaxUint32), PositiveDelta: []int64{1}},
		{SampleCount: three, Schema: schema, PositiveSpan: spansOf(math.MaxInt32, 1), PositiveDelta: []int64{3}},
		{SampleCount: three, Schema: schema, NegativeSpan: spansOf(math.MinInt32, 1), NegativeDelta: []int64{3}},
		{SampleCount: new(uint64(1 << 17)), Schema: schema, PositiveSpan: spansOf(0, 1<<17), PositiveDelta: append([]int64{1}, make([]int64, 1<<17-1)...)},
		{SampleCount: three, Schema: schema, PositiveSpan: []*dto.BucketSpan{nil}, PositiveDelta: []int64{1}},
		{SampleCountFloat: new(3.), Schema: schema, PositiveSpan: spansOf(0, 5), PositiveCount: []float64{1}},
		{SampleCountFloat: new(3.), Schema: schema, PositiveSpan: spansOf(0, 1), PositiveCount: []float64{-1}},
	} {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			t.Parallel()
			p := begin(t, t.TempDir(), start)
			bad, good := h, &dto.Histogram{SampleCount: three, Schema: schema, PositiveSpan: spansOf(0, 1), PositiveDelta: []int64{3}}
			p.collects("n", func(m *dto.Metric) { m.Histogram = good })
			p.rig.gauge(t, "z").WithLabelValues().Set(1)
			p.sample(t, start)
			require.Len(t, p.query(t, "histogram_count(n)", start), 1)
			good, bad = bad, good
			at := start
			for range 3 {
				at = at.Add(time.Second)
				require.ErrorContains(t, p.db.Sample(t.Context(), at), "history: collect n: ")
				require.Empty(t, p.query(t, "histogram_count(n)", at), "it ends")
				require.Len(t, p.query(t, "z", at), 1)
			}
			require.Equal(t, 2., p.one(t, `monitor_history_samples_dropped_total{reason="invalid"}`, at))
			good = bad
			p.sample(t, at.Add(time.Second))
			require.Equal(t, 3., p.one(t, "histogram_count(n)", at.Add(time.Second)))
			p.restorable(t)
		})
	}
}

// TestAppendMalformed: what engines append is held to the same.
func TestAppendMalformed(t *testing.T) {
	t.Parallel()
	r := setup(t)
	q := history.Store(r.db)
	good := &histogram.FloatHistogram{Count: 1, PositiveSpans: []histogram.Span{{Length: 1}}, PositiveBuckets: []float64{1}}
	name := labels.FromStrings("__name__", "n")
	require.NoError(t, q.AppendHistogram(name, 1000, good))
	require.Error(t, q.AppendHistogram(name, 2000, nil))
	require.Error(t, q.AppendHistogram(labels.FromStrings("a", "b"), 2000, good))
	require.Error(t, q.AppendHistogram(labels.FromStrings("__name__", "n", "a", "1", "a", "2"), 2000, good))
	require.Error(t, q.AppendHistogram(name, math.MaxInt64, good))
	require.Error(t, q.AppendHistogram(name, 2000, &histogram.FloatHistogram{PositiveSpans: []histogram.Span{{Length: 2}}}))
	require.ErrorIs(t, q.AppendHistogram(name, 500, good), history.ErrOutOfOrder)
	require.NoError(t, q.AppendHistogram(name, 2000, good))
}

// TestTimestamps: metrics that say of when they are may be wrong about it.
func TestTimestamps(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir(), start)
	var stamp time.Duration
	now := start
	p.collects("stamped", func(m *dto.Metric) {
		m.Gauge = &dto.Gauge{Value: new(1.)}
		ms := now.Add(stamp).UnixMilli()
		switch stamp {
		case math.MaxInt64, math.MinInt64:
			ms = int64(stamp)
		}
		m.TimestampMs = &ms
	})
	for _, c := range []struct {
		stamp time.Duration
		ok    bool
	}{{math.MinInt64, false}, {-1000 * time.Hour, true}, {-time.Second, true}, {math.MaxInt64, false}, {time.Hour, false}, {5 * time.Minute, true}} {
		now = now.Add(10 * time.Second)
		stamp = c.stamp
		err := p.db.Sample(t.Context(), now)
		require.Equal(t, c.ok, err == nil, "%s: %v", c.stamp, err)
		if c.stamp > 0 && !c.ok {
			require.ErrorIs(t, err, history.ErrAhead)
		}
	}
	p.restorable(t)
	require.Equal(t, 2., p.one(t, `monitor_history_samples_dropped_total{reason="ahead"}`, now))
}

// TestPartsOfAMetric: what becomes of buckets and quantiles that come and go, each
// series has its own values.
func TestPartsOfAMetric(t *testing.T) {
	t.Parallel()
	r := setup(t)
	buckets, quantiles := map[float64]uint64{}, map[float64]float64{}
	d := prometheus.NewDesc("h", "x", nil, nil)
	s := prometheus.NewDesc("s", "x", nil, nil)
	r.m.Registerer().MustRegister(given{d, func() []prometheus.Metric {
		return []prometheus.Metric{prometheus.MustNewConstHistogram(d, 7, 70, buckets)}
	}}, given{s, func() []prometheus.Metric {
		return []prometheus.Metric{prometheus.MustNewConstSummary(s, 8, 80, quantiles)}
	}})
	for i, bounds := range [][]float64{{1, 2, 3}, {2}, {}, {0, 1}, {1}, {0}, {}} {
		clear(buckets)
		clear(quantiles)
		for _, b := range bounds {
			buckets[b], quantiles[b/10] = uint64(b), b
		}
		at := start.Add(time.Duration(i) * time.Second)
		r.sample(t, at)
		require.Equal(t, map[string]float64{"h_sum": 70, "h_count": 7, "s_sum": 80, "s_count": 8}, r.query(t, `{__name__=~"[hs]_(sum|count)"}`, at), bounds)
		require.Len(t, r.query(t, "h_bucket", at), len(bounds)+1)
		require.Len(t, r.query(t, "s", at), len(bounds))
	}
}

// TestExemplarLabels: those that no record would hold are not kept.
func TestExemplarLabels(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir(), start)
	pair := func(name string, n int) *dto.LabelPair {
		return &dto.LabelPair{Name: &name, Value: new(string(make([]byte, n)))}
	}
	var list []*dto.LabelPair
	p.collects("c_total", func(m *dto.Metric) {
		m.Counter = &dto.Counter{Value: new(1.), Exemplar: &dto.Exemplar{Label: list, Value: new(1.)}}
	})
	for i, c := range [][]*dto.LabelPair{{pair("a", 1), pair("a", 2)}, {pair("a", 2000)}, {pair("", 1)}, {pair("a", 1), pair("b", 1)}} {
		list = c
		err := p.db.Sample(t.Context(), start.Add(time.Duration(i)*time.Second))
		require.Equal(t, i == 3, err == nil, err)
	}
	got, err := p.db.Exemplars(t.Context(), "c_total", start, start.Add(time.Minute))
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.Len(t, got[0].Exemplars, 1)
	p.restorable(t)
}
