// Package otelbridge makes a monitor's metrics part of an OpenTelemetry SDK: a
// metric producer over the same registry that [monitor.Monitor.Handler] serves.
//
//	p, err := otelbridge.New(m)
//	if err != nil {
//		return err
//	}
//	reader := sdkmetric.NewPeriodicReader(exporter, sdkmetric.WithProducer(p))
//	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
//	defer provider.Shutdown(ctx)
//
// [TraceID] is for the other direction: given to apimon.WithTraceID it makes
// exemplars, which arrive with the trace ids that OpenTelemetry knows.
//
// # Names
//
// Metrics have the names of METRICS.md or, with [WithSemanticConventions], the
// words of OpenTelemetry's semantic conventions as far as there are any. A metric
// that the monitor shows under several profiles is produced once. The SDK's own
// metrics are of the scope github.com/chronoretrace/chronomon; the host's
// collectors and the Go runtime's keep their names, in this package's scope.
//
// Who stores design names in Prometheus through OTLP should let it translate
// names without suffixes (UnderscoreEscapingWithoutSuffixes): otherwise a gauge
// of unit 1 such as cache_hit_rate becomes cache_hit_rate_ratio.
//
// # Kinds
//
//   - Counters are monotonic cumulative sums and gauges are gauges, of float64;
//     what the conventions count up and down is a sum that is not monotonic.
//   - Histograms have explicit bounds. Native ones, see
//     [monitor.WithNativeHistograms], are exponential histograms instead.
//   - All of them are cumulative, whatever temporality an exporter prefers.
//   - Summaries stay summaries and untyped metrics are gauges. OpenTelemetry has
//     no place for gauge histograms and for fractions of observations, which are
//     left out.
package otelbridge
