package main

import (
	"net/http"
	"strings"

	"github.com/labstack/echo-contrib/echoprometheus"
	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	slokecho "github.com/slok/go-http-metrics/middleware/echo"

	"github.com/chronoretrace/chronomon/internal/httpcases"
)

const bareEcho = "bare echo"

func stockEcho(use ...echo.MiddlewareFunc) http.Handler {
	e := echo.New()
	e.Use(use...)
	e.GET(colons(stockRoute), func(c echo.Context) error {
		c.Response().WriteHeader(http.StatusOK)
		_, err := c.Response().Write(payload)
		return err
	})
	return e
}

func echoPeers() []peer {
	return []peer{
		{bareEcho, frameworks, "", func() http.Handler { return stockEcho() }},
		{"echo: slok", frameworks, bareEcho, func() http.Handler {
			return stockEcho(slokecho.Handler("", newSlok(prometheus.NewRegistry())))
		}},
		{"echo: echoprometheus", frameworks, bareEcho, func() http.Handler {
			return stockEcho(echoprometheus.NewMiddlewareWithConfig(echoprometheus.MiddlewareConfig{Registerer: prometheus.NewRegistry()}))
		}},
	}
}

func echoSubject() (httpcases.Subject, error) {
	reg := prometheus.NewRegistry()
	return httpcases.Subject{
		Name: "echoprometheus",
		Wrap: func(app httpcases.App) (http.Handler, error) {
			mw, err := echoprometheus.MiddlewareConfig{Registerer: reg}.ToMiddleware()
			if err != nil {
				return nil, err
			}
			e := echo.New()
			e.Use(mw)
			if app.Between != nil {
				e.Use(echo.WrapMiddleware(app.Between))
			}
			for _, r := range app.Routes {
				if r.Method == "" {
					e.Any(colons(r.Path), echo.WrapHandler(r.Handler))
				} else {
					e.Add(r.Method, colons(r.Path), echo.WrapHandler(r.Handler))
				}
			}
			return e, nil
		},
		Gatherer: reg,
		Metrics: httpcases.Metrics{
			Requests: "echo_requests_total", Duration: "echo_request_duration_seconds",
			RequestBytes: "echo_request_size_bytes", ResponseBytes: "echo_response_size_bytes",
			Status: "code", Method: "method", Endpoint: "url",
		},
	}, nil
}

// colons turns the wildcards of a ServeMux pattern into :names.
func colons(path string) string {
	return strings.NewReplacer("{", ":", "}", "").Replace(path)
}
