package main

import (
	"net/http"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/apimon"
)

// chiTree adds a route, a sub-router and a mounted router.
func chiTree(r chi.Router) {
	r.Get("/quotes/{symbol}", ok)
	r.Route("/accounts/{account}", func(r chi.Router) {
		r.Get("/", ok)
		r.With(middleware.NoCache).Get("/orders/{order}", ok)
	})
	admin := chi.NewRouter()
	admin.Get("/users/{id:[0-9]+}", ok)
	r.Mount("/admin", admin)
	r.Mount("/debug", http.HandlerFunc(ok))
}

// chi's own pattern, with and without help.
func TestChiPattern(t *testing.T) {
	t.Parallel()
	cases := []struct{ path, want string }{
		{"/quotes/600519", "/quotes/{symbol}"},
		{"/quotes/a%2Fb", "/quotes/{symbol}"}, // chi routes the escaped path
		{"/accounts/7", "/accounts/{account}"},
		{"/accounts/7/", "/accounts/{account}"},
		{"/accounts/7/orders/42", "/accounts/{account}/orders/{order}"},
		{"/admin/users/1", "/admin/users/{id:[0-9]+}"},
		{"/debug/vars", "/debug/*"},
	}
	for name, use := range map[string][]func(http.Handler) http.Handler{
		"by itself":                     nil,
		"said":                          {chiRoute},
		"said, and the request copied":  {chiRoute, middleware.RequestID},
		"the request copied, then said": {middleware.RequestID, chiRoute},
	} {
		for _, c := range cases {
			t.Run(name+" "+c.path, func(t *testing.T) {
				t.Parallel()
				s := setup(t, func(api *apimon.Middleware) http.Handler {
					r := chi.NewRouter()
					r.Use(api.Handler)
					r.Use(use...)
					chiTree(r)
					return r
				})
				status, _ := s.do(t, http.MethodGet, c.path)
				require.Equal(t, http.StatusOK, status)
				s.counted(t, "GET "+c.want+" 200")
			})
		}
	}
}

// Why chiRoute is there: what becomes of the route without it.
func TestChiPatternWithoutHelp(t *testing.T) {
	t.Parallel()
	inside := func(use ...func(http.Handler) http.Handler) func(*apimon.Middleware) http.Handler {
		return func(api *apimon.Middleware) http.Handler {
			r := chi.NewRouter()
			r.Use(api.Handler)
			r.Use(use...)
			chiTree(r)
			return r
		}
	}
	around := func(api *apimon.Middleware) http.Handler {
		r := chi.NewRouter()
		chiTree(r)
		return api.Handler(r)
	}
	for name, c := range map[string]struct {
		build      func(*apimon.Middleware) http.Handler
		path, want string
	}{
		"a middleware copies the request": {inside(middleware.RequestID), "/quotes/600519", "GET unmatched 200"},
		"apimon is around the router":     {around, "/quotes/600519", "GET unmatched 200"},
		"404 in a sub-router":             {inside(), "/accounts/7/nothing", "GET /accounts/{account}/* 404"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setup(t, c.build)
			s.do(t, http.MethodGet, c.path)
			s.counted(t, c.want)
		})
	}
}

// Middlewares that change how a request is routed go before.
func TestChiRerouted(t *testing.T) {
	t.Parallel()
	s := setup(t, func(api *apimon.Middleware) http.Handler {
		r := chi.NewRouter()
		r.Use(api.Handler, middleware.GetHead, middleware.StripSlashes, chiRoute, middleware.RequestID)
		chiTree(r)
		return r
	})
	status, _ := s.do(t, http.MethodHead, "/quotes/600519/")
	require.Equal(t, http.StatusOK, status)
	s.counted(t, "HEAD /quotes/{symbol} 200")
}

// Inside of the Recoverer apimon sees the panic itself.
func TestChiInsideOfRecoverer(t *testing.T) {
	t.Parallel()
	s := setup(t, func(api *apimon.Middleware) http.Handler {
		r := chi.NewRouter()
		r.Use(chiRecoverer, api.Handler, chiRoute)
		r.Get("/bug", func(http.ResponseWriter, *http.Request) { panic("a bug") })
		return r
	})
	status, _ := s.do(t, http.MethodGet, "/bug")
	require.Equal(t, http.StatusInternalServerError, status)
	s.counted(t, "GET /bug 500")
	require.Equal(t, map[string]float64{"/bug": 1}, s.values(t, "api_panics_total"))
}

// One part of an application may be measured alone.
func TestChiSubRouterOnly(t *testing.T) {
	t.Parallel()
	s := setup(t, func(api *apimon.Middleware) http.Handler {
		r := chi.NewRouter()
		r.Get("/health", ok)
		r.Route("/api", func(r chi.Router) {
			r.Use(api.Handler)
			chiTree(r)
		})
		return r
	})
	s.do(t, http.MethodGet, "/health")
	s.counted(t)
	s.do(t, http.MethodGet, "/api/accounts/7/orders/42")
	s.counted(t, "GET /api/accounts/{account}/orders/{order} 200")
}
