package apimon_test

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/apimon"
)

func TestInFlightKnowsTheRouteBeforeItIsFinished(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	var reached, waiting sync.WaitGroup
	release := make(chan struct{})
	block := func(http.ResponseWriter, *http.Request) { reached.Done(); <-release }
	say := func(w http.ResponseWriter, r *http.Request) { apimon.SetRoute(r.Context(), "/said"); block(w, r) }
	routes := mux(map[string]http.HandlerFunc{"GET /a/{id}": block, "/b": block})
	for _, c := range []struct {
		h      http.Handler
		target string
	}{
		{b.Handler(routes), "/a/1"},
		{b.Handler(routes), "/a/2"},
		{b.Handler(routes), "/b"},
		{b.WithMux(routes).Handler(http.HandlerFunc(routes.ServeHTTP)), "/b"},
		{b.WithRoute("/c").Handler(http.HandlerFunc(block)), "/c"},
		{b.Handler(http.HandlerFunc(say)), "/x"},
	} {
		reached.Add(1)
		waiting.Go(func() { get(t, c.h, c.target) })
	}
	reached.Wait()
	require.Equal(t, []string{
		`api_concurrent_requests{endpoint="/a/{id}"} 2`,
		`api_concurrent_requests{endpoint="/b"} 2`,
		`api_concurrent_requests{endpoint="/c"} 1`,
		`api_concurrent_requests{endpoint="/said"} 1`,
		`api_concurrent_requests{endpoint="unmatched"} 0`,
	}, b.exposition("api_concurrent_requests"))
	close(release)
	waiting.Wait()
	require.Zero(t, total(t, b.exposition("api_concurrent_requests")))
}

// TestScrapesWhileServing is for the race detector: scrapes look at requests
// that are running, and inner middlewares change those requests.
func TestScrapesWhileServing(t *testing.T) {
	t.Parallel()
	b := setup(t, nil, apimon.WithSizes())
	routes := mux(map[string]http.HandlerFunc{"/a/{id}": func(w http.ResponseWriter, r *http.Request) {
		apimon.SetRoute(r.Context(), "/said")
		_, _ = io.WriteString(w, "x")
	}})
	h := b.WithMux(routes).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = "/a" + r.URL.Path // in place, as careless middlewares do
		r.Method = http.MethodPut
		routes.ServeHTTP(w, r)
	}))
	var clients sync.WaitGroup
	const n = 2000
	for range 4 {
		clients.Go(func() {
			for i := range n {
				get(t, h, fmt.Sprintf("/%d", i))
			}
		})
	}
	clients.Go(func() {
		for range 200 {
			b.exposition("api_concurrent_requests")
		}
	})
	clients.Wait()
	require.InDelta(t, 4*n, total(t, b.exposition("api_request_total")), 0)
	require.Zero(t, total(t, b.exposition("api_concurrent_requests")))
}
