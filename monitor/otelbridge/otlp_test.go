package otelbridge_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/otelbridge"
)

func TestEverythingArrivesOverOTLP(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		golden string
		opt    otelbridge.Option
		names  map[string]naming
	}{
		{"design", otelbridge.WithDesignNames(), nil},
		{"semconv", otelbridge.WithSemanticConventions(), semConv},
	} {
		t.Run(tt.golden, func(t *testing.T) {
			t.Parallel()
			m := setup(t, monitor.WithProfiles(monitor.ProfileDesign, monitor.ProfileOTel))
			scopes, attempts := export(t, m, nil, tt.opt)
			require.Equal(t, 1, attempts)
			otherProfile := func(name string) bool {
				return strings.HasPrefix(name, "http_") || strings.HasPrefix(name, "db_client_")
			}
			require.Equal(t, gathered(t, m, otherProfile, tt.names), received(t, scopes))
			checkExemplars(t, scopes)
			checkGolden(t, tt.golden, render(t, scopes))
		})
	}
}

func TestReceiverThatFailsOnce(t *testing.T) {
	t.Parallel()
	m := setup(t)
	scopes, attempts := export(t, m, []int{http.StatusServiceUnavailable})
	require.Equal(t, 2, attempts)
	require.Equal(t, gathered(t, m, keepAll, nil), received(t, scopes))
}

func TestExponentialHistogramArrivesOverOTLP(t *testing.T) {
	t.Parallel()
	m := setup(t, monitor.WithNativeHistograms(1.1))
	scopes, _ := export(t, m, nil)
	checkExemplars(t, scopes)
	want := openTelemetrys(t, 3, []float64{.004, .005, .08})
	for _, p := range metric(t, scopes, "api_request_duration_seconds").GetExponentialHistogram().GetDataPoints() {
		if !slices.Contains(pairsOfProto(t, p.GetAttributes()), `status_code="200"`) {
			continue
		}
		require.Equal(t, want.Scale, p.GetScale())
		require.Equal(t, want.Count, p.GetCount())
		require.Equal(t, want.PositiveBucket.Offset, p.GetPositive().GetOffset())
		require.Equal(t, want.PositiveBucket.Counts, p.GetPositive().GetBucketCounts())
		return
	}
	require.Fail(t, "the histogram is missing")
}

func metric(t *testing.T, scopes []*metricspb.ScopeMetrics, name string) *metricspb.Metric {
	t.Helper()
	for _, s := range scopes {
		for _, m := range s.GetMetrics() {
			if m.GetName() == name {
				return m
			}
		}
	}
	require.Fail(t, "no metric", name)
	return nil
}

// checkExemplars wants the two exemplars of the durations, with ids of the
// length that receivers insist on.
func checkExemplars(t *testing.T, scopes []*metricspb.ScopeMetrics) {
	t.Helper()
	var all []*metricspb.Exemplar
	for _, s := range scopes {
		for _, m := range s.GetMetrics() {
			for _, p := range m.GetHistogram().GetDataPoints() {
				all = append(all, p.GetExemplars()...)
			}
			for _, p := range m.GetExponentialHistogram().GetDataPoints() {
				all = append(all, p.GetExemplars()...)
			}
		}
	}
	var values []float64
	for _, e := range all {
		values = append(values, e.GetAsDouble())
		require.Equal(t, traceID, e.GetTraceId())
		require.Empty(t, e.GetSpanId())
		require.Empty(t, e.GetFilteredAttributes())
		require.Equal(t, uint64(now.Add(-time.Minute).UnixNano()), e.GetTimeUnixNano())
	}
	require.ElementsMatch(t, []float64{3, 45}, values)
}
