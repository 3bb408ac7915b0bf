package apimon

import (
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"sync"
	"weak"

	"github.com/chronoretrace/chronomon/internal/instrument"
)

// The states of a recorder. The owner goes from idle to active and back; a
// scrape borrows an active one for a few instructions.
const (
	idle uint32 = iota
	active
	borrowed
)

// running knows all recorders there are, weakly: those in pools go when the
// garbage collector takes them.
type running struct {
	mu   sync.Mutex
	all  []weak.Pointer[recorder] // guarded by mu
	next int                      // guarded by mu; the length at which the dead are removed

	scrape sync.Mutex               // held by one scrape at a time, never by a request
	seen   []weak.Pointer[recorder] // guarded by scrape; what was there when it began
}

func (rn *running) add(rec *recorder) {
	rn.mu.Lock()
	defer rn.mu.Unlock()
	if len(rn.all) >= rn.next {
		rn.prune()
		rn.next = max(64, 2*len(rn.all))
	}
	rn.all = append(rn.all, weak.Make(rec))
}

// prune removes recorders that are no more. mu is held.
func (rn *running) prune() {
	rn.all = slices.DeleteFunc(rn.all, func(p weak.Pointer[recorder]) bool { return p.Value() == nil })
}

// activate makes the recorder's request visible to scrapes.
func (rec *recorder) activate() { rec.state.Store(active) }

// deactivate takes it out of sight. A scrape that has borrowed the recorder is
// waited for: it copies a few words.
func (rec *recorder) deactivate() {
	for !rec.state.CompareAndSwap(active, idle) {
		runtime.Gosched()
	}
}

// borrow keeps owner and scrapes from changing or reading the request's words
// until giveBack. It reports false if the recorder has no request.
func (rec *recorder) borrow() bool {
	for !rec.state.CompareAndSwap(active, borrowed) {
		if rec.state.Load() == idle {
			return false
		}
		runtime.Gosched()
	}
	return true
}

func (rec *recorder) giveBack() { rec.state.Store(active) }

// glance is what a scrape copies of a running request.
type glance struct {
	h                           *handler
	route                       *route
	method, host, path, rawPath string
}

// glance copies what is needed to know the request's endpoint. ok is false if
// the recorder has no request.
func (rec *recorder) glance() (g glance, ok bool) {
	if !rec.borrow() {
		return g, false
	}
	g = glance{rec.handler, rec.route, rec.method, rec.host, rec.path, rec.rawPath}
	rec.giveBack()
	return g, true
}

// resolve finds the route of a running request, asking the mux again where the
// request has not come back from it.
func (g glance) resolve() *route {
	switch {
	case g.route != nil:
		return g.route
	case g.h.mux == nil:
		return g.h.core.routes.none
	}
	return g.h.core.routes.find(g.h.ask(bareRequest(g.method, g.host, g.path, g.rawPath)))
}

// bareRequest is what a mux needs to find a route.
func bareRequest(method, host, path, rawPath string) *http.Request {
	return &http.Request{Method: method, Host: host, URL: &url.URL{Path: path, RawPath: rawPath}}
}

// inFlight counts the running requests by endpoint.
func (t *table) inFlight(labels instrument.LabelMaker) instrument.Func {
	return func(yield instrument.Yield) {
		rn := &t.running
		rn.scrape.Lock()
		defer rn.scrape.Unlock()
		rn.mu.Lock()
		rn.seen = append(rn.seen[:0], rn.all...)
		rn.mu.Unlock()
		t.mu.Lock()
		for _, e := range t.endpoints {
			e.count = 0
		}
		t.mu.Unlock()
		for _, p := range rn.seen {
			rec := p.Value()
			if rec == nil {
				continue
			}
			if g, ok := rec.glance(); ok {
				if r := g.resolve(); !r.skip {
					r.count++
				}
			}
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		for _, e := range t.endpoints {
			if e.labels == nil {
				e.labels = labels(e.name)
			}
			yield(e.labels, float64(e.count))
		}
	}
}
