package apimon_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/apimon"
)

func TestRoutes(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	copies := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, nil)))
		})
	}
	own := mux(map[string]http.HandlerFunc{"GET /a/{id}": nothing, "/any/{rest...}": nothing, "example.com/host": nothing})
	inner := mux(map[string]http.HandlerFunc{
		"GET /deep/{id}": func(_ http.ResponseWriter, r *http.Request) { apimon.SetRoute(r.Context(), "ignored") },
	})
	tests := map[string]struct {
		h        http.Handler
		target   string
		endpoint string
	}{
		"mux":                          {b.Handler(own), "/a/1", "/a/{id}"},
		"mux without method":           {b.Handler(own), "/any/1/2", "/any/{rest...}"},
		"mux with host":                {b.Handler(own), "http://example.com/host", "example.com/host"},
		"mux no match":                 {b.Handler(own), "/nowhere", "unmatched"},
		"middleware between":           {b.Handler(http.HandlerFunc(own.ServeHTTP)), "/a/1", "/a/{id}"},
		"copying middleware, mux told": {b.WithMux(own).Handler(copies(own)), "/a/1", "/a/{id}"},
		"copying middleware, not told": {b.Handler(copies(own)), "/a/1", "unmatched"},
		"route given":                  {b.WithRoute("GET /given/{id}").Handler(http.HandlerFunc(nothing)), "/given/1", "/given/{id}"},
		"route given wins":             {b.WithRoute("/deep/{id}").Handler(inner), "/deep/1", "/deep/{id}"},
		"SetRoute": {b.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			apimon.SetRoute(r.Context(), "/first")
			apimon.SetRoute(r.Context(), "POST /set/{id}")
		})), "/set/1", "/set/{id}"},
		"SetRoute to none, inside of a mux": {mux(map[string]http.HandlerFunc{
			"/": b.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				apimon.SetRoute(r.Context(), "/x")
				apimon.SetRoute(r.Context(), "")
			})).ServeHTTP,
		}), "/nowhere", "unmatched"},
		"outer middleware counts, inner says the route": {
			b.Handler(http.HandlerFunc(b.WithRoute("/inner").Handler(http.HandlerFunc(nothing)).ServeHTTP)), "/inner", "/inner",
		},
		"outer middleware counts, inner wraps a mux": {
			b.Handler(copies(b.Handler(mux(map[string]http.HandlerFunc{"/second/{id}": nothing})))), "/second/1", "/second/{id}",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			want := fmt.Sprintf("api_request_total{method=\"GET\",endpoint=%q,", test.endpoint)
			before := total(t, b.exposition(want))
			get(t, test.h, test.target)
			require.InDelta(t, 1, total(t, b.exposition(want))-before, 0, "counted once, under %s: %v", test.endpoint, b.exposition("api_request_total"))
		})
	}
	apimon.SetRoute(t.Context(), "/outside of any request")
}

func TestAMillionHostileRequestsStayBounded(t *testing.T) {
	t.Parallel()
	requests := 1_000_000
	if testing.Short() || raceEnabled {
		requests = 50_000
	}
	b := setup(t, nil, apimon.WithEndpointLimit(100))
	own := mux(map[string]http.HandlerFunc{"GET /a/{id}": nothing})
	handlers := []http.Handler{
		b.Handler(own),
		b.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { apimon.SetRoute(r.Context(), r.URL.Path) })), // careless
	}
	methods := []string{"GET", "POST", "BREW", "get"}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
	w := httptest.NewRecorder()
	for i := range requests {
		r.Method = methods[i%len(methods)]
		if r.Method == "BREW" {
			r.Method = fmt.Sprint("BREW", i)
		}
		r.Host = fmt.Sprintf("host%d.test", i)
		r.URL.Path = fmt.Sprintf("/a/%x", rand.Uint64())
		r.Pattern = ""
		handlers[i%2].ServeHTTP(w, r)
	}
	require.InDelta(t, requests, total(t, b.exposition("api_request_total")), 0, "nothing is lost")
	series := b.exposition("api_request_total")
	require.LessOrEqual(t, len(series), 103*4)
	require.NotEmpty(t, b.exposition(`api_request_total{method="POST",endpoint="other",`), "the overflow is visible")
	overflow := b.exposition(`monitor_label_overflow_total{metric="api_request_total",label="endpoint"}`)
	require.Len(t, overflow, 1, "and named")
	require.InDelta(t, requests/2-99, total(t, overflow), 0)
	t.Logf("%d requests: %d series of api_request_total; %s", requests, len(series), overflow[0])
}
