package main

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	chimiddleware "github.com/go-chi/chi/v5/middleware"
	"github.com/labstack/echo/v4"
	echomiddleware "github.com/labstack/echo/v4/middleware"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chronoretrace/chronomon/apimon"
	"github.com/chronoretrace/chronomon/monitor"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode)
	goleak.VerifyTestMain(m)
}

// app is what a test puts behind each router. The handlers are net/http's: they
// are given the framework's own writer.
type app struct {
	recovers bool    // with the framework's recovery middleware
	routes   []route // of the root
	prefix   string
	sub      []route // of a sub-router at prefix
}

// route is in the notation of http.ServeMux.
type route struct {
	method, pattern string
	handler         http.HandlerFunc
}

// at is an app with one route.
func at(pattern string, h http.HandlerFunc) app {
	return app{routes: []route{{http.MethodGet, pattern, h}}}
}

// framework is one of the three.
type framework struct {
	name  string
	serve func(*apimon.Middleware, app) http.Handler
	label func(pattern string) string // how the framework writes a pattern
}

var frameworks = []framework{{"chi", chiApp, chiLabel}, {"gin", ginApp, ginLabel}, {"echo", echoApp, echoLabel}}

var (
	chiLabel  = strings.NewReplacer("{path...}", "*").Replace
	ginLabel  = strings.NewReplacer("{path...}", "*path", "{", ":", "}", "").Replace
	echoLabel = strings.NewReplacer("{path...}", "*", "{", ":", "}", "").Replace
)

func chiApp(api *apimon.Middleware, a app) http.Handler {
	return chiRouter(api, func(r chi.Router) {
		if a.recovers {
			r.Use(chiRecoverer)
		}
		for _, rt := range a.routes {
			r.Method(rt.method, chiLabel(rt.pattern), rt.handler)
		}
		if a.sub != nil {
			r.Route(chiLabel(a.prefix), func(r chi.Router) {
				for _, rt := range a.sub {
					r.Method(rt.method, chiLabel(rt.pattern), rt.handler)
				}
			})
		}
	})
}

// chiRecoverer is chi's behind a logger that says nothing: like all of chi's
// loggers it wraps the writer and copies the request.
func chiRecoverer(next http.Handler) http.Handler {
	return chimiddleware.RequestLogger(noLog{})(chimiddleware.Recoverer(next))
}

type noLog struct{}

func (noLog) NewLogEntry(*http.Request) chimiddleware.LogEntry { return noLog{} }
func (noLog) Write(int, int, http.Header, time.Duration, any)  {}
func (noLog) Panic(any, []byte)                                {}

func ginApp(api *apimon.Middleware, a app) http.Handler {
	return ginRouter(api, func(r *gin.Engine) {
		r.HandleMethodNotAllowed = true // or it answers 404
		if a.recovers {
			r.Use(gin.RecoveryWithWriter(io.Discard))
		}
		for _, rt := range a.routes {
			r.Handle(rt.method, ginLabel(rt.pattern), gin.WrapF(rt.handler))
		}
		group := r.Group(ginLabel(a.prefix))
		for _, rt := range a.sub {
			group.Handle(rt.method, ginLabel(rt.pattern), gin.WrapF(rt.handler))
		}
	})
}

func echoApp(api *apimon.Middleware, a app) http.Handler {
	return echoRouter(api, func(e *echo.Echo) {
		if a.recovers {
			e.Use(echomiddleware.RecoverWithConfig(echomiddleware.RecoverConfig{DisablePrintStack: true}))
		}
		for _, rt := range a.routes {
			e.Add(rt.method, echoLabel(rt.pattern), echo.WrapHandler(rt.handler))
		}
		group := e.Group(echoLabel(a.prefix))
		for _, rt := range a.sub {
			group.Add(rt.method, echoLabel(rt.pattern), echo.WrapHandler(rt.handler))
		}
	})
}

// each runs the test for each framework.
func each(t *testing.T, test func(t *testing.T, f framework)) {
	t.Helper()
	for _, f := range frameworks {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			test(t, f)
		})
	}
}

// stage is a server on loopback and the monitor that measures it.
type stage struct {
	m        *monitor.Monitor
	url      string
	client   *http.Client
	requests sync.WaitGroup // being served
}

// setup serves what build returns.
func setup(t *testing.T, build func(*apimon.Middleware) http.Handler, opts ...apimon.Option) *stage {
	t.Helper()
	m, err := monitor.New()
	require.NoError(t, err)
	api, err := apimon.New(m, opts...)
	require.NoError(t, err)
	h := build(api)
	s := &stage{m: m}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		defer s.requests.Done()
		h.ServeHTTP(w, r)
	}))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.Start()
	t.Cleanup(srv.Close)
	s.url, s.client = srv.URL, srv.Client()
	s.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return s
}

// setupApp serves the app behind the framework's router.
func setupApp(t *testing.T, f framework, a app, opts ...apimon.Option) *stage {
	t.Helper()
	return setup(t, func(api *apimon.Middleware) http.Handler { return f.serve(api, a) }, opts...)
}

// do sends a request and returns the status and the body.
func (s *stage) do(t *testing.T, method, path string) (status int, body string) {
	t.Helper()
	resp := s.open(t, method, path)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(b)
}

// open sends a request and returns the response with its body still to be read.
func (s *stage) open(t *testing.T, method, path string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+path, http.NoBody)
	require.NoError(t, err)
	resp, err := s.client.Do(req)
	require.NoError(t, err)
	return resp
}

// scrape returns a metric's series as a scraper reads them.
func (s *stage) scrape(t *testing.T, metric string) []*dto.Metric {
	t.Helper()
	rec := httptest.NewRecorder()
	s.m.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	require.Equal(t, http.StatusOK, rec.Code)
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(rec.Body)
	require.NoError(t, err)
	return families[metric].GetMetric()
}

// values returns a metric's values (of a histogram: its counts) by labels, as in
// "GET /quotes/{symbol} 200". Zeros are left out.
func (s *stage) values(t *testing.T, metric string) map[string]float64 {
	t.Helper()
	out := map[string]float64{}
	for _, series := range s.scrape(t, metric) {
		var key []string
		for _, name := range []string{"method", "endpoint", "status_code", "kind"} {
			if v := label(series, name); v != "" {
				key = append(key, v)
			}
		}
		v := series.GetCounter().GetValue() + series.GetGauge().GetValue() + float64(series.GetHistogram().GetSampleCount())
		if v != 0 {
			out[strings.Join(key, " ")] = v
		}
	}
	return out
}

// sum returns a histogram's sum over all series.
func (s *stage) sum(t *testing.T, metric string) (sum float64) {
	t.Helper()
	for _, series := range s.scrape(t, metric) {
		sum += series.GetHistogram().GetSampleSum()
	}
	return sum
}

// counted waits for the requests to end and checks what api_request_total has
// counted, as in "GET /quotes/{symbol} 200", once each.
func (s *stage) counted(t *testing.T, want ...string) {
	t.Helper()
	s.requests.Wait()
	once := map[string]float64{}
	for _, w := range want {
		once[w]++
	}
	require.Equal(t, once, s.values(t, "api_request_total"))
	require.Empty(t, s.values(t, "api_concurrent_requests"))
}

func ok(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }
