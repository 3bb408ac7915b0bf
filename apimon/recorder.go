package apimon

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chronoretrace/chronomon/internal/instrument"
)

// statusClientGone is nginx's status for a client that closed the connection.
const statusClientGone = 499

// recorder is the measuring of one request at a time. Its first cache line is
// what every request touches.
type recorder struct {
	*writer // what the handler writes to: own, or one made for the request
	view    http.ResponseWriter
	handler *handler
	request *http.Request // what the handler is given
	start   time.Duration // on the core's clock

	completed bool // the handler has returned

	state              atomic.Uint32
	home               instrument.Home
	route              *route // said explicitly; nil otherwise
	method, host, path string
	rawPath            string
	seq                uint64 // tells one request from the next

	body  *countingBody
	scope *scope
	pool  *sync.Pool // where it belongs
	own   writer

	_ [64]byte // recorders share no cache line
}

// recorder returns one for a request that is to be answered through a writer
// of that type. Its view of the writer is used again for later requests if
// nobody can hold on to it but a handler that breaks net/http's rules; a view
// that other layers may keep, as web frameworks do, is made for the request.
func (c *core) recorder(t writerType) *recorder {
	pool := &c.unowned
	if t.reuse {
		pool = &c.owned[t.kind]
	}
	rec, _ := pool.Get().(*recorder)
	if rec == nil {
		rec = &recorder{pool: pool}
		c.table.running.add(rec)
		if pool != &c.unowned {
			rec.writer = &rec.own
			rec.view = rec.own.newView(t.kind)
		}
	}
	if pool == &c.unowned {
		rec.writer = &writer{}
		rec.view = rec.newView(t.kind)
	}
	return rec
}

// begin prepares the recorder for a request.
func (rec *recorder) begin(h *handler, w http.ResponseWriter, r *http.Request, now time.Duration) {
	*rec.writer = writer{rw: w, rec: rec, core: h.core, ctx: r.Context(), http1: r.ProtoMajor < 2}
	rec.seq++
	rec.handler, rec.request, rec.start, rec.route = h, r, now, h.route
	rec.completed = false
	rec.method = r.Method
	if h.route == nil { // a scrape may have to ask the mux
		rec.host, rec.path, rec.rawPath = r.Host, "", ""
		if r.URL != nil {
			rec.path, rec.rawPath = r.URL.Path, r.URL.RawPath
		}
	}
	rec.body, rec.scope = nil, nil
	rec.activate()
}

// finish records the request. It runs deferred and does not recover: a panic
// of the handler goes on.
func (rec *recorder) finish() {
	h, r := rec.handler, rec.request
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
	if !rec.completed || status == 0 || rec.clientGone {
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
	return rec.handler.core.routes.find(rec.handler.patternOf(r))
}

// outcome is the status of a request whose handler panicked, sent nothing, or
// failed after the client had gone.
func (rec *recorder) outcome(r *http.Request) int {
	switch {
	case rec.clientGone, isClientGone(r.Context()):
		return statusClientGone
	case !rec.completed:
		return http.StatusInternalServerError
	}
	return http.StatusOK
}

// isClientGone reports whether a request's context was cancelled because the
// client has gone away: cancelled without another cause.
func isClientGone(ctx context.Context) bool {
	return ctx.Err() != nil && errors.Is(context.Cause(ctx), context.Canceled)
}

// read is the number of body bytes that the handler read.
func (rec *recorder) read() int64 {
	if rec.body == nil {
		return 0
	}
	return rec.body.n.Load()
}

// release gives the recorder back. One whose own writer may still be in
// somebody's hands, after a panic or a hijack, is left to the garbage collector.
func (rec *recorder) release() {
	rec.request = nil
	if rec.writer != &rec.own { // a late write still gets through
		rec.writer, rec.view = nil, nil
		rec.pool.Put(rec)
		return
	}
	rec.rw = gone{}
	if rec.completed && !rec.hijacked {
		rec.pool.Put(rec)
	}
}
