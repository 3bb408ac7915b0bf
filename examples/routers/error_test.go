package main

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/apimon"
)

var errTaken = errors.New("name is taken")

// What counts is the status that the framework makes of a handler's error, each
// in its own way and at its own time.
func TestError(t *testing.T) {
	t.Parallel()
	withEcho := func(add func(*echo.Echo)) func(*apimon.Middleware) http.Handler {
		return func(api *apimon.Middleware) http.Handler { return echoRouter(api, add) }
	}
	echoReturns := func(err error) func(*apimon.Middleware) http.Handler {
		return withEcho(func(e *echo.Echo) { e.GET("/x", func(echo.Context) error { return err }) })
	}
	withGin := func(h gin.HandlerFunc, use ...gin.HandlerFunc) func(*apimon.Middleware) http.Handler {
		return func(api *apimon.Middleware) http.Handler {
			return ginRouter(api, func(r *gin.Engine) { r.Use(use...).GET("/x", h) })
		}
	}
	cases := []struct {
		name   string
		build  func(*apimon.Middleware) http.Handler
		status int
	}{
		{"chi: http.Error", func(api *apimon.Middleware) http.Handler {
			return chiRouter(api, func(r chi.Router) {
				r.Get("/x", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "taken", http.StatusConflict) })
			})
		}, 409},
		{"gin: AbortWithError", withGin(func(c *gin.Context) { _ = c.AbortWithError(http.StatusConflict, errTaken) }), 409},
		{"gin: Status alone", withGin(func(c *gin.Context) { c.Status(http.StatusConflict) }), 409},
		{"gin: mapped by a middleware", withGin(func(c *gin.Context) { _ = c.Error(errTaken) }, func(c *gin.Context) {
			if c.Next(); errors.Is(c.Errors.Last(), errTaken) {
				c.JSON(http.StatusConflict, gin.H{})
			}
		}), 409},
		{"gin: a middleware aborts", withGin(func(*gin.Context) {}, func(c *gin.Context) { c.AbortWithStatus(http.StatusUnauthorized) }), 401},
		{"echo: HTTPError", echoReturns(echo.NewHTTPError(http.StatusConflict)), 409},
		{"echo: any error", echoReturns(errTaken), 500},
		{"echo: mapped by the error handler", withEcho(func(e *echo.Echo) {
			e.HTTPErrorHandler = func(err error, c echo.Context) {
				if errors.Is(err, errTaken) {
					_ = c.NoContent(http.StatusConflict)
				}
			}
			e.GET("/x", func(echo.Context) error { return errTaken })
		}), 409},
		{"echo: a middleware refuses", withEcho(func(e *echo.Echo) {
			e.Use(func(echo.HandlerFunc) echo.HandlerFunc {
				return func(echo.Context) error { return echo.ErrUnauthorized }
			})
			e.GET("/x", func(echo.Context) error { return nil })
		}), 401},
		{"echo: error after the response", withEcho(func(e *echo.Echo) {
			e.GET("/x", func(c echo.Context) error { return errors.Join(c.NoContent(http.StatusCreated), errTaken) })
		}), 201},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := setup(t, c.build)
			status, _ := s.do(t, http.MethodGet, "/x")
			require.Equal(t, c.status, status)
			s.counted(t, "GET /x "+strconv.Itoa(c.status))
		})
	}
}

func TestPanic(t *testing.T) {
	t.Parallel()
	early := func(http.ResponseWriter, *http.Request) { panic("a bug") }
	late := func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		_ = http.NewResponseController(w).Flush()
		panic("a bug")
	}
	cases := []struct {
		name     string
		handler  http.HandlerFunc
		recovers bool
		got      int // what the client got; 0 if the connection died before
		counted  string
		panics   bool // seen by apimon
	}{
		{"recovered", early, true, 500, "500", false},
		{"not recovered", early, false, 0, "500", true},
		// The framework has nothing left to answer, and apimon outside of it saw no panic.
		{"recovered after the status", late, true, 202, "202", false},
		{"not recovered after the status", late, false, 202, "500", true},
	}
	each(t, func(t *testing.T, f framework) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				a := at("/bug/{id}", c.handler)
				a.recovers = c.recovers
				s := setupApp(t, f, a)
				resp, err := s.client.Get(s.url + "/bug/1")
				if c.got == 0 {
					require.ErrorIs(t, err, io.EOF)
				} else {
					require.NoError(t, err)
					require.Equal(t, c.got, resp.StatusCode)
					_, err = io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
					require.Equal(t, !c.recovers, errors.Is(err, io.ErrUnexpectedEOF), "the connection: %v", err)
				}
				label := f.label("/bug/{id}")
				s.counted(t, "GET "+label+" "+c.counted)
				panics := map[string]float64{}
				if c.panics {
					panics[label] = 1
				}
				require.Equal(t, panics, s.values(t, "api_panics_total"))
			})
		}
	})
}
