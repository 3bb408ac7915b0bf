package httpcases

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	// patience is how long a client waits for something that may never be so.
	patience = 250 * time.Millisecond
	// openFor is how long an upgraded connection stays open.
	openFor = 150 * time.Millisecond
)

// The key and its answer from RFC 6455, section 1.3.
const (
	sampleKey    = "dGhlIHNhbXBsZSBub25jZQ=="
	sampleAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
)

var (
	errBadAccept  = errors.New("wrong Sec-WebSocket-Accept")
	errNotFlushed = errors.New("nothing came before the handler was through")
)

// A Visit is what a client does in a case. An error means that the client could
// not do its part; what the server made of it is in the replies.
type Visit func(*Visitor) error

func get(path string) Visit { return send(http.MethodGet, path, nil) }

func send(method, path string, body func() io.Reader) Visit {
	return func(v *Visitor) error {
		var b io.Reader
		if body != nil {
			b = body()
		}
		r, err := v.Request(v.ctx, method, path, b)
		if err != nil {
			return err
		}
		v.Send(r)
		return nil
	}
}

func twice(visit Visit) Visit {
	return func(v *Visitor) error { return errors.Join(visit(v), visit(v)) }
}

// each sends invented requests, all alike but for their number.
func each(request func(v *Visitor, i int) (*http.Request, error)) Visit {
	return func(v *Visitor) error {
		for i := range invented {
			r, err := request(v, i)
			if err != nil {
				return err
			}
			v.Send(r)
		}
		return nil
	}
}

func paths(format string) Visit {
	return each(func(v *Visitor, i int) (*http.Request, error) {
		return v.Request(v.ctx, http.MethodGet, fmt.Sprintf(format, i), nil)
	})
}

func methods(format, path string) Visit {
	return each(func(v *Visitor, i int) (*http.Request, error) {
		return v.Request(v.ctx, fmt.Sprintf(format, 'A'+rune(i)), path, nil)
	})
}

func hosts(format, path string) Visit {
	return each(func(v *Visitor, i int) (*http.Request, error) {
		r, err := v.Request(v.ctx, http.MethodGet, path, nil)
		if err == nil {
			r.Host = fmt.Sprintf(format, i)
		}
		return r, err
	})
}

func leave(path string) Visit {
	return func(v *Visitor) error {
		r, err := v.Request(v.ctx, http.MethodGet, path, nil)
		if err != nil {
			return err
		}
		return v.Leave(r)
	}
}

func firstByte(path string) Visit {
	return func(v *Visitor) error {
		r, err := v.Request(v.ctx, http.MethodGet, path, nil)
		if err != nil {
			return err
		}
		return v.First(r, 1)
	}
}

// upgrade asks for a WebSocket and keeps what it gets open for a while.
func upgrade(path string, open time.Duration) Visit {
	return func(v *Visitor) error {
		conn, err := v.Handshake(path)
		if err != nil {
			return err
		}
		time.Sleep(open)
		return conn.Close()
	}
}

// chunked is a body of n bytes whose length the client does not say.
func chunked(n int) func() io.Reader {
	return func() io.Reader { return struct{ io.Reader }{strings.NewReader(strings.Repeat("x", n))} }
}
