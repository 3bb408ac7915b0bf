package main

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	otelprom "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/chronoretrace/chronomon/internal/httpcases"
)

// wrapOtel is otelhttp with metrics only: spans go to a no-op tracer.
func wrapOtel(provider metric.MeterProvider, next http.Handler) http.Handler {
	return otelhttp.NewHandler(next, "server",
		otelhttp.WithMeterProvider(provider),
		otelhttp.WithTracerProvider(noop.NewTracerProvider()))
}

func otelPeers() []peer {
	return both("otelhttp, metrics only", func(h http.Handler, _ string) http.Handler {
		return wrapOtel(sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader())), h)
	})
}

// newOtelRegistry returns a registry and the provider whose metrics it shows.
func newOtelRegistry() (*prometheus.Registry, *sdkmetric.MeterProvider, error) {
	reg := prometheus.NewRegistry()
	exporter, err := otelprom.New(otelprom.WithRegisterer(reg), otelprom.WithoutTargetInfo(), otelprom.WithoutScopeInfo())
	if err != nil {
		return nil, nil, err
	}
	return reg, sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter), sdkmetric.WithCardinalityLimit(-1)), nil
}

func otelSubject() (httpcases.Subject, error) {
	reg, provider, err := newOtelRegistry()
	if err != nil {
		return httpcases.Subject{}, err
	}
	return httpcases.Subject{
		Name: "otelhttp",
		Wrap: func(app httpcases.App) (http.Handler, error) {
			return wrapOtel(provider, app.Router(app.Mux())), nil
		},
		Gatherer: reg,
		Metrics: httpcases.Metrics{
			Requests: "http_server_request_duration_seconds", Duration: "http_server_request_duration_seconds",
			RequestBytes: "http_server_request_body_size_bytes", ResponseBytes: "http_server_response_body_size_bytes",
			Status: "http_response_status_code", Method: "http_request_method", Endpoint: "http_route",
		},
	}, nil
}
