package otelbridge_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/otelbridge"
)

// failing is a collector that fails.
type failing struct{}

var errFailing = errors.New("the collector's own trouble")

func (failing) Describe(ch chan<- *prometheus.Desc) {
	ch <- prometheus.NewDesc("host_broken", "Broken.", nil, nil)
}

func (failing) Collect(ch chan<- prometheus.Metric) {
	ch <- prometheus.NewInvalidMetric(prometheus.NewDesc("host_broken", "Broken.", nil, nil), errFailing)
}

// A periodic reader exports nothing if a producer returns an error: a broken
// collector of the host's must not cost all the others' metrics.
func TestFailingCollectorCostsItsOwnMetricsOnly(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	m := setup(t, monitor.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	want := produced(t, collect(t, m))
	m.Registerer().MustRegister(failing{})

	var exported []metricdata.ScopeMetrics
	reader := sdkmetric.NewPeriodicReader(
		&exporter{func(rm *metricdata.ResourceMetrics) { exported = rm.ScopeMetrics }},
		sdkmetric.WithProducer(newProducer(t, m)))
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	require.NoError(t, provider.ForceFlush(t.Context()))
	require.Equal(t, want, produced(t, exported))
	require.Contains(t, log.String(), errFailing.Error())
	require.NoError(t, provider.Shutdown(t.Context()))

	// Why that is not the default: with an error the reader exports nothing.
	exported = nil
	strict := sdkmetric.NewPeriodicReader(
		&exporter{func(rm *metricdata.ResourceMetrics) { exported = rm.ScopeMetrics }},
		sdkmetric.WithProducer(newProducer(t, m, otelbridge.WithGatherErrors())))
	provider = sdkmetric.NewMeterProvider(sdkmetric.WithReader(strict))
	require.ErrorContains(t, provider.ForceFlush(t.Context()), errFailing.Error())
	require.Nil(t, exported)
	require.ErrorContains(t, provider.Shutdown(t.Context()), errFailing.Error())

	scopes, err := newProducer(t, m, otelbridge.WithGatherErrors()).Produce(t.Context())
	require.ErrorContains(t, err, errFailing.Error())
	require.NotEmpty(t, scopes)
	require.Equal(t, 5.0, find(t, gatherAgain(t, m), "monitor_scrape_errors_total").Data.(metricdata.Sum[float64]).DataPoints[0].Value)
}

func gatherAgain(t *testing.T, m *monitor.Monitor) []metricdata.ScopeMetrics {
	t.Helper()
	scopes, err := newProducer(t, m).Produce(t.Context())
	require.NoError(t, err)
	return scopes
}

// exporter is an exporter into a function.
type exporter struct {
	export func(*metricdata.ResourceMetrics)
}

func (*exporter) Temporality(k sdkmetric.InstrumentKind) metricdata.Temporality {
	return sdkmetric.DefaultTemporalitySelector(k)
}

func (*exporter) Aggregation(k sdkmetric.InstrumentKind) sdkmetric.Aggregation {
	return sdkmetric.DefaultAggregationSelector(k)
}

func (e *exporter) Export(_ context.Context, rm *metricdata.ResourceMetrics) error {
	e.export(rm)
	return nil
}

func (*exporter) ForceFlush(context.Context) error { return nil }
func (*exporter) Shutdown(context.Context) error   { return nil }
