package correlation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/chronoretrace/chronomon/internal/series"
	"github.com/chronoretrace/chronomon/monitor"
)

// Why a series is not judged.
var (
	// ErrShort is returned for fewer than 20 pairs of moves.
	ErrShort = series.ErrShort
	// ErrIrregular is returned where more than half of the steps have no value.
	ErrIrregular = series.ErrIrregular
	// ErrConstant is returned for a series that never changes: what moves with it
	// cannot be said.
	ErrConstant = errors.New("the series never changes")
)

// A Result is what moved with a target.
type Result struct {
	// Relations are those with a Q up to that of WithRate, the surest first.
	Relations []Relation
	Judged    int       // candidates that were, on which Q depends
	Skipped   []Skipped // the others, in the order of the candidates
	Window    monitor.Range
	Lag       time.Duration // looked for either way
}

// A Relation is a series that moved with the target.
type Relation struct {
	Index  int    // of the candidate; in [Query] of the expression
	PromQL string // the expression; "" in [CoMoving]
	Labels monitor.Labels
	// Lag is by how much it follows the target; below 0 it leads.
	Lag time.Duration
	// R is the correlation of what their own pasts do not explain, -1 to 1.
	R float64
	// Raw is Pearson's coefficient of the values, at that lag. It is no evidence.
	Raw float64
	// P is the chance of an R so far from 0 at any lag, were they unrelated.
	P float64
	// Q is the least share of chance finds at which it would be found.
	Q     float64
	Pairs int // of values that R is of
}

// String returns the relation in one line.
func (r Relation) String() string {
	when := "moves at the same time"
	switch {
	case r.Lag < 0:
		when = fmt.Sprintf("leads by %v", -r.Lag)
	case r.Lag > 0:
		when = fmt.Sprintf("follows by %v", r.Lag)
	}
	return fmt.Sprintf("%s %s: R %.2f, P %.1g, Q %.1g", nameOf(r.Labels, r.PromQL), when, r.R, r.P, r.Q)
}

// nameOf is that of a series, or of the expression that it is the answer to.
func nameOf(labels monitor.Labels, promql string) string {
	if len(labels) == 0 && promql != "" {
		return promql
	}
	return labels.String()
}

// A Skipped candidate could not be judged.
type Skipped struct {
	Index  int
	PromQL string
	Labels monitor.Labels
	Err    error // ErrShort, ErrIrregular or ErrConstant
}

// CoMoving says which candidates moved with the target in a window. Points may
// come in any order; several of one step are averaged, and those that are not
// finite are gaps. A window without a step has the median distance of the target's
// points; one without From or To reaches as far as the target does. The error is
// about the target, wraps one of this package's, or is monitor.ErrInvalidOption or
// monitor.ErrQueryLimit. The same points give the same result.
func CoMoving(target []monitor.Point, candidates []monitor.Series, window monitor.Range, opts ...Option) (Result, error) {
	c, err := newConfig(opts)
	if err != nil {
		return Result{}, err
	}
	all := make([]candidate, len(candidates))
	for i, s := range candidates {
		all[i] = candidate{i, "", s}
	}
	return c.coMoving(context.Background(), target, all, window)
}

// Query asks for a target, one series, and for candidates, any number of series
// each, and says which of these moved with it in the window. Series that have the
// target's metric name and labels are left out. The error is the query's, or as of
// [CoMoving].
func Query(ctx context.Context, q monitor.Querier, target string, candidates []string, window monitor.Range, opts ...Option) (Result, error) {
	c, err := newConfig(opts)
	if err != nil {
		return Result{}, err
	}
	of, err := q.QueryRange(ctx, target, window)
	if err != nil {
		return Result{}, fmt.Errorf("correlation: query of the target %q: %w", target, err)
	}
	if len(of) != 1 {
		return Result{}, fmt.Errorf("correlation: target %q: %w: %d series, want 1", target, monitor.ErrQueryInvalid, len(of))
	}
	var all []candidate
	for i, promql := range candidates {
		found, err := q.QueryRange(ctx, promql, window)
		if err != nil {
			return Result{}, fmt.Errorf("correlation: query %q: %w", promql, err)
		}
		for _, s := range found {
			if promql != target && (s.Labels[monitor.MetricName] == "" || s.Labels.String() != of[0].Labels.String()) {
				all = append(all, candidate{i, promql, s})
			}
		}
		if len(all) > c.most {
			return Result{}, c.tooMany(len(all))
		}
	}
	return c.coMoving(ctx, of[0].Points, all, window)
}

type candidate struct {
	index  int
	promql string
	monitor.Series
}

func (c config) tooMany(n int) error {
	return fmt.Errorf("correlation: %w: %d candidates, of at most %d", monitor.ErrQueryLimit, n, c.most)
}

func (c config) coMoving(ctx context.Context, target []monitor.Point, candidates []candidate, window monitor.Range) (Result, error) {
	if len(candidates) > c.most {
		return Result{}, c.tooMany(len(candidates))
	}
	window, slots, err := frame(target, window)
	if err != nil {
		return Result{}, fmt.Errorf("correlation: target: %w", err)
	}
	lags, err := c.lags(window.Step)
	if err != nil {
		return Result{}, err
	}
	x, err := movesOf(target, window, slots)
	if err != nil {
		return Result{}, fmt.Errorf("correlation: target: %w", err)
	}
	out := Result{Window: window, Lag: time.Duration(lags) * window.Step}
	var all []Relation
	var ps []float64
	for _, s := range candidates {
		if err := ctx.Err(); err != nil {
			return Result{}, err
		}
		found, err := relate(x, s.Points, window, slots, lags)
		if err != nil {
			err = fmt.Errorf("correlation: %s: %w", nameOf(s.Labels, s.promql), err)
			out.Skipped = append(out.Skipped, Skipped{s.index, s.promql, s.Labels, err})
			continue
		}
		all = append(all, Relation{
			Index: s.index, PromQL: s.promql, Labels: s.Labels, Lag: time.Duration(found.Lag) * window.Step,
			R: found.R, Raw: found.Raw, P: found.P, Pairs: found.Pairs,
		})
		ps = append(ps, found.P)
	}
	out.Judged = len(all)
	for i, q := range series.FalseDiscovery(ps) {
		if all[i].Q = q; q <= c.rate {
			out.Relations = append(out.Relations, all[i])
		}
	}
	slices.SortStableFunc(out.Relations, func(a, b Relation) int {
		return cmp.Or(cmp.Compare(a.P, b.P), cmp.Compare(b.R*b.R, a.R*a.R))
	})
	return out, nil
}

func relate(x series.Moves, points []monitor.Point, window monitor.Range, slots, lags int) (series.Correlation, error) {
	y, err := movesOf(points, window, slots)
	if err != nil {
		return series.Correlation{}, err
	}
	return series.Correlate(x, y, lags)
}
