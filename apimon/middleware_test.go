package apimon_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"runtime/pprof"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/apimon"
	"github.com/chronoretrace/chronomon/monitor"
)

func TestTwoMiddlewaresOnOneRegistryAddUp(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	a := setup(t, []monitor.Option{monitor.WithRegisterer(reg)})
	b := setup(t, []monitor.Option{monitor.WithRegisterer(reg)})
	get(t, a.WithRoute("/x").Handler(http.HandlerFunc(nothing)), "/x")
	get(t, b.WithRoute("/x").Handler(http.HandlerFunc(nothing)), "/x")
	require.Equal(t, []string{`api_request_total{endpoint="/x",method="GET",status_code="200"} 2`}, a.exposition("api_request_total"))
}

func TestDisabledHandlerIsTheHandler(t *testing.T) {
	t.Parallel()
	b := setup(t, []monitor.Option{monitor.WithDisabled()})
	mux := http.NewServeMux()
	require.Same(t, mux, b.Handler(mux))
	require.Same(t, mux, b.WithRoute("/x").Handler(mux))
}

func TestSkipAndFilter(t *testing.T) {
	t.Parallel()
	b := setup(t, nil, apimon.WithSkip("GET /healthz", "unmatched"), apimon.WithFilter(func(r *http.Request) bool {
		if r.URL.Path == "/boom" {
			panic("filter")
		}
		return r.URL.Path != "/quiet"
	}))
	h := b.Handler(mux(map[string]http.HandlerFunc{"GET /healthz": nothing, "/quiet": nothing, "/loud": nothing, "/boom": nothing}))
	for _, p := range []string{"/healthz", "/quiet", "/loud", "/boom", "/nowhere"} {
		get(t, h, p)
	}
	require.Equal(t, []string{
		`api_request_total{method="GET",endpoint="/boom",status_code="200"} 1`,
		`api_request_total{method="GET",endpoint="/loud",status_code="200"} 1`,
	}, b.exposition("api_request_total"))
	require.Empty(t, b.exposition(`api_concurrent_requests{endpoint="/healthz"}`))
	require.Equal(t, []string{`monitor_callback_panics_total{callback="apimon.WithFilter"} 1`}, b.exposition("monitor_callback_panics_total"))
}

func TestProfileLabels(t *testing.T) {
	t.Parallel()
	b := setup(t, []monitor.Option{monitor.WithProfileLabels()})
	var label string
	h := b.Handler(mux(map[string]http.HandlerFunc{"/a/{id}": func(_ http.ResponseWriter, r *http.Request) {
		label, _ = pprof.Label(r.Context(), "route")
	}}))
	get(t, h, "/a/1")
	require.Equal(t, "/a/{id}", label)
}

// A sink that blocks, fails or panics for a minute must not be felt.
func TestBadSinksAreNotFelt(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]monitor.SinkFunc{
		"blocks": func(ctx context.Context, _ []monitor.Event) error { <-ctx.Done(); return ctx.Err() },
		"fails":  func(context.Context, []monitor.Event) error { return errors.New("down") },
		"panics": func(context.Context, []monitor.Event) error { panic("boom") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := setup(t, []monitor.Option{monitor.WithSink("bad", write,
					monitor.WithQueue(10), monitor.WithBatch(5, time.Second), monitor.WithSpill(20), monitor.WithWriteTimeout(time.Hour))})
				stop := run(t, b.m)
				h := b.WithRoute("/x").Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					_, _ = io.WriteString(w, "fine")
				}))
				begin := time.Now()
				const n = 600
				for i := range n {
					now := time.Now()
					w := get(t, h, "/x")
					require.Equal(t, "fine", w.Body.String())
					require.Zero(t, time.Since(now), "request %d took no time in a bubble where only waiting does", i)
					time.Sleep(100 * time.Millisecond)
				}
				require.GreaterOrEqual(t, time.Since(begin), time.Minute)
				stop()
				require.InDelta(t, n, total(t, b.exposition("api_request_total")), 0)
				require.InDelta(t, n+1, total(t, b.exposition("monitor_events_dropped_total")), 0, "each is counted, the deploy marker too")
			})
		})
	}
}
