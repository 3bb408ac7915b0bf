package probe

import (
	"context"
	"errors"
	"io"
	"net"
	"regexp"
	"slices"
	"time"
)

// TCP checks that a port accepts connections and, where asked, that it answers.
type TCP struct {
	Address string         // required: host:port
	Send    []byte         // written after the connection is made; never shown
	Expect  *regexp.Regexp // pattern that what comes must match, within its first 64 KiB
}

// maxExpect bounds what is read while waiting for the expected answer.
const maxExpect = 64 << 10

func (c TCP) prober() string      { return "tcp" }
func (c TCP) problems() []problem { return addressProblems("Address", c.Address) }
func (c TCP) secrets() []string   { return []string{string(c.Send)} }

func (c TCP) run(ctx context.Context, a *attempt) error {
	conn, err := connect(ctx, a, c.Address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if len(c.Send) > 0 {
		a.enter("sending")
		if _, err := conn.Write(c.Send); err != nil {
			return err
		}
	}
	if c.Expect == nil {
		return nil
	}
	a.enter("waiting for the expected answer")
	return c.expect(conn)
}

func (c TCP) expect(conn net.Conn) error {
	got := make([]byte, 0, 512)
	for {
		if len(got) == maxExpect {
			return failure(ReasonAnswer, "the pattern %q is not in the first %d bytes", c.Expect, len(got))
		}
		if len(got) == cap(got) {
			got = slices.Grow(got, min(cap(got), maxExpect-len(got)))
		}
		n, err := conn.Read(got[len(got):min(cap(got), maxExpect)])
		got = got[:len(got)+n]
		switch {
		case c.Expect.Match(got):
			return nil
		case errors.Is(err, io.EOF):
			return failure(ReasonAnswer, "the pattern %q is not in the %d bytes that came", c.Expect, len(got))
		case err != nil:
			return err
		}
	}
}

// connect dials, and cuts the connection when ctx ends.
func connect(ctx context.Context, a *attempt, address string) (net.Conn, error) {
	a.enter("connecting")
	conn, err := a.dialer().DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	return &watched{conn, stop}, nil
}

// watched is a connection whose end takes its watcher along.
type watched struct {
	net.Conn
	stop func() bool
}

// Close closes the connection.
func (w *watched) Close() error {
	w.stop()
	return w.Conn.Close()
}
