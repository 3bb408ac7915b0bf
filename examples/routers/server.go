package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/chronoretrace/chronomon/monitor"
)

// listen takes the address, or a free port of loopback if it is in use.
func listen(ctx context.Context, addr string) (net.Listener, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", addr)
	if err == nil {
		return ln, nil
	}
	free, freeErr := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if freeErr != nil {
		return nil, errors.Join(err, freeErr)
	}
	return free, nil
}

// server is the HTTP server as an engine: the monitor runs and stops it.
func server(ln net.Listener, h http.Handler) monitor.Runner {
	return monitor.RunnerFunc(func(ctx context.Context) error {
		srv := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
		stopped := make(chan error, 1)
		defer context.AfterFunc(ctx, func() {
			grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
			defer cancel()
			stopped <- srv.Shutdown(grace)
		})()
		if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return <-stopped
	})
}
