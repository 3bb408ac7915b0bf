package main

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// statusWriter is the wrapper that people write themselves: it hides every
// optional interface of the writer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// naive is the middleware of countless blog posts: three vectors, looked up by
// label values on each request.
func naive(next http.Handler, route string) http.Handler {
	inFlight := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "in_flight", Help: "h"}, []string{"method"})
	duration := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "duration_seconds", Help: "h", Buckets: durationBuckets}, []string{"method", "endpoint", "status_code"})
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "requests_total", Help: "h"}, []string{"method", "endpoint", "status_code"})
	prometheus.NewRegistry().MustRegister(inFlight, duration, requests)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		g := inFlight.WithLabelValues(r.Method)
		g.Inc()
		sw := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(sw, r)
		g.Dec()
		status := strconv.Itoa(sw.status)
		endpoint := routeOf(r, route)
		duration.WithLabelValues(r.Method, endpoint, status).Observe(time.Since(start).Seconds())
		requests.WithLabelValues(r.Method, endpoint, status).Inc()
	})
}

func naivePeers() []peer {
	return both("naive wrapper, WithLabelValues", naive)
}
