package apimon

import (
	"context"
	"net/http"
	"sync"

	"github.com/chronoretrace/chronomon/monitor"
)

// scope is what a request's context carries: the way from inside back to the
// measuring. It may outlive the request.
type scope struct {
	handler *handler
	request *http.Request // the one that carries the scope

	mu  sync.Mutex
	rec *recorder // guarded by mu; nil once the request is over
	// name is the route once known. Guarded by mu.
	name string
}

var _ monitor.Caller = (*scope)(nil)

// SetRoute says the route of the request whose context ctx is or comes from:
// for routers that do not set http.Request.Pattern, called by a middleware of
// theirs or by the handler. "" says that no route matched. The last call wins.
// It does nothing if the request is over, not measured, or its route was given
// at registration. Around a mux, and with WithMux, the mux says the route: most
// requests do not carry what SetRoute needs then.
func SetRoute(ctx context.Context, route string) {
	s, ok := monitor.CallerFrom(ctx).(*scope)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rec == nil || s.handler.route != nil {
		return
	}
	s.name = label(route)
	s.rec.say(route)
}

// CallerName implements monitor.Caller: the route, once it is known.
func (s *scope) CallerName() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.name != "":
	case s.handler.route != nil:
		s.name = s.handler.route.name
	case s.request.Pattern != "":
		s.name = label(s.request.Pattern)
	case s.handler.copies: // the mux has said it to a copy of the request
		_, pattern := s.handler.mux.Handler(s.request)
		s.name = label(pattern)
	}
	return s.name
}

// recorder returns the recorder of the request, nil once it is over.
func (s *scope) recorder() *recorder {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rec
}

func (s *scope) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rec = nil
}
