package monitortest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/monitortest"
)

// farEnd is where sinks of these tests send their events to.
type farEnd struct {
	mu     sync.Mutex
	events []monitor.Event // guarded by mu
}

func (f *farEnd) take(events ...monitor.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events = append(f.events, events...)
}

func (f *farEnd) arrived() []monitor.Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.events)
}

// sinkTo makes sinks that write to a far end of their own.
func sinkTo(write func(ctx context.Context, f *farEnd, batch []monitor.Event) error) monitortest.NewSink {
	return func(testing.TB) (monitor.Sink, func() []monitor.Event) {
		f := &farEnd{}
		return monitor.SinkFunc(func(ctx context.Context, batch []monitor.Event) error { return write(ctx, f, batch) }), f.arrived
	}
}

// goodSink keeps the contract.
func goodSink(ctx context.Context, f *farEnd, batch []monitor.Event) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f.take(batch...)
	return nil
}

func stalls(testing.TB) monitor.Sink {
	s := new(monitortest.Sink)
	s.Block()
	return s
}

func failsWith(err error) func(testing.TB) monitor.Sink {
	return func(testing.TB) monitor.Sink {
		return monitor.SinkFunc(func(context.Context, []monitor.Event) error { return err })
	}
}

func TestGoodSinksPass(t *testing.T) {
	t.Parallel()
	faults := []monitortest.SinkFault{
		monitortest.Stalled(stalls), monitortest.Unavailable(failsWith(errDown)), monitortest.Refused(failsWith(monitor.Permanent(errDown))),
	}
	for name, s := range map[string]monitortest.NewSink{
		"this package's": func(testing.TB) (monitor.Sink, func() []monitor.Event) {
			s := new(monitortest.Sink)
			return s, s.Events
		},
		"obedient":       sinkTo(goodSink),
		"local":          sinkTo(func(_ context.Context, f *farEnd, batch []monitor.Event) error { f.take(batch...); return nil }),
		"late to arrive": newLateSink,
		"JSON":           sinkTo(jsonSink),
		"picky": sinkTo(func(ctx context.Context, f *farEnd, batch []monitor.Event) error {
			for _, e := range batch {
				if e.Name == "" || len(e.Name) > 1000 {
					return fmt.Errorf("picky: %w", monitor.Permanent(errors.New("what a name")))
				}
			}
			return goodSink(ctx, f, batch)
		}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			monitortest.TestSink(t, s, faults...)
		})
	}
}

// lateEnd says yes at once and shows what it took a little later.
type lateEnd struct {
	farEnd
	shown []time.Time // guarded by mu; when each event is
}

func newLateSink(testing.TB) (monitor.Sink, func() []monitor.Event) {
	f := &lateEnd{}
	return monitor.SinkFunc(f.Write), f.arrived
}

func (f *lateEnd) Write(ctx context.Context, batch []monitor.Event) error {
	if err := goodSink(ctx, &f.farEnd, batch); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for range batch {
		f.shown = append(f.shown, time.Now().Add(20*time.Millisecond))
	}
	return nil
}

func (f *lateEnd) arrived() []monitor.Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for n < len(f.shown) && !f.shown[n].After(time.Now()) {
		n++
	}
	return slices.Clone(f.events[:n])
}

// jsonSink sends events through a format that is a little lossy.
func jsonSink(ctx context.Context, f *farEnd, batch []monitor.Event) error {
	type line struct {
		Time       int64
		Kind       int
		Name       string
		Seconds    float64
		Flags      [2]bool
		Trace      string
		User       string
		Attributes map[string]any
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, e := range batch {
		l := line{
			Time: e.Time.UnixMilli(), Kind: int(e.Kind), Name: e.Name, Seconds: e.Duration.Seconds(),
			Flags: [2]bool{e.Failed, e.Slow}, Trace: e.TraceID, User: e.User, Attributes: map[string]any{},
		}
		for a := range e.Attrs() {
			v := a.Value.Resolve().Any()
			if n, ok := v.(float64); ok && (math.IsNaN(n) || math.IsInf(n, 0)) {
				v = fmt.Sprint(n)
			}
			if _, err := json.Marshal(v); err != nil {
				v = fmt.Sprint(v)
			}
			l.Attributes[a.Key] = v
		}
		b, err := json.Marshal(l)
		if err != nil {
			return monitor.Permanent(err)
		}
		var back line
		if err := json.Unmarshal(b, &back); err != nil {
			return monitor.Permanent(err)
		}
		out := monitor.Event{
			Time: time.UnixMilli(back.Time), Kind: monitor.Kind(back.Kind), Name: back.Name,
			Duration: time.Duration(back.Seconds * float64(time.Second)),
			Failed:   back.Flags[0], Slow: back.Flags[1], TraceID: back.Trace, User: back.User,
		}
		for k, v := range back.Attributes {
			out.Add(slog.Any(k, v))
		}
		f.take(out)
	}
	return nil
}

// asleep is how long a faulty implementation of these tests does not come back:
// longer than the suites wait, in the time of a bubble.
const asleep = time.Hour

// TestFaultySinksAreCaught: each fault is found by the check that is for it.
func TestFaultySinksAreCaught(t *testing.T) {
	t.Parallel()
	type sinkFunc = func(ctx context.Context, f *farEnd, batch []monitor.Event) error
	changed := func(change func(*monitor.Event)) sinkFunc {
		return func(ctx context.Context, f *farEnd, batch []monitor.Event) error {
			out := slices.Clone(batch)
			for i := range out {
				change(&out[i])
			}
			return goodSink(ctx, f, out)
		}
	}
	for name, c := range map[string]struct {
		sink  sinkFunc
		check string
		says  string
	}{
		"loses the last one": {func(ctx context.Context, f *farEnd, b []monitor.Event) error {
			return goodSink(ctx, f, b[:max(len(b)-1, 0)])
		}, "batches", "arrived"},
		"loses the end of large batches": {func(ctx context.Context, f *farEnd, b []monitor.Event) error {
			return goodSink(ctx, f, b[:min(len(b), 100)])
		}, "batches", "event 110"},
		"sends twice": {func(ctx context.Context, f *farEnd, b []monitor.Event) error {
			return goodSink(ctx, f, append(slices.Clone(b), b...))
		}, "batches", "event 1"},
		"reverses": {func(ctx context.Context, f *farEnd, b []monitor.Event) error {
			out := slices.Clone(b)
			slices.Reverse(out)
			return goodSink(ctx, f, out)
		}, "batches", "name ="},
		"takes nothing":      {func(context.Context, *farEnd, []monitor.Event) error { return nil }, "batches", "0 events arrived"},
		"always fails":       {func(context.Context, *farEnd, []monitor.Event) error { return errDown }, "batches", "down"},
		"panics":             {func(context.Context, *farEnd, []monitor.Event) error { panic("boom") }, "batches", "boom"},
		"ends its goroutine": {func(context.Context, *farEnd, []monitor.Event) error { goexit(); return nil }, "batches", "goroutine"},
		"drops the time":     {changed(func(e *monitor.Event) { e.Time = e.Time.Truncate(time.Second) }), "batches", "Time"},
		"drops the kind":     {changed(func(e *monitor.Event) { e.Kind = monitor.KindRequest }), "batches", "Kind"},
		"drops the duration": {changed(func(e *monitor.Event) { e.Duration = e.Duration.Truncate(time.Millisecond) }), "batches", "Duration"},
		"drops failed":       {changed(func(e *monitor.Event) { e.Failed = false }), "batches", "Failed"},
		"drops slow":         {changed(func(e *monitor.Event) { e.Slow = false }), "batches", "Slow"},
		"drops the trace":    {changed(func(e *monitor.Event) { e.TraceID = "" }), "batches", "TraceID"},
		"drops the user":     {changed(func(e *monitor.Event) { e.User = "" }), "batches", "User"},
		"drops attributes": {changed(func(e *monitor.Event) {
			first := slices.Collect(e.Attrs())
			*e = bare(*e)
			e.Add(first[:min(len(first), 5)]...)
		}), "batches", "attribute sixth = nothing"},
		"adds attributes": {changed(func(e *monitor.Event) { e.Add(slog.Int("more", 1)) }), "batches", "not sent"},
		"rounds attributes": {changed(func(e *monitor.Event) {
			first := slices.Collect(e.Attrs())
			*e = bare(*e)
			for _, a := range first {
				if a.Value.Kind() == slog.KindFloat64 {
					a.Value = slog.Float64Value(math.Floor(a.Value.Float64()))
				}
				e.Add(a)
			}
		}), "batches", "attribute float"},

		"ignores its context": {func(ctx context.Context, f *farEnd, b []monitor.Event) error {
			if ctx.Err() != nil {
				time.Sleep(asleep)
			}
			return goodSink(ctx, f, b)
		}, "cancelled context", "did not return within"},
		"gives up for good when cancelled": {func(ctx context.Context, f *farEnd, b []monitor.Event) error {
			if err := goodSink(ctx, f, b); err != nil {
				return monitor.Permanent(err)
			}
			return nil
		}, "cancelled context", "permanent"},
		"says yes when cancelled": {func(ctx context.Context, f *farEnd, b []monitor.Event) error {
			_ = goodSink(ctx, f, b)
			return nil
		}, "cancelled context", "returned no error"},
		"says no and takes it twice": {func(ctx context.Context, f *farEnd, b []monitor.Event) error {
			if ctx.Err() != nil {
				f.take(b...)
				f.take(b...)
			}
			return goodSink(ctx, f, b)
		}, "cancelled context", "6 events arrived of 3"},

		"fails on nothing": {func(ctx context.Context, f *farEnd, b []monitor.Event) error {
			if len(b) == 0 {
				return errDown
			}
			return goodSink(ctx, f, b)
		}, "empty batch", "down"},
		"panics on nothing": {func(ctx context.Context, f *farEnd, b []monitor.Event) error {
			_ = b[0]
			return goodSink(ctx, f, b)
		}, "empty batch", "out of range"},
		"makes something of nothing": {func(ctx context.Context, f *farEnd, b []monitor.Event) error {
			if len(b) == 0 {
				b = make([]monitor.Event, 1)
			}
			return goodSink(ctx, f, b)
		}, "empty batch", "3 arrived"},

		"cannot say NaN": {func(ctx context.Context, f *farEnd, b []monitor.Event) error {
			for _, e := range b {
				for a := range e.Attrs() {
					if _, err := json.Marshal(a.Value.Any()); err != nil {
						return err
					}
				}
			}
			return goodSink(ctx, f, b)
		}, "odd values", "tried again for ever"},
		"leaves out what it cannot say": {func(ctx context.Context, f *farEnd, b []monitor.Event) error {
			return goodSink(ctx, f, slices.DeleteFunc(slices.Clone(b), func(e monitor.Event) bool { return e.Name == "" }))
		}, "odd values", "0 events arrived"},
		"splits on line breaks": {func(ctx context.Context, f *farEnd, b []monitor.Event) error {
			for _, e := range b {
				if e.Name == "line breaks" {
					f.take(e)
				}
			}
			return goodSink(ctx, f, b)
		}, "odd values", "2 events arrived"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				found := monitortest.SinkProblems(t, sinkTo(c.sink))
				time.Sleep(2 * asleep) // let those that sleep come back
				require.ErrorContains(t, found[c.check], c.says, "%v", found)
			})
		})
	}
}

// goexit ends the goroutine, as t.FailNow does.
func goexit() {
	defer func() { _ = recover() }()
	(&fakeT{}).Fatalf("ends it")
}

// bare is an event without attributes.
func bare(e monitor.Event) monitor.Event {
	return monitor.Event{
		Time: e.Time, Kind: e.Kind, Name: e.Name, Duration: e.Duration, Failed: e.Failed, Slow: e.Slow, TraceID: e.TraceID, User: e.User,
	}
}

// keeper keeps batches and looks into them when it is asked.
type keeper struct {
	mu      sync.Mutex
	batches [][]monitor.Event // guarded by mu
}

func (k *keeper) Write(_ context.Context, batch []monitor.Event) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.batches = append(k.batches, batch)
	return nil
}

func (k *keeper) arrived() []monitor.Event {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Concat(k.batches...)
}

func TestSinkThatKeepsBatchesIsCaught(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		found := monitortest.SinkProblems(t, func(testing.TB) (monitor.Sink, func() []monitor.Event) {
			k := &keeper{}
			return k, k.arrived
		})
		require.ErrorContains(t, found["kept batch"], "after Write had returned")
		require.Equal(t, []string{"kept batch"}, slices.Collect(maps.Keys(found)))
	})
}

// TestSinkThatIsSpentIsCaught: one that is of no use after its context ended.
func TestSinkThatIsSpentIsCaught(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		found := monitortest.SinkProblems(t, func(testing.TB) (monitor.Sink, func() []monitor.Event) {
			f, spent := &farEnd{}, false
			return monitor.SinkFunc(func(ctx context.Context, batch []monitor.Event) error {
				spent = spent || ctx.Err() != nil
				if spent {
					return errors.New("closed")
				}
				return goodSink(ctx, f, batch)
			}), f.arrived
		})
		require.ErrorContains(t, found["cancelled context"], "after a Write that was cut short: closed")
	})
}

func TestFaultyFarEndsAreCaught(t *testing.T) {
	t.Parallel()
	permanent := monitor.Permanent(errDown)
	for name, c := range map[string]struct {
		fault monitortest.SinkFault
		says  string
	}{
		"stalled, ignores its context": {monitortest.Stalled(func(testing.TB) monitor.Sink {
			return monitor.SinkFunc(func(context.Context, []monitor.Event) error { time.Sleep(asleep); return nil })
		}), "did not return within"},
		"stalled, says yes": {monitortest.Stalled(func(testing.TB) monitor.Sink {
			return monitor.SinkFunc(func(ctx context.Context, _ []monitor.Event) error { <-ctx.Done(); return nil })
		}), "the batch is lost"},
		"stalled, gives up for good": {monitortest.Stalled(func(testing.TB) monitor.Sink {
			return monitor.SinkFunc(func(ctx context.Context, _ []monitor.Event) error {
				<-ctx.Done()
				return monitor.Permanent(ctx.Err())
			})
		}), "permanent"},
		"not stalled":                    {monitortest.Stalled(failsWith(errDown)), "not stalled"},
		"unavailable, says yes":          {monitortest.Unavailable(failsWith(nil)), "the batch is lost"},
		"unavailable, gives up for good": {monitortest.Unavailable(failsWith(fmt.Errorf("x: %w", permanent))), "permanent"},
		"refused, says yes":              {monitortest.Refused(failsWith(nil)), "without being counted"},
		"refused, would try again":       {monitortest.Refused(failsWith(errDown)), "not permanent"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				found := monitortest.SinkProblems(t, sinkTo(goodSink), c.fault)
				time.Sleep(2 * asleep) // let those that sleep come back
				require.Len(t, found, 1)
				for _, err := range found {
					require.ErrorContains(t, err, c.says)
				}
			})
		})
	}
}

// TestSuitesFail: what the checks find fails the test that runs the suite. That
// takes a process whose tests fail.
func TestSuitesFail(t *testing.T) {
	t.Parallel()
	switch os.Getenv("CHRONOMON_TEST_SUITE") {
	case "sink":
		monitortest.TestSink(t, sinkTo(func(context.Context, *farEnd, []monitor.Event) error { return errDown }))
		return
	case "querier":
		monitortest.TestQuerier(t, func(testing.TB, []monitor.Series) monitor.Querier { return new(monitortest.Querier) })
		return
	}
	exe, err := os.Executable()
	require.NoError(t, err)
	for suite, fails := range map[string]string{
		"sink": "--- FAIL: TestSuitesFail/batches", "querier": "--- FAIL: TestSuitesFail/instant_query",
	} {
		cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestSuitesFail$", "-test.count=1")
		cmd.Env = append(os.Environ(), "CHRONOMON_TEST_SUITE="+suite)
		out, err := cmd.CombinedOutput()
		require.Error(t, err)
		require.Contains(t, string(out), fails)
	}
}
