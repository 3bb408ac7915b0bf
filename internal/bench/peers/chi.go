package main

import (
	"net/http"

	"github.com/go-chi/chi/v5"
	chimetrics "github.com/go-chi/metrics"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/chronoretrace/chronomon/internal/httpcases"
)

const bareChi = "bare chi"

func stockChi(use ...func(http.Handler) http.Handler) http.Handler {
	r := chi.NewRouter()
	r.Use(use...)
	r.Method(http.MethodGet, stockRoute, stockHandler)
	return r
}

func chiPeers() []peer {
	return []peer{
		{bareChi, frameworks, "", func() http.Handler { return stockChi() }},
		{"chi: go-chi/metrics", frameworks, bareChi, func() http.Handler {
			return stockChi(chimetrics.Collector(chimetrics.CollectorOpts{}))
		}},
	}
}

// chiSubject reads the global registry: the library knows no other.
func chiSubject() (httpcases.Subject, error) {
	return httpcases.Subject{
		Name: "go-chi/metrics",
		Wrap: func(app httpcases.App) (http.Handler, error) {
			router := chi.NewRouter()
			router.Use(chimetrics.Collector(chimetrics.CollectorOpts{}))
			if app.Between != nil {
				router.Use(app.Between)
			}
			for _, r := range app.Routes {
				if r.Method == "" {
					router.Handle(r.Path, r.Handler)
				} else {
					router.Method(r.Method, r.Path, r.Handler)
				}
			}
			return router, nil
		},
		Gatherer: prometheus.DefaultGatherer,
		Metrics: httpcases.Metrics{
			Requests: "http_requests_total", Duration: "http_request_duration_seconds", InFlight: "http_requests_inflight",
			Status: "status", Endpoint: "endpoint",
		},
	}, nil
}
