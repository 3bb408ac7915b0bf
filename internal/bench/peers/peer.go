package main

import (
	"net/http"

	"github.com/chronoretrace/chronomon/internal/httpcases"
	"github.com/chronoretrace/chronomon/internal/httpcases/ours"
)

// The groups of peers. A peer's overhead is what it costs above its group's
// bare handler; a ratio compares within a group where that has a reference.
const (
	aroundMux  = "around a ServeMux, route looked up"
	perRoute   = "around one handler, route known, no router"
	frameworks = "framework middlewares, each over its own bare framework"
)

// A peer is one measured handler.
type peer struct {
	name  string
	group string
	over  string // name of the bare handler it is measured against; empty for a bare handler
	serve func() http.Handler
}

// Names that the goals refer to.
const (
	bareMux        = "bare ServeMux"
	bareRoute      = "bare handler"
	oursMux        = "chronomon"
	oursSizes      = "chronomon with sizes"
	slokMux        = "slok/go-http-metrics"
	oursRoute      = "chronomon WithRoute"
	oursSizesRoute = "chronomon WithRoute with sizes"
	slokRoute      = "slok/go-http-metrics, alone"
)

// peers lists what is measured, in the order of the table.
func peers() []peer {
	list := []peer{
		{bareMux, aroundMux, "", func() http.Handler { return stockMux() }},
		{bareRoute, perRoute, "", func() http.Handler { return stockHandler }},
	}
	for _, library := range [][]peer{
		chronomonPeers(), promhttpPeers(), slokPeers(), otelPeers(), victoriaPeers(), naivePeers(),
		echoPeers(), ginPeers(), chiPeers(),
	} {
		list = append(list, library...)
	}
	return list
}

// subjects lists what the behaviour table judges, ours first.
func subjects() []httpcases.Setup {
	return []httpcases.Setup{
		ours.Subject, promhttpSubject, slokSubject, otelSubject, chiSubject, echoSubject, ginSubject,
	}
}

// both makes the same middleware a peer around the mux and around one handler.
// For the latter it is told the route; around the mux it has to look.
func both(name string, wrap func(next http.Handler, route string) http.Handler) []peer {
	return []peer{
		{name, aroundMux, bareMux, func() http.Handler { return wrap(stockMux(), "") }},
		{name + ", alone", perRoute, bareRoute, func() http.Handler { return wrap(stockHandler, stockPattern) }},
	}
}

// routeOf is the route a wrapper was told, or the one that the mux has found.
func routeOf(r *http.Request, told string) string {
	if told != "" {
		return told
	}
	return r.Pattern
}
