package monitortest_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/monitortest"
)

var errDown = errors.New("down")

func TestNewRunsUntilTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sink := new(monitortest.Sink)
		failed, log := fail(t, func(t testing.TB) {
			m := monitortest.New(t, monitor.WithSink("test", sink))
			m.Record(monitor.Event{Kind: monitor.KindJob, Name: "last"})
		})
		require.False(t, failed, log)
		require.Equal(t, []string{monitor.MarkDeploy, "last"}, names(sink.Events()), "what waits at the end is drained")
	})
}

func TestNewFailsOnABadOption(t *testing.T) {
	t.Parallel()
	failed, log := fail(t, func(t testing.TB) { monitortest.New(t, monitor.WithLabelLimit(-1)) })
	require.True(t, failed)
	require.Contains(t, log, "WithLabelLimit")
}

// TestNewGivesInToOptions: those of the caller come last.
func TestNewGivesInToOptions(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	m := monitortest.New(t, monitor.WithClock(func() time.Time { return at }), monitor.WithRegisterer(prometheus.NewRegistry()))
	require.Equal(t, at, m.Now())
}

func TestRunReportsErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		engine monitor.RunnerFunc
		want   string
	}{
		"an error":         {func(context.Context) error { return errDown }, "down"},
		"an early end":     {func(context.Context) error { return nil }, monitor.ErrEndedEarly.Error()},
		"a panic":          {func(context.Context) error { panic("boom") }, "boom"},
		"an error late":    {func(ctx context.Context) error { <-ctx.Done(); return errDown }, "down"},
		"asked to and did": {func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				failed, log := fail(t, func(t testing.TB) {
					m, err := monitor.New(monitor.WithLogger(monitortest.Logger(t)))
					require.NoError(t, err)
					monitortest.Run(t, m, c.engine)
					synctest.Wait()
				})
				require.Equal(t, c.want != "", failed, log)
				require.Contains(t, log, c.want)
			})
		})
	}
}

func TestRunTwiceFails(t *testing.T) {
	t.Parallel()
	failed, log := fail(t, func(t testing.TB) { monitortest.Run(t, monitortest.New(t)) })
	require.True(t, failed)
	require.Contains(t, log, monitor.ErrRan.Error())
}

// TestLoggerOutlivesTheTest: what is logged too late is dropped, where writing
// it would be a panic.
func TestLoggerOutlivesTheTest(t *testing.T) {
	t.Parallel()
	m := make(chan *monitor.Monitor, 1)
	t.Run("test", func(t *testing.T) {
		mm := monitortest.New(t)
		mm.Logger().Debug("in time", "time", 1)
		m <- mm
	})
	(<-m).Logger().Error("too late")
}

// slow is an engine that is of use after a while.
type slow struct {
	after time.Duration
	ready chan struct{}
}

func (s *slow) Ready() <-chan struct{} { return s.ready }

func (s *slow) Run(ctx context.Context) error {
	select {
	case <-time.After(s.after):
		close(s.ready)
		<-ctx.Done()
	case <-ctx.Done():
	}
	return nil
}

func TestRunWaitsForTheEngines(t *testing.T) {
	t.Parallel()
	for after, fails := range map[time.Duration]bool{time.Second: false, time.Hour: true} {
		synctest.Test(t, func(t *testing.T) {
			failed, log := fail(t, func(t testing.TB) {
				m, err := monitor.New(monitor.WithLogger(monitortest.Logger(t)))
				require.NoError(t, err)
				from := time.Now()
				monitortest.Run(t, m, &slow{after, make(chan struct{})})
				require.Equal(t, after, time.Since(from))
			})
			require.Equal(t, fails, failed, log)
		})
	}
}
