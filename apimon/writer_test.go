package apimon_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/apimon"
)

// layer is a writer of a web framework. It hides what it wraps, or does not.
type layer struct{ http.ResponseWriter }

type openLayer struct{ layer }

func (l openLayer) Unwrap() http.ResponseWriter { return l.ResponseWriter }

// A framework may write to our view after we have returned: echo's error
// handler does. That must reach its own client, and nobody else's.
func TestLateWriteReachesItsOwnClient(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]apimon.Option{"default": nil, "unpooled": {apimon.WithUnpooledWriters()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, nil, opts...)
			inB, endB := make(chan struct{}), make(chan struct{})
			var srv *httptest.Server
			bodyB := make(chan string, 1)
			srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var kept http.ResponseWriter
				b.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					kept = w
					if r.URL.Path == "/b" {
						inB <- struct{}{}
						<-endB
					}
				})).ServeHTTP(&layer{w}, r)
				if r.URL.Path == "/a" { // while b is being served
					go func() { bodyB <- fetch(t.Context(), srv.URL+"/b") }()
					<-inB
					_, err := io.WriteString(kept, "for a only")
					close(endB)
					if err != nil {
						panic(err)
					}
				}
			}))
			defer srv.Close()
			require.Equal(t, "for a only", fetch(t.Context(), srv.URL+"/a"))
			require.Empty(t, <-bodyB)
			require.InDelta(t, 2, total(t, b.exposition("api_request_total")), 0)
		})
	}
}

// fetch returns the body, or the error's text.
func fetch(ctx context.Context, url string) string {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err.Error()
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	return string(body)
}

func TestRequestIsCountedOnceThroughLayers(t *testing.T) {
	t.Parallel()
	routes := func(h http.Handler) *http.ServeMux {
		m := http.NewServeMux()
		m.Handle("GET /x/{id}", h)
		return m
	}
	for name, test := range map[string]func(b bench, inner http.Handler) http.Handler{
		"a wrapper that unwraps": func(b bench, inner http.Handler) http.Handler {
			return b.Handler(routes(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				inner.ServeHTTP(openLayer{layer{w}}, r)
			})))
		},
		"one that does not, around a router that is followed": func(b bench, inner http.Handler) http.Handler {
			return b.Handler(http.TimeoutHandler(inner, time.Minute, ""))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, nil)
			h := test(b, b.WithRoute("/inner").Handler(http.HandlerFunc(nothing)))
			get(t, h, "/x/1")
			get(t, h, "/x/2")
			require.Equal(t, []string{`api_request_total{method="GET",endpoint="/inner",status_code="200"} 2`}, b.exposition("api_request_total"))
			require.Zero(t, total(t, b.exposition("api_concurrent_requests")))
		})
	}
}

func TestTwoMonitorsCountTheSameRequest(t *testing.T) {
	t.Parallel()
	a, b := setup(t, nil), setup(t, nil)
	get(t, a.WithRoute("/outer").Handler(b.WithRoute("/inner").Handler(http.HandlerFunc(nothing))), "/")
	require.Equal(t, []string{`api_request_total{method="GET",endpoint="/outer",status_code="200"} 1`}, a.exposition("api_request_total"))
	require.Equal(t, []string{`api_request_total{method="GET",endpoint="/inner",status_code="200"} 1`}, b.exposition("api_request_total"))
}

// What a handler says because its client has gone is no failure of its own.
func TestFailureAfterTheClientHasGone(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	arrived, ended := make(chan struct{}), make(chan struct{})
	h := b.WithRoute("/x").Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
		http.Error(w, "query: context canceled", http.StatusInternalServerError)
	}))
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(ended)
		h.ServeHTTP(w, r)
	}))
	defer srv.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	fetch(ctx, srv.URL)
	<-ended
	require.Equal(t, []string{`api_request_total{method="GET",endpoint="/x",status_code="499"} 1`}, b.exposition("api_request_total"))
}
