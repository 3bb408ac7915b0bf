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
	watchSpec
	due   int64              // when it was last evaluated; 0: not yet
	alive map[uint64]*series // those of the last evaluation, by hash of labels; nil: not yet known
	fails bool               // the last evaluation did
}

type watches struct {
	lookback time.Duration

	mu   sync.Mutex
	list []*watch // guarded by mu; in the order in which they came
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
// when it is over.
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

// evaluateWatches records the watched expressions that are due. Steps that were
// missed are not made up for. It is called by one goroutine at a time.
func (db *DB) evaluateWatches(ctx context.Context, now time.Time) error {
	type job struct {
		watch *watch
		spec  watchSpec
	}
	db.watches.mu.Lock()
	jobs := make([]job, len(db.watches.list))
	for i, w := range db.watches.list {
		jobs[i] = job{w, w.watchSpec} // the watch itself may be given another one meanwhile
	}
	db.watches.mu.Unlock()
	var errs []error
	for _, j := range jobs {
		at := now.Truncate(j.spec.step)
		if j.watch.alive == nil {
			j.watch.due, j.watch.alive = db.recorded(j.spec.name)
		}
		if millis(at) <= j.watch.due {
			continue
		}
		j.watch.due = millis(at)
		if err := db.record(ctx, j.watch, j.spec, at); err != nil {
			db.counters.watchFailures.Cell(j.spec.name).Add(&instrument.Home{}, 0, 1)
			errs = append(errs, fmt.Errorf("history: watch %q: %w", j.spec.name, err))
			if !j.watch.fails && ctx.Err() == nil {
				j.watch.fails = true
				db.m.Logger().Warn("history: a watched expression is not recorded", "watch", j.spec.name, "error", err)
			}
		} else if j.watch.fails {
			j.watch.fails = false
			db.m.Logger().Info("history: a watched expression is recorded again", "watch", j.spec.name)
		}
	}
	return errors.Join(errs...)
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
		case s.tier == raw && now-s.last <= db.watches.lookback.Milliseconds():
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
		one.due, one.alive = 0, nil
	}
}

// record evaluates one watched expression at a time.
func (db *DB) record(ctx context.Context, w *watch, spec watchSpec, at time.Time) error {
	a, err := db.instant(ctx, spec.expr, at)
	if err != nil {
		return err
	}
	st := db.store
	st.writing.Lock()
	defer st.writing.Unlock()
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
		st.watched(s)
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

// watched makes a series that was another's and is over one of the long tier.
func (st *store) watched(s *series) {
	if s.tier == long && !s.collected {
		return
	}
	s.tier, s.collected = long, false
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
