package apimon

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// writer is the response side of a recorder: what the handler writes to,
// through a view. It notes what is sent.
type writer struct {
	rw  http.ResponseWriter
	rec *recorder // for as long as the writer lives

	written int64
	status  int // 0 until one is sent

	seen
	firstByte time.Duration
}

// seen is what happened to a response.
type seen struct {
	upgraded   bool // hijacked, or 101 was sent
	hijacked   bool
	flushed    bool
	stream     bool
	clientGone bool // before a failure was sent
}

// ours is how a middleware knows the view of an outer one.
type ours interface{ chronomonRecorder() *recorder }

func (w *writer) chronomonRecorder() *recorder { return w.rec }

// unwrapper is what http.ResponseController asks for.
type unwrapper interface{ Unwrap() http.ResponseWriter }

// Unwrap lets http.ResponseController reach what the views do not have.
func (w *writer) Unwrap() http.ResponseWriter { return w.rw }

// Header implements http.ResponseWriter.
func (w *writer) Header() http.Header { return w.rw.Header() }

// WriteHeader implements http.ResponseWriter: the first final status counts.
func (w *writer) WriteHeader(status int) {
	if status < http.StatusOK || status >= http.StatusInternalServerError {
		w.unusual(status)
		return
	}
	w.rw.WriteHeader(status)
	if w.status == 0 {
		w.status = status
	}
}

// unusual is WriteHeader for a status that may be informational, a switch of
// protocols, or a failure that the client is no longer there to see.
func (w *writer) unusual(status int) {
	r := w.request()
	if r != nil && w.status == 0 && status >= http.StatusInternalServerError {
		w.clientGone = isClientGone(r.Context())
	}
	w.rw.WriteHeader(status)
	switching := status == http.StatusSwitchingProtocols && r != nil && r.ProtoMajor < 2
	if w.status == 0 && (status >= http.StatusOK || switching) {
		w.status = status
		w.upgraded = w.upgraded || switching
	}
}

// request is what is being answered, nil once that is over.
func (w *writer) request() *http.Request {
	if w.rec == nil {
		return nil
	}
	return w.rec.request
}

// Write implements http.ResponseWriter.
func (w *writer) Write(b []byte) (int, error) {
	w.implicit()
	n, err := w.rw.Write(b)
	w.written += int64(n)
	return n, err
}

// WriteString implements io.StringWriter.
func (w *writer) WriteString(s string) (int, error) {
	w.implicit()
	n, err := io.WriteString(w.rw, s)
	w.written += int64(n)
	return n, err
}

// implicit notes the status that a body without one has.
func (w *writer) implicit() {
	if w.status == 0 {
		w.status = http.StatusOK
	}
}

type flusher struct{ *writer }

// Flush implements http.Flusher.
func (f flusher) Flush() { _ = f.FlushError() }

// FlushError is what http.ResponseController asks for.
func (f flusher) FlushError() error {
	f.implicit()
	if !f.flushed {
		f.flushed = true
		if f.request() != nil && isStream(f.rw.Header()) {
			f.stream, f.firstByte = true, f.rec.core.now()
		}
	}
	return http.NewResponseController(f.rw).Flush() // through layers that only unwrap, too
}

// isStream reports whether a flushed response is one that goes on for as long
// as somebody listens.
func isStream(h http.Header) bool {
	t, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	switch strings.ToLower(strings.TrimSpace(t)) {
	case "text/event-stream", "application/x-ndjson", "application/stream+json", "multipart/x-mixed-replace":
		return true
	}
	return false
}

type hijacker struct{ *writer }

// Hijack implements http.Hijacker.
func (h hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.rw).Hijack()
	if err == nil {
		h.hijacked, h.upgraded = true, true
		if h.status == 0 {
			h.status = http.StatusSwitchingProtocols
		}
	}
	return conn, rw, err
}

// readerFromWriter is a ResponseWriter that can send a file by itself.
type readerFromWriter interface {
	http.ResponseWriter
	io.ReaderFrom
}

type readerFrom struct{ *writer }

// ReadFrom implements io.ReaderFrom, so that sendfile stays possible.
func (r readerFrom) ReadFrom(src io.Reader) (int64, error) {
	r.implicit()
	w, ok := r.rw.(io.ReaderFrom)
	if !ok {
		return 0, http.ErrNotSupported
	}
	n, err := w.ReadFrom(src)
	r.written += n
	return n, err
}

type pusher struct{ *writer }

// Push implements http.Pusher.
func (p pusher) Push(target string, opts *http.PushOptions) error {
	w, ok := p.rw.(http.Pusher)
	if !ok {
		return http.ErrNotSupported
	}
	return w.Push(target, opts)
}

type closeNotifier struct{ *writer }

// CloseNotify implements the deprecated http.CloseNotifier, which gin's and
// others' writers still promise.
func (c closeNotifier) CloseNotify() <-chan bool {
	w, ok := c.rw.(http.CloseNotifier) //nolint:staticcheck // passed on for those who ask
	if !ok {
		return make(chan bool)
	}
	return w.CloseNotify()
}

// gone answers a handler that kept its writer after the server was told that
// the response is complete.
type gone struct{}

var errGone = errors.New("apimon: write after the handler has returned")

func (gone) Header() http.Header       { return http.Header{} }
func (gone) WriteHeader(int)           {}
func (gone) Write([]byte) (int, error) { return 0, errGone }
