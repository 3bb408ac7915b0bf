package main

import (
	"net/http"
	"strconv"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// victoriaByName looks its metrics up by their full name, as the library's
// documentation shows.
func victoriaByName(next http.Handler, route string) http.Handler {
	set := metrics.NewSet()
	inFlight := set.NewGauge(`in_flight`, nil)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		inFlight.Inc()
		sw := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(sw, r)
		inFlight.Dec()
		labels := `{method="` + r.Method + `",endpoint="` + routeOf(r, route) + `",status_code="` + strconv.Itoa(sw.status) + `"}`
		set.GetOrCreatePrometheusHistogramExt("duration_seconds"+labels, durationBuckets).UpdateDuration(start)
		set.GetOrCreateCounter("requests_total" + labels).Inc()
	})
}

// victoriaCached holds the pointers of one endpoint and status: what the
// library costs at its best, by hand.
func victoriaCached(next http.Handler, _ string) http.Handler {
	set := metrics.NewSet()
	inFlight := set.NewGauge(`in_flight`, nil)
	const labels = `{method="GET",endpoint="` + stockRoute + `",status_code="200"}`
	duration := set.NewPrometheusHistogramExt("duration_seconds"+labels, durationBuckets)
	requests := set.NewCounter("requests_total" + labels)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		inFlight.Inc()
		sw := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(sw, r)
		inFlight.Dec()
		duration.UpdateDuration(start)
		requests.Inc()
	})
}

func victoriaPeers() []peer {
	return append(
		both("VictoriaMetrics, by name", victoriaByName),
		both("VictoriaMetrics, pointers cached", victoriaCached)...)
}
