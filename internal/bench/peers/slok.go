package main

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	slokprom "github.com/slok/go-http-metrics/metrics/prometheus"
	"github.com/slok/go-http-metrics/middleware"
	slokstd "github.com/slok/go-http-metrics/middleware/std"

	"github.com/chronoretrace/chronomon/internal/httpcases"
)

// newSlok returns the library's middleware with its default metrics: duration,
// response size, in flight.
func newSlok(reg prometheus.Registerer) middleware.Middleware {
	return middleware.New(middleware.Config{Recorder: slokprom.NewRecorder(slokprom.Config{
		Registry: reg, DurationBuckets: durationBuckets, SizeBuckets: sizeBuckets,
	})})
}

func slokPeers() []peer {
	fresh := func() middleware.Middleware { return newSlok(prometheus.NewRegistry()) }
	return []peer{
		{slokMux, aroundMux, bareMux, func() http.Handler { return slokstd.Handler("", fresh(), stockMux()) }},
		{slokRoute, perRoute, bareRoute, func() http.Handler { return slokstd.Handler(stockRoute, fresh(), stockHandler) }},
	}
}

func slokSubject() (httpcases.Subject, error) {
	reg := prometheus.NewRegistry()
	return httpcases.Subject{
		Name: "slok",
		Wrap: func(app httpcases.App) (http.Handler, error) {
			return slokstd.Handler("", newSlok(reg), app.Router(app.Mux())), nil
		},
		Gatherer: reg,
		Metrics: httpcases.Metrics{
			Requests: "http_request_duration_seconds", Duration: "http_request_duration_seconds",
			InFlight: "http_requests_inflight", ResponseBytes: "http_response_size_bytes",
			Status: "code", Method: "method", Endpoint: "handler",
		},
	}, nil
}
