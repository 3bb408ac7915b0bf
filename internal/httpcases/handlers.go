package httpcases

import (
	"context"
	"crypto/sha1" //nolint:gosec // RFC 6455 asks for it
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	invented   = 20 // paths, methods, hosts that a client makes up
	copied     = 10_000
	uploaded   = 5_000
	written    = 700
	streamStep = 100 * time.Millisecond
	streamLen  = 3 * streamStep
)

func panics(http.ResponseWriter, *http.Request) { panic("a handler's bug") }

func panicsLate(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusAccepted)
	_ = http.NewResponseController(w).Flush() // a subject that cannot is judged by the status alone
	panic("a handler's bug")
}

func ok(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }

func silent(http.ResponseWriter, *http.Request) {}

func unavailable(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "not now", http.StatusServiceUnavailable)
}

// earlyHints leaves the final status to the first write, as most handlers do.
func earlyHints(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Link", "</style.css>; rel=preload; as=style")
	w.WriteHeader(http.StatusEarlyHints)
	_, _ = io.WriteString(w, "ok")
}

func twoStatuses(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusCreated)
	w.WriteHeader(http.StatusInternalServerError)
}

// waits answers nothing until the client is gone.
func waits(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// timesOut is answered for, while its handler still runs.
func timesOut(w http.ResponseWriter, r *http.Request) {
	http.TimeoutHandler(http.HandlerFunc(waits), streamStep/2, "too late").ServeHTTP(w, r)
}

func hijacks(w http.ResponseWriter, _ *http.Request) {
	h, is := w.(http.Hijacker)
	if !is {
		http.Error(w, "no Hijacker", http.StatusInternalServerError)
		return
	}
	conn, _, err := h.Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
}

// websocket shakes hands as RFC 6455, section 4.2.2 says and stays until the
// client closes.
func websocket(w http.ResponseWriter, r *http.Request) {
	h, is := w.(http.Hijacker)
	if !is {
		http.Error(w, "no Hijacker", http.StatusInternalServerError)
		return
	}
	conn, rw, err := h.Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer conn.Close()
	sum := sha1.Sum([]byte(r.Header.Get("Sec-Websocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // RFC 6455 asks for it
	_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: " + base64.StdEncoding.EncodeToString(sum[:]) + "\r\n\r\n")
	_ = rw.Flush()
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	_, _ = io.Copy(io.Discard, conn)
}

// events sends server-sent events with pauses between them.
func events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	for range int(streamLen / streamStep) {
		_, _ = io.WriteString(w, "data: tick\n\n")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-time.After(streamStep):
		case <-r.Context().Done():
			return
		}
	}
}

// flushes sends one byte and stays until the client is gone, or gives up.
func flushes(w http.ResponseWriter, r *http.Request) {
	f, is := w.(http.Flusher)
	if !is {
		return
	}
	_, _ = io.WriteString(w, "x")
	f.Flush()
	select {
	case <-r.Context().Done():
	case <-time.After(2 * time.Second):
	}
}

func deadlines(w http.ResponseWriter, _ *http.Request) {
	rc := http.NewResponseController(w)
	soon := time.Now().Add(10 * time.Second)
	tell(w, errors.Join(rc.SetReadDeadline(soon), rc.SetWriteDeadline(soon), rc.EnableFullDuplex()) == nil)
}

// copies hides the reader's WriterTo, so that io.Copy uses the writer's ReadFrom
// if there is one.
func copies(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.Copy(w, struct{ io.Reader }{strings.NewReader(strings.Repeat("x", copied))})
}

func readsFrom(w http.ResponseWriter, _ *http.Request) {
	_, is := w.(io.ReaderFrom)
	tell(w, is)
}

func writesString(w http.ResponseWriter, _ *http.Request) {
	if _, is := w.(io.StringWriter); is {
		_, _ = io.WriteString(w, strings.Repeat("y", written))
	} else {
		_, _ = w.Write([]byte(strings.Repeat("n", written)))
	}
}

func pretendsHijacker(w http.ResponseWriter, _ *http.Request) {
	_, is := w.(http.Hijacker)
	tell(w, !is)
}

func reads(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(io.Discard, r.Body)
	tell(w, n == uploaded && err == nil)
}

func noBody(w http.ResponseWriter, r *http.Request) { tell(w, r.Body == http.NoBody) }

// tell answers the question of a case.
func tell(w http.ResponseWriter, yes bool) {
	if yes {
		_, _ = io.WriteString(w, "yes")
	} else {
		_, _ = io.WriteString(w, "no")
	}
}

type contextKey struct{}

// copiesRequest is any middleware that puts something in the context.
func copiesRequest(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), contextKey{}, "a user")))
	})
}
