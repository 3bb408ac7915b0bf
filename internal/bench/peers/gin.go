package main

import (
	"io"
	"net/http"
	"sync"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"
	slokgin "github.com/slok/go-http-metrics/middleware/gin"
	ginprometheus "github.com/zsais/go-gin-prometheus"

	"github.com/chronoretrace/chronomon/internal/httpcases"
)

const bareGin = "bare gin"

// ginOnce sets the mode: gin has it, and the debug print of routes, globally.
var ginOnce = sync.OnceFunc(func() { gin.SetMode(gin.ReleaseMode) })

func newGin() *gin.Engine {
	ginOnce()
	e := gin.New()
	e.HandleMethodNotAllowed = true
	return e
}

func stockGin(use ...gin.HandlerFunc) http.Handler {
	e := newGin()
	e.Use(use...)
	e.GET(colons(stockRoute), func(c *gin.Context) {
		c.Writer.WriteHeader(http.StatusOK)
		_, _ = c.Writer.Write(payload)
	})
	return e
}

// newZsais makes the middleware record into reg. It knows no other registry
// than the global one, and says on a logger when that refuses.
func newZsais(reg prometheus.Registerer) gin.HandlerFunc {
	global := prometheus.DefaultRegisterer
	prometheus.DefaultRegisterer = reg
	logrus.SetOutput(io.Discard)
	defer func() { prometheus.DefaultRegisterer = global }()
	return ginprometheus.NewPrometheus("gin").HandlerFunc()
}

func ginPeers() []peer {
	return []peer{
		{bareGin, frameworks, "", func() http.Handler { return stockGin() }},
		{"gin: slok", frameworks, bareGin, func() http.Handler {
			return stockGin(slokgin.Handler("", newSlok(prometheus.NewRegistry())))
		}},
		{"gin: zsais/go-gin-prometheus", frameworks, bareGin, func() http.Handler {
			return stockGin(newZsais(prometheus.NewRegistry()))
		}},
	}
}

func ginSubject() (httpcases.Subject, error) {
	reg := prometheus.NewRegistry()
	return httpcases.Subject{
		Name: "gin zsais",
		Wrap: func(app httpcases.App) (http.Handler, error) {
			if app.Between != nil {
				return nil, httpcases.ErrUnsupported // gin takes no net/http middlewares
			}
			e := newGin()
			e.Use(newZsais(reg))
			for _, r := range app.Routes {
				if r.Method == "" {
					e.Any(colons(r.Path), gin.WrapF(r.Handler))
				} else {
					e.Handle(r.Method, colons(r.Path), gin.WrapF(r.Handler))
				}
			}
			return e, nil
		},
		Gatherer: reg,
		Metrics: httpcases.Metrics{
			Requests: "gin_requests_total", Duration: "gin_request_duration_seconds",
			RequestBytes: "gin_request_size_bytes", ResponseBytes: "gin_response_size_bytes",
			Status: "code", Method: "method", Endpoint: "url",
		},
	}, nil
}
