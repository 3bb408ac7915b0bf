package monitortest

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chronoretrace/chronomon/monitor"
)

// grace is how long a monitor made by [New] waits at the end of the test,
// unless an option says otherwise: a test should not wait for 10 s.
const grace = 2 * time.Second

// New returns a monitor that logs to t and runs, without engines, until the
// test ends. Sinks are drained then; the test fails if the monitor cannot be
// made or Run returns an error. The options come after those that New gives: a
// logger to t and a grace period of 2 s. The monitor marks its start as a
// deploy, as ever: to a sink of all kinds that is the first event.
//
// Where engines are to run use monitor.New with [Logger], and [Run].
func New(t testing.TB, opts ...monitor.Option) *monitor.Monitor {
	t.Helper()
	own := []monitor.Option{monitor.WithLogger(Logger(t)), monitor.WithGracePeriod(grace)}
	m, err := monitor.New(slices.Concat(own, opts)...)
	if err != nil {
		t.Fatalf("monitortest: %v", err)
	}
	Run(t, m)
	return m
}

// Run runs the monitor with the engines in the background until the test ends,
// before the cleanups that were registered earlier. It returns when all of them
// have started. The test fails if Run returns an error, or before it was asked to.
func Run(t testing.TB, m *monitor.Monitor, engines ...monitor.Runner) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	started := make(chan struct{})
	last := monitor.RunnerFunc(func(ctx context.Context) error { // is started after the others
		close(started)
		<-ctx.Done()
		return nil
	})
	var err error
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		err = m.Run(ctx, append(slices.Clip(engines), last)...)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		if err != nil {
			t.Errorf("monitortest: the monitor ran into: %v", err)
		}
	})
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-started:
	case <-ended:
	case <-timer.C:
		t.Fatalf("monitortest: the engines did not all start within %v", patience)
	}
}

// Logger returns a logger that writes to the test's log, at all levels. What is
// logged after the test's end is dropped.
func Logger(t testing.TB) *slog.Logger {
	t.Helper()
	w := &logWriter{t: t}
	t.Cleanup(w.close)
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey && len(groups) == 0 {
				return slog.Attr{} // the test's log has no use for it
			}
			return a
		},
	}))
}

// logWriter writes lines to a test's log for as long as that may be written to.
type logWriter struct {
	mu sync.Mutex
	t  testing.TB // guarded by mu; nil after the end
}

// Write implements io.Writer.
func (w *logWriter) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.t == nil {
		return len(line), nil
	}
	return w.t.Output().Write(line)
}

func (w *logWriter) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.t = nil
}
