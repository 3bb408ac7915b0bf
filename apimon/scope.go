package apimon

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/chronoretrace/chronomon/monitor"
)

// scope is what a request's context carries: the way from inside back to the
// measuring. It may outlive the request, and be used from any goroutine.
type scope struct {
	handler *handler
	url     *url.URL // as the request came
	bare    *http.Request
	start   time.Duration

	mu  sync.Mutex
	rec *recorder // guarded by mu; nil once the request is over
	// name is the route once known. Guarded by mu.
	name string
}

var _ monitor.Caller = (*scope)(nil)

func newScope(h *handler, rec *recorder) *scope {
	return &scope{
		handler: h, url: rec.request.URL, rec: rec, start: rec.start,
		bare: bareRequest(rec.request.Method, rec.host, rec.path, rec.rawPath),
	}
}

// SetRoute says the route of the request whose context ctx is or comes from:
// for routers that do not set http.Request.Pattern, called by a middleware of
// theirs or by the handler. "" says that no route matched. The last call wins.
// It does nothing if the request is over, not measured, or its route was given
// at registration. Around a mux, and with WithMux, the mux says the route: most
// requests do not carry what SetRoute needs then.
func SetRoute(ctx context.Context, route string) {
	s, ok := monitor.CallerFrom(ctx).(*scope)
	if !ok || s.handler.route != nil {
		return
	}
	s.mu.Lock()
	c := claim{s.rec, s.start}
	s.mu.Unlock()
	if c.rec != nil {
		c.say(route)
	}
}

// CallerName implements monitor.Caller: the route, once it is known. Around a
// mux it is asked for here, since what the mux wrote into the request is the
// handler's goroutine's alone.
func (s *scope) CallerName() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.name != "":
	case s.handler.route != nil:
		s.name = s.handler.route.name
	case s.handler.mux != nil:
		return label(s.handler.ask(s.bare))
	}
	return s.name
}

func (s *scope) named(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.name = name
}

// claim returns the request, or nothing once it is over.
func (s *scope) claim(t *table) claim {
	s.mu.Lock()
	rec := s.rec
	s.mu.Unlock()
	if c := rec.claim(t); c.start == s.start {
		return c
	}
	return claim{}
}

func (s *scope) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rec = nil
}
