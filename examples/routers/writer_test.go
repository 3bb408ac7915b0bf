package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/apimon"
)

// A connection is taken over through the framework's own writer, which stands
// on apimon's.
func TestWriterHijack(t *testing.T) {
	t.Parallel()
	ways := map[string]func(http.ResponseWriter) (net.Conn, *bufio.ReadWriter, error){
		"Hijacker": func(w http.ResponseWriter) (net.Conn, *bufio.ReadWriter, error) {
			return w.(http.Hijacker).Hijack()
		},
		"ResponseController": func(w http.ResponseWriter) (net.Conn, *bufio.ReadWriter, error) {
			return http.NewResponseController(w).Hijack()
		},
	}
	each(t, func(t *testing.T, f framework) {
		for name, hijack := range ways {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				a := at("/socket/{id}", func(w http.ResponseWriter, _ *http.Request) {
					conn, rw, err := hijack(w)
					if assert.NoError(t, err) {
						parrot(conn, rw)
					}
				})
				a.recovers = true
				s := setupApp(t, f, a)
				label := f.label("/socket/{id}")

				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/socket/1", http.NoBody)
				require.NoError(t, err)
				req.Header.Set("Connection", "Upgrade")
				req.Header.Set("Upgrade", "parrot")
				resp, err := s.client.Do(req)
				require.NoError(t, err)
				defer resp.Body.Close()
				require.Equal(t, http.StatusSwitchingProtocols, resp.StatusCode)
				require.Equal(t, map[string]float64{label: 1}, s.values(t, "api_concurrent_requests"))
				conn := resp.Body.(io.ReadWriteCloser)
				_, err = io.WriteString(conn, "hello\n")
				require.NoError(t, err)
				line, err := bufio.NewReader(conn).ReadString('\n')
				require.NoError(t, err)
				require.Equal(t, "hello\n", line)
				require.NoError(t, conn.Close())

				s.counted(t, "GET "+label+" 101")
				require.Equal(t, map[string]float64{label + " upgrade": 1}, s.values(t, "api_stream_duration_seconds"))
				require.Empty(t, s.values(t, "api_request_duration_seconds"))
			})
		}
	})
}

// parrot speaks on an upgraded connection until the client hangs up.
func parrot(conn net.Conn, rw *bufio.ReadWriter) {
	defer conn.Close()
	_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: parrot\r\n\r\n")
	_ = rw.Flush()
	_, _ = io.Copy(conn, rw)
}

// Each event of a stream arrives when it is flushed.
func TestWriterFlush(t *testing.T) {
	t.Parallel()
	ways := map[string]func(http.ResponseWriter) error{
		"Flusher":            func(w http.ResponseWriter) error { w.(http.Flusher).Flush(); return nil },
		"ResponseController": func(w http.ResponseWriter) error { return http.NewResponseController(w).Flush() },
	}
	each(t, func(t *testing.T, f framework) {
		for name, flush := range ways {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				next := make(chan struct{})
				a := at("/ticks/{id}", func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", "text/event-stream")
					for range next {
						_, _ = io.WriteString(w, "data: tick\n\n")
						assert.NoError(t, flush(w))
					}
				})
				a.recovers = true
				s := setupApp(t, f, a)
				label := f.label("/ticks/{id}")

				go func() { next <- struct{}{} }()
				resp := s.open(t, http.MethodGet, "/ticks/1")
				defer resp.Body.Close()
				lines := bufio.NewReader(resp.Body)
				for range 3 {
					line, err := lines.ReadString('\n')
					require.NoError(t, err)
					require.Equal(t, "data: tick\n", line)
					_, err = lines.ReadString('\n')
					require.NoError(t, err)
					require.Equal(t, map[string]float64{label: 1}, s.values(t, "api_concurrent_requests"))
					next <- struct{}{}
				}
				close(next)
				_, err := io.Copy(io.Discard, lines)
				require.NoError(t, err)

				s.counted(t, "GET "+label+" 200")
				require.Equal(t, map[string]float64{label + " stream": 1}, s.values(t, "api_stream_duration_seconds"))
				require.Equal(t, map[string]float64{"GET " + label + " 200": 1}, s.values(t, "api_request_duration_seconds"))
			})
		}
	})
}

// http.ResponseController finds its way through both writers to the connection.
func TestWriterDeadlines(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f framework) {
		a := app{recovers: true, routes: []route{{http.MethodPost, "/upload/{id}", func(w http.ResponseWriter, r *http.Request) {
			rc := http.NewResponseController(w)
			assert.NoError(t, rc.EnableFullDuplex())
			assert.NoError(t, rc.SetWriteDeadline(time.Now().Add(time.Minute)))
			assert.NoError(t, rc.SetReadDeadline(time.Now().Add(-time.Second)))
			_, err := r.Body.Read(make([]byte, 1))
			assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
			w.WriteHeader(http.StatusRequestTimeout)
		}}}}
		s := setupApp(t, f, a)
		body, endless := io.Pipe() // nothing is ever sent
		defer endless.Close()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/upload/1", body)
		require.NoError(t, err)
		resp, err := s.client.Do(req)
		require.NoError(t, err)
		resp.Body.Close()
		require.Equal(t, http.StatusRequestTimeout, resp.StatusCode)
		s.counted(t, "POST "+f.label("/upload/{id}")+" 408")
	})
}

// apimon leaves io.ReaderFrom in reach. gin's and echo's own writers do not have
// it; who wants sendfile there unwraps them once.
func TestWriterReaderFrom(t *testing.T) {
	t.Parallel()
	const size = 100_000
	each(t, func(t *testing.T, f framework) {
		a := at("/export/{id}", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100000")
			to, is := w.(io.ReaderFrom)
			if !is {
				assert.NotEqual(t, "chi", f.name)
				to, is = w.(interface{ Unwrap() http.ResponseWriter }).Unwrap().(io.ReaderFrom)
			}
			if assert.True(t, is) {
				n, err := to.ReadFrom(strings.NewReader(strings.Repeat("x", size)))
				assert.NoError(t, err)
				assert.EqualValues(t, size, n)
			}
		})
		a.recovers = f.name == "chi" // whose logger wraps the writer too
		s := setupApp(t, f, a, apimon.WithSizes())
		_, body := s.do(t, http.MethodGet, "/export/1")
		require.Len(t, body, size)
		label := f.label("/export/{id}")
		s.counted(t, "GET "+label+" 200")
		require.InDelta(t, size, s.sum(t, "api_response_size_bytes"), 0)
	})
}

// The frameworks' ways to send a file, and to read a body, are counted in bytes.
func TestWriterSizes(t *testing.T) {
	t.Parallel()
	const size = 70_000
	file := filepath.Join(t.TempDir(), "quotes.csv")
	require.NoError(t, os.WriteFile(file, []byte(strings.Repeat("x", size)), 0o600))
	for name, build := range map[string]func(*apimon.Middleware) http.Handler{
		"chi": func(api *apimon.Middleware) http.Handler {
			return chiRouter(api, func(r chi.Router) {
				r.Post("/x", func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					http.ServeFile(w, r, file)
				})
			})
		},
		"gin": func(api *apimon.Middleware) http.Handler {
			return ginRouter(api, func(r *gin.Engine) {
				r.POST("/x", func(c *gin.Context) {
					_, _ = c.GetRawData()
					c.File(file)
				})
			})
		},
		"echo": func(api *apimon.Middleware) http.Handler {
			return echoRouter(api, func(e *echo.Echo) {
				e.POST("/x", func(c echo.Context) error {
					_, _ = io.Copy(io.Discard, c.Request().Body)
					return c.File(file)
				})
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setup(t, build, apimon.WithSizes())
			resp, err := s.client.Post(s.url+"/x", "text/plain", strings.NewReader("12345"))
			require.NoError(t, err)
			n, err := io.Copy(io.Discard, resp.Body)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.EqualValues(t, size, n)
			s.counted(t, "POST /x 200")
			require.InDelta(t, size, s.sum(t, "api_response_size_bytes"), 0)
			require.InDelta(t, 5, s.sum(t, "api_request_size_bytes"), 0)
		})
	}
}
