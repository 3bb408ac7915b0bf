package monitor_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor"
)

func TestServerLetsRequestsEndAndCutsStreams(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	begun := make(chan struct{}, 2)
	mux := http.NewServeMux()
	mux.HandleFunc("/slow", func(w http.ResponseWriter, _ *http.Request) {
		begun <- struct{}{}
		time.Sleep(300 * time.Millisecond)
		_, _ = io.WriteString(w, "done")
	})
	mux.HandleFunc("/stream", func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).Flush()
		begun <- struct{}{}
		<-r.Context().Done()
	})
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: time.Second}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- plain(t).Run(ctx, monitor.Server(srv, ln)) }()

	bodies := make(chan string, 2)
	client := &http.Client{}
	defer client.CloseIdleConnections()
	for _, path := range []string{"/slow", "/stream"} {
		go func() {
			resp, err := client.Get("http://" + ln.Addr().String() + path)
			if err != nil {
				bodies <- err.Error()
				return
			}
			defer resp.Body.Close()
			body, _ := io.ReadAll(resp.Body)
			bodies <- string(body)
		}()
	}
	<-begun
	<-begun
	begin := time.Now()
	cancel()
	require.Equal(t, "done", <-bodies, "a request that is running ends in peace")
	require.Empty(t, <-bodies, "a stream is ended")
	require.NoError(t, <-ended)
	require.Less(t, time.Since(begin), 4*time.Second)
}

func TestServerThatCannotServeSaysWhich(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, ln.Close())
	err = plain(t).Run(t.Context(), monitor.Server(&http.Server{ReadHeaderTimeout: time.Second}, ln))
	require.ErrorContains(t, err, "http server "+ln.Addr().String())
}
