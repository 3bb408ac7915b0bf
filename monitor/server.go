package monitor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// serverGrace is how long a [Server] waits for requests to end: for the first
// half in peace, for the second with their contexts cancelled, as streams need.
const serverGrace = 4 * time.Second

// Server returns an engine that serves srv on ln. When it is stopped it takes
// no new connections, lets running requests end for 2 s, cancels the contexts of
// those that go on (streams) and closes, 2 s later, what is left. It sets
// srv.BaseContext, on top of what is there.
func Server(srv *http.Server, ln net.Listener) Runner { return &server{srv, ln} }

type server struct {
	srv *http.Server
	ln  net.Listener
}

// String names the engine in errors.
func (s *server) String() string { return fmt.Sprintf("http server %v", s.ln.Addr()) }

// Run implements Runner.
func (s *server) Run(ctx context.Context) error {
	requests, cancelCause := context.WithCancelCause(context.WithoutCancel(ctx))
	cancel := func() { cancelCause(http.ErrServerClosed) } // and not because the client has gone
	defer cancel()
	base := s.srv.BaseContext
	s.srv.BaseContext = func(ln net.Listener) context.Context {
		if base == nil {
			return requests
		}
		ctx, stop := context.WithCancelCause(base(ln))
		context.AfterFunc(requests, func() { stop(http.ErrServerClosed) })
		return ctx
	}
	stopped := make(chan struct{})
	unstop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		defer time.AfterFunc(serverGrace/2, cancel).Stop()
		grace, done := context.WithTimeout(context.WithoutCancel(ctx), serverGrace)
		defer done()
		if s.srv.Shutdown(grace) != nil {
			_ = s.srv.Close() // what is left has had its time
		}
	})
	err := s.srv.Serve(s.ln)
	if unstop() {
		return err // nobody asked for it
	}
	<-stopped
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
