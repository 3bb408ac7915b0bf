package main

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/chronoretrace/chronomon/internal/httpcases"
)

// promhttpMetrics are the vectors that the instrumentation of client_golang
// fills; it makes none itself.
type promhttpMetrics struct {
	inFlight prometheus.Gauge
	duration *prometheus.HistogramVec
	requests *prometheus.CounterVec
	request  *prometheus.HistogramVec
	response *prometheus.HistogramVec
}

func newPromhttpMetrics(reg prometheus.Registerer) (*promhttpMetrics, error) {
	labels := []string{"code", "method"}
	m := &promhttpMetrics{
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "in_flight", Help: "h"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "duration_seconds", Help: "h", Buckets: durationBuckets}, labels),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "requests_total", Help: "h"}, labels),
		request:  prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "request_bytes", Help: "h", Buckets: sizeBuckets}, labels),
		response: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "response_bytes", Help: "h", Buckets: sizeBuckets}, labels),
	}
	for _, c := range []prometheus.Collector{m.inFlight, m.duration, m.requests, m.request, m.response} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *promhttpMetrics) three(next http.Handler) http.Handler {
	return promhttp.InstrumentHandlerInFlight(m.inFlight,
		promhttp.InstrumentHandlerDuration(m.duration,
			promhttp.InstrumentHandlerCounter(m.requests, next)))
}

func (m *promhttpMetrics) five(next http.Handler) http.Handler {
	return m.three(promhttp.InstrumentHandlerRequestSize(m.request,
		promhttp.InstrumentHandlerResponseSize(m.response, next)))
}

func promhttpPeers() []peer {
	fresh := func() *promhttpMetrics {
		m, err := newPromhttpMetrics(prometheus.NewRegistry())
		if err != nil {
			panic(err) // a fresh registry refuses nothing
		}
		return m
	}
	return append(
		both("promhttp, 3 metrics", func(h http.Handler, _ string) http.Handler { return fresh().three(h) }),
		both("promhttp, 5 metrics", func(h http.Handler, _ string) http.Handler { return fresh().five(h) })...)
}

func promhttpSubject() (httpcases.Subject, error) {
	reg := prometheus.NewRegistry()
	return httpcases.Subject{
		Name: "promhttp",
		Wrap: func(app httpcases.App) (http.Handler, error) {
			m, err := newPromhttpMetrics(reg)
			if err != nil {
				return nil, err
			}
			return m.five(app.Router(app.Mux())), nil
		},
		Gatherer: reg,
		Metrics: httpcases.Metrics{
			Requests: "requests_total", Duration: "duration_seconds", InFlight: "in_flight",
			RequestBytes: "request_bytes", ResponseBytes: "response_bytes",
			Status: "code", Method: "method",
		},
	}, nil
}
