package bizmon_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/bizmon"
	"github.com/chronoretrace/chronomon/monitor"
)

func TestBacktests(t *testing.T) {
	t.Parallel()
	var stuck []bizmon.Job
	s := setup(t, nil, bizmon.WithStuckAfter(time.Minute), bizmon.WithOnStuck(func(j bizmon.Job) { stuck = append(stuck, j) }))
	gauges := func() []float64 {
		var out []float64
		for _, n := range []string{"backtest_jobs_queued", "backtest_jobs_running", "backtest_jobs_stuck", "backtest_queue_age_seconds"} {
			out = append(out, s.value(t, n))
		}
		return out
	}
	require.Equal(t, []float64{0, 0, 0, 0}, gauges())
	require.Empty(t, s.exposition("backtest_progress_ratio"), "nothing runs")
	a := s.Backtests.Queue("a")
	s.clock.Add(10 * time.Second)
	b := s.Backtests.Queue("b")
	s.clock.Add(5 * time.Second)
	require.Equal(t, []float64{2, 0, 0, 15}, gauges())
	a.Start()
	a.Start()
	require.Equal(t, []float64{1, 1, 0, 5}, gauges())
	a.Progress(0.5)
	b.Start()
	require.InDelta(t, 0.25, s.value(t, "backtest_progress_ratio"), 1e-9)
	b.Progress(math.NaN())
	b.Progress(-1)
	b.Progress(9)
	require.InDelta(t, 0.75, s.value(t, "backtest_progress_ratio"), 1e-9)
	s.clock.Add(59 * time.Second)
	a.Beat()
	s.clock.Add(time.Second)
	require.Equal(t, []float64{0, 2, 1, 0}, gauges())
	s.Check(s.clock.Now())
	s.Check(s.clock.Now())
	require.Len(t, stuck, 1)
	require.Equal(t, bizmon.Job{
		ID: "b", Running: true, Stuck: true, Since: monday.Add(10 * time.Second), Waited: 5 * time.Second,
		Ran: time.Minute, Silent: time.Minute, Progress: 1,
	}, stuck[0])
	b.Beat()
	s.Check(s.clock.Now())
	require.InDelta(t, 0, s.value(t, "backtest_jobs_stuck"), 0)
	s.clock.Add(time.Minute)
	s.Check(s.clock.Now())
	require.Len(t, stuck, 3, "b again, and a")
	require.Equal(t, []string{"a", "b"}, []string{s.Backtests.Jobs()[0].ID, s.Backtests.Jobs()[1].ID})

	a.Done(nil)
	a.Done(errAway)
	a.Progress(1)
	a.Start()
	b.Done(fmt.Errorf("run: %w", context.DeadlineExceeded))
	s.Backtests.Queue("c").Done(context.Canceled)
	d := s.Backtests.Queue("d")
	d.Start()
	d.Done(errAway)
	require.Empty(t, s.Backtests.Jobs())
	require.Equal(t, []string{
		`backtest_outcomes_total{outcome="cancelled",reason="cancelled"} 1`,
		`backtest_outcomes_total{outcome="completed",reason="none"} 1`,
		`backtest_outcomes_total{outcome="failed",reason="error"} 1`,
		`backtest_outcomes_total{outcome="failed",reason="timeout"} 1`,
	}, s.exposition("backtest_outcomes_total{"))
	require.InDelta(t, 3, s.value(t, "backtest_jobs_total"), 0)
	require.InDelta(t, 1, s.value(t, "backtest_jobs_completed_total"), 0)
	require.InDelta(t, 2, s.value(t, "backtest_failures_total"), 0)
	require.InDelta(t, 3, s.value(t, "backtest_queue_wait_seconds_count"), 0)
	require.InDelta(t, 20, s.value(t, "backtest_queue_wait_seconds_sum"), 0)
	require.InDelta(t, 120, s.value(t, `backtest_duration_seconds_sum{outcome="completed"}`), 0)
	require.Empty(t, s.exposition(`backtest_duration_seconds_count{outcome="cancelled"}`), "it never ran")

	var none *bizmon.Backtest
	none.Start()
	none.Progress(1)
	none.Beat()
	none.Done(nil)
}

// TestNoMoreEndThanStart: also of those that end without Start.
func TestNoMoreEndThanStart(t *testing.T) {
	t.Parallel()
	s := setup(t, nil)
	s.Backtests.Queue("a").Done(errAway)
	s.Backtests.Queue("b").Done(nil)
	s.Backtests.Queue("c").Done(context.Canceled)
	require.InDelta(t, 2, s.value(t, "backtest_jobs_total"), 0)
	require.InDelta(t, 1, s.value(t, "backtest_failures_total"), 0)
	require.InDelta(t, 1, s.value(t, "backtest_jobs_completed_total"), 0)
}

// TestEverySilenceIsReported, whatever sign of life there was during a check.
func TestEverySilenceIsReported(t *testing.T) {
	t.Parallel()
	var reports atomic.Int32
	s := setup(t, []monitor.Option{monitor.WithLogger(slog.New(slog.DiscardHandler))},
		bizmon.WithStuckAfter(time.Minute), bizmon.WithOnStuck(func(bizmon.Job) { reports.Add(1) }))
	rounds := 60_000
	if raced {
		rounds = 1000
	}
	job := s.Backtests.Queue("a")
	job.Start()
	var begun, beaten atomic.Int64 // rounds: both go on at the same moment
	go func() {
		for i := range int64(rounds) {
			for begun.Load() <= i {
				runtime.Gosched()
			}
			job.Beat()
			beaten.Add(1)
		}
	}()
	untold := 0
	for i := range int64(rounds) {
		s.clock.Add(2 * time.Minute)
		begun.Add(1)
		s.Check(s.clock.Now())
		for beaten.Load() <= i {
			runtime.Gosched()
		}
		s.clock.Add(2 * time.Minute)
		reports.Store(0)
		s.Check(s.clock.Now())
		if reports.Load() == 0 {
			untold++
		}
	}
	require.Zero(t, untold)
}

func TestBacktestReasons(t *testing.T) {
	t.Parallel()
	errData := errors.New("no data for 600519")
	s := setup(t, []monitor.Option{monitor.WithLabelLimit(5)}, bizmon.WithFailureReason(func(err error) string {
		switch {
		case errors.Is(err, errData):
			return "data"
		case errors.Is(err, errAway):
			panic("a classifier that panics")
		}
		return err.Error()
	}))
	s.Backtests.Queue("a").Done(errData)
	s.Backtests.Queue("b").Done(errAway)
	for i := range 100 {
		s.Backtests.Queue("c").Done(errors.New("message " + strconv.Itoa(i)))
	}
	require.InDelta(t, 1, s.value(t, `backtest_outcomes_total{outcome="failed",reason="data"}`), 0)
	require.InDelta(t, 1, s.value(t, `backtest_outcomes_total{outcome="failed",reason="error"}`), 0)
	require.InDelta(t, 97, s.value(t, `backtest_outcomes_total{outcome="failed",reason="other"}`), 0)
}

func TestBacktestsAreBounded(t *testing.T) {
	t.Parallel()
	s := setup(t, nil, bizmon.WithJobLimit(10))
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := range 100 {
				j := s.Backtests.Queue(strconv.Itoa(i))
				j.Start()
				if i%2 == 0 {
					j.Done(nil)
				}
			}
		})
	}
	all.Wait()
	require.Len(t, s.Backtests.Jobs(), 10)
	require.InDelta(t, 400, s.value(t, "backtest_jobs_total"), 0)
	require.InDelta(t, 200, s.value(t, "backtest_jobs_completed_total"), 0)
}

func TestBacktestEvents(t *testing.T) {
	t.Parallel()
	sink := &collect{}
	s := setup(t, []monitor.Option{monitor.WithSink("test", sink, monitor.WithKinds(monitor.KindJob))}, bizmon.WithStuckAfter(time.Second))
	stop := run(t, s.m)
	j := s.Backtests.Queue("42")
	j.Start()
	s.clock.Add(time.Minute)
	s.Check(s.clock.Now())
	j.Done(errAway)
	stop()
	var states []string
	for _, e := range sink.events {
		require.Equal(t, "42", attrs(e)["job"])
		states = append(states, attrs(e)["state"])
	}
	require.Equal(t, []string{"queued", "started", "stuck", "failed"}, states)
	require.True(t, sink.events[3].Failed)
	require.Equal(t, time.Minute, sink.events[3].Duration)
	require.Equal(t, "error", attrs(sink.events[3])["reason"])
}
