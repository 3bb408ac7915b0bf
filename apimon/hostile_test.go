package apimon_test

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/apimon"
	"github.com/chronoretrace/chronomon/monitor"
)

// What a leftover goroutine does with a writer after the response is its own
// fault, but must not end the process.
func TestLateErrorDoesNotPanic(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]apimon.Option{
		"default": nil, "pooled": {apimon.WithPooledWriters()}, "unpooled": {apimon.WithUnpooledWriters()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, nil, opts...)
			var kept http.ResponseWriter
			h := b.WithRoute("/x").Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { kept = w }))
			get(t, h, "/x")
			require.NotPanics(t, func() {
				http.Error(kept, "too late", http.StatusInternalServerError)
				_ = http.NewResponseController(kept).Flush()
			})
		})
	}
}

// A ServeMux says the path to be the pattern of a CONNECT request that it
// redirects. A client chose it.
func TestConnectPathIsNoLabel(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	routes := mux(map[string]http.HandlerFunc{"/users/{id}/": nothing})
	for _, h := range []http.Handler{b.Handler(routes), b.WithMux(routes).Handler(http.HandlerFunc(routes.ServeHTTP))} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodConnect, "/", http.NoBody)
		r.URL.Path = "/users/alice@example.com"
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	require.NotContains(t, strings.Join(b.exposition("api_"), "\n"), "alice")
}

// net/http's server removes an upload's temporary files after the handler, from
// the request that it knows.
func TestUploadsLeaveNoFiles(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	b := setup(t, nil, apimon.WithSizes())
	srv := httptest.NewServer(b.Handler(mux(map[string]http.HandlerFunc{"POST /upload": func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseMultipartForm(10); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	}})))
	defer srv.Close()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", "big")
	require.NoError(t, err)
	_, err = part.Write(make([]byte, 1<<20))
	require.NoError(t, err)
	require.NoError(t, form.Close())
	resp, err := srv.Client().Post(srv.URL+"/upload", form.FormDataContentType(), &body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)
	require.Eventually(t, func() bool {
		files, err := os.ReadDir(dir)
		return err == nil && len(files) == 0
	}, 5*time.Second, 10*time.Millisecond)
}

// An inner middleware that outlives the outer one must not rename the request
// that came after.
func TestLateInnerMiddlewareRenamesNobody(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	release := make(chan struct{})
	var slow sync.WaitGroup
	slow.Add(1)
	inner := b.Handler(mux(map[string]http.HandlerFunc{"/slow": func(http.ResponseWriter, *http.Request) { <-release }}))
	h := b.Handler(http.TimeoutHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer slow.Done()
		inner.ServeHTTP(w, r)
	}), 10*time.Millisecond, "late"))
	get(t, h, "/slow")
	pay := b.WithRoute("/pay").Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		select {
		case release <- struct{}{}:
			slow.Wait()
		default:
		}
	}))
	for range 20 {
		get(t, pay, "/pay")
	}
	require.Equal(t, []string{`api_request_total{method="GET",endpoint="/pay",status_code="200"} 20`},
		b.exposition(`api_request_total{method="GET",endpoint="/pay"`))
}

// A handler that serves requests of its own making counts them, each, always.
func TestSubRequestsCount(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	item := b.WithRoute("/item").Handler(http.HandlerFunc(nothing))
	batch := b.Handler(mux(map[string]http.HandlerFunc{"/batch": func(_ http.ResponseWriter, r *http.Request) {
		for i := range 3 {
			sub := httptest.NewRequestWithContext(r.Context(), http.MethodGet, fmt.Sprintf("/item/%d", i), http.NoBody)
			item.ServeHTTP(httptest.NewRecorder(), sub)
		}
	}}))
	for range 10 {
		get(t, batch, "/batch")
		time.Sleep(20 * time.Millisecond) // so that some are followed
	}
	require.Equal(t, []string{
		`api_request_total{method="GET",endpoint="/batch",status_code="200"} 10`,
		`api_request_total{method="GET",endpoint="/item",status_code="200"} 30`,
	}, b.exposition("api_request_total"))
}

// moodyMux panics when it is asked.
type moodyMux struct{}

func (moodyMux) Handler(*http.Request) (http.Handler, string) { panic("mux") }

func TestMuxThatPanics(t *testing.T) {
	t.Parallel()
	for name, mopts := range map[string][]monitor.Option{"plain": nil, "asked first": {monitor.WithProfileLabels()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, mopts)
			h := b.WithMux(moodyMux{}).Handler(http.HandlerFunc(nothing))
			require.NotPanics(t, func() { get(t, h, "/x") })
			require.Equal(t, []string{`api_request_total{method="GET",endpoint="unmatched",status_code="200"} 1`}, b.exposition("api_request_total"))
			require.Zero(t, total(t, b.exposition("api_concurrent_requests")))
		})
	}
}

// Routes are told apart by what the label shows: a method that a client chose
// makes no new one.
func TestSetRouteWithTheMethodInFront(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	h := b.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		apimon.SetRoute(r.Context(), r.Header.Get("X-Method")+" /x")
	}))
	begin := time.Now()
	for i := range 5000 {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/x", http.NoBody)
		r.Header.Set("X-Method", fmt.Sprint("M", i))
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	require.Less(t, time.Since(begin), 5*time.Second)
	require.Equal(t, []string{`api_request_total{method="GET",endpoint="/x",status_code="200"} 5000`}, b.exposition("api_request_total"))
}

// Behind a layer that only unwraps, http.ResponseController still comes by us.
func TestStreamBehindALayerThatOnlyUnwraps(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	h := b.Handler(mux(map[string]http.HandlerFunc{
		"/stream": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			_ = http.NewResponseController(w).Flush()
		},
		"/hijack": func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
				_ = conn.Close()
			}
		},
	}))
	served := make(chan struct{}, 1) // a hijacked answer arrives before its handler has ended
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(openLayer{layer{w}}, r)
		served <- struct{}{}
	}))
	defer srv.Close()
	for _, path := range []string{"/stream", "/hijack"} {
		fetch(t.Context(), srv.URL+path)
		<-served
	}
	require.Len(t, b.exposition(`api_stream_duration_seconds_count{endpoint="/stream",kind="stream"} 1`), 1)
	require.Len(t, b.exposition(`api_request_total{method="GET",endpoint="/hijack",status_code="101"} 1`), 1)
}

// At the limit of endpoints, what no route matched is still that.
func TestUnmatchedTakesNoRoom(t *testing.T) {
	t.Parallel()
	b := setup(t, []monitor.Option{monitor.WithLabelLimit(1)}, apimon.WithEndpointLimit(3))
	for i := range 5 {
		get(t, b.WithRoute(fmt.Sprintf("/r%d", i)).Handler(http.HandlerFunc(nothing)), "/")
	}
	get(t, b.Handler(http.NewServeMux()), "/nowhere")
	var endpoints []string
	for _, line := range b.exposition("api_concurrent_requests") {
		endpoints = append(endpoints, line[strings.Index(line, `"`)+1:strings.LastIndex(line, `"`)])
	}
	require.Equal(t, []string{"/r0", "/r1", "/r2", "other", "unmatched"}, endpoints)
	require.Len(t, b.exposition(`api_request_total{method="GET",endpoint="unmatched",`), 1)
}
