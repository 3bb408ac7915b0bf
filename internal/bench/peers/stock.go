package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"time"
)

// The request that every peer serves.
const (
	stockRoute   = "/api/v1/stocks/{symbol}"
	stockPattern = "GET " + stockRoute
	stockURL     = "http://localhost/api/v1/stocks/600519"
)

// durationBuckets are the bounds of every histogram that lets one choose.
var durationBuckets = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2, 5, 10, 30}

// sizeBuckets are the bounds of every size histogram that lets one choose.
var sizeBuckets = []float64{256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216}

var payload = bytes.Repeat([]byte("x"), 2048)

// stockHandler answers with 2,048 bytes.
var stockHandler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(payload)
})

func stockMux() *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle(stockPattern, stockHandler)
	return mux
}

// A caller sends one request to one handler again and again, as one connection
// of a server would. Callers share nothing but the handler.
type caller struct {
	handler http.Handler
	w       response
	r       *http.Request
	_       [128]byte // no other caller's fields on this one's cache lines
}

func newCaller(h http.Handler) *caller {
	r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, stockURL, http.NoBody)
	r.ContentLength = 0 // as a server says of a request without a body
	r.Header.Set("User-Agent", "bench")
	return &caller{handler: h, w: response{header: make(http.Header)}, r: r}
}

func (c *caller) call(n int) {
	for range n {
		c.handler.ServeHTTP(&c.w, c.r)
	}
}

// response has the methods of net/http's HTTP/1 response, so that middlewares
// which ask for them take the path they take in a server. It writes nowhere.
type response struct {
	_       [128]byte
	header  http.Header
	status  int
	written int64
	_       [128]byte
}

func (w *response) Header() http.Header { return w.header }

func (w *response) WriteHeader(status int) { w.status = status }

func (w *response) Write(p []byte) (int, error) {
	w.written += int64(len(p))
	return len(p), nil
}

func (w *response) WriteString(s string) (int, error) { //nolint:unparam // io.StringWriter
	w.written += int64(len(s))
	return len(s), nil
}

func (w *response) ReadFrom(r io.Reader) (int64, error) { return io.Copy(io.Discard, r) }

func (w *response) Flush() {}

func (w *response) FlushError() error { return nil }

func (w *response) CloseNotify() <-chan bool { return nil }

func (w *response) SetReadDeadline(time.Time) error { return nil }

func (w *response) SetWriteDeadline(time.Time) error { return nil }

func (w *response) EnableFullDuplex() error { return nil }

func (w *response) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return nil, nil, http.ErrNotSupported
}
