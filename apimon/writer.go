package apimon

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
)

// ours is how a middleware knows the view of an outer one.
type ours interface{ chronomonRecorder() *recorder }

func (rec *recorder) chronomonRecorder() *recorder { return rec }

// Unwrap lets http.ResponseController reach what the views do not have.
func (rec *recorder) Unwrap() http.ResponseWriter { return rec.rw }

// Header implements http.ResponseWriter.
func (rec *recorder) Header() http.Header { return rec.rw.Header() }

// WriteHeader implements http.ResponseWriter: the first final status counts.
func (rec *recorder) WriteHeader(status int) {
	rec.rw.WriteHeader(status)
	if rec.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		rec.status = status
		rec.upgraded = rec.upgraded || status == http.StatusSwitchingProtocols
	}
}

// Write implements http.ResponseWriter.
func (rec *recorder) Write(b []byte) (int, error) {
	rec.implicit()
	n, err := rec.rw.Write(b)
	rec.written += int64(n)
	return n, err
}

// WriteString implements io.StringWriter.
func (rec *recorder) WriteString(s string) (int, error) {
	rec.implicit()
	n, err := io.WriteString(rec.rw, s)
	rec.written += int64(n)
	return n, err
}

// implicit notes the status that a body without one has.
func (rec *recorder) implicit() {
	if rec.status == 0 {
		rec.status = http.StatusOK
	}
}

type flusher struct{ *recorder }

// Flush implements http.Flusher.
func (f flusher) Flush() { _ = f.FlushError() }

// FlushError is what http.ResponseController asks for.
func (f flusher) FlushError() error {
	f.implicit()
	if !f.flushed {
		f.flushed = true
		if isStream(f.rw.Header()) {
			f.stream = true
			f.firstByte = f.handler.core.now()
		}
	}
	switch w := f.rw.(type) {
	case interface{ FlushError() error }:
		return w.FlushError()
	case http.Flusher:
		w.Flush()
		return nil
	}
	return http.ErrNotSupported
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

type hijacker struct{ *recorder }

// Hijack implements http.Hijacker.
func (h hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w, ok := h.rw.(http.Hijacker)
	if !ok {
		return nil, nil, http.ErrNotSupported
	}
	conn, rw, err := w.Hijack()
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

type readerFrom struct{ *recorder }

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

type pusher struct{ *recorder }

// Push implements http.Pusher.
func (p pusher) Push(target string, opts *http.PushOptions) error {
	w, ok := p.rw.(http.Pusher)
	if !ok {
		return http.ErrNotSupported
	}
	return w.Push(target, opts)
}

type closeNotifier struct{ *recorder }

// CloseNotify implements the deprecated http.CloseNotifier, which gin's and
// others' writers still promise.
func (c closeNotifier) CloseNotify() <-chan bool {
	w, ok := c.rw.(http.CloseNotifier) //nolint:staticcheck // passed on for those who ask
	if !ok {
		return make(chan bool)
	}
	return w.CloseNotify()
}

// gone answers a handler that kept its writer.
type gone struct{}

var errGone = errors.New("apimon: write after the handler has returned")

func (gone) Header() http.Header       { return http.Header{} }
func (gone) WriteHeader(int)           {}
func (gone) Write([]byte) (int, error) { return 0, errGone }
