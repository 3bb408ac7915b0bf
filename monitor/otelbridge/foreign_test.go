package otelbridge_test

import (
	"math"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/chronoretrace/chronomon/monitor"
)

// extended is a host's registry that adds families of its own making.
type extended struct {
	*prometheus.Registry
	families []*dto.MetricFamily
}

func (e extended) Gather() ([]*dto.MetricFamily, error) {
	families, err := e.Registry.Gather()
	return append(families, e.families...), err
}

// bridge produces families that a host's registry gathered.
func bridge(t testing.TB, families ...*dto.MetricFamily) []metricdata.ScopeMetrics {
	t.Helper()
	m := newMonitor(t,
		monitor.WithRegisterer(extended{prometheus.NewRegistry(), families}),
		monitor.WithClock(func() time.Time { return now }))
	return collect(t, m)[1:]
}

// family reads a family in protobuf's text format.
func family(t testing.TB, text string) *dto.MetricFamily {
	t.Helper()
	f := &dto.MetricFamily{}
	require.NoError(t, prototext.Unmarshal([]byte(text), f))
	return f
}

func TestForeignCounter(t *testing.T) {
	t.Parallel()
	created := now.Add(-time.Hour)
	f := family(t, `name: "jobs" help: "Jobs." unit: "seconds" type: COUNTER
		metric { label { name: "q" value: "" } counter { value: 1.5 exemplar {
			label { name: "trace_id" value: "0AF7651916CD43DD8448EB211C80319C" } label { name: "span_id" value: "b7ad6b7169203331" }
			label { name: "user" value: "7" } value: 1 } } timestamp_ms: 1700000000000 }
		metric { label { name: "q" value: "mail" } counter { value: inf } }`)
	f.Metric[0].Counter.CreatedTimestamp = timestamppb.New(created)
	f.Metric[1].Counter.CreatedTimestamp = timestamppb.New(now.Add(time.Second)) // by another clock

	got := find(t, bridge(t, f), "jobs")
	require.Equal(t, "s", got.Unit)
	sum := got.Data.(metricdata.Sum[float64])
	require.True(t, sum.IsMonotonic)
	at := time.UnixMilli(1700000000000)
	metricdatatest.AssertEqual(t, metricdata.DataPoint[float64]{
		Attributes: set(attribute.String("q", "")), Time: at, Value: 1.5,
		StartTime: at, // created after the sample: not believed
		Exemplars: []metricdata.Exemplar[float64]{{
			FilteredAttributes: []attribute.KeyValue{attribute.String("user", "7")}, Time: at, Value: 1,
			TraceID: traceID, SpanID: []byte{0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31},
		}},
	}, sum.DataPoints[0])
	require.Equal(t, now, sum.DataPoints[1].Time)
	require.True(t, sum.DataPoints[1].StartTime.Before(now))
	require.Equal(t, math.Inf(1), sum.DataPoints[1].Value)

	f.Metric[0].TimestampMs = nil
	believed := find(t, bridge(t, f), "jobs").Data.(metricdata.Sum[float64])
	require.Equal(t, created, believed.DataPoints[0].StartTime)
}

func TestForeignUntypedIsAGauge(t *testing.T) {
	t.Parallel()
	got := find(t, bridge(t, family(t, `name: "level" type: UNTYPED metric { untyped { value: 12 } }`)), "level")
	metricdatatest.AssertAggregationsEqual(t,
		metricdata.Gauge[float64]{DataPoints: []metricdata.DataPoint[float64]{{Time: now, Value: 12}}}, got.Data)
}

func TestForeignSummary(t *testing.T) {
	t.Parallel()
	summary := prometheus.NewSummary(prometheus.SummaryOpts{
		Name: "took", Help: "Took.", Objectives: map[float64]float64{.9: .01, .5: .05}, ConstLabels: prometheus.Labels{"zone": "a"},
	})
	for _, v := range []float64{1, 2, 3} {
		summary.Observe(v)
	}
	m := newMonitor(t)
	m.Registerer().MustRegister(summary)
	s := find(t, collect(t, m), "took").Data.(metricdata.Summary)
	require.Len(t, s.DataPoints, 1)
	p := s.DataPoints[0]
	require.Equal(t, set(attribute.String("zone", "a")), p.Attributes)
	require.Equal(t, uint64(3), p.Count)
	require.Equal(t, 6.0, p.Sum)
	require.Equal(t, []metricdata.QuantileValue{{Quantile: .5, Value: 2}, {Quantile: .9, Value: 3}}, p.QuantileValues)
	require.False(t, p.StartTime.After(p.Time))
}

func TestForeignHistogram(t *testing.T) {
	t.Parallel()
	f := family(t, `name: "lag" type: HISTOGRAM
		metric { label { name: "n" value: "plain" } histogram { sample_count: 5 sample_sum: 9
			bucket { cumulative_count: 1 upper_bound: 1 } bucket { cumulative_count: 4 upper_bound: 2 } } }
		metric { label { name: "n" value: "with +Inf" } histogram { sample_count: 5 sample_sum: nan
			bucket { cumulative_count: 1 upper_bound: 1 }
			bucket { cumulative_count: 5 upper_bound: inf exemplar { label { name: "trace_id" value: "short" } value: 9 } } } }
		metric { label { name: "n" value: "falling" } histogram { sample_count: 2 sample_sum: 1
			bucket { cumulative_count: 3 upper_bound: 1 } bucket { cumulative_count: 2 upper_bound: 2 } } }
		metric { label { name: "n" value: "no buckets" } histogram { sample_count: 3 sample_sum: 1 } }
		metric { label { name: "n" value: "fractions" } histogram { sample_count_float: .5 sample_sum: 1 } }`)
	h := find(t, bridge(t, f), "lag").Data.(metricdata.Histogram[float64])
	require.Equal(t, metricdata.CumulativeTemporality, h.Temporality)
	require.Len(t, h.DataPoints, 4)
	for i, want := range []struct {
		count  uint64
		bounds []float64
		counts []uint64
	}{
		{5, []float64{1, 2}, []uint64{1, 3, 1}},
		{5, []float64{1}, []uint64{1, 4}},
		{3, []float64{1, 2}, []uint64{3, 0, 0}},
		{3, []float64{}, []uint64{3}},
	} {
		p := h.DataPoints[i]
		require.Equal(t, want.count, p.Count)
		require.Equal(t, want.bounds, p.Bounds)
		require.Equal(t, want.counts, p.BucketCounts)
	}
	e := h.DataPoints[1].Exemplars
	require.Len(t, e, 1)
	require.Nil(t, e[0].TraceID)
	require.Equal(t, []attribute.KeyValue{attribute.String("trace_id", "short")}, e[0].FilteredAttributes)
	require.Equal(t, now, e[0].Time)
}

func TestWhatOpenTelemetryHasNoPlaceForIsLeftOut(t *testing.T) {
	t.Parallel()
	require.Empty(t, bridge(
		t,
		family(t, `name: "gauges" type: GAUGE_HISTOGRAM metric { histogram { sample_count: 1 } }`),
		family(t, `name: "fractions" type: HISTOGRAM metric { histogram { sample_count_float: .5 schema: 1 } }`),
		family(t, `name: "nothing" type: COUNTER`),
	))
}
