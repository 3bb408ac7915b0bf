package monitortest_test

import (
	"context"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/monitortest"
)

func names(events []monitor.Event) (out []string) {
	for _, e := range events {
		out = append(out, e.Name)
	}
	return out
}

func TestSinkRecords(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sink := new(monitortest.Sink)
		m := monitortest.New(t, monitor.WithSink("test", sink, monitor.WithKinds(monitor.KindJob)))
		for i := range 3 {
			m.Record(monitor.Event{Kind: monitor.KindJob, Name: strconv.Itoa(i)})
		}
		require.Equal(t, []string{"0", "1", "2"}, names(sink.Wait(t, 3)))
		require.Len(t, sink.Wait(t, 1), 3, "all of them")
		require.Equal(t, 1, sink.Writes())
	})
}

func TestSinkWaitIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sink := new(monitortest.Sink)
		require.NoError(t, sink.Write(t.Context(), make([]monitor.Event, 2)))
		from := time.Now()
		failed, log := fail(t, func(t testing.TB) { sink.Wait(t, 3) })
		require.True(t, failed)
		require.Contains(t, log, "2 events")
		require.Contains(t, log, "of 3")
		require.Equal(t, monitortest.Patience, time.Since(from))
	})
}

func TestSinkWaitSeesEventsCome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sink := new(monitortest.Sink)
		go func() {
			for range 5 {
				time.Sleep(time.Second)
				_ = sink.Write(t.Context(), make([]monitor.Event, 1))
			}
		}()
		from := time.Now()
		require.Len(t, sink.Wait(t, 5), 5)
		require.Equal(t, 5*time.Second, time.Since(from))
	})
}

// TestSinkModes: a monitor in front of a sink that misbehaves.
func TestSinkModes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		bad, good func(*monitortest.Sink)
		lost      bool
	}{
		"fail":            {func(s *monitortest.Sink) { s.Fail(errDown) }, func(s *monitortest.Sink) { s.Fail(nil) }, false},
		"fail for good":   {func(s *monitortest.Sink) { s.Fail(monitor.Permanent(errDown)) }, func(s *monitortest.Sink) { s.Fail(nil) }, true},
		"panic":           {func(s *monitortest.Sink) { s.Panic("boom") }, func(s *monitortest.Sink) { s.Panic(nil) }, true},
		"block":           {(*monitortest.Sink).Block, (*monitortest.Sink).Unblock, false},
		"block twice":     {func(s *monitortest.Sink) { s.Block(); s.Block() }, (*monitortest.Sink).Unblock, false},
		"unblock for fun": {(*monitortest.Sink).Unblock, (*monitortest.Sink).Unblock, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				sink := new(monitortest.Sink)
				m := monitortest.New(t, monitor.WithSink("test", sink,
					monitor.WithKinds(monitor.KindJob), monitor.WithRetry(time.Second, 2*time.Second)))
				c.bad(sink)
				m.Record(monitor.Event{Kind: monitor.KindJob, Name: "first"})
				time.Sleep(8 * time.Second)
				require.Positive(t, sink.Writes())
				if name != "unblock for fun" {
					require.Empty(t, sink.Events())
				}
				c.good(sink)
				m.Record(monitor.Event{Kind: monitor.KindJob, Name: "second"})
				time.Sleep(8 * time.Second)
				want := []string{"first", "second"}
				if c.lost {
					want = want[1:]
				}
				require.Equal(t, want, names(sink.Events()))
			})
		})
	}
}

func TestBlockedSinkObeysItsContext(t *testing.T) {
	t.Parallel()
	sink := new(monitortest.Sink)
	sink.Block()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, sink.Write(ctx, make([]monitor.Event, 1)), context.Canceled)
	require.Empty(t, sink.Events())
}
