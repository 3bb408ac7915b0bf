package capacity

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/chronoretrace/chronomon/monitor"
)

// A Resource is what [Query] asks a monitor.Querier for.
type Resource struct {
	// Usage is a PromQL expression. What it answers with at each step should be the
	// peak since the step before: max_over_time(x[1h]). It should be in the unit of
	// the resource, bytes for one: a share of the whole falls when the whole grows.
	Usage string
	// Limit is one too, a number for one: "100e9". What it answers with at the end
	// of the history, which is the size after all changes of it, is the limit of the
	// series that have all of its labels, the metric's name aside; of several the
	// one with the most. If there is one of each, they belong together. "" is none.
	Limit string
}

// A Result is the [Analysis] of one of the series that a query answers with.
type Result struct {
	Labels monitor.Labels
	Analysis
	Err error // why there is none: see [Analyse]
}

// Query makes a plan for each series of a resource, in the order of the answer, by
// the history up to now, of which the zero time is the clock's. A series that ended
// more than a day before, as that of a disk that is gone does, has a note that says
// so. The error is the query's or an option's.
func Query(ctx context.Context, q monitor.Querier, res Resource, now time.Time, opts ...Option) ([]Result, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	if now.IsZero() {
		now = time.Now()
	}
	limits, err := queryLimits(ctx, q, res.Limit, now)
	if err != nil {
		return nil, err
	}
	all, err := q.QueryRange(ctx, res.Usage, monitor.Range{From: now.Add(-c.history), To: now, Step: c.step})
	if err != nil {
		return nil, fmt.Errorf("capacity: query %q: %w", res.Usage, err)
	}
	out := make([]Result, 0, len(all))
	for _, s := range all {
		if err := ctx.Err(); err != nil {
			return out, err
		}
		r, c := Result{Labels: s.Labels}, c
		if c.name == defaultName && len(s.Labels) > 0 {
			c.name = s.Labels.String()
		}
		if limit, err := limits.of(s.Labels, len(all) == 1); err == nil {
			r.Analysis, r.Err = c.analyse(s.Points, limit)
			if old := now.Sub(r.From); r.Err == nil && old > max(day, r.unit) {
				r.Notes = append(r.Notes, fmt.Sprintf("the last value is %.1f days old: nothing is known from then on", old.Hours()/24))
			}
		} else {
			r.Err = fmt.Errorf("capacity: %s: limit %q at %s: %w", c.name, res.Limit, now.UTC().Format(time.RFC3339), err)
		}
		out = append(out, r)
	}
	return out, nil
}

// limits are those of series with their labels.
type limits []monitor.Sample

func queryLimits(ctx context.Context, q monitor.Querier, promql string, now time.Time) (limits, error) {
	if promql == "" {
		return limits{{Point: monitor.Point{Value: math.Inf(1)}}}, nil
	}
	if v, err := strconv.ParseFloat(promql, 64); err == nil {
		return limits{{Point: monitor.Point{Value: v}}}, nil
	}
	samples, err := q.Query(ctx, promql, now)
	if err != nil {
		return nil, fmt.Errorf("capacity: query of the limit %q: %w", promql, err)
	}
	return samples, nil
}

// Why a series has none.
var (
	errNothing    = errors.New("no sample")
	errNoLimit    = errors.New("no sample has labels of it, and no others")
	errManyLimits = errors.New("several samples have as many labels of it")
)

// of is the limit of a series, which may be the only one.
func (l limits) of(labels monitor.Labels, only bool) (limit float64, err error) {
	if only && len(l) == 1 {
		return l[0].Value, nil
	}
	if len(l) == 0 {
		return 0, errNothing
	}
	most, err := -1, errNoLimit
	for _, s := range l {
		n := 0
		for k, v := range s.Labels {
			switch {
			case k == monitor.MetricName:
			case labels[k] == v:
				n++
			default:
				n = math.MinInt
			}
		}
		switch {
		case n > most:
			limit, most, err = s.Value, n, nil
		case n == most && n >= 0:
			err = errManyLimits
		}
	}
	return limit, err
}
