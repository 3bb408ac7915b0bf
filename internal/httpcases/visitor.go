package httpcases

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"time"
)

// A Reply is what the client got for one request.
type Reply struct {
	Early  []int // informational statuses
	Status int   // 0 if no final status came
	Proto  string
	Body   string
	Err    error // the exchange broke off
}

// A Visitor is the client's side of a case.
type Visitor struct {
	ctx      context.Context
	stage    *stage
	inFlight func() (float64, error)

	sent    int
	replies []Reply
	during  float64
}

// Request makes a request to the server.
func (v *Visitor) Request(ctx context.Context, method, path string, body io.Reader) (*http.Request, error) {
	return http.NewRequestWithContext(ctx, method, v.stage.server.URL+path, body)
}

// Send sends the request and keeps the reply.
func (v *Visitor) Send(r *http.Request) {
	v.sent++
	var reply Reply
	trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, _ textproto.MIMEHeader) error {
		reply.Early = append(reply.Early, code)
		return nil
	}}
	resp, err := v.stage.server.Client().Do(r.WithContext(httptrace.WithClientTrace(r.Context(), trace)))
	if err != nil {
		reply.Err = err
		v.replies = append(v.replies, reply)
		return
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	reply.Status, reply.Proto, reply.Body, reply.Err = resp.StatusCode, resp.Proto, string(body), err
	v.replies = append(v.replies, reply)
}

// First sends the request, waits for the first n bytes of the answer and
// leaves. It fails if the handler was through by then: the bytes were not
// flushed.
func (v *Visitor) First(r *http.Request, n int) error {
	v.sent++
	ctx, leave := context.WithCancel(r.Context())
	defer leave()
	resp, err := v.stage.server.Client().Do(r.WithContext(ctx))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body := make([]byte, n)
	_, err = io.ReadFull(resp.Body, body)
	reply := Reply{Status: resp.StatusCode, Proto: resp.Proto, Body: string(body), Err: err}
	if v.stage.finished.Load() > 0 {
		reply.Err = errNotFlushed
	}
	v.replies = append(v.replies, reply)
	return nil
}

// Leave sends the request, waits until it is being served, notes how many are
// in flight, and goes away without waiting for an answer.
func (v *Visitor) Leave(r *http.Request) error {
	v.sent++
	ctx, leave := context.WithCancel(r.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if resp, err := v.stage.server.Client().Do(r.WithContext(ctx)); err == nil {
			resp.Body.Close()
		}
	}()
	defer func() { leave(); <-done }()
	if err := await(v.ctx, func() bool { return v.stage.started.Load() >= int64(v.sent) }); err != nil {
		return fmt.Errorf("wait for the server: %w", err)
	}
	// In flight is read until it has risen: the front stands before the
	// middleware. One that never says it is given a moment.
	enough := time.Now().Add(patience)
	return await(v.ctx, func() bool {
		n, err := v.inFlight()
		v.during = n
		return err != nil || n != 0 || time.Now().After(enough)
	})
}

// Handshake opens a connection, asks for an upgrade, and returns the
// connection with the server's answer on it.
func (v *Visitor) Handshake(path string) (net.Conn, error) {
	v.sent++
	var d net.Dialer
	conn, err := d.DialContext(v.ctx, "tcp", v.stage.server.Listener.Addr().String())
	if err != nil {
		return nil, err
	}
	deadline, _ := v.ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		conn.Close()
		return nil, err
	}
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n", path, sampleKey)
	if err != nil {
		conn.Close()
		return nil, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		conn.Close()
		return nil, err
	}
	defer resp.Body.Close()
	reply := Reply{Status: resp.StatusCode, Proto: resp.Proto}
	if resp.StatusCode == http.StatusSwitchingProtocols && resp.Header.Get("Sec-WebSocket-Accept") != sampleAccept {
		reply.Err = errBadAccept
	}
	v.replies = append(v.replies, reply)
	return conn, nil
}
