package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/chronoretrace/chronomon/apimon"
)

// chiRouter returns a chi router, measured by api, with the routes that add adds.
//
// api.Handler is the first of the router's middlewares, not around the router:
// chi serves a copy of the request, and what it finds is seen only inside.
func chiRouter(api *apimon.Middleware, add func(chi.Router)) http.Handler {
	r := chi.NewRouter()
	r.Use(api.Handler, chiRoute)
	add(r)
	return r
}

// chiRoute says the route, before the handler runs. By itself chi does that too,
// but only when it calls the handler, on the request that it has then: a scrape
// meanwhile does not know where the request hangs, and where a middleware (a
// logger, a timeout) has copied the request, nobody ever does. So the router is
// asked first. Use chiRoute on the root router, after middlewares that change
// how a request is routed, such as middleware.StripSlashes.
func chiRoute(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, match, route := chi.RouteContext(r.Context()), chiMatches.Get().(*chi.Context), "" // "" is none
		match.Reset()
		if c.Routes.Match(match, cmp.Or(c.RouteMethod, r.Method), cmp.Or(c.RoutePath, r.URL.RawPath, r.URL.Path)) {
			route = match.RoutePattern()
		}
		chiMatches.Put(match)
		apimon.SetRoute(r.Context(), route)
		next.ServeHTTP(w, r)
	})
}

var chiMatches = sync.Pool{New: func() any { return chi.NewRouteContext() }}

// chiQuotes adds the service.
func chiQuotes(metrics http.Handler) func(chi.Router) {
	return func(r chi.Router) {
		r.Use(middleware.RequestID, middleware.Recoverer)
		r.Handle("/metrics", metrics)
		r.Get("/quotes/{symbol}", func(w http.ResponseWriter, r *http.Request) {
			q, ok := find(chi.URLParam(r, "symbol"))
			if !ok {
				http.Error(w, "unknown symbol", http.StatusNotFound)
				return
			}
			_ = json.NewEncoder(w).Encode(q)
		})
		r.Route("/accounts/{account}", func(r chi.Router) {
			r.Get("/orders/{order}", func(w http.ResponseWriter, r *http.Request) {
				_ = json.NewEncoder(w).Encode(order{chi.URLParam(r, "account"), chi.URLParam(r, "order")})
			})
			r.Post("/orders", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) })
		})
		r.Get("/history", func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, errHistory.Error(), http.StatusServiceUnavailable)
		})
		r.Get("/ticks", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			for i := range ticks {
				fmt.Fprintf(w, "data: %d\n\n", i)
				_ = http.NewResponseController(w).Flush()
				time.Sleep(tickEvery)
			}
		})
	}
}
