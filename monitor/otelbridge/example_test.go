package otelbridge_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/chronoretrace/chronomon/apimon"
	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/otelbridge"
)

// A service that exports through OpenTelemetry gives the producer to its
// reader: here one that is read by hand, usually a periodic one with an OTLP
// exporter.
func Example() {
	ctx := context.Background()
	m, err := monitor.New(monitor.WithService("quotes", "v1.4.0"))
	if err != nil {
		panic(err)
	}
	api, err := apimon.New(m, apimon.WithTraceID(otelbridge.TraceID))
	if err != nil {
		panic(err)
	}
	p, err := otelbridge.New(m, otelbridge.WithSemanticConventions())
	if err != nil {
		panic(err)
	}
	reader := sdkmetric.NewManualReader(sdkmetric.WithProducer(p))
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	defer func() { _ = provider.Shutdown(ctx) }()

	mux := http.NewServeMux()
	mux.HandleFunc("GET /quotes/{symbol}", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "12.34") })
	for range 3 {
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/quotes/600519", http.NoBody)
		api.Handler(mux).ServeHTTP(httptest.NewRecorder(), r)
	}

	var rm metricdata.ResourceMetrics
	if err := reader.Collect(ctx, &rm); err != nil {
		panic(err)
	}
	for _, metric := range rm.ScopeMetrics[0].Metrics {
		if h, ok := metric.Data.(metricdata.Histogram[float64]); ok {
			fmt.Println(metric.Name, "in", metric.Unit)
			for _, point := range h.DataPoints {
				fmt.Println(" ", point.Count, "requests")
				for _, attr := range point.Attributes.ToSlice() {
					fmt.Println(" ", attr.Key, attr.Value.String())
				}
			}
		}
	}
	// Output:
	// http.server.request.duration in s
	//   3 requests
	//   http.request.method GET
	//   http.response.status_code 200
	//   http.route /quotes/{symbol}
}
