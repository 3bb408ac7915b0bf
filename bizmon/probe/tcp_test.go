package probe_test

import (
	"bufio"
	"io"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/bizmon/probe"
)

func TestTCP(t *testing.T) {
	t.Parallel()
	redis := tcp(t, func(c net.Conn) { // one byte at a time
		line, err := bufio.NewReader(c).ReadString('\n')
		if err == nil && line == "PING\r\n" {
			for _, b := range []byte("+PONG\r\n") {
				_, _ = c.Write([]byte{b})
			}
		}
	})
	chatter := tcp(t, func(c net.Conn) { _, _ = io.WriteString(c, strings.Repeat("spam ", 100_000)) })
	silent := tcp(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	refused := closed(t)
	for name, c := range map[string]struct {
		check  probe.TCP
		reason probe.Reason
		detail string
	}{
		"connects":       {check: probe.TCP{Address: silent}},
		"answers":        {check: probe.TCP{Address: redis, Send: []byte("PING\r\n"), Expect: regexp.MustCompile(`^\+PONG`)}},
		"another answer": {check: probe.TCP{Address: redis, Send: []byte("PING\r\n"), Expect: regexp.MustCompile(`OK`)}, reason: probe.ReasonAnswer, detail: `"OK" is not in the 7 bytes that came`},
		"hangs up":       {check: probe.TCP{Address: redis, Send: []byte("AUTH secret\r\n"), Expect: regexp.MustCompile(`OK`)}, reason: probe.ReasonAnswer, detail: "in the 0 bytes"},
		"talks too much": {check: probe.TCP{Address: chatter, Expect: regexp.MustCompile(`eggs`)}, reason: probe.ReasonAnswer, detail: "in the first 65536 bytes"},
		"says nothing":   {check: probe.TCP{Address: silent, Expect: regexp.MustCompile(`.`)}, reason: probe.ReasonTimeout, detail: "waiting for the expected answer"},
		"is not there":   {check: probe.TCP{Address: refused}, reason: probe.ReasonRefused, detail: refused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			timeout := 10 * time.Second
			if c.reason == probe.ReasonTimeout {
				timeout = 50 * time.Millisecond
			}
			b := setup(t, []probe.Target{{Name: "api", Check: c.check, Timeout: timeout}})
			r := b.check(t)
			if c.reason != "" {
				requireFailure(t, r, c.reason, c.detail)
				return
			}
			require.NoError(t, r.Err)
			require.Equal(t, "tcp", r.Prober)
		})
	}
}
