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

// recorder is the measuring of one request at a time.
type recorder struct {
	*writer // what the handler writes to: own, or one made for the request
	view    http.ResponseWriter
	core    *core
	handler *handler
	request *http.Request // what the handler is given, or was
	start   time.Duration // on the core's clock; tells one request from the next

	completed bool // the handler has returned

	state   atomic.Uint32
	home    instrument.Home
	route   *route // said explicitly; nil otherwise
	method  string
	host    string // the rest is for a scrape that has to ask the mux
	path    string
	rawPath string

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
func (c *core) recorder(t *writerType) *recorder {
	rec, _ := t.pool.Get().(*recorder)
	if rec == nil {
		rec = &recorder{core: c, pool: t.pool}
		c.table.running.add(rec)
		if t.reuse {
			rec.own.rec = rec
			rec.writer = &rec.own
			rec.view = rec.own.newView(t.kind)
		}
	}
	if rec.writer == nil {
		rec.writer = &writer{rec: rec}
		rec.view = rec.newView(t.kind)
	}
	return rec
}

// begin prepares the recorder for a request.
func (rec *recorder) begin(h *handler, w http.ResponseWriter, r *http.Request, now time.Duration) {
	rw := rec.writer
	rw.rw, rw.written, rw.status = w, 0, 0
	rw.seen = seen{}
	rec.request, rec.start = r, now
	if rec.handler != h { // seldom: what a pool holds is most often ours
		rec.handler = h
	}
	if rec.route != h.route {
		rec.route = h.route
	}
	rec.completed = false
	rec.method = r.Method
	if h.route == nil { // a scrape may have to ask the mux
		rec.host, rec.path = r.Host, ""
		if u := r.URL; u != nil {
			rec.path = u.Path
			if u.RawPath != rec.rawPath { // nearly always both are empty
				rec.rawPath = u.RawPath
			}
		}
	}
	rec.activate()
}

// finish records the request. It runs deferred and does not recover: a panic
// of the handler goes on.
func (rec *recorder) finish() {
	h, r, w := rec.handler, rec.request, rec.writer
	now := rec.core.now()
	if rec.scope != nil {
		rec.scope.end()
	}
	rec.deactivate()
	rt := rec.route
	if rt == nil {
		rt = rec.core.routes.find(h.patternOf(r))
	}
	if rt.skip {
		rec.release()
		return
	}
	status := w.status
	if !rec.completed || status == 0 || w.clientGone {
		status = rec.outcome(r)
	}
	elapsed := now - rec.start
	if w.stream {
		elapsed = w.firstByte - rec.start
	}
	m := methodOf(rec.method)
	cell := rt.cell(m, status)
	b := cell.Begin(&rec.home)
	if w.upgraded {
		b.Add(counterUpgraded, 1)
	} else {
		b.Observe(histDuration, int64(elapsed))
		if rec.core.table.sizes {
			b.Observe(histRequestSize, rec.read())
			if m == methodHead {
				w.written = 0 // net/http takes a body and sends none
			}
			b.Observe(histResponseSize, w.written)
		}
	}
	b.End()
	if rec.core.curious || w.stream || w.upgraded || !rec.completed || elapsed >= rec.core.slowAt {
		rec.report(r, outcome{cell, rt, m, status, elapsed, now - rec.start})
	}
	rec.release()
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
	if rec.scope != nil || rec.body != nil {
		rec.scope, rec.body = nil, nil
	}
	if rec.writer != &rec.own { // a late write still gets through
		rec.writer, rec.view, rec.request = nil, nil, nil
		rec.pool.Put(rec)
		return
	}
	rec.rw = gone{}
	if rec.completed && !rec.hijacked {
		rec.pool.Put(rec)
	}
}
