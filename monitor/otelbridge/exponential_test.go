package otelbridge_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/chronoretrace/chronomon/monitor"
)

// OpenTelemetry's own exponential histogram says what the buckets of the same
// values are, at the same scale.
func TestExponentialHistogramIsOpenTelemetrys(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	latencies := make([]float64, 2000)
	for i := range latencies {
		latencies[i] = math.Exp(random.NormFloat64()*1.5 - 4)
	}
	for _, tt := range []struct {
		name   string
		factor float64 // schema is the smallest n with 2^(2^-n) <= factor
		scale  int32
		values []float64
	}{
		{"latencies", 1.1, 3, latencies},
		{"coarse", 2, 0, latencies},
		{"fine", 1.01, 7, []float64{.1, .10001, .2}},
		{"on bounds", 1.5, 1, []float64{.25, .5, 1, 2, 4}},
		{"one", 1.1, 3, []float64{1}},
		{"zero and negative", 1.2, 2, []float64{0, 0, -1, -2.5, 3, 40}},
		{"gaps", 1.1, 3, []float64{1e-3, 1e3}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := prometheus.NewHistogram(prometheus.HistogramOpts{
				Name: "h", Help: "h", NativeHistogramBucketFactor: tt.factor, NativeHistogramZeroThreshold: prometheus.NativeHistogramZeroThresholdZero,
			})
			for _, v := range tt.values {
				h.Observe(v)
			}
			m := newMonitor(t)
			m.Registerer().MustRegister(h)
			got := find(t, collect(t, m), "h").Data.(metricdata.ExponentialHistogram[float64])
			require.Equal(t, metricdata.CumulativeTemporality, got.Temporality)
			require.Len(t, got.DataPoints, 1)

			want := openTelemetrys(t, tt.scale, tt.values)
			p := got.DataPoints[0]
			require.Equal(t, tt.scale, p.Scale)
			require.Equal(t, want.Scale, p.Scale)
			require.Equal(t, want.Count, p.Count)
			require.InDelta(t, want.Sum, p.Sum, 1e-9*math.Abs(want.Sum))
			require.Equal(t, want.ZeroCount, p.ZeroCount)
			require.Equal(t, byIndex(want.PositiveBucket), byIndex(p.PositiveBucket))
			require.Equal(t, byIndex(want.NegativeBucket), byIndex(p.NegativeBucket))
		})
	}
}

// openTelemetrys records the values in a histogram of the SDK.
func openTelemetrys(t *testing.T, scale int32, values []float64) metricdata.ExponentialHistogramDataPoint[float64] {
	t.Helper()
	reader := sdkmetric.NewManualReader(sdkmetric.WithAggregationSelector(func(sdkmetric.InstrumentKind) sdkmetric.Aggregation {
		return sdkmetric.AggregationBase2ExponentialHistogram{MaxSize: 2000, MaxScale: scale}
	}))
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	h, err := provider.Meter("test").Float64Histogram("h")
	require.NoError(t, err)
	for _, v := range values {
		h.Record(t.Context(), v)
	}
	var rm metricdata.ResourceMetrics
	require.NoError(t, reader.Collect(t.Context(), &rm))
	return rm.ScopeMetrics[0].Metrics[0].Data.(metricdata.ExponentialHistogram[float64]).DataPoints[0]
}

func byIndex(b metricdata.ExponentialBucket) map[int]uint64 {
	out := map[int]uint64{}
	for i, n := range b.Counts {
		if n > 0 {
			out[int(b.Offset)+i] = n
		}
	}
	return out
}

// The SDK's own histograms are exponential with the monitor's option.
func TestNativeHistogramsOfTheMonitor(t *testing.T) {
	t.Parallel()
	m := setup(t, monitor.WithNativeHistograms(1.1))
	data := find(t, collect(t, m), "api_request_duration_seconds").Data.(metricdata.ExponentialHistogram[float64])
	want := openTelemetrys(t, 3, []float64{.004, .005, .08})
	points := map[string]metricdata.ExponentialHistogramDataPoint[float64]{}
	for _, p := range data.DataPoints {
		status, _ := p.Attributes.Value("status_code")
		points[status.AsString()] = p
	}
	p := points["200"]
	require.Equal(t, want.Scale, p.Scale)
	require.Equal(t, want.Count, p.Count)
	require.InDelta(t, want.Sum, p.Sum, 1e-12)
	require.Equal(t, byIndex(want.PositiveBucket), byIndex(p.PositiveBucket))
	require.Empty(t, p.NegativeBucket.Counts)
	require.Empty(t, p.Exemplars)
	require.False(t, p.StartTime.After(p.Time))

	e := points["503"].Exemplars
	require.Len(t, e, 1)
	require.Equal(t, traceID, e[0].TraceID)
	require.Equal(t, 3.0, e[0].Value)
	require.Equal(t, now.Add(-time.Minute), e[0].Time)
	require.Empty(t, e[0].FilteredAttributes)
}

// A far outlier may not cost a bucket for every empty one on the way.
func TestWideExponentialHistogramLosesResolutionOnly(t *testing.T) {
	t.Parallel()
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "h", Help: "h", NativeHistogramBucketFactor: 1.003})
	values := []float64{1e-9, 1.001e-9, 1, 1e9, -5}
	for _, v := range values {
		h.Observe(v)
	}
	m := newMonitor(t)
	m.Registerer().MustRegister(h)
	p := find(t, collect(t, m), "h").Data.(metricdata.ExponentialHistogram[float64]).DataPoints[0]
	want := openTelemetrys(t, p.Scale, []float64{1, 1e9, -5})
	require.Equal(t, int32(4), p.Scale, "60 doublings of 16 buckets are below 1024, of 32 above")
	require.LessOrEqual(t, len(p.PositiveBucket.Counts), 1024)
	require.Equal(t, uint64(len(values)), p.Count)
	require.Equal(t, byIndex(want.NegativeBucket), byIndex(p.NegativeBucket))
	require.Subset(t, byIndex(p.PositiveBucket), byIndex(want.PositiveBucket))
}

// Histograms with a schema that is not exponential show their explicit bounds,
// and so does a family that has both sorts.
func TestOtherSchemas(t *testing.T) {
	t.Parallel()
	for _, schema := range []string{"schema: -53", "schema: 9", "schema: -5", ""} {
		data := find(t, bridge(t, family(t, `name: "h" type: HISTOGRAM
			metric { label { name: "n" value: "1" } histogram { sample_count: 2 `+schema+`
				positive_span { offset: 1 length: 1 } positive_delta: 2 bucket { cumulative_count: 1 upper_bound: 1 } } }
			metric { label { name: "n" value: "2" } histogram { sample_count: 2 schema: 3
				positive_span { offset: 1 length: 1 } positive_delta: 2 } }`)), "h").Data
		require.IsType(t, metricdata.Histogram[float64]{}, data)
		require.Equal(t, []uint64{1, 1}, data.(metricdata.Histogram[float64]).DataPoints[0].BucketCounts)
	}
}

// NaN is in no bucket, and a count must be that of the buckets.
func TestNaNInExponentialHistogram(t *testing.T) {
	t.Parallel()
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "h", Help: "h", NativeHistogramBucketFactor: 2})
	h.Observe(1)
	h.Observe(math.NaN())
	m := newMonitor(t)
	m.Registerer().MustRegister(h)
	p := find(t, collect(t, m), "h").Data.(metricdata.ExponentialHistogram[float64]).DataPoints[0]
	require.Equal(t, uint64(1), p.Count)
}
