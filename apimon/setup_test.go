package apimon_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chronoretrace/chronomon/apimon"
	"github.com/chronoretrace/chronomon/monitor"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is a middleware with its monitor.
type bench struct {
	*apimon.Middleware
	m *monitor.Monitor
}

var quiet = monitor.WithLogger(slog.New(slog.DiscardHandler))

func setup(t testing.TB, mopts []monitor.Option, opts ...apimon.Option) bench {
	t.Helper()
	m, err := monitor.New(append([]monitor.Option{quiet}, mopts...)...)
	require.NoError(t, err)
	api, err := apimon.New(m, opts...)
	require.NoError(t, err)
	return bench{api, m}
}

// exposition returns the lines of the text exposition that start with prefix.
func (b bench) exposition(prefix string) []string {
	w := httptest.NewRecorder()
	b.m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	var out []string
	for line := range strings.Lines(w.Body.String()) {
		if strings.HasPrefix(line, prefix) {
			out = append(out, strings.TrimSpace(line))
		}
	}
	return out
}

// get sends one request through the handler without a server.
func get(t testing.TB, h http.Handler, target string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, http.NoBody))
	return w
}

func mux(patterns map[string]http.HandlerFunc) *http.ServeMux {
	mux := http.NewServeMux()
	for p, h := range patterns {
		mux.HandleFunc(p, h)
	}
	return mux
}

func nothing(http.ResponseWriter, *http.Request) {}

// total adds up the values of exposition lines.
func total(t testing.TB, lines []string) (sum float64) {
	t.Helper()
	for _, l := range lines {
		var v float64
		_, err := fmt.Sscan(l[strings.LastIndexByte(l, ' ')+1:], &v)
		require.NoError(t, err)
		sum += v
	}
	return sum
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
func run(t testing.TB, m *monitor.Monitor) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	return func() { cancel(); require.NoError(t, <-done) }
}
