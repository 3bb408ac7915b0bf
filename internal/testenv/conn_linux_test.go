package testenv_test

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// conn is a plain connection, which speaks just enough Redis and PostgreSQL to
// see whether the other side is there.
type conn struct {
	net.Conn
	r *bufio.Reader
}

// dial connects for the duration of the test.
func dial(t *testing.T, addr string) *conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(30*time.Second)))
	return &conn{c, bufio.NewReader(c)}
}

// requireSilence requires that nothing comes for a while.
func (c *conn) requireSilence(t *testing.T) {
	t.Helper()
	require.NoError(t, c.SetReadDeadline(time.Now().Add(200*time.Millisecond)))
	_, err := c.r.Peek(1)
	var timeout net.Error
	require.ErrorAs(t, err, &timeout)
	require.True(t, timeout.Timeout(), "%v", err)
	require.NoError(t, c.SetReadDeadline(time.Now().Add(30*time.Second)))
}

// send sends an inline command to Redis.
func (c *conn) send(t *testing.T, command string) {
	t.Helper()
	_, err := io.WriteString(c, command+"\r\n")
	require.NoError(t, err)
}

// lines reads n lines of Redis's answer.
func (c *conn) lines(t *testing.T, n int) []string {
	t.Helper()
	var lines []string
	for range n {
		line, err := c.r.ReadString('\n')
		require.NoError(t, err)
		lines = append(lines, strings.TrimSpace(line))
	}
	return lines
}

// login opens a session of PostgreSQL.
func login(t *testing.T, addr string) *conn {
	t.Helper()
	c := dial(t, addr)
	c.message(t, "", "\x00\x03\x00\x00user\x00postgres\x00\x00") // protocol 3.0
	c.awaitMessage(t, 'Z')                                       // ready for query
	return c
}

// message sends a message of PostgreSQL's protocol: kind, length, body.
func (c *conn) message(t *testing.T, kind, body string) {
	t.Helper()
	m := binary.BigEndian.AppendUint32([]byte(kind), uint32(4+len(body)))
	_, err := c.Write(append(m, body...))
	require.NoError(t, err)
}

// awaitMessage reads messages up to the first of a kind.
func (c *conn) awaitMessage(t *testing.T, kind byte) {
	t.Helper()
	for {
		head := make([]byte, 5)
		_, err := io.ReadFull(c.r, head)
		require.NoError(t, err)
		body := make([]byte, binary.BigEndian.Uint32(head[1:])-4)
		_, err = io.ReadFull(c.r, body)
		require.NoError(t, err)
		require.NotEqual(t, byte('E'), head[0], "%s", body)
		if head[0] == kind {
			return
		}
	}
}
