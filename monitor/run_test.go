package monitor_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor"
)

// journal notes what happens in which order.
type journal struct {
	mu    sync.Mutex
	lines []string // guarded by mu
}

func (j *journal) note(s string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, s)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Join(j.lines, " ")
}

// engine takes a while to be ready and a while to end.
type engine struct {
	name       string
	j          *journal
	start, end time.Duration
	ready      chan struct{}
}

func newEngine(j *journal, name string, start, end time.Duration) *engine {
	return &engine{name, j, start, end, make(chan struct{})}
}

func (e *engine) Ready() <-chan struct{} { return e.ready }

func (e *engine) Run(ctx context.Context) error {
	time.Sleep(e.start)
	e.j.note("+" + e.name)
	close(e.ready)
	<-ctx.Done()
	time.Sleep(e.end)
	e.j.note("-" + e.name)
	return ctx.Err()
}

func plain(t *testing.T, opts ...monitor.Option) *monitor.Monitor {
	t.Helper()
	m, err := monitor.New(append([]monitor.Option{quiet}, opts...)...)
	require.NoError(t, err)
	return m
}

func TestRunStartsInOrderAndStopsInReverse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, cancel)
		err := plain(t).Run(ctx,
			newEngine(&j, "a", 3*time.Second, time.Second),
			newEngine(&j, "b", 2*time.Second, 2*time.Second),
			newEngine(&j, "c", time.Second, 3*time.Second))
		require.NoError(t, err, "a stop that was asked for is no error")
		require.Equal(t, "+a +b +c -c -b -a", j.String())
	})
}

func TestRunEndsWhenAnEngineEnds(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	tests := map[string]struct {
		engine monitor.Runner
		is     error
		text   string
	}{
		"error":    {monitor.RunnerFunc(func(context.Context) error { return broken }), broken, "engine 1 (monitor.RunnerFunc): broken"},
		"silently": {monitor.RunnerFunc(func(context.Context) error { return nil }), monitor.ErrEndedEarly, "engine 1"},
		"panic":    {monitor.RunnerFunc(func(context.Context) error { panic("boom") }), nil, "engine 1 (monitor.RunnerFunc) panicked: boom"},
		"nil":      {nil, monitor.ErrInvalidOption, "Run engine 1 = nil"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var j journal
				err := plain(t).Run(t.Context(), newEngine(&j, "a", 0, 0), test.engine, newEngine(&j, "c", time.Second, 0))
				require.ErrorContains(t, err, test.text)
				if test.is != nil {
					require.ErrorIs(t, err, test.is)
				}
				require.Contains(t, j.String(), "+a")
				require.Contains(t, j.String(), "-a")
			})
		})
	}
}

func TestRunJoinsErrors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first, last := errors.New("first"), errors.New("last")
		err := plain(t).Run(t.Context(),
			monitor.RunnerFunc(func(ctx context.Context) error { <-ctx.Done(); return last }),
			monitor.RunnerFunc(func(context.Context) error { time.Sleep(time.Second); return first }))
		require.ErrorIs(t, err, first)
		require.ErrorIs(t, err, last)
	})
}

func TestRunNamesWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		stubborn := monitor.RunnerFunc(func(context.Context) error { <-release; return nil })
		var j journal
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		begin := time.Now()
		err := plain(t, monitor.WithGracePeriod(4*time.Second)).Run(ctx, newEngine(&j, "a", 0, 100*time.Millisecond), stubborn)
		require.ErrorIs(t, err, monitor.ErrGrace)
		require.ErrorContains(t, err, "engine 1")
		require.NotContains(t, err.Error(), "engine 0", "the one below obeyed")
		require.Contains(t, j.String(), "-a")
		require.LessOrEqual(t, time.Since(begin), 7*time.Second)
		close(release)
	})
}

func TestRunStopsAtASinkThatBlocksForever(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		m := plain(t, monitor.WithGracePeriod(4*time.Second),
			monitor.WithSink("stuck", monitor.SinkFunc(func(context.Context, []monitor.Event) error { <-release; return nil })))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(5*time.Second, cancel)
		m.Record(monitor.Event{Kind: monitor.KindQuery})
		err := m.Run(ctx)
		require.ErrorIs(t, err, monitor.ErrGrace)
		require.ErrorContains(t, err, "sink stuck")
		close(release)
	})
}

func TestRunDrainsSinks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s recorder
		m := plain(t, monitor.WithSink("s", &s, monitor.WithKinds(monitor.KindQuery), monitor.WithBatch(1000, time.Hour)))
		ctx, cancel := context.WithCancel(t.Context())
		engine := monitor.RunnerFunc(func(ctx context.Context) error {
			<-ctx.Done()
			m.Record(monitor.Event{Kind: monitor.KindQuery, Name: "last words"})
			return nil
		})
		time.AfterFunc(time.Second, cancel)
		require.NoError(t, m.Run(ctx, engine))
		require.Equal(t, []string{"last words"}, s.names(), "sinks end after the engines")
	})
}

func TestRunTwice(t *testing.T) {
	t.Parallel()
	m := plain(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, m.Run(ctx))
	require.ErrorIs(t, m.Run(ctx), monitor.ErrRan)
}

// moody is an engine whose Ready is not to be trusted.
type moody struct{ ready func() <-chan struct{} }

func (m moody) Run(ctx context.Context) error { <-ctx.Done(); return nil }
func (m moody) Ready() <-chan struct{}        { return m.ready() }

func TestRunBearsAMoodyReady(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		err := plain(t).Run(t.Context(), moody{func() <-chan struct{} { panic("boom") }})
		require.ErrorContains(t, err, "panicked: boom")
	})
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		require.NoError(t, plain(t).Run(ctx, moody{func() <-chan struct{} { <-release; return nil }}))
		close(release)
	})
}

func TestRunNoticesAGoroutineThatEndsItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		err := plain(t).Run(t.Context(), monitor.RunnerFunc(func(context.Context) error { runtime.Goexit(); return nil }))
		require.ErrorContains(t, err, "ended its goroutine")
	})
}

func TestRunWithoutAContext(t *testing.T) {
	t.Parallel()
	require.ErrorIs(t, plain(t).Run(nil), monitor.ErrInvalidOption) //nolint:staticcheck // what a host may do by mistake
}

// An engine that obeyed is not accused, however late the one above it is.
func TestRunAccusesNobodyWrongly(t *testing.T) {
	t.Parallel()
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			release := make(chan struct{})
			var engines []monitor.Runner
			for range 3 {
				engines = append(engines, monitor.RunnerFunc(func(ctx context.Context) error { <-ctx.Done(); return nil }))
			}
			m := plain(t, monitor.WithGracePeriod(4*time.Second))
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			err := m.Run(ctx, append(engines, monitor.RunnerFunc(func(context.Context) error { <-release; return nil }))...)
			require.ErrorContains(t, err, "engine 3")
			require.NotContains(t, err.Error(), "engine 0")
			require.NotContains(t, err.Error(), "engine 2")
			close(release)
		})
	}
}

// store is a sink that has to be run.
type store struct {
	recorder

	name    string
	j       *journal
	running bool
	ended   chan struct{} // its Run ends by itself when it is closed
}

func (s *store) Write(ctx context.Context, batch []monitor.Event) error {
	s.j.note("w" + s.name)
	return s.recorder.Write(ctx, batch)
}

func (s *store) Run(ctx context.Context) error {
	if s.running {
		panic("it runs already")
	}
	s.running = true
	s.j.note("+" + s.name)
	select {
	case <-ctx.Done():
	case <-s.ended:
	}
	s.j.note("-" + s.name)
	return nil
}

// listed is a sink that has to be run and cannot be compared.
type listed struct {
	*store

	_ []string
}

func TestRunRunsSinks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		give func(s *store) (monitor.Sink, []monitor.Runner)
		want string
	}{
		"by itself":  {func(s *store) (monitor.Sink, []monitor.Runner) { return s, nil }, "+s +e -e ws -s"},
		"given":      {func(s *store) (monitor.Sink, []monitor.Runner) { return s, []monitor.Runner{s} }, "+s +e -e -s ws"},
		"no pointer": {func(s *store) (monitor.Sink, []monitor.Runner) { return listed{store: s}, nil }, "+s +e -e ws -s"},
		"that is given": {func(s *store) (monitor.Sink, []monitor.Runner) {
			return listed{store: s}, []monitor.Runner{listed{store: s}}
		}, "+s +e -e -s ws"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var j journal
				sink, given := c.give(&store{name: "s", j: &j})
				m := plain(t, monitor.WithSink("s", sink, monitor.WithKinds(monitor.KindQuery), monitor.WithBatch(10, time.Hour)),
					monitor.WithSink("too", sink, monitor.WithKinds(monitor.KindCache)))
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(time.Minute, cancel)
				given = append(given, newEngine(&j, "e", time.Second, time.Second))
				time.AfterFunc(2*time.Second, func() { m.Record(monitor.Event{Kind: monitor.KindQuery}) })
				require.NoError(t, m.Run(ctx, given...))
				require.Equal(t, c.want, j.String())
			})
		})
	}
}

func TestRunEndsWhenASinksRunEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		s := &store{name: "s", j: &j, ended: make(chan struct{})}
		time.AfterFunc(time.Minute, func() { close(s.ended) })
		err := plain(t, monitor.WithSink("shelf", s)).Run(t.Context(), newEngine(&j, "e", 0, time.Second))
		require.ErrorIs(t, err, monitor.ErrEndedEarly)
		require.ErrorContains(t, err, "monitor: sink shelf's Run: ")
		require.Contains(t, j.String(), "-s -e")
	})
	synctest.Test(t, func(t *testing.T) {
		s := &store{name: "s", j: &journal{}, running: true} // panics
		require.ErrorContains(t, plain(t, monitor.WithSink("shelf", s)).Run(t.Context()), "it runs already")
	})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, cancel)
		var j journal
		s := &store{name: "s", j: &j}
		require.NoError(t, plain(t, monitor.WithSink("s", s), monitor.WithDisabled()).Run(ctx))
		require.Empty(t, j.String(), "a monitor that is off runs engines that are given and nothing else")
	})
}
