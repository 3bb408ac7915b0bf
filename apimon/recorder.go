package apimon

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/chronoretrace/chronomon/internal/instrument"
)

// statusClientGone is nginx's status for a client that closed the connection.
const statusClientGone = 499

// recorder is the measuring of one request at a time, and the response writer
// that the handler sees. Its first cache line is what every request touches.
type recorder struct {
	rw      http.ResponseWriter
	view    http.ResponseWriter // the recorder with the writer's optional interfaces
	handler *handler
	start   time.Duration // on the core's clock
	written int64
	status  int // 0 until one is sent

	completed bool // the handler has returned
	upgraded  bool // hijacked, or 101 was sent
	hijacked  bool
	flushed   bool
	stream    bool

	state              atomic.Uint32
	home               instrument.Home
	route              *route // said explicitly; nil otherwise
	method, host, path string

	firstByte time.Duration
	body      *countingBody
	scope     *scope
	kind      kind

	_ [64]byte // recorders share no cache line
}

// begin prepares the recorder for a request.
func (rec *recorder) begin(h *handler, w http.ResponseWriter, r *http.Request, now time.Duration) {
	rec.rw, rec.handler, rec.start, rec.route = w, h, now, h.route
	rec.written, rec.status = 0, 0
	rec.completed, rec.upgraded, rec.hijacked, rec.flushed, rec.stream = false, false, false, false, false
	rec.method = r.Method
	if h.route == nil { // a scrape may have to ask the mux
		rec.host, rec.path = r.Host, ""
		if r.URL != nil {
			rec.path = r.URL.Path
		}
	}
	rec.body, rec.scope = nil, nil
	rec.activate()
}

// finish records the request. It runs deferred and does not recover: a panic
// of the handler goes on.
func (rec *recorder) finish(r *http.Request) {
	h := rec.handler
	now := h.core.now()
	if rec.scope != nil {
		rec.scope.end()
	}
	rec.deactivate()
	rt := rec.routeOf(r)
	if rt.skip {
		rec.release()
		return
	}
	status := rec.status
	if !rec.completed || status == 0 {
		status = rec.outcome(r)
	}
	elapsed := now - rec.start
	if rec.stream {
		elapsed = rec.firstByte - rec.start
	}
	m := methodOf(rec.method)
	cell := rt.cell(m, status)
	b := cell.Begin(&rec.home)
	if rec.upgraded {
		b.Add(counterUpgraded, 1)
	} else {
		b.Observe(histDuration, int64(elapsed))
		if h.core.table.sizes {
			b.Observe(histRequestSize, rec.read())
			if m == methodHead {
				rec.written = 0 // net/http takes a body and sends none
			}
			b.Observe(histResponseSize, rec.written)
		}
	}
	b.End()
	if h.core.curious || rec.stream || rec.upgraded || !rec.completed || elapsed >= h.core.slowAt {
		rec.report(r, outcome{cell, rt, m, status, elapsed, now - rec.start})
	}
	rec.release()
}

// routeOf is the request's route: said explicitly, or what the mux matched.
func (rec *recorder) routeOf(r *http.Request) *route {
	if rec.route != nil {
		return rec.route
	}
	h := rec.handler
	if r.Pattern == "" && h.copies {
		_, pattern := h.mux.Handler(r)
		return h.core.routes.find(pattern)
	}
	return h.core.routes.find(r.Pattern)
}

// outcome is the status of a request whose handler panicked or sent nothing.
func (rec *recorder) outcome(r *http.Request) int {
	clientGone := errors.Is(r.Context().Err(), context.Canceled)
	switch {
	case clientGone && (!rec.completed || rec.status == 0):
		return statusClientGone
	case !rec.completed:
		return http.StatusInternalServerError
	}
	return http.StatusOK
}

// read is the number of body bytes that the handler read.
func (rec *recorder) read() int64 {
	if rec.body == nil {
		return 0
	}
	return rec.body.n.Load()
}

// release gives the recorder back. One whose writer may still be in somebody's
// hands, after a panic or a hijack, is left to the garbage collector.
func (rec *recorder) release() {
	c := rec.handler.core
	rec.rw = gone{}
	if rec.completed && !rec.hijacked && !c.unpooled {
		c.pools[rec.kind].Put(rec)
	}
}
