package main

import (
	"net/http"

	"github.com/chronoretrace/chronomon/apimon"
	"github.com/chronoretrace/chronomon/monitor"
)

// newChronomon returns a middleware in a registry of its own.
func newChronomon(opts ...apimon.Option) (*monitor.Monitor, *apimon.Middleware, error) {
	m, err := monitor.New()
	if err != nil {
		return nil, nil, err
	}
	// The stub writer stands for the server's own, which is reused by default.
	api, err := apimon.New(m, append(opts, apimon.WithBuckets(durationBuckets...), apimon.WithPooledWriters())...)
	return m, api, err
}

func chronomonPeers() []peer {
	fresh := func(opts ...apimon.Option) *apimon.Middleware {
		_, api, err := newChronomon(opts...)
		if err != nil {
			panic(err) // the options are constants
		}
		return api
	}
	return []peer{
		{oursMux, aroundMux, bareMux, func() http.Handler { return fresh().Handler(stockMux()) }},
		{oursSizes, aroundMux, bareMux, func() http.Handler { return fresh(apimon.WithSizes()).Handler(stockMux()) }},
		{oursRoute, perRoute, bareRoute, func() http.Handler { return fresh().WithRoute(stockRoute).Handler(stockHandler) }},
		{oursSizesRoute, perRoute, bareRoute, func() http.Handler {
			return fresh(apimon.WithSizes()).WithRoute(stockRoute).Handler(stockHandler)
		}},
	}
}

// fillChronomon sends one request to each of so many routes.
func fillChronomon(endpoints int) (shown, error) {
	m, api, err := newChronomon(apimon.WithEndpointLimit(endpoints))
	if err != nil {
		return shown{}, err
	}
	var pattern string
	router := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Pattern = pattern
		stockHandler(w, r)
	})
	h := api.WithMux(http.NewServeMux()).Handler(router)
	c := newCaller(h)
	for i := range endpoints {
		pattern = "GET " + endpointName(i)
		c.call(1)
	}
	return shown{m.Handler(), h}, nil
}
