package apimon_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/apimon"
)

func TestSetRouteAfterTheRequestIsNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	var ctx context.Context
	h := b.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { ctx = r.Context() }))
	get(t, h, "/x")
	apimon.SetRoute(ctx, "/late")
	get(t, h, "/x")
	require.Equal(t, []string{`api_request_total{method="GET",endpoint="unmatched",status_code="200"} 2`}, b.exposition("api_request_total"))
}

func TestCallerIsTheRoute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, nil)
		uses := func(_ http.ResponseWriter, r *http.Request) { b.m.Depends(r.Context(), "table", "stocks") }
		h := b.Handler(mux(map[string]http.HandlerFunc{"GET /a/{id}": uses}))
		for _, pause := range []time.Duration{time.Second, 0, time.Second} { // the second one comes too soon to be followed
			time.Sleep(pause)
			get(t, h, "/a/1")
		}
		get(t, b.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			apimon.SetRoute(r.Context(), "/said")
			uses(w, r)
		})), "/x")
		edges := b.m.Edges()
		require.Len(t, edges, 2)
		require.Equal(t, "/a/{id}", edges[0].Caller)
		require.Equal(t, uint64(2), edges[0].Count)
		require.Equal(t, "/said", edges[1].Caller)
	})
}

// The mux says the route to a copy of the request that carries the caller.
func TestCallerBehindACopiedRequest(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	routes := mux(map[string]http.HandlerFunc{"GET /a/{id}": func(_ http.ResponseWriter, r *http.Request) {
		b.m.Depends(r.Context(), "table", "stocks")
	}})
	copies := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		routes.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, nil)))
	})
	time.Sleep(120 * time.Millisecond) // one request in a tenth of a second is followed
	get(t, b.WithMux(routes).Handler(copies), "/a/1")
	edges := b.m.Edges()
	require.Len(t, edges, 1)
	require.Equal(t, "/a/{id}", edges[0].Caller)
}
