package cachemon_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chronoretrace/chronomon/cachemon"
	"github.com/chronoretrace/chronomon/monitor"
)

func TestMain(m *testing.M) {
	redis.SetLogger(silence{})
	goleak.VerifyTestMain(m)
}

type silence struct{}

func (silence) Printf(context.Context, string, ...any) {}

var quiet = monitor.WithLogger(slog.New(slog.DiscardHandler))

// bench is a hook with its monitor.
type bench struct {
	*cachemon.Hook
	m *monitor.Monitor
}

func setup(t testing.TB, mopts []monitor.Option, opts ...cachemon.HookOption) bench {
	t.Helper()
	m, err := monitor.New(append([]monitor.Option{quiet}, mopts...)...)
	require.NoError(t, err)
	h, err := cachemon.NewHook(m, opts...)
	require.NoError(t, err)
	return bench{h, m}
}

// watch watches the client under the name "c".
func (b bench) watch(t testing.TB, client redis.UniversalClient) *cachemon.Watch {
	t.Helper()
	w, err := b.Watch("c", client)
	require.NoError(t, err)
	return w
}

// lines returns the lines of the text exposition that start with one of the prefixes.
func lines(m *monitor.Monitor, prefixes ...string) []string {
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	var out []string
	for line := range strings.Lines(w.Body.String()) {
		for _, p := range prefixes {
			if strings.HasPrefix(line, p) {
				out = append(out, strings.TrimSpace(line))
			}
		}
	}
	return out
}

// value is the value of the one series that the exposition has under exactly
// that name and labels; -1 if it has none.
func value(t testing.TB, m *monitor.Monitor, series string) float64 {
	t.Helper()
	l := lines(m, series+" ")
	if len(l) == 0 {
		return -1
	}
	require.Len(t, l, 1)
	v, err := strconv.ParseFloat(l[0][strings.LastIndexByte(l[0], ' ')+1:], 64)
	require.NoError(t, err)
	return v
}

// total adds up the values of all series that start with the prefix.
func total(t testing.TB, m *monitor.Monitor, prefix string) (sum float64) {
	t.Helper()
	for _, l := range lines(m, prefix) {
		v, err := strconv.ParseFloat(l[strings.LastIndexByte(l, ' ')+1:], 64)
		require.NoError(t, err)
		sum += v
	}
	return sum
}

// script answers commands over pipes, as RESP2.
type script struct {
	answer func(args []string) string // raw reply

	mu   sync.Mutex
	seen [][]string // guarded by mu
}

// client returns a client of the script. One that answers nothing of its own
// answers as an empty server would.
func (s *script) client(t testing.TB, change func(*redis.Options)) *redis.Client {
	t.Helper()
	o := &redis.Options{
		Addr: "192.0.2.1:6379", Protocol: 2, MaxRetries: -1, PoolSize: 2,
		Dialer: func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go s.serve(theirs)
			return ours, nil
		},
	}
	if change != nil {
		change(o)
	}
	c := redis.NewClient(o)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func (s *script) serve(conn net.Conn) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	for {
		args, err := readCommand(r)
		if err != nil {
			return
		}
		s.mu.Lock()
		s.seen = append(s.seen, args)
		s.mu.Unlock()
		reply := ""
		if s.answer != nil {
			reply = s.answer(args)
		}
		if reply == "close" {
			return
		}
		if reply == "" {
			reply = emptyServer(args)
		}
		if _, err := io.WriteString(conn, reply); err != nil {
			return
		}
	}
}

func readCommand(r *bufio.Reader) (args []string, err error) {
	n, err := readLength(r, '*')
	for range n {
		size, err := readLength(r, '$')
		if err != nil {
			return nil, err
		}
		b := make([]byte, size+2)
		if _, err := io.ReadFull(r, b); err != nil {
			return nil, err
		}
		args = append(args, string(b[:size]))
	}
	return args, err
}

func readLength(r *bufio.Reader, kind byte) (int, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return 0, err
	}
	if line[0] != kind {
		return 0, fmt.Errorf("want %c, have %q", kind, line)
	}
	return strconv.Atoi(strings.TrimSpace(line[1:]))
}

func emptyServer(args []string) string {
	switch strings.ToLower(args[0]) {
	case "get", "hget":
		return "$-1\r\n"
	case "hgetall", "lrange", "smembers":
		return "*0\r\n"
	case "exists", "del":
		return ":0\r\n"
	case "hello":
		return "-ERR unknown command\r\n"
	case "client":
		if strings.EqualFold(args[1], "setinfo") {
			return "-ERR unknown subcommand\r\n"
		}
	case "exec":
		return "*0\r\n"
	}
	return "+OK\r\n"
}

// collect is a sink that remembers.
type collect struct {
	mu     sync.Mutex
	events []monitor.Event // guarded by mu
}

func (c *collect) Write(_ context.Context, batch []monitor.Event) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.events = append(c.events, batch...)
	return nil
}

// run runs the monitor until the returned function is called.
func run(t testing.TB, m *monitor.Monitor, engines ...monitor.Runner) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx, engines...) }()
	return func() { cancel(); require.NoError(t, <-done) }
}

func bulk(s string) string { return fmt.Sprintf("$%d\r\n%s\r\n", len(s), s) }

func array(elements ...string) string {
	return fmt.Sprintf("*%d\r\n%s", len(elements), strings.Join(elements, ""))
}

const null = "$-1\r\n"
