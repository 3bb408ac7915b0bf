package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/apimon"
	"github.com/chronoretrace/chronomon/monitor"
)

// BenchmarkRequest is what a request to /quotes/{symbol} costs: with the router
// alone, and measured.
func BenchmarkRequest(b *testing.B) {
	answer := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }
	chiBare := chi.NewRouter()
	chiBare.Get("/quotes/{symbol}", answer)
	ginBare := gin.New()
	ginBare.GET("/quotes/:symbol", gin.WrapF(answer))
	echoBare := echo.New()
	echoBare.GET("/quotes/:symbol", echo.WrapHandler(http.HandlerFunc(answer)))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /quotes/{symbol}", answer)

	m, err := monitor.New()
	require.NoError(b, err)
	api, err := apimon.New(m)
	require.NoError(b, err)
	chiPlain := chi.NewRouter()
	chiPlain.Use(api.Handler)
	chiPlain.Get("/quotes/{symbol}", answer)
	a := at("/quotes/{symbol}", answer)
	for _, c := range []struct {
		name string
		h    http.Handler
	}{
		{"mux/bare", mux},
		{"mux/measured", api.Handler(mux)},
		{"chi/bare", chiBare},
		{"chi/measured-without-chiRoute", chiPlain},
		{"chi/measured", chiApp(api, a)},
		{"gin/bare", ginBare},
		{"gin/measured", ginApp(api, a)},
		{"echo/bare", echoBare},
		{"echo/measured", echoApp(api, a)},
	} {
		b.Run(c.name, func(b *testing.B) {
			w := &nowhere{header: http.Header{}}
			r := httptest.NewRequest(http.MethodGet, "/quotes/600519", http.NoBody)
			b.ReportAllocs()
			for b.Loop() {
				c.h.ServeHTTP(w, r)
			}
		})
	}
}

// nowhere is a response that goes nowhere.
type nowhere struct{ header http.Header }

func (w *nowhere) Header() http.Header         { return w.header }
func (w *nowhere) WriteHeader(int)             {}
func (w *nowhere) Write(b []byte) (int, error) { return len(b), nil }
