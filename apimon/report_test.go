package apimon_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/apimon"
	"github.com/chronoretrace/chronomon/monitor"
)

func TestEventPerRequest(t *testing.T) {
	t.Parallel()
	var sink collect
	b := setup(t, []monitor.Option{monitor.WithSink("s", &sink, monitor.WithKinds(monitor.KindRequest))},
		apimon.WithTraceID(func(context.Context) string { return "4bf92f3577b34da6a3ce929d0e0e4736" }),
		apimon.WithUser(func(r *http.Request) string { return r.Header.Get("X-User") }),
		apimon.WithClientIP(func(*http.Request) netip.Addr { return netip.MustParseAddr("203.0.113.9") }))
	stop := run(t, b.m)
	h := b.Handler(mux(map[string]http.HandlerFunc{"POST /a/{id}": func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusBadGateway)
		_, _ = io.WriteString(w, "sorry")
	}}))
	r := httptest.NewRequestWithContext(t.Context(), "POST", "/a/1?token=secret", strings.NewReader("hello world"))
	r.Header.Set("X-User", "alice@example.com")
	h.ServeHTTP(httptest.NewRecorder(), r)
	stop()
	require.Len(t, sink.events, 1)
	e := sink.events[0]
	require.Equal(t, monitor.KindRequest, e.Kind)
	require.Equal(t, "/a/{id}", e.Name)
	require.True(t, e.Failed)
	require.False(t, e.Slow)
	require.Positive(t, e.Duration)
	require.Equal(t, "4bf92f3577b34da6a3ce929d0e0e4736", e.TraceID)
	require.Equal(t, b.m.Pseudonym("alice@example.com"), e.User)
	attrs := map[string]string{}
	for a := range e.Attrs() {
		attrs[a.Key] = a.Value.String()
	}
	require.Equal(t, map[string]string{
		"method": "POST", "status_code": "502", "request_size": "11", "response_size": "5", "client_net": "203.0.113.0/24",
	}, attrs)
	require.NotContains(t, fmt.Sprint(e), "alice")
	require.NotContains(t, fmt.Sprint(e), "secret")
}

func TestPanickingCallbacksHarmNobody(t *testing.T) {
	t.Parallel()
	var sink collect
	b := setup(t, []monitor.Option{monitor.WithSink("s", &sink, monitor.WithKinds(monitor.KindRequest))},
		apimon.WithTraceID(func(context.Context) string { panic("trace") }),
		apimon.WithUser(func(*http.Request) string { panic("user") }),
		apimon.WithClientIP(func(*http.Request) netip.Addr { panic("ip") }))
	stop := run(t, b.m)
	w := get(t, b.WithRoute("/x").Handler(http.HandlerFunc(nothing)), "/x")
	require.Equal(t, http.StatusOK, w.Code)
	stop()
	require.Len(t, sink.events, 1)
	require.Len(t, b.exposition("monitor_callback_panics_total"), 3)
	require.NotEmpty(t, b.exposition(`api_request_total{method="GET",endpoint="/x",status_code="200"} 1`))
}

func TestExemplars(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		trace := "first"
		b := setup(t, nil, apimon.WithTraceID(func(context.Context) string { return trace }))
		h := b.WithRoute("/x").Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(20 * time.Millisecond) }))
		for _, trace = range []string{"first", "second", ""} {
			get(t, h, "/x")
		}
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody)
		r.Header.Set("Accept", "application/openmetrics-text; version=1.0.0")
		b.m.Handler().ServeHTTP(w, r)
		require.Contains(t, w.Body.String(),
			`api_request_duration_seconds_bucket{method="GET",endpoint="/x",status_code="200",le="0.025"} 3 # {trace_id="first"} 0.02 `)
		require.Equal(t, 1, strings.Count(w.Body.String(), "trace_id"), "one a second and bucket")
	})
}

func TestSlowRequestsAreReported(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		m, err := monitor.New(monitor.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
		require.NoError(t, err)
		api, err := apimon.New(m, apimon.WithSlowThreshold(time.Second))
		require.NoError(t, err)
		b := bench{api, m}
		h := b.WithRoute("/x").Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			d, _ := time.ParseDuration(r.URL.Query().Get("d"))
			time.Sleep(d)
		}))
		var clients sync.WaitGroup
		for _, d := range []string{"999ms", "1s", "1500ms", "1600ms", "5s"} {
			clients.Go(func() { get(t, h, "/x?d="+d) })
		}
		clients.Wait()
		require.Equal(t, []string{`api_slow_requests_total{endpoint="/x"} 4`}, b.exposition("api_slow_requests_total"))
		require.Equal(t, 2, strings.Count(log.String(), "slow request"), "at most one line a second:\n"+log.String())
		require.Contains(t, log.String(), "unlogged_before=2")
		require.NotContains(t, log.String(), "?", "no query strings in logs")

		none := setup(t, nil, apimon.WithSlowThreshold(0))
		get(t, none.Handler(h), "/x?d=1h")
		require.Empty(t, none.exposition("api_slow_requests_total"))
	})
}
