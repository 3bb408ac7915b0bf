package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/VictoriaMetrics/metrics"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// A store is a metrics library as something that holds series and shows them.
// Per endpoint it holds what our middleware holds: one 12-bucket histogram, a
// counter, a gauge, with the same names and labels.
type store struct {
	name string
	// fill makes a registry with that many endpoints, each observed once.
	fill func(endpoints int) (shown, error)
}

// shown is a filled store: its exposition, and what else a program would hold.
type shown struct {
	http.Handler
	keep any
}

const (
	oursStore   = "chronomon"
	clientStore = "client_golang"
)

func stores() []store {
	return []store{
		{oursStore, fillChronomon},
		{clientStore, fillClient},
		{"VictoriaMetrics", fillVictoria},
		{"OpenTelemetry", fillOtel},
	}
}

// tiny is about what a handler that does nothing takes, in seconds.
const tiny = 2.5e-7

func endpointName(i int) string { return fmt.Sprintf("/api/v1/endpoint%04d/{id}", i) }

func fillClient(endpoints int) (shown, error) {
	labels := []string{"method", "endpoint", "status_code"}
	duration := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "api_request_duration_seconds", Help: "h", Buckets: durationBuckets}, labels)
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "api_request_total", Help: "h"}, labels)
	inFlight := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "api_concurrent_requests", Help: "h"}, []string{"endpoint"})
	reg := prometheus.NewRegistry()
	for _, c := range []prometheus.Collector{duration, requests, inFlight} {
		if err := reg.Register(c); err != nil {
			return shown{}, err
		}
	}
	for i := range endpoints {
		name := endpointName(i)
		duration.WithLabelValues("GET", name, "200").Observe(tiny)
		requests.WithLabelValues("GET", name, "200").Inc()
		inFlight.WithLabelValues(name).Set(0)
	}
	return shown{promhttp.HandlerFor(reg, promhttp.HandlerOpts{}), []any{duration, requests, inFlight}}, nil
}

// fillVictoria compresses nothing: the library leaves that to its user.
func fillVictoria(endpoints int) (shown, error) {
	set := metrics.NewSet()
	for i := range endpoints {
		name := endpointName(i)
		labels := fmt.Sprintf(`{method="GET",endpoint=%q,status_code="200"}`, name)
		set.NewPrometheusHistogramExt("api_request_duration_seconds"+labels, durationBuckets).Update(tiny)
		set.NewCounter("api_request_total" + labels).Inc()
		set.NewGauge(fmt.Sprintf("api_concurrent_requests{endpoint=%q}", name), nil).Set(0)
	}
	return shown{http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { set.WritePrometheus(w) }), set}, nil
}

func fillOtel(endpoints int) (shown, error) {
	reg, provider, err := newOtelRegistry()
	if err != nil {
		return shown{}, err
	}
	meter := provider.Meter("bench")
	duration, err := meter.Float64Histogram("api_request_duration_seconds", metric.WithExplicitBucketBoundaries(durationBuckets...))
	if err != nil {
		return shown{}, err
	}
	requests, err := meter.Int64Counter("api_request_total")
	if err != nil {
		return shown{}, err
	}
	inFlight, err := meter.Int64UpDownCounter("api_concurrent_requests")
	if err != nil {
		return shown{}, err
	}
	ctx := context.Background()
	for i := range endpoints {
		endpoint := attribute.String("endpoint", endpointName(i))
		all := metric.WithAttributeSet(attribute.NewSet(attribute.String("method", "GET"), endpoint, attribute.String("status_code", "200")))
		duration.Record(ctx, tiny, all)
		requests.Add(ctx, 1, all)
		inFlight.Add(ctx, 0, metric.WithAttributeSet(attribute.NewSet(endpoint)))
	}
	return shown{promhttp.HandlerFor(reg, promhttp.HandlerOpts{}), provider}, nil
}

// sink is where an exposition goes: it counts, and counts samples if asked to.
type sink struct {
	header http.Header
	text   io.Writer
	status int
	bytes  int
}

func (s *sink) Header() http.Header { return s.header }

func (s *sink) WriteHeader(status int) { s.status = status }

func (s *sink) Write(p []byte) (int, error) {
	s.bytes += len(p)
	if s.text != nil {
		return s.text.Write(p)
	}
	return len(p), nil
}

func metricsRequest() *http.Request {
	r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/metrics", http.NoBody)
	r.Header.Set("Accept", "text/plain;version=0.0.4")
	return r
}

// samples counts the lines of an exposition that are no comments.
func samples(h http.Handler) (int, error) {
	var text strings.Builder
	w := &sink{header: make(http.Header), text: &text}
	h.ServeHTTP(w, metricsRequest())
	if w.status != 0 && w.status != http.StatusOK {
		return 0, fmt.Errorf("exposition answered %d: %s", w.status, text.String())
	}
	n := 0
	for line := range strings.Lines(text.String()) {
		if line != "\n" && !strings.HasPrefix(line, "#") {
			n++
		}
	}
	return n, nil
}
