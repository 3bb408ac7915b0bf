package monitortest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chronoretrace/chronomon/monitor"
)

// Querier is a [monitor.Querier] that gives the answers it was told, by
// expression, letter for letter. An expression that it was not told is an error
// that lists those it was. The zero Querier is ready for use; it is safe for
// concurrent use and must not be copied.
type Querier struct {
	mu      sync.Mutex
	instant map[string][]monitor.Sample // guarded by mu
	ranges  map[string][]monitor.Series // guarded by mu
	errs    map[string]error            // guarded by mu
	calls   []Call                      // guarded by mu
}

var _ monitor.Querier = (*Querier)(nil)

// Call is one call of a [Querier].
type Call struct {
	PromQL string
	At     time.Time     // of an instant query
	Range  monitor.Range // of a range query; zero otherwise
}

// Answer sets what an instant query of the expression returns: no samples are
// an empty result. A sample without a time gets that of the query.
func (q *Querier) Answer(promql string, samples ...monitor.Sample) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.instant == nil {
		q.instant = map[string][]monitor.Sample{}
	}
	q.instant[promql] = cloneSamples(samples)
}

// AnswerRange sets what a range query of the expression returns: of these
// series the points within the range asked for, whatever its step, and no
// series without points.
func (q *Querier) AnswerRange(promql string, series ...monitor.Series) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ranges == nil {
		q.ranges = map[string][]monitor.Series{}
	}
	q.ranges[promql] = cloneSeries(series)
}

// Fail makes every query of the expression return err, until Fail(promql, nil).
func (q *Querier) Fail(promql string, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.errs == nil {
		q.errs = map[string]error{}
	}
	if q.errs[promql] = err; err == nil {
		delete(q.errs, promql)
	}
}

// Calls returns the queries made so far, failed ones included, in order.
func (q *Querier) Calls() []Call {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.calls)
}

// Query implements monitor.Querier.
func (q *Querier) Query(ctx context.Context, promql string, at time.Time) ([]monitor.Sample, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.calls = append(q.calls, Call{PromQL: promql, At: at})
	if err := q.refuse(ctx, promql); err != nil {
		return nil, err
	}
	samples, ok := q.instant[promql]
	if !ok {
		return nil, unknown("instant", promql, slices.Sorted(maps.Keys(q.instant)))
	}
	out := cloneSamples(samples)
	for i := range out {
		if out[i].Time.IsZero() {
			out[i].Time = at
		}
	}
	return out, nil
}

// QueryRange implements monitor.Querier.
func (q *Querier) QueryRange(ctx context.Context, promql string, r monitor.Range) ([]monitor.Series, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.calls = append(q.calls, Call{PromQL: promql, Range: r})
	if err := q.refuse(ctx, promql); err != nil {
		return nil, err
	}
	series, ok := q.ranges[promql]
	if !ok {
		return nil, unknown("range", promql, slices.Sorted(maps.Keys(q.ranges)))
	}
	out := cloneSeries(series)
	for i := range out {
		out[i].Points = slices.DeleteFunc(out[i].Points, func(p monitor.Point) bool {
			return p.Time.Before(r.From.Truncate(time.Millisecond)) || p.Time.After(r.To)
		})
	}
	return slices.DeleteFunc(out, func(s monitor.Series) bool { return len(s.Points) == 0 }), nil
}

// refuse returns the error that a query of the expression ends with, if any.
// The caller holds mu.
func (q *Querier) refuse(ctx context.Context, promql string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("monitortest: query %q: %w", promql, err)
	}
	if err := q.errs[promql]; err != nil {
		return fmt.Errorf("monitortest: query %q: %w", promql, err)
	}
	return nil
}

func unknown(kind, promql string, known []string) error {
	if len(known) == 0 {
		return fmt.Errorf("monitortest: no answer to the %s query %q: none was set to any", kind, promql)
	}
	return fmt.Errorf("monitortest: no answer to the %s query %q, but to:\n\t%s", kind, promql, strings.Join(known, "\n\t"))
}

func cloneSamples(in []monitor.Sample) []monitor.Sample {
	out := slices.Clone(in)
	for i := range out {
		out[i].Labels = maps.Clone(out[i].Labels)
	}
	return out
}

func cloneSeries(in []monitor.Series) []monitor.Series {
	out := slices.Clone(in)
	for i := range out {
		out[i].Labels = maps.Clone(out[i].Labels)
		out[i].Points = slices.Clone(out[i].Points)
	}
	return out
}
