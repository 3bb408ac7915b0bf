// Command sdk is the same host with the SDK beside client_golang.
package main

import (
	"log"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/chronoretrace/chronomon/apimon"
	"github.com/chronoretrace/chronomon/monitor"
)

func main() {
	reg := prometheus.NewRegistry()
	duration := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "d", Help: "d"}, []string{"method", "code"})
	reg.MustRegister(duration)
	m, err := monitor.New(monitor.WithRegisterer(reg))
	if err != nil {
		log.Fatal(err)
	}
	api, err := apimon.New(m)
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
	mux.Handle("/monitor/metrics", m.Handler())
	log.Fatal(http.ListenAndServe("127.0.0.1:0", promhttp.InstrumentHandlerDuration(duration, api.Handler(mux)))) //nolint:gosec // never run
}
