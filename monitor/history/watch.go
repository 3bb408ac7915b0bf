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
func (db *DB) Watch(name, expr string, step time.Duration) error {
	var errs []error
	if !model.UTF8Validation.IsValidMetricName(name) {
		errs = append(errs, invalid("Watch name", fmt.Sprintf("%q", name), "a metric name"))
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
