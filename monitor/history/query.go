package history

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/chronoretrace/chronomon/monitor"
)

// Query implements [monitor.Querier]. A result that is not one number for each
// series (a range, a text, a native histogram) is an error that wraps
// [monitor.ErrQueryInvalid]. While the monitor is off every query is one that
// wraps [monitor.ErrQueryUnavailable].
func (db *DB) Query(ctx context.Context, promql string, at time.Time) ([]monitor.Sample, error) {
	a, err := db.instant(ctx, promql, at)
	if err != nil {
		return nil, err
	}
	return a.samples(promql, nil)
}

// QueryRange implements [monitor.Querier]. A native histogram in the result is an
// error that wraps [monitor.ErrQueryInvalid].
func (db *DB) QueryRange(ctx context.Context, promql string, r monitor.Range) ([]monitor.Series, error) {
	a, err := db.between(ctx, promql, r)
	if err != nil {
		return nil, err
	}
	return a.list(promql)
}

func (db *DB) instant(ctx context.Context, promql string, at time.Time) (answer, error) {
	if db.m.Off() {
		return answer{}, unavailable(promql)
	}
	begin := time.Now()
	if at.IsZero() {
		at = db.m.Now()
	}
	a, err := db.engine.instant(ctx, db.store, promql, at)
	db.counters.query(resultOf(err), time.Since(begin))
	return a, err
}

// maxSteps bounds the steps of a range query.
const maxSteps = 1_000_000

func (db *DB) between(ctx context.Context, promql string, r monitor.Range) (a answer, err error) {
	if db.m.Off() {
		return answer{}, unavailable(promql)
	}
	begin := time.Now()
	switch {
	case r.Step < time.Millisecond || r.Step%time.Millisecond != 0:
		err = invalidQuery(promql, fmt.Errorf("step %s: want whole milliseconds, one or more", r.Step))
	case r.To.Before(r.From):
		err = invalidQuery(promql, fmt.Errorf("the range ends at %s, before it begins at %s", rfc3339(r.To), rfc3339(r.From)))
	case r.To.Sub(r.From)/r.Step > maxSteps:
		err = &queryError{promql, fmt.Errorf("more than %d steps", maxSteps), []error{monitor.ErrQueryLimit}, apiBadData}
	default:
		a, err = db.engine.between(ctx, db.store, promql, r.From, r.To, r.Step)
	}
	db.counters.query(resultOf(err), time.Since(begin))
	return a, err
}

// resultOf is the label under which a query is counted.
func resultOf(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, monitor.ErrQueryTimeout):
		return "timeout"
	case errors.Is(err, monitor.ErrQueryLimit):
		return "limit"
	case errors.Is(err, context.Canceled):
		return "canceled"
	}
	return "invalid"
}

var (
	errNotNumbers = errors.New("its value is not one number for each series")
	errNative     = errors.New("its value has native histograms: ask for histogram_quantile, histogram_count or the like")
)

// samples is the answer to an instant query: all of it, or the values to keep.
func (a *answer) samples(promql string, keep func(float64) bool) ([]monitor.Sample, error) {
	if a.kind != kindVector && a.kind != kindScalar {
		return nil, invalidQuery(promql, errNotNumbers)
	}
	out := []monitor.Sample{}
	if keep == nil {
		out = make([]monitor.Sample, 0, len(a.series))
	}
	for _, s := range a.series {
		if len(s.native) > 0 {
			return nil, invalidQuery(promql, errNative)
		}
		if p := s.floats[0]; keep == nil || keep(p.v) {
			out = append(out, monitor.Sample{Labels: exported(s.labels), Point: p.exported()})
		}
	}
	return out, nil
}

// list is the answer to a range query.
func (a *answer) list(promql string) ([]monitor.Series, error) {
	out := make([]monitor.Series, len(a.series))
	for i, s := range a.series {
		if len(s.native) > 0 {
			return nil, invalidQuery(promql, errNative)
		}
		points := make([]monitor.Point, len(s.floats))
		for j, p := range s.floats {
			points[j] = p.exported()
		}
		out[i] = monitor.Series{Labels: exported(s.labels), Points: points}
	}
	return out, nil
}

func (p floatPoint) exported() monitor.Point {
	return monitor.Point{Time: time.UnixMilli(p.t), Value: p.v}
}
