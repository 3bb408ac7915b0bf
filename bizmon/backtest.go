package bizmon

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/monitor"
)

// Backtest is one job. Its methods may be called from any goroutines, and on
// nil.
type Backtest struct {
	all    *Backtests // nil: off
	id     string
	queued time.Time

	mu       sync.Mutex
	started  time.Time // guarded by mu; zero while it waits
	alive    time.Time // guarded by mu; the last sign of life
	progress float64   // guarded by mu
	ended    bool      // guarded by mu
	reported bool      // guarded by mu; that it is stuck
}

func (b *Backtest) off() bool { return b == nil || b.all == nil }

// Start says that the job runs. Only the first call counts.
func (b *Backtest) Start() {
	if b.off() {
		return
	}
	now := b.all.core.m.Now()
	b.mu.Lock()
	if b.ended || !b.started.IsZero() {
		b.mu.Unlock()
		return
	}
	b.started, b.alive = now, now
	waited := b.waited(now)
	b.mu.Unlock()
	b.record("started", waited, false, nil)
}

// waited counts the job as started, and returns how long it was in the queue.
func (b *Backtest) waited(now time.Time) time.Duration {
	waited := max(now.Sub(b.queued), 0)
	var home instrument.Home
	cell := b.all.core.in.jobs.Begin(&home)
	cell.Observe(0, int64(waited))
	cell.Add(jobStarted, 1)
	cell.End()
	return waited
}

// Progress says how much of the job is done, 0 to 1. It is a sign of life.
func (b *Backtest) Progress(done float64) {
	if b.off() {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.beat()
	if done >= 0 { // not NaN
		b.progress = min(done, 1)
	}
}

// Beat is a sign of life: without any for [WithStuckAfter] the job is stuck.
func (b *Backtest) Beat() {
	if b.off() {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.beat()
}

func (b *Backtest) beat() {
	b.alive = b.all.core.m.Now()
	b.reported = false
}

// The outcomes of a job.
const (
	outcomeCompleted = "completed"
	outcomeFailed    = "failed"
	outcomeCancelled = "cancelled"
)

// Done says that the job has ended: completed if err is nil, cancelled if it is
// [context.Canceled], and failed otherwise. One that completes or fails without
// Start counts as started, too. Only the first call counts.
func (b *Backtest) Done(err error) {
	if b.off() {
		return
	}
	now := b.all.core.m.Now()
	b.mu.Lock()
	if b.ended {
		b.mu.Unlock()
		return
	}
	b.ended = true
	started := b.started
	b.mu.Unlock()
	b.all.mu.Lock()
	delete(b.all.jobs, b)
	b.all.mu.Unlock()

	in := b.all.core.in
	outcome, reason := b.all.classify(err)
	var ran time.Duration
	var home instrument.Home
	switch {
	case !started.IsZero():
		ran = max(now.Sub(started), 0)
		in.durations.Cell(outcome).Observe(&home, 0, int64(ran))
	case outcome != outcomeCancelled:
		b.waited(now)
	}
	switch outcome {
	case outcomeCompleted:
		add(in.jobs, jobCompleted, 1)
	case outcomeFailed:
		add(in.jobs, jobFailed, 1)
	}
	add(in.outcomes.Cell(outcome, reason), 0, 1)
	b.record(outcome, ran, outcome == outcomeFailed, []slog.Attr{slog.String("reason", reason)})
}

// classify names the outcome and its reason.
func (bs *Backtests) classify(err error) (outcome, reason string) {
	switch {
	case err == nil:
		return outcomeCompleted, "none"
	case errors.Is(err, context.Canceled):
		outcome, reason = outcomeCancelled, "cancelled"
	case errors.Is(err, context.DeadlineExceeded):
		outcome, reason = outcomeFailed, "timeout"
	default:
		outcome, reason = outcomeFailed, "error"
	}
	if said := bs.hostReason(err); said != "" && len(said) <= 100 {
		reason = said
	}
	return outcome, reason
}

func (bs *Backtests) hostReason(failure error) (reason string) {
	if bs.core.config.reason == nil {
		return ""
	}
	var err error
	defer bs.core.m.Guard("bizmon.WithFailureReason", &err)
	return bs.core.config.reason(failure)
}

func (b *Backtest) job(now time.Time) (Job, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.jobLocked(now)
}

func (b *Backtest) jobLocked(now time.Time) (Job, bool) {
	if b.ended {
		return Job{}, false
	}
	j := Job{ID: b.id, Since: b.queued, Progress: b.progress, Running: !b.started.IsZero()}
	if !j.Running {
		j.Waited = max(now.Sub(b.queued), 0)
		return j, true
	}
	j.Waited, j.Ran = max(b.started.Sub(b.queued), 0), max(now.Sub(b.started), 0)
	j.Silent = max(now.Sub(b.alive), 0)
	j.Stuck = j.Silent >= b.all.core.config.stuckAfter
	return j, true
}

// gotStuck reports, once, that the job is stuck.
func (b *Backtest) gotStuck(now time.Time) (Job, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	j, ok := b.jobLocked(now)
	if !ok || !j.Stuck || b.reported {
		return j, false
	}
	b.reported = true
	return j, true
}

func (b *Backtest) sayStuck(j Job) {
	c := b.all.core
	c.m.Logger().Warn("back-test is stuck", "job", j.ID, "ran", j.Ran, "silent", j.Silent, "progress", j.Progress)
	b.record("stuck", j.Ran, true, []slog.Attr{slog.Duration("silent", j.Silent), slog.Float64("progress", j.Progress)})
	if c.config.onStuck != nil {
		var err error
		defer c.m.Guard("bizmon.WithOnStuck", &err)
		c.config.onStuck(j)
	}
}

func (b *Backtest) record(state string, d time.Duration, failed bool, attrs []slog.Attr) {
	c := b.all.core
	if !c.m.Enabled(monitor.KindJob) {
		return
	}
	e := monitor.Event{Kind: monitor.KindJob, Name: "backtest", Duration: d, Failed: failed}
	e.Add(slog.String("job", b.id), slog.String("state", state))
	e.Add(attrs...)
	c.m.Record(e)
}
