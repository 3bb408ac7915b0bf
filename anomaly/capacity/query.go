package capacity

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/chronoretrace/chronomon/monitor"
)

// A Resource is what [Query] asks a monitor.Querier for.
type Resource struct {
	// Usage is a PromQL expression. What it answers with at each step should be the
	// peak since the step before: max_over_time(x[1h]).
	Usage string
	// Limit is one too, a number for one: "100e9". One that answers with a single
	// value is the limit of every series, otherwise each series has the limit with
	// its own labels, the metric's name aside. "" is none.
	Limit string
}

// A Result is the [Analysis] of one of the series that a query answers with.
type Result struct {
	Labels monitor.Labels
	Analysis
	Err error // why there is none: see [Analyse]
}

// Query makes a plan for each series of a resource, in the order of the answer, by
// the history up to now. The error is the query's or an option's.
func Query(ctx context.Context, q monitor.Querier, res Resource, now time.Time, opts ...Option) ([]Result, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
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
		if limit, ok := limits.of(s.Labels); ok {
			r.Analysis, r.Err = c.analyse(s.Points, limit)
		} else {
			r.Err = fmt.Errorf("capacity: %s: %q has no limit for it", c.name, res.Limit)
		}
		out = append(out, r)
	}
	return out, nil
}

// limits are the limits of series by their labels.
type limits struct {
	all      float64 // if there is one for all
	byLabels map[string]float64
}

func queryLimits(ctx context.Context, q monitor.Querier, promql string, now time.Time) (limits, error) {
	if promql == "" {
		return limits{all: math.Inf(1)}, nil
	}
	if v, err := strconv.ParseFloat(promql, 64); err == nil {
		return limits{all: v}, nil
	}
	samples, err := q.Query(ctx, promql, now)
	if err != nil {
		return limits{}, fmt.Errorf("capacity: query of the limit %q: %w", promql, err)
	}
	if len(samples) == 1 {
		return limits{all: samples[0].Value}, nil
	}
	out := limits{byLabels: make(map[string]float64, len(samples))}
	for _, s := range samples {
		out.byLabels[withoutName(s.Labels).String()] = s.Value
	}
	return out, nil
}

func (l limits) of(labels monitor.Labels) (limit float64, ok bool) {
	if l.byLabels == nil {
		return l.all, true
	}
	limit, ok = l.byLabels[withoutName(labels).String()]
	return limit, ok
}

func withoutName(labels monitor.Labels) monitor.Labels {
	out := make(monitor.Labels, len(labels))
	for k, v := range labels {
		if k != monitor.MetricName {
			out[k] = v
		}
	}
	return out
}
