package otelbridge_test

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"google.golang.org/protobuf/proto"

	"github.com/chronoretrace/chronomon/monitor"
)

// FuzzProduce gives the producer what no registry would: whatever it makes of
// it obeys OpenTelemetry's model.
func FuzzProduce(f *testing.F) {
	for _, text := range []string{
		`name: "c" type: COUNTER metric { label { name: "a" value: "b" } counter { value: 1 exemplar { label { name: "trace_id" value: "00" } } } }`,
		`name: "s" type: SUMMARY metric { summary { sample_count: 1 quantile { quantile: 1 value: nan } } }`,
		`name: "h" type: HISTOGRAM metric { histogram { sample_count: 3 bucket { cumulative_count: 9 upper_bound: nan } bucket { upper_bound: inf } } }`,
		`name: "n" type: HISTOGRAM metric { histogram { schema: 8 zero_count: 1
			positive_span { offset: -2147483648 length: 1 } positive_span { offset: 2147483647 length: 4000000000 } positive_delta: 1 positive_delta: -9
			negative_span { offset: 5 length: 2 } negative_delta: 3 } }`,
	} {
		raw, err := proto.Marshal(family(f, text))
		require.NoError(f, err)
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		in := &dto.MetricFamily{}
		if proto.Unmarshal(raw, in) != nil {
			return
		}
		m := newMonitor(t, monitor.WithRegisterer(extended{prometheus.NewRegistry(), []*dto.MetricFamily{in}}))
		scopes, err := newProducer(t, m).Produce(t.Context())
		require.NoError(t, err)
		for _, s := range scopes {
			for _, m := range s.Metrics {
				checkModel(t, m.Data)
			}
		}
	})
}

func checkModel(t *testing.T, data metricdata.Aggregation) {
	t.Helper()
	sum := func(counts []uint64) (n uint64) {
		for _, c := range counts {
			n += c
		}
		return n
	}
	switch d := data.(type) {
	case metricdata.Histogram[float64]:
		for _, p := range d.DataPoints {
			require.Len(t, p.BucketCounts, len(p.Bounds)+1)
			require.Equal(t, p.Count, sum(p.BucketCounts))
			require.False(t, p.StartTime.After(p.Time))
			checkIDs(t, p.Exemplars)
		}
	case metricdata.ExponentialHistogram[float64]:
		for _, p := range d.DataPoints {
			require.LessOrEqual(t, len(p.PositiveBucket.Counts), 1024)
			require.LessOrEqual(t, len(p.NegativeBucket.Counts), 1024)
			require.Equal(t, p.Count, p.ZeroCount+sum(p.PositiveBucket.Counts)+sum(p.NegativeBucket.Counts))
			checkIDs(t, p.Exemplars)
		}
	case metricdata.Sum[float64]:
		for _, p := range d.DataPoints {
			checkIDs(t, p.Exemplars)
		}
	}
}

func checkIDs(t *testing.T, exemplars []metricdata.Exemplar[float64]) {
	t.Helper()
	for _, e := range exemplars {
		require.Contains(t, []int{0, 16}, len(e.TraceID))
		require.Contains(t, []int{0, 8}, len(e.SpanID))
	}
}
