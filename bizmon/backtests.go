package bizmon

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chronoretrace/chronomon/internal/catalog"
)

// Backtests follows back-test jobs, or any others, from the queue to the end.
type Backtests struct {
	core *core

	mu   sync.Mutex
	jobs map[*Backtest]struct{} // guarded by mu; those that have not ended
}

func newBacktests(c *core) *Backtests {
	return &Backtests{core: c, jobs: map[*Backtest]struct{}{}}
}

// Job is what is known of a back-test that has not ended.
type Job struct {
	ID       string
	Running  bool // it waits otherwise
	Stuck    bool
	Since    time.Time     // when it was queued
	Waited   time.Duration // in the queue
	Ran      time.Duration
	Silent   time.Duration // since its last sign of life
	Progress float64       // 0 to 1
}

// Jobs returns the jobs that have not ended, the oldest first. There are as
// many as [WithJobLimit] at most.
func (bs *Backtests) Jobs() []Job {
	if bs.core.m.Off() {
		return nil
	}
	out := bs.list(bs.core.m.Now())
	slices.SortFunc(out, func(a, b Job) int { return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.ID, b.ID)) })
	return out
}

func (bs *Backtests) list(now time.Time) []Job {
	bs.mu.Lock()
	jobs := make([]*Backtest, 0, len(bs.jobs))
	for b := range bs.jobs {
		jobs = append(jobs, b)
	}
	bs.mu.Unlock()
	out := make([]Job, 0, len(jobs))
	for _, b := range jobs {
		if j, ok := b.job(now); ok {
			out = append(out, j)
		}
	}
	return out
}

func (bs *Backtests) register() error {
	in := bs.core.in
	show := func(m catalog.Metric, f func([]Job) (float64, bool)) error {
		return in.gauge(m, func(e emit) {
			if v, ok := f(bs.list(bs.core.m.Now())); ok {
				e(v)
			}
		})
	}
	count := func(is func(Job) bool) func([]Job) (float64, bool) {
		return func(jobs []Job) (n float64, _ bool) {
			for _, j := range jobs {
				if is(j) {
					n++
				}
			}
			return n, true
		}
	}
	return errors.Join(
		show(catalog.BacktestJobsRunning, count(func(j Job) bool { return j.Running })),
		show(catalog.BacktestJobsQueued, count(func(j Job) bool { return !j.Running })),
		show(catalog.BacktestJobsStuck, count(func(j Job) bool { return j.Stuck })),
		show(catalog.BacktestQueueAge, func(jobs []Job) (age float64, _ bool) {
			for _, j := range jobs {
				if !j.Running {
					age = max(age, j.Waited.Seconds())
				}
			}
			return age, true
		}),
		show(catalog.BacktestProgress, func(jobs []Job) (sum float64, ok bool) {
			n := 0.0
			for _, j := range jobs {
				if j.Running {
					sum += j.Progress
					n++
				}
			}
			return sum / max(n, 1), n > 0
		}),
	)
}

// Queue says that a job waits to be run. The id, of which 200 bytes are kept, is
// for [Backtests.Jobs], logs and events, and never a label. Whoever queues a job
// must end it.
func (bs *Backtests) Queue(id string) *Backtest {
	if bs.core.m.Off() {
		return &Backtest{}
	}
	b := &Backtest{all: bs, id: strings.Clone(id[:min(len(id), mostName)]), queued: bs.core.m.Now()}
	bs.mu.Lock()
	if len(bs.jobs) < bs.core.config.jobs {
		bs.jobs[b] = struct{}{}
	}
	bs.mu.Unlock()
	b.record("queued", 0, false, nil)
	return b
}

// check reports the jobs that got stuck.
func (bs *Backtests) check(now time.Time) {
	bs.mu.Lock()
	jobs := make([]*Backtest, 0, len(bs.jobs))
	for b := range bs.jobs {
		jobs = append(jobs, b)
	}
	bs.mu.Unlock()
	for _, b := range jobs {
		if j, stuck := b.gotStuck(now); stuck {
			b.sayStuck(j)
		}
	}
}
