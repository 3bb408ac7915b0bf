package apimon

import (
	"net/http"
	"strings"
)

// Mux finds the route of a request: a *http.ServeMux, or what stands for
// another router. The pattern is "" where none matches. Handler may be called
// concurrently, with requests that have a method, a host and a URL only.
type Mux interface {
	Handler(r *http.Request) (h http.Handler, pattern string)
}

// routeFirst asks for the route before the handler runs.
func (h *handler) routeFirst(r *http.Request) *route {
	switch {
	case h.route != nil:
		return h.route
	case h.mux != nil:
		return h.core.routes.find(h.ask(r))
	}
	return h.core.routes.none
}

// patternOf is the pattern that the request's mux found.
func (h *handler) patternOf(r *http.Request) string {
	if r.Pattern == "" && h.copies {
		return h.ask(r)
	}
	return withoutPath(r, r.Pattern)
}

// ask asks the mux for the request's pattern. A mux that panics knows none.
func (h *handler) ask(r *http.Request) (pattern string) {
	var err error
	defer h.core.m.Guard("apimon.Mux", &err)
	_, pattern = h.mux.Handler(r)
	return withoutPath(r, pattern)
}

// withoutPath returns the pattern unless it is the path: that is what a
// ServeMux says of a CONNECT request which it redirects, and a path, which the
// client chose, is no label.
func withoutPath(r *http.Request, pattern string) string {
	if r.Method == http.MethodConnect && r.URL != nil && strings.TrimSuffix(pattern, "/") == strings.TrimSuffix(r.URL.Path, "/") {
		return ""
	}
	return pattern
}
