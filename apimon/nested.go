package apimon

import (
	"net/http"
	"time"

	"github.com/chronoretrace/chronomon/monitor"
)

// maxLayers is how many wrappers of a writer are looked through.
const maxLayers = 16

// claim is a recorder at the time of one request.
type claim struct {
	rec   *recorder
	start time.Duration
}

// claim returns the recorder's present request, or nothing if it has none or
// belongs to other metrics.
func (rec *recorder) claim(t *table) (c claim) {
	if rec != nil && rec.borrow() {
		if rec.handler.core.table == t {
			c = claim{rec, rec.start}
		}
		rec.giveBack()
	}
	return c
}

// outer returns the request's recorder in a middleware outside of this one
// that records into the same metrics, or nothing. It is found through the writer
// or, where a layer hides that, through the context of a request that is followed.
func (c *core) outer(w http.ResponseWriter, r *http.Request) claim {
	for range maxLayers {
		if o, ok := w.(ours); ok {
			if found := o.chronomonRecorder().claim(c.table); found.rec != nil {
				return found
			}
		}
		u, ok := w.(unwrapper)
		if !ok {
			break
		}
		w = u.Unwrap()
	}
	if s, ok := monitor.CallerFrom(r.Context()).(*scope); ok && s.handler.follow && s.url == r.URL {
		return s.claim(c.table)
	}
	return claim{}
}

// inside serves a request that an outer middleware measures: all that is left
// to say is the route.
func (h *handler) inside(outer claim, w http.ResponseWriter, r *http.Request) {
	if h.route != nil {
		outer.say(h.route.name)
	} else if h.mux != nil {
		defer func() {
			if pattern := h.patternOf(r); pattern != "" {
				outer.say(pattern)
			}
		}()
	}
	h.next.ServeHTTP(w, r)
}

// say sets the route of the claimed request, if it is still running; "" is none.
func (c claim) say(pattern string) {
	name := label(pattern) // a client may have chosen the method in front
	if !c.rec.borrow() {
		return
	}
	var s *scope
	if c.rec.start == c.start {
		c.rec.route = c.rec.handler.core.routes.find(name)
		s = c.rec.scope
	}
	c.rec.giveBack()
	if s != nil {
		s.named(name)
	}
}
