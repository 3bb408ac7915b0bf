package httpcases

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"time"
)

// A stage is a running server with the subject's handlers behind a front that
// counts who came in and who is through.
type stage struct {
	server   *httptest.Server
	handlers []http.Handler // requests take turns over them

	started  atomic.Int64
	finished atomic.Int64
}

// open starts a server on the loopback, with HTTP/2 over TLS if asked for.
func open(http2 bool, handlers ...http.Handler) *stage {
	s := &stage{handlers: handlers}
	s.server = httptest.NewUnstartedServer(s)
	s.server.Config.ErrorLog = log.New(io.Discard, "", 0) // panics are part of the play
	if http2 {
		s.server.EnableHTTP2 = true
		s.server.StartTLS()
	} else {
		s.server.Start()
	}
	return s
}

func (s *stage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := s.started.Add(1)
	defer s.finished.Add(1)
	s.handlers[int(n-1)%len(s.handlers)].ServeHTTP(w, r)
}

// settled reports whether n requests or more have come in and all are through.
func (s *stage) settled(n int) bool {
	finished := s.finished.Load() // before started: a request between the two loads is not missed
	return finished >= int64(n) && finished == s.started.Load()
}

func (s *stage) close() {
	s.server.CloseClientConnections()
	s.server.Close()
}

// await polls until the condition holds or the context ends.
func await(ctx context.Context, holds func() bool) error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}
