package bizmon_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chronoretrace/chronomon/bizmon"
	"github.com/chronoretrace/chronomon/monitor"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a clock that tests turn.
type clock struct {
	mu  sync.Mutex
	now time.Time // guarded by mu
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

func (c *clock) Add(d time.Duration) { c.Set(c.Now().Add(d)) }

var shanghai = time.FixedZone("CST", 8*60*60)

// monday is an ordinary trading day, ten in the morning.
var monday = time.Date(2026, 3, 2, 10, 0, 0, 0, shanghai)

// site is a Business with its monitor and clock.
type site struct {
	*bizmon.Business
	m     *monitor.Monitor
	clock *clock
	log   *strings.Builder
}

var key = monitor.WithPseudonymKey([]byte("a key of the tests"))

func setup(t testing.TB, mopts []monitor.Option, opts ...bizmon.Option) site {
	t.Helper()
	s := site{clock: &clock{now: monday}, log: &strings.Builder{}}
	log := slog.New(slog.NewTextHandler(&locked{w: s.log}, nil))
	m, err := monitor.New(append([]monitor.Option{monitor.WithLogger(log), monitor.WithClock(s.clock.Now), key}, mopts...)...)
	require.NoError(t, err)
	s.m = m
	s.Business, err = bizmon.New(m, opts...)
	require.NoError(t, err)
	return s
}

// locked makes a builder safe for loggers.
type locked struct {
	mu sync.Mutex
	w  *strings.Builder
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

// exposition returns the lines of the text exposition that start with one of
// the prefixes.
func (s site) exposition(prefixes ...string) []string {
	w := httptest.NewRecorder()
	s.m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	var out []string
	for line := range strings.Lines(w.Body.String()) {
		for _, p := range prefixes {
			if strings.HasPrefix(line, p) {
				out = append(out, strings.TrimSpace(line))
				break
			}
		}
	}
	return out
}

// value returns the value of one series, which must be there.
func (s site) value(t testing.TB, series string) float64 {
	t.Helper()
	lines := s.exposition(series + " ")
	require.Len(t, lines, 1, series)
	v, err := strconv.ParseFloat(lines[0][strings.LastIndexByte(lines[0], ' ')+1:], 64)
	require.NoError(t, err)
	return v
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

// attrs returns an event's attributes as text.
func attrs(e monitor.Event) map[string]string {
	out := map[string]string{}
	for a := range e.Attrs() {
		out[a.Key] = a.Value.String()
	}
	return out
}

// run runs the monitor until the returned function is called.
func run(t testing.TB, m *monitor.Monitor, engines ...monitor.Runner) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx, engines...) }()
	return func() { cancel(); require.NoError(t, <-done) }
}
