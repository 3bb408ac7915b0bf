package httpcases

import (
	"errors"
	"net/http"
)

// ErrUnsupported is returned by a Subject's Wrap for an app it has no way to
// serve. The case is then [Absent] for that subject.
var ErrUnsupported = errors.New("httpcases: not supported by this subject")

// A Route is one handler of an App. An empty Method stands for every method.
// Path is a ServeMux pattern without method and host.
type Route struct {
	Method, Path string
	Handler      http.HandlerFunc
}

// An App is what stands behind the middleware under test.
type App struct {
	Routes []Route
	// Between, if set, is a middleware between the one under test and the router.
	Between func(http.Handler) http.Handler
}

// Mux returns the app's routes on a ServeMux, without Between.
func (a App) Mux() *http.ServeMux {
	mux := http.NewServeMux()
	for _, r := range a.Routes {
		pattern := r.Path
		if r.Method != "" {
			pattern = r.Method + " " + pattern
		}
		mux.Handle(pattern, r.Handler)
	}
	return mux
}

// Router returns next behind Between, or next itself where there is none.
func (a App) Router(next http.Handler) http.Handler {
	if a.Between == nil {
		return next
	}
	return a.Between(next)
}
