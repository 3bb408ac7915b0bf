package apimon

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

// http1 is the kind of net/http's own writer over HTTP/1.
const http1 = isFlusher | isHijacker | isReaderFrom | isCloseNotifier

// http1View is the view of that kind, which is nearly all there are. It is the
// writer itself under another name: its calls go nowhere in between, as those of
// the views that embed do.
type http1View writer

func (v *http1View) w() *writer { return (*writer)(v) }

func (v *http1View) chronomonRecorder() *recorder { return v.rec }

// Unwrap lets http.ResponseController reach what the view does not have.
func (v *http1View) Unwrap() http.ResponseWriter { return v.rw }

// Header implements http.ResponseWriter.
func (v *http1View) Header() http.Header { return v.rw.Header() }

// WriteHeader implements http.ResponseWriter.
func (v *http1View) WriteHeader(status int) { v.w().WriteHeader(status) }

// Write implements http.ResponseWriter.
func (v *http1View) Write(b []byte) (int, error) { return v.w().Write(b) }

// WriteString implements io.StringWriter.
func (v *http1View) WriteString(s string) (int, error) { return v.w().WriteString(s) }

// Flush implements http.Flusher.
func (v *http1View) Flush() { flusher{v.w()}.Flush() }

// FlushError is what http.ResponseController asks for.
func (v *http1View) FlushError() error { return flusher{v.w()}.FlushError() }

// Hijack implements http.Hijacker.
func (v *http1View) Hijack() (net.Conn, *bufio.ReadWriter, error) { return hijacker{v.w()}.Hijack() }

// ReadFrom implements io.ReaderFrom.
func (v *http1View) ReadFrom(src io.Reader) (int64, error) { return readerFrom{v.w()}.ReadFrom(src) }

// CloseNotify implements http.CloseNotifier.
func (v *http1View) CloseNotify() <-chan bool { return closeNotifier{v.w()}.CloseNotify() }
