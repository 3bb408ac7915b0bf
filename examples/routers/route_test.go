package main

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/labstack/echo/v4"
	echomiddleware "github.com/labstack/echo/v4/middleware"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/apimon"
)

func TestRoute(t *testing.T) {
	t.Parallel()
	a := app{
		routes: []route{
			{http.MethodGet, "/", ok},
			{http.MethodGet, "/quotes/{symbol}", ok},
			{http.MethodDelete, "/quotes/{symbol}", ok},
			{http.MethodGet, "/files/{path...}", ok},
		},
		prefix: "/accounts/{account}",
		sub:    []route{{http.MethodGet, "/orders/{order}", ok}},
	}
	const unmatched = "unmatched"
	cases := []struct {
		name, method, path string
		status             int
		endpoint           string // in the notation of http.ServeMux
		echo               string // echo's, where it differs
	}{
		{"root", "GET", "/", 200, "/", ""},
		{"query", "GET", "/?page=2", 200, "/", ""},
		{"parameter", "GET", "/quotes/600519", 200, "/quotes/{symbol}", ""},
		{"another method", "DELETE", "/quotes/600519", 200, "/quotes/{symbol}", ""},
		{"wildcard", "GET", "/files/2026/q3.csv", 200, "/files/{path...}", ""},
		{"sub-router", "GET", "/accounts/7/orders/42", 200, "/accounts/{account}/orders/{order}", ""},
		{"404", "GET", "/wp-login.php", 404, unmatched, ""},
		{"404 in the sub-router", "GET", "/accounts/7/nothing", 404, unmatched, ""},
		// echo is the only one to say which route it is that refuses the method.
		{"405", "POST", "/quotes/600519", 405, unmatched, "/quotes/{symbol}"},
		{"405 in the sub-router", "POST", "/accounts/7/orders/42", 405, unmatched, "/accounts/{account}/orders/{order}"},
	}
	each(t, func(t *testing.T, f framework) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				s := setupApp(t, f, a)
				status, _ := s.do(t, c.method, c.path)
				require.Equal(t, c.status, status)
				endpoint := c.endpoint
				if f.name == "echo" && c.echo != "" {
					endpoint = c.echo
				}
				s.counted(t, c.method+" "+f.label(endpoint)+" "+strconv.Itoa(c.status))
			})
		}
	})
}

// The route is said before the handler runs: a request that hangs shows where.
func TestRouteInFlight(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f framework) {
		entered, leave := make(chan struct{}), make(chan struct{})
		s := setupApp(t, f, app{recovers: true, prefix: "/accounts/{account}", sub: []route{
			{http.MethodGet, "/report", func(http.ResponseWriter, *http.Request) {
				close(entered)
				<-leave
			}},
		}})
		var client sync.WaitGroup
		client.Go(func() { s.do(t, http.MethodGet, "/accounts/7/report") })
		<-entered
		label := f.label("/accounts/{account}/report")
		running := s.values(t, "api_concurrent_requests")
		close(leave)
		client.Wait()
		require.Equal(t, map[string]float64{label: 1}, running)
		s.counted(t, "GET "+label+" 200")
	})
}

// What answers in the handler's place, between apimon and the router, keeps the
// route that was said: from another goroutine, maybe after the request.
func TestRouteTimeout(t *testing.T) {
	t.Parallel()
	var handlers sync.WaitGroup
	t.Cleanup(handlers.Wait)
	hang := func(_ http.ResponseWriter, r *http.Request) {
		handlers.Add(1)
		defer handlers.Done()
		<-r.Context().Done()
	}
	timeout := func(next http.Handler) http.Handler {
		return http.TimeoutHandler(next, 200*time.Millisecond, "too late")
	}
	for name, build := range map[string]func(*apimon.Middleware) http.Handler{
		"chi": func(api *apimon.Middleware) http.Handler {
			r := chi.NewRouter()
			r.Use(api.Handler, timeout, chiRoute)
			r.Get("/report", hang)
			return r
		},
		"gin": func(api *apimon.Middleware) http.Handler {
			r := gin.New()
			r.Use(ginRoute)
			r.GET("/report", gin.WrapF(hang))
			return api.Handler(timeout(r))
		},
		"echo": func(api *apimon.Middleware) http.Handler {
			e := echo.New()
			e.Use(echoRoute)
			e.GET("/report", echo.WrapHandler(http.HandlerFunc(hang)))
			return api.Handler(timeout(e))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setup(t, build)
			status, body := s.do(t, http.MethodGet, "/report")
			require.Equal(t, http.StatusServiceUnavailable, status)
			require.Equal(t, "too late", body)
			s.counted(t, "GET /report 503")
		})
	}
}

// A group with middlewares is a route of its own to echo, which they run for.
func TestRouteEchoGroup(t *testing.T) {
	t.Parallel()
	s := setup(t, func(api *apimon.Middleware) http.Handler {
		return echoRouter(api, func(e *echo.Echo) {
			e.Group("/accounts/:account", echomiddleware.RequestID()).GET("/orders/:order", func(c echo.Context) error {
				return c.NoContent(http.StatusOK)
			})
		})
	})
	s.do(t, http.MethodGet, "/accounts/7/orders/42")
	s.do(t, http.MethodGet, "/accounts/7/nothing")
	s.do(t, http.MethodGet, "/nothing")
	s.counted(t, "GET /accounts/:account/orders/:order 200", "GET /accounts/:account/* 404", "GET unmatched 404")
}

// What the router says goes before the pattern of a mux that it is mounted in.
func TestRouteInMux(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f framework) {
		s := setup(t, func(api *apimon.Middleware) http.Handler {
			mux := http.NewServeMux()
			mux.Handle("/", f.serve(api, at("/quotes/{symbol}", ok)))
			return mux
		})
		s.do(t, http.MethodGet, "/quotes/600519")
		s.counted(t, "GET "+f.label("/quotes/{symbol}")+" 200")
	})
}

func TestRouteSkipped(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f framework) {
		var s *stage
		var during map[string]float64
		s = setupApp(t, f, app{
			routes: []route{{http.MethodGet, "/quotes/{symbol}", ok}},
			prefix: "/internal/{shard}",
			sub: []route{{http.MethodGet, "/health", func(w http.ResponseWriter, _ *http.Request) {
				during = s.values(t, "api_concurrent_requests")
				_, _ = io.WriteString(w, "ok")
			}}},
		}, apimon.WithSkip(f.label("/internal/{shard}/health")))
		status, _ := s.do(t, http.MethodGet, "/internal/3/health")
		require.Equal(t, http.StatusOK, status)
		s.counted(t)
		require.Empty(t, during)
		s.do(t, http.MethodGet, "/quotes/600519")
		s.counted(t, "GET "+f.label("/quotes/{symbol}")+" 200")
	})
}

// What a router beside serves is not measured, and saying a route there does no harm.
func TestRouteNotMeasured(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f framework) {
		s := setup(t, func(api *apimon.Middleware) http.Handler {
			measured := f.serve(api, at("/quotes/{symbol}", ok))
			beside := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				apimon.SetRoute(r.Context(), "/admin")
				ok(w, r)
			})
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/admin" {
					beside.ServeHTTP(w, r)
				} else {
					measured.ServeHTTP(w, r)
				}
			})
		})
		status, _ := s.do(t, http.MethodGet, "/admin")
		require.Equal(t, http.StatusOK, status)
		s.counted(t)
		s.do(t, http.MethodGet, "/quotes/600519")
		s.counted(t, "GET "+f.label("/quotes/{symbol}")+" 200")
	})
}

// Frameworks use their contexts again: no request may show another's route.
func TestRouteConcurrent(t *testing.T) {
	t.Parallel()
	const clients, rounds = 8, 20
	paths := map[string]string{"/a/1": "/a/{x}", "/b/2": "/b/{x}", "/c/3/d/4": "/c/{x}/d/{y}"}
	each(t, func(t *testing.T, f framework) {
		a := app{recovers: true}
		want := map[string]float64{"GET unmatched 404": clients * rounds}
		for _, pattern := range paths {
			a.routes = append(a.routes, route{http.MethodGet, pattern, ok})
			want["GET "+f.label(pattern)+" 200"] = clients * rounds
		}
		s := setupApp(t, f, a)
		var all sync.WaitGroup
		for range clients {
			all.Go(func() {
				for range rounds {
					for path := range paths {
						s.do(t, http.MethodGet, path)
					}
					s.do(t, http.MethodGet, "/nowhere")
				}
			})
		}
		all.Wait()
		s.requests.Wait()
		require.Equal(t, want, s.values(t, "api_request_total"))
	})
}

// A client that leaves counts under its route.
func TestRouteClientGone(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f framework) {
		ctx, leave := context.WithCancel(t.Context())
		s := setupApp(t, f, at("/report/{id}", func(_ http.ResponseWriter, r *http.Request) {
			leave()
			<-r.Context().Done()
		}))
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/report/1", http.NoBody)
		require.NoError(t, err)
		_, err = s.client.Do(req)
		require.ErrorIs(t, err, context.Canceled)
		status := "499"
		if f.name == "gin" {
			status = "200" // which it sends if the handler has not, whoever is there
		}
		s.counted(t, "GET "+f.label("/report/{id}")+" "+status)
	})
}
