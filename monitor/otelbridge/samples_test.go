package otelbridge_test

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"

	"github.com/chronoretrace/chronomon/monitor"
)

// samples are numbers by "kind name{attributes} part": one form for what the
// registry has, what the SDK is given and what a receiver gets. A string
// attribute is quoted and a number is not.
type samples map[string]float64

func (s samples) add(t testing.TB, kind, name string, pairs []string, part string, v float64) {
	t.Helper()
	slices.Sort(pairs)
	key := strings.TrimSpace(fmt.Sprintf("%s %s{%s} %s", kind, name, strings.Join(pairs, ","), part))
	require.NotContains(t, s, key, "twice")
	s[key] = v
}

func le(bounds []float64, i int) string {
	if i == len(bounds) {
		return "le +Inf"
	}
	return fmt.Sprint("le ", bounds[i])
}

// naming is what a test expects a family to be called.
type naming struct {
	name   string
	kind   string            // other than the registry's
	labels map[string]string // "" in front of a number: no quotes
}

// semConv is the conventions' names, written out.
var semConv = map[string]naming{
	"api_request_duration_seconds": {name: "http.server.request.duration", labels: httpLabels},
	"api_request_size_bytes":       {name: "http.server.request.body.size", labels: httpLabels},
	"api_concurrent_requests":      {name: "http.server.active_requests", kind: "updown", labels: httpLabels},
	"db_query_duration_seconds": {
		name:   "db.client.operation.duration",
		labels: map[string]string{"query_type": "db.operation.name", "table": "db.collection.name"},
	},
}

var httpLabels = map[string]string{
	"method": "http.request.method", "endpoint": "http.route", "status_code": "http.response.status_code",
}

// gathered is what the registry itself says, under the names that are expected.
func gathered(t testing.TB, m *monitor.Monitor, skip func(name string) bool, names map[string]naming) samples {
	t.Helper()
	families, err := m.Gatherer().Gather()
	require.NoError(t, err)
	out := samples{}
	for _, f := range families {
		if skip(f.GetName()) {
			continue
		}
		n, renamed := names[f.GetName()]
		if !renamed {
			n.name = f.GetName()
		}
		if n.kind == "" {
			n.kind = strings.ToLower(f.GetType().String())
		}
		for _, s := range f.GetMetric() {
			out.addGathered(t, n, s)
		}
	}
	return out
}

func (s samples) addGathered(t testing.TB, n naming, m *dto.Metric) {
	t.Helper()
	var pairs []string
	for _, l := range m.GetLabel() {
		key, value := l.GetName(), strconv.Quote(l.GetValue())
		if to, ok := n.labels[key]; ok {
			key = to
		}
		if key == "http.response.status_code" {
			value = l.GetValue()
		}
		pairs = append(pairs, key+"="+value)
	}
	switch {
	case m.Counter != nil:
		s.add(t, n.kind, n.name, pairs, "", m.GetCounter().GetValue())
	case m.Gauge != nil:
		s.add(t, n.kind, n.name, pairs, "", m.GetGauge().GetValue())
	case m.Histogram != nil:
		h := m.GetHistogram()
		s.add(t, n.kind, n.name, pairs, "count", float64(h.GetSampleCount()))
		s.add(t, n.kind, n.name, pairs, "sum", h.GetSampleSum())
		below := uint64(0)
		for _, b := range h.GetBucket() {
			if math.IsInf(b.GetUpperBound(), 1) {
				continue
			}
			s.add(t, n.kind, n.name, pairs, fmt.Sprint("le ", b.GetUpperBound()), float64(b.GetCumulativeCount()-below))
			below = b.GetCumulativeCount()
		}
		s.add(t, n.kind, n.name, pairs, "le +Inf", float64(h.GetSampleCount()-below))
	default:
		require.Fail(t, "unexpected sample", n.name)
	}
}

// produced is what the SDK was given.
func produced(t testing.TB, scopes []metricdata.ScopeMetrics) samples {
	t.Helper()
	out := samples{}
	for _, scope := range scopes {
		for _, m := range scope.Metrics {
			switch d := m.Data.(type) {
			case metricdata.Sum[float64]:
				require.Equal(t, metricdata.CumulativeTemporality, d.Temporality)
				kind := "updown"
				if d.IsMonotonic {
					kind = "counter"
				}
				for _, p := range d.DataPoints {
					out.add(t, kind, m.Name, pairsOf(p.Attributes), "", p.Value)
				}
			case metricdata.Gauge[float64]:
				for _, p := range d.DataPoints {
					out.add(t, "gauge", m.Name, pairsOf(p.Attributes), "", p.Value)
				}
			case metricdata.Histogram[float64]:
				require.Equal(t, metricdata.CumulativeTemporality, d.Temporality)
				for _, p := range d.DataPoints {
					require.Len(t, p.BucketCounts, len(p.Bounds)+1)
					out.add(t, "histogram", m.Name, pairsOf(p.Attributes), "count", float64(p.Count))
					out.add(t, "histogram", m.Name, pairsOf(p.Attributes), "sum", p.Sum)
					for i, n := range p.BucketCounts {
						out.add(t, "histogram", m.Name, pairsOf(p.Attributes), le(p.Bounds, i), float64(n))
					}
				}
			default:
				require.Fail(t, "unexpected data", "%s: %T", m.Name, d)
			}
		}
	}
	return out
}

func pairsOf(s attribute.Set) (out []string) {
	for _, kv := range s.ToSlice() {
		value := kv.Value.String()
		if kv.Value.Type() == attribute.STRING {
			value = strconv.Quote(value)
		}
		out = append(out, string(kv.Key)+"="+value)
	}
	return out
}

// received is what arrived over OTLP.
func received(t testing.TB, scopes []*metricspb.ScopeMetrics) samples {
	t.Helper()
	out := samples{}
	numbers := func(kind, name string, points []*metricspb.NumberDataPoint) {
		for _, p := range points {
			out.add(t, kind, name, pairsOfProto(t, p.GetAttributes()), "", p.GetAsDouble())
		}
	}
	for _, scope := range scopes {
		for _, m := range scope.GetMetrics() {
			switch d := m.GetData().(type) {
			case *metricspb.Metric_Sum:
				kind := "updown"
				if d.Sum.GetIsMonotonic() {
					kind = "counter"
				}
				require.Equal(t, metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE, d.Sum.GetAggregationTemporality())
				numbers(kind, m.GetName(), d.Sum.GetDataPoints())
			case *metricspb.Metric_Gauge:
				numbers("gauge", m.GetName(), d.Gauge.GetDataPoints())
			case *metricspb.Metric_Histogram:
				require.Equal(t, metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE, d.Histogram.GetAggregationTemporality())
				for _, p := range d.Histogram.GetDataPoints() {
					pairs := pairsOfProto(t, p.GetAttributes())
					require.Len(t, p.GetBucketCounts(), len(p.GetExplicitBounds())+1)
					out.add(t, "histogram", m.GetName(), pairs, "count", float64(p.GetCount()))
					out.add(t, "histogram", m.GetName(), pairs, "sum", p.GetSum())
					for i, n := range p.GetBucketCounts() {
						out.add(t, "histogram", m.GetName(), pairs, le(p.GetExplicitBounds(), i), float64(n))
					}
				}
			default:
				require.Fail(t, "unexpected data", "%s: %T", m.GetName(), d)
			}
		}
	}
	return out
}

func pairsOfProto(t testing.TB, attrs []*commonpb.KeyValue) (out []string) {
	t.Helper()
	for _, kv := range attrs {
		switch v := kv.GetValue().GetValue().(type) {
		case *commonpb.AnyValue_StringValue:
			out = append(out, kv.GetKey()+"="+strconv.Quote(v.StringValue))
		case *commonpb.AnyValue_IntValue:
			out = append(out, fmt.Sprint(kv.GetKey(), "=", v.IntValue))
		default:
			require.Fail(t, "unexpected attribute", "%v", kv)
		}
	}
	return out
}
