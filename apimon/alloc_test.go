package apimon_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/apimon"
	"github.com/chronoretrace/chronomon/monitor"
)

// stub is a writer with a few of the optional interfaces and no cost.
type stub struct{ header http.Header }

func (s *stub) Header() http.Header               { return s.header }
func (s *stub) Write(b []byte) (int, error)       { return len(b), nil }
func (s *stub) WriteHeader(int)                   {}
func (s *stub) Flush()                            {}
func (s *stub) WriteString(b string) (int, error) { return len(b), nil }

var (
	page       = make([]byte, 2048)
	pageLength = []string{"2048"}
)

func hello(w http.ResponseWriter, _ *http.Request) {
	w.Header()["Content-Length"] = pageLength
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(page)
}

func TestAllocsPerRequest(t *testing.T) {
	if raceEnabled {
		t.Skip("allocations are counted without the race detector")
	}
	newRequest := func() *http.Request {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/stocks/600519", http.NoBody)
		require.NoError(t, err)
		return r
	}
	routes := mux(map[string]http.HandlerFunc{"GET /stocks/{symbol}": hello})
	// The stub stands for the server's writer, which is reused by default.
	asServer := apimon.WithPooledWriters()
	off := setup(t, []monitor.Option{monitor.WithDisabled()})
	sizes := setup(t, nil, asServer, apimon.WithSizes(), apimon.WithSkip("/healthz"))
	tests := map[string]struct {
		h    http.Handler
		bare http.Handler
	}{
		"mux":      {setup(t, nil, asServer).Handler(routes), routes},
		"sizes":    {sizes.Handler(routes), routes},
		"route":    {setup(t, nil, asServer).WithRoute("/stocks/{symbol}").Handler(http.HandlerFunc(hello)), http.HandlerFunc(hello)},
		"disabled": {off.Handler(routes), routes},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w, r := &stub{http.Header{}}, newRequest()
			allocs := func(h http.Handler) float64 { return testing.AllocsPerRun(2000, func() { h.ServeHTTP(w, r) }) }
			require.InDelta(t, 0, allocs(test.h)-allocs(test.bare), 0)
		})
	}
	t.Run("disabled calls", func(t *testing.T) {
		ctx := monitor.ContextWithCaller(t.Context(), monitor.CallerName("r"))
		require.Zero(t, testing.AllocsPerRun(1000, func() {
			off.m.Record(monitor.Event{Kind: monitor.KindRequest})
			off.m.Mark(ctx, "deploy", "x")
			off.m.Depends(ctx, "table", "stocks")
		}))
	})
}

// On a real server, with default options, requests allocate what they do
// without the middleware.
func TestAllocsOnARealServer(t *testing.T) {
	if raceEnabled {
		t.Skip("allocations are counted without the race detector")
	}
	routes := mux(map[string]http.HandlerFunc{"GET /stocks/{symbol}": hello})
	allocs := func(h http.Handler) float64 {
		srv := httptest.NewServer(h)
		defer srv.Close()
		conn, err := net.Dial("tcp", srv.Listener.Addr().String())
		require.NoError(t, err)
		defer conn.Close()
		answer := bufio.NewReader(conn)
		request := []byte("GET /stocks/600519 HTTP/1.1\r\nHost: x\r\n\r\n")
		body := make([]byte, len(page))
		return testing.AllocsPerRun(5000, func() {
			_, err := conn.Write(request)
			require.NoError(t, err)
			for line := ""; line != "\r\n"; {
				line, err = answer.ReadString('\n')
				require.NoError(t, err)
			}
			_, err = io.ReadFull(answer, body)
			require.NoError(t, err)
		})
	}
	ours := setup(t, nil, apimon.WithSizes()).Handler(routes)
	var more float64
	for range 5 { // a busy machine empties pools now and then
		if more = allocs(ours) - allocs(routes); more <= 0 {
			return
		}
	}
	require.Zero(t, more)
}

func BenchmarkMiddleware(b *testing.B) {
	routes := mux(map[string]http.HandlerFunc{"GET /stocks/{symbol}": hello})
	for name, h := range map[string]http.Handler{
		"bare":  routes,
		"mux":   setup(b, nil, apimon.WithPooledWriters()).Handler(routes),
		"sizes": setup(b, nil, apimon.WithPooledWriters(), apimon.WithSizes()).Handler(routes),
		"layer": setup(b, nil).Handler(routes),
	} {
		b.Run(name, func(b *testing.B) {
			w := &stub{http.Header{}}
			r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "/stocks/600519", http.NoBody)
			require.NoError(b, err)
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(w, r)
			}
		})
	}
}
