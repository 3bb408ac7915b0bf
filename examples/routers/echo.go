package main

import (
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/chronoretrace/chronomon/apimon"
)

// echoRouter returns an echo server, measured by api, with the routes that add
// adds.
//
// api.Handler is around the server, not one of its middlewares, as
// echo.WrapMiddleware would make it: echo answers a handler's error after they
// have returned. What is returned is for http.Server, in place of the server's
// Start.
func echoRouter(api *apimon.Middleware, add func(*echo.Echo)) http.Handler {
	e := echo.New()
	e.Use(echoRoute)
	add(e)
	return api.Handler(e)
}

// echoRoute says the route, before the handler runs.
func echoRoute(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		apimon.SetRoute(c.Request().Context(), c.Path())
		return next(c)
	}
}

// echoQuotes adds the service.
func echoQuotes(metrics http.Handler) func(*echo.Echo) {
	return func(e *echo.Echo) {
		e.Use(middleware.Recover())
		e.GET("/metrics", echo.WrapHandler(metrics))
		e.GET("/quotes/:symbol", func(c echo.Context) error {
			q, ok := find(c.Param("symbol"))
			if !ok {
				return echo.NewHTTPError(http.StatusNotFound, "unknown symbol")
			}
			return c.JSON(http.StatusOK, q)
		})
		account := e.Group("/accounts/:account")
		account.GET("/orders/:order", func(c echo.Context) error {
			return c.JSON(http.StatusOK, order{c.Param("account"), c.Param("order")})
		})
		account.POST("/orders", func(c echo.Context) error { return c.NoContent(http.StatusCreated) })
		e.GET("/history", func(echo.Context) error {
			return echo.NewHTTPError(http.StatusServiceUnavailable, "unavailable").SetInternal(errHistory)
		})
		e.GET("/ticks", func(c echo.Context) error {
			w := c.Response()
			w.Header().Set(echo.HeaderContentType, "text/event-stream")
			for i := range ticks {
				fmt.Fprintf(w, "data: %d\n\n", i)
				w.Flush()
				time.Sleep(tickEvery)
			}
			return nil
		})
	}
}
