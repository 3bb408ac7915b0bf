package anomaly

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"

	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/monitor"
)

// An Engine watches series: it evaluates expressions, gives their points to
// detectors, and opens and closes anomalies. It is safe for concurrent use. A
// registry has one.
type Engine struct {
	m        *monitor.Monitor
	q        monitor.Querier
	config   *engineConfig
	watches  []*watching
	period   time.Duration // the smallest step
	counters *engineCounters

	detecting lock // what follows is for who holds it, and so are the watches
	budget    budget
	turn      int        // the watch that is first
	opened    []*opening // with this Detect
	told      []notice   // for sinks, with this Detect
	unsaved   []*Anomaly // that the store has not taken
	loaded    bool

	keeping lock // who writes the state holds it

	mu       sync.Mutex
	open     map[string]*Anomaly // guarded by mu, as all below, and what is shown of series; by series
	ended    []*Anomaly          // the oldest first
	opinions map[string]opinion  // by series
	verdicts verdicts
	dirty    map[string]bool // keys that are to be written
}

var (
	_ monitor.Runner      = (*Engine)(nil)
	_ monitor.Snapshotter = (*Engine)(nil)
)

// A lock is a mutex that a context can give up waiting for.
type lock chan struct{}

func (l lock) lock(ctx context.Context) error {
	select {
	case l <- struct{}{}:
		return nil
	default:
	}
	select {
	case l <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l lock) unlock() { <-l }

var errSecondEngine = errors.New("the registry has an engine already")

// New returns an engine that asks q. It does no I/O and starts nothing: see
// [Engine.Run]. Each watch's New is called once, to see that it returns a detector.
// The error wraps [monitor.ErrInvalidOption] for each thing that is wrong.
func New(m *monitor.Monitor, q monitor.Querier, opts ...EngineOption) (*Engine, error) {
	c, err := newEngineConfig(opts)
	errs := []error{err}
	if m == nil {
		errs = append(errs, invalid("monitor = nil: want a monitor"))
	}
	if v := reflect.ValueOf(q); len(c.watches) > 0 && (q == nil || v.Kind() == reflect.Pointer && v.IsNil()) {
		errs = append(errs, invalid("querier = nil: want a querier"))
	}
	if err := errors.Join(errs...); err != nil {
		c.release()
		return nil, err
	}
	e := &Engine{
		m: m, q: q, config: c, budget: newBudget(c.budget),
		detecting: make(lock, 1), keeping: make(lock, 1),
		open: map[string]*Anomaly{}, opinions: map[string]opinion{}, dirty: map[string]bool{},
	}
	e.addWatches()
	for _, w := range e.watches {
		if e.period == 0 || w.Step < e.period {
			e.period = w.Step
		}
	}
	if err := e.publish(); err != nil {
		c.release()
		return nil, fmt.Errorf("anomaly: %w", err)
	}
	return e, nil
}

func (e *Engine) addWatches() {
	for _, w := range e.config.watches {
		e.watches = append(e.watches, &watching{
			Watch: w, series: map[string]*watched{},
			fetch: func(ctx context.Context, from, to time.Time) ([]monitor.Series, error) {
				return e.ask(ctx, w.Expr, monitor.Range{From: from, To: to, Step: w.Step})
			},
		})
	}
	for _, s := range e.config.streams {
		e.watches = append(e.watches, &watching{
			Watch: s.watch, series: map[string]*watched{}, delay: s.watch.Step + streamDelay,
			fetch: func(_ context.Context, from, to time.Time) ([]monitor.Series, error) {
				series, late, other := s.take(from, to)
				e.counters.shed(s.watch.Name, "late", late)
				e.counters.shed(s.watch.Name, "keys", other)
				return series, nil
			},
		})
	}
}

// queryTimeout bounds a query, should the querier not do so.
const queryTimeout = 30 * time.Second

// ask calls the host's querier.
func (e *Engine) ask(ctx context.Context, promql string, r monitor.Range) (series []monitor.Series, err error) {
	defer e.m.Guard("anomaly.Querier", &err)
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	return e.q.QueryRange(ctx, promql, r)
}

// publish shows the engine in the registry and makes it part of backups: the last
// step, which cannot be taken back.
func (e *Engine) publish() error {
	shown, err := instrument.Share(e.m.Instruments(), "anomaly", func() (*Engine, error) {
		var err error
		if e.counters, err = newEngineCounters(e.m.Instruments()); err != nil {
			return nil, err
		}
		for _, w := range e.watches {
			w.points, w.errors = e.counters.points.Cell(w.Name), e.counters.errors.Cell(w.Name)
		}
		if err := e.m.AddSnapshotter(e); err != nil {
			return nil, err
		}
		err = e.show()
		return e, err
	})
	if err == nil && shown != e {
		err = errSecondEngine
	}
	return err
}

// String names it in the errors of monitor.Run.
func (e *Engine) String() string { return "anomaly" }

// Run calls [Engine.Detect] at the smallest step of the watches, and has detectors
// trained that want to be, until ctx is done. What goes wrong is logged, when it
// begins and when it is over, and counted.
func (e *Engine) Run(ctx context.Context) error {
	if e.m.Off() {
		<-ctx.Done()
		return nil
	}
	if e.config.state == nil {
		e.m.Logger().Info("anomaly: open anomalies and what is said of them end with the process: no state was given")
	}
	ctx, cancel := context.WithCancel(ctx)
	var training sync.WaitGroup
	defer training.Wait()
	defer cancel()
	training.Go(func() { e.train(ctx) })
	ticker := time.NewTicker(e.period)
	defer ticker.Stop()
	fails := false
	for {
		err := e.Detect(ctx, e.m.Now())
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !fails:
			e.m.Logger().Warn("anomaly: not all that was due was done", "error", err)
		case err == nil && fails:
			e.m.Logger().Info("anomaly: all that is due is done again")
		}
		fails = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// Detect evaluates every watch of which steps have come since it was evaluated last:
// with the first call, those of its lookback. No step is given twice, and none is lost
// unless a thousand are late. When the budget is spent, warming up goes on with the
// next call. One watch that fails does not stop the others; its steps are asked for
// again. Errors are joined.
func (e *Engine) Detect(ctx context.Context, now time.Time) error {
	if e.m.Off() {
		return nil
	}
	if err := e.detecting.lock(ctx); err != nil {
		return fmt.Errorf("anomaly: detect: %w", err)
	}
	defer e.detecting.unlock()
	if err := e.load(ctx); err != nil {
		return fmt.Errorf("anomaly: detect: %w", err)
	}
	e.budget.refill(now)
	var errs []error
	n := len(e.watches)
	first := e.turn
	for _, warming := range []bool{false, true} { // what is not late yet goes before
		for i := range n {
			at := (first + i) % n
			w := e.watches[at]
			to, due := w.due(now)
			if !due || (w.next.IsZero() || w.warming()) != warming {
				continue
			}
			out := e.budget.out()
			if err := e.evaluate(ctx, w, to); err != nil {
				errs = append(errs, fmt.Errorf("anomaly: watch %q: %w", w.Name, err))
			}
			if !out && e.budget.out() {
				e.turn = at
			}
		}
	}
	errs = append(errs, e.explain(ctx), e.tell(ctx))
	return errors.Join(errs...)
}
