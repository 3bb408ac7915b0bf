package history

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/monitor"
)

// watchSpec is what WithWatch was given.
type watchSpec struct {
	name, expr string
	step       time.Duration
}

// watch is a watched expression.
type watch struct {
	watchSpec       // guarded by the watches' mu, as all below
	asked     int64 // the newest step that came
	pending   int64 // the one that is to be evaluated; 0: none
	forgotten bool  // what follows does not hold any more

	due   int64              // guarded by evaluating, as all below; when it was last evaluated; 0: not yet
	alive map[uint64]*series // those of the last evaluation, by hash of labels; nil: not yet known
	fails bool               // the last evaluation did
}

type watches struct {
	lookback   time.Duration
	evaluating turn          // one evaluation is made at a time
	wake       chan struct{} // some may be due

	mu   sync.Mutex
	list []*watch // guarded by mu; in the order in which they came
}

func newWatches(lookback time.Duration) *watches {
	return &watches{lookback: lookback, evaluating: newTurn(), wake: make(chan struct{}, 1)}
}

// Watch records an expression into the long tier, as a recording rule does: at
// every full step each of its series is kept under the name, for as long as the
// long retention says. The step is at least a second, and at most the lookback:
// queries would not see the series between its samples. Watching a name that is
// watched already replaces its expression and step.
//
// The name is one of [a-zA-Z_:][a-zA-Z0-9_:]*, and no metric's: one that is known
// by now is an error. While a metric that comes later, or a series that an engine
// appends, has the name, nothing is recorded. As every evaluation that fails, that
// is counted in monitor_history_watch_failures_total, and logged when it begins and
// when it is over. Run evaluates one expression at a time, beside its collections;
// steps that come before the evaluation of the last one are passed over and
// counted in monitor_history_watch_missed_total.
func (db *DB) Watch(name, expr string, step time.Duration) error {
	var errs []error
	if !model.LegacyValidation.IsValidMetricName(name) {
		errs = append(errs, invalid("Watch name", fmt.Sprintf("%q", name), "letters, digits, _ and :, no digit first"))
	}
	if err := db.taken(name); err != nil {
		errs = append(errs, fmt.Errorf("history: %w: Watch name = %q: %w", monitor.ErrInvalidOption, name, err))
	}
	if err := checkExpr(expr); err != nil {
		errs = append(errs, fmt.Errorf("history: %w: Watch %q: %w", monitor.ErrInvalidOption, name, err))
	}
	if step < time.Second || step > db.watches.lookback {
		errs = append(errs, invalid("Watch step", step, fmt.Sprintf("1s to the lookback of %s", db.watches.lookback)))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	db.watches.mu.Lock()
	defer db.watches.mu.Unlock()
	spec := watchSpec{name, expr, step}
	for _, w := range db.watches.list {
		if w.name == name {
			w.watchSpec = spec
			return nil
		}
	}
	db.watches.list = append(db.watches.list, &watch{watchSpec: spec})
	return nil
}

// Unwatch stops recording a name. What was recorded stays until its retention
// has passed.
func (db *DB) Unwatch(name string) {
	db.watches.mu.Lock()
	defer db.watches.mu.Unlock()
	db.watches.list = slices.DeleteFunc(db.watches.list, func(w *watch) bool { return w.name == name })
}

// askWatches makes the expressions due whose step has come.
func (db *DB) askWatches(now time.Time) {
	db.watches.mu.Lock()
	defer db.watches.mu.Unlock()
	for _, w := range db.watches.list {
		at := millis(now.Truncate(w.step))
		if at <= w.asked {
			continue
		}
		if w.pending != 0 {
			db.counters.watchMissed.Cell(w.name).Add(&instrument.Home{}, 0, 1)
		}
		w.asked, w.pending = at, at
	}
}

// rouse has keepWatches look for what is due.
func (w *watches) rouse() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// keepWatches evaluates what is due while Run runs.
func (db *DB) keepWatches(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-db.watches.wake:
			_ = db.evaluateWatches(ctx) // it says so itself
			db.upkeep(db.m.Now())
		}
	}
}

// take returns the step of a watch that is to be evaluated, if there is one.
func (w *watches) take(one *watch) (spec watchSpec, at time.Time, due bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if one.forgotten {
		one.forgotten, one.due, one.alive = false, 0, nil
	}
	at, due = time.UnixMilli(one.pending), one.pending != 0
	one.pending = 0
	return one.watchSpec, at, due
}

// evaluateWatches records the watched expressions that are due. Steps that were
// missed are not made up for.
func (db *DB) evaluateWatches(ctx context.Context) error {
	w := db.watches
	w.mu.Lock()
	list := slices.Clone(w.list)
	w.mu.Unlock()
	if len(list) == 0 || ctx.Err() != nil {
		return nil
	}
	if err := w.evaluating.lock(ctx); err != nil {
		return fmt.Errorf("history: watches: %w", err)
	}
	defer w.evaluating.unlock()
	var errs []error
	for _, one := range list {
		if ctx.Err() != nil { // what is due stays so
			break
		}
		if spec, at, due := w.take(one); due {
			errs = append(errs, db.evaluateWatch(ctx, one, spec, at))
		}
	}
	return errors.Join(errs...)
}

func (db *DB) evaluateWatch(ctx context.Context, w *watch, spec watchSpec, at time.Time) error {
	if w.alive == nil {
		w.due, w.alive = db.recorded(spec.name)
	}
	if millis(at) <= w.due {
		return nil
	}
	w.due = millis(at)
	err := db.record(ctx, w, spec, at)
	if err == nil {
		if w.fails {
			w.fails = false
			db.m.Logger().Info("history: a watched expression is recorded again", "watch", spec.name)
		}
		return nil
	}
	db.counters.watchFailures.Cell(spec.name).Add(&instrument.Home{}, 0, 1)
	if !w.fails && ctx.Err() == nil {
		w.fails = true
		db.m.Logger().Warn("history: a watched expression is not recorded", "watch", spec.name, "error", err)
	}
	return fmt.Errorf("history: watch %q: %w", spec.name, err)
}

// recorded returns the series that were recorded under a name before, by an
// earlier process or until they were no more watched, and the time of the newest
// sample: they end unless the next evaluation finds them again.
func (db *DB) recorded(name string) (newest int64, open map[uint64]*series) {
	st := db.store
	st.writing.Lock()
	defer st.writing.Unlock()
	open = map[uint64]*series{}
	for _, s := range st.index.find([]*labels.Matcher{nameIs(name)}) {
		if s.tier == long && s.head != nil && !s.ended { // only this goroutine writes
			open[s.hash] = s
			newest = max(newest, s.last)
		}
	}
	return newest, open
}

func nameIs(name string) *labels.Matcher {
	return labels.MustNewMatcher(labels.MatchEqual, monitor.MetricName, name)
}

var (
	errMetricsName  = errors.New("a metric that is collected has the name")
	errAppendedName = errors.New("a series that an engine appends has the name")
)

// taken returns an error if a name that is to be watched is another's.
func (db *DB) taken(name string) error {
	if db.m.Off() {
		return nil
	}
	if db.m.Instruments().Has(name) {
		return errMetricsName
	}
	st := db.store
	st.writing.Lock()
	defer st.writing.Unlock()
	return db.takenIn(st.committed.Load(), name)
}

// recent reports whether queries at a time see the series.
func (s *series) recent(t, lookback int64) bool {
	return s.head != nil && !s.ended && t-s.last <= lookback // only this goroutine writes
}

// takenIn is taken for what the store has at a time. What an earlier process
// collected takes no name until it is found again. The store is locked by the
// caller.
func (db *DB) takenIn(now int64, name string) error {
	for _, s := range db.store.index.find([]*labels.Matcher{nameIs(name)}) {
		switch {
		case s.head == nil || s.ended: // only this goroutine writes
		case s.collected:
			if !db.collector.expected[s] {
				return errMetricsName
			}
		case s.tier == raw && s.recent(now, db.store.limits.lookback):
			return errAppendedName
		}
	}
	return nil
}

// forget lets each watch look for its series anew.
func (w *watches) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, one := range w.list {
		one.asked, one.pending, one.forgotten = 0, 0, true
	}
}

var errRewound = errors.New("the clock went back meanwhile")

// record evaluates one watched expression at a time.
func (db *DB) record(ctx context.Context, w *watch, spec watchSpec, at time.Time) error {
	st := db.store
	st.writing.Lock()
	epoch := db.epoch
	st.writing.Unlock()
	a, err := db.instant(ctx, spec.expr, at)
	if err != nil {
		return err
	}
	st.writing.Lock()
	defer st.writing.Unlock()
	if db.epoch != epoch {
		return errRewound
	}
	defer st.commit(millis(at))
	if err := db.takenIn(millis(at), spec.name); err != nil {
		w.end(st, millis(at))
		return err
	}
	alive := make(map[uint64]*series, len(a.series))
	var clash, full bool
	for _, r := range a.series {
		l := labels.NewBuilder(r.labels).Set(monitor.MetricName, spec.name).Labels()
		s := w.alive[l.Hash()]
		if s == nil || !labels.Equal(s.labels, l) || s.gone {
			s = st.get(l, long, millis(at))
		}
		if s == nil {
			st.counts.drop(dropSeriesLimit)
			full = true
			continue
		}
		if s.tier != long || s.collected {
			st.turn(s, long)
		}
		if alive[s.hash] == s {
			clash = true
			continue
		}
		alive[s.hash] = s
		if len(r.native) > 0 {
			st.appendNative(s, millis(at), nil, r.native[0].h)
		} else {
			st.append(s, millis(at), r.floats[0].v)
		}
	}
	for hash, s := range w.alive {
		if alive[hash] != s {
			st.append(s, millis(at), Stale)
		}
	}
	w.alive = alive
	switch {
	case clash:
		return errors.New("several of its series have the same labels under its name; one was recorded")
	case full:
		return ErrNoRoom
	}
	return nil
}

// turn makes a series that was another's and is over one of a tier.
func (st *store) turn(s *series, to tier) {
	s.tier, s.collected = to, false
	s.segment = 0 // the log says it with the next sample
}

// end ends what was recorded, except what a metric has taken over.
func (w *watch) end(st *store, at int64) {
	for _, s := range w.alive {
		if !s.collected && !s.ended {
			st.append(s, at, Stale)
		}
	}
	w.alive = map[uint64]*series{}
}
