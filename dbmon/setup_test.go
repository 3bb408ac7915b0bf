package dbmon_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chronoretrace/chronomon/dbmon"
	"github.com/chronoretrace/chronomon/monitor"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// onServer is a test with the server that it shares with others.
type onServer struct {
	*testing.T
	dsn string
}

// bench is a tracer with its monitor.
type bench struct {
	*dbmon.Tracer
	m *monitor.Monitor
}

var quiet = monitor.WithLogger(slog.New(slog.DiscardHandler))

func setup(t testing.TB, mopts []monitor.Option, opts ...dbmon.Option) bench {
	t.Helper()
	m, err := monitor.New(append([]monitor.Option{quiet}, mopts...)...)
	require.NoError(t, err)
	db, err := dbmon.NewTracer(m, opts...)
	require.NoError(t, err)
	return bench{db, m}
}

// pool returns a pool with the tracer, closed at the end of the test.
func (b bench) pool(t testing.TB, dsn string, change ...func(*pgxpool.Config)) *pgxpool.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig(dsn)
	require.NoError(t, err)
	config.ConnConfig.Tracer = b.Tracer
	config.MaxConns = 4
	for _, f := range change {
		f(config)
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
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

// value returns the value of one series, given as it is exposed, or -1.
func (b bench) value(t testing.TB, series string) float64 {
	t.Helper()
	lines := b.exposition(series + " ")
	if len(lines) == 0 {
		return -1
	}
	require.Len(t, lines, 1)
	return total(t, lines)
}

// queries returns how many queries of a type and table were counted.
func (b bench) queries(t testing.TB, typ, table string) float64 {
	t.Helper()
	return b.value(t, fmt.Sprintf(`db_query_duration_seconds_count{query_type=%q,table=%q}`, typ, table))
}

func (b bench) rows(t testing.TB, typ, table string) float64 {
	t.Helper()
	return b.value(t, fmt.Sprintf(`db_query_rows_total{query_type=%q,table=%q}`, typ, table))
}

func (b bench) failures(t testing.TB, typ, table, class string) float64 {
	t.Helper()
	return b.value(t, fmt.Sprintf(`db_query_errors_total{query_type=%q,table=%q,class=%q}`, typ, table, class))
}

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

// lines is a writer that remembers.
type lines struct {
	mu  sync.Mutex
	all []string // guarded by mu
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, string(b))
	return len(b), nil
}

// take returns the lines written since it was last called.
func (l *lines) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.all
	l.all = nil
	return all
}

// run runs the monitor until the returned function is called.
func run(t testing.TB, m *monitor.Monitor, engines ...monitor.Runner) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx, engines...) }()
	return func() { cancel(); require.NoError(t, <-done) }
}
