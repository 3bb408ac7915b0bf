package history

// All that this package asks of Prometheus's engine and parser is in this
// file: their interfaces change with every minor version.

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"

	"github.com/chronoretrace/chronomon/monitor"
)

// engine evaluates PromQL.
type engine struct {
	promql  *promql.Engine
	timeout time.Duration
}

func newEngine(c *config, log *slog.Logger) *engine {
	step := c.interval.Milliseconds()
	return &engine{timeout: c.timeout, promql: promql.NewEngine(promql.EngineOpts{
		Logger:               log,
		MaxSamples:           c.samples,
		Timeout:              c.timeout,
		ActiveQueryTracker:   make(slots, c.concurrency),
		LookbackDelta:        c.lookback,
		EnableAtModifier:     true,
		EnableNegativeOffset: true,
		// The step of a subquery that names none.
		NoStepSubqueryIntervalFn: func(int64) int64 { return step },
	})}
}

// slots bounds how many queries run at a time.
type slots chan struct{}

var _ promql.QueryTracker = slots(nil)

// GetMaxConcurrent implements promql.QueryTracker.
func (s slots) GetMaxConcurrent() int { return cap(s) }

// Insert implements promql.QueryTracker.
func (s slots) Insert(ctx context.Context, _ string) (int, error) {
	select {
	case s <- struct{}{}:
		return 0, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// Delete implements promql.QueryTracker.
func (s slots) Delete(int) { <-s }

// Close implements promql.QueryTracker.
func (slots) Close() error { return nil }

// kind is the type of a result, as the HTTP API calls it.
type kind string

const (
	kindVector kind = "vector"
	kindMatrix kind = "matrix"
	kindScalar kind = "scalar"
	kindString kind = "string"
)

// answer is the result of a query. It is the caller's.
type answer struct {
	kind            kind
	series          []resultSeries // of a vector one point each; of a scalar one without labels
	text            string         // of a string
	at              int64          // of a string
	warnings, infos []string
}

// resultSeries is one series of a result: floats and native histograms, each
// ordered by time.
type resultSeries struct {
	labels labels.Labels
	floats []floatPoint
	native []nativePoint
}

type floatPoint struct {
	t int64
	v float64
}

type nativePoint struct {
	t int64
	h *histogram.FloatHistogram
}

// instant evaluates an expression at a time.
func (e *engine) instant(ctx context.Context, q storage.Queryable, expr string, at time.Time) (answer, error) {
	return e.eval(ctx, expr, func(ctx context.Context) (promql.Query, error) {
		return e.promql.NewInstantQuery(ctx, q, nil, expr, at)
	})
}

// between evaluates an expression at each step between two times.
func (e *engine) between(ctx context.Context, q storage.Queryable, expr string, from, to time.Time, step time.Duration) (answer, error) {
	return e.eval(ctx, expr, func(ctx context.Context) (promql.Query, error) {
		return e.promql.NewRangeQuery(ctx, q, nil, expr, from, to, step)
	})
}

func (e *engine) eval(ctx context.Context, expr string, parse func(context.Context) (promql.Query, error)) (answer, error) {
	if err := checkSize(expr); err != nil {
		return answer{}, invalidQuery(expr, err)
	}
	bounded, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	query, err := parse(bounded)
	if err != nil {
		if bounded.Err() == nil {
			return answer{}, invalidQuery(expr, err)
		}
		return answer{}, newQueryError(ctx, expr, err)
	}
	defer query.Close()
	result := query.Exec(bounded)
	if result.Err != nil {
		return answer{}, newQueryError(ctx, expr, result.Err)
	}
	a := newAnswer(result.Value)
	a.warnings, a.infos = texts(result.Warnings, expr)
	return a, nil
}

// newQueryError says what kind of error the engine gave for an expression.
func newQueryError(ctx context.Context, expr string, err error) error {
	var timeout promql.ErrQueryTimeout
	var canceled promql.ErrQueryCanceled
	var tooMany promql.ErrTooManySamples
	e := &queryError{expr: expr, cause: err, api: apiExecution, kinds: []error{monitor.ErrQueryInvalid}}
	switch {
	case errors.As(err, &timeout) || errors.Is(err, context.DeadlineExceeded):
		e.api, e.kinds = apiTimeout, []error{monitor.ErrQueryTimeout}
		if ctx.Err() != nil {
			e.kinds = append(e.kinds, ctx.Err())
		}
	case errors.As(err, &canceled) || errors.Is(err, context.Canceled):
		e.api, e.kinds = apiCanceled, []error{context.Canceled}
	case errors.As(err, &tooMany):
		e.kinds = []error{monitor.ErrQueryLimit}
	}
	return e
}

// newAnswer copies a result, which the engine uses again.
func newAnswer(v parser.Value) answer {
	switch v := v.(type) {
	case promql.Scalar:
		return answer{kind: kindScalar, series: []resultSeries{{floats: []floatPoint{{v.T, v.V}}}}}
	case promql.String:
		return answer{kind: kindString, text: v.V, at: v.T}
	case promql.Vector:
		a := answer{kind: kindVector, series: make([]resultSeries, len(v))}
		points := make([]floatPoint, len(v)) // one allocation for all
		for i, s := range v {
			a.series[i].labels = s.Metric
			if s.H != nil {
				a.series[i].native = []nativePoint{{s.T, s.H}}
				continue
			}
			points[i] = floatPoint{s.T, s.F}
			a.series[i].floats = points[i : i+1 : i+1]
		}
		return a
	case promql.Matrix:
		a := answer{kind: kindMatrix, series: make([]resultSeries, len(v))}
		for i, s := range v {
			r := resultSeries{labels: s.Metric, floats: make([]floatPoint, len(s.Floats))}
			for j, p := range s.Floats {
				r.floats[j] = floatPoint{p.T, p.F}
			}
			for _, p := range s.Histograms {
				r.native = append(r.native, nativePoint{p.T, p.H.Copy()})
			}
			a.series[i] = r
		}
		return a
	}
	return answer{}
}

// texts returns what the engine has to say about a query.
func texts(notes annotations.Annotations, query string) (warnings, infos []string) {
	const most = 10
	return notes.AsStrings(query, most, most)
}

// checkExpr returns an error if the expression is not PromQL with a vector or
// scalar as its value.
func checkExpr(promql string) error {
	expr, err := parseExpr(promql)
	if err != nil {
		return err
	}
	if t := expr.Type(); t != parser.ValueTypeVector && t != parser.ValueTypeScalar {
		return fmt.Errorf("its value is a %s, want a vector or scalar", parser.DocumentedType(t))
	}
	return nil
}

// formatQuery returns an expression as Prometheus lays it out.
func formatQuery(promql string) (string, error) {
	expr, err := parseExpr(promql)
	if err != nil {
		return "", invalidQuery(promql, err)
	}
	text, err := pretty(expr)
	if err != nil {
		return "", invalidQuery(promql, err)
	}
	return text, nil
}

// splitThreshold splits an expression that holds a vector against a number. keep
// is nil for others.
func splitThreshold(promql string) (of string, keep func(float64) bool) {
	expr, err := parseExpr(promql)
	if err != nil {
		return promql, nil
	}
	b, ok := expr.(*parser.BinaryExpr)
	if !ok || b.ReturnBool || b.LHS.Type() != parser.ValueTypeVector {
		return promql, nil
	}
	number, ok := b.RHS.(*parser.NumberLiteral)
	if !ok {
		return promql, nil
	}
	limit := number.Val
	switch b.Op {
	case parser.GTR:
		keep = func(v float64) bool { return v > limit }
	case parser.GTE:
		keep = func(v float64) bool { return v >= limit }
	case parser.LSS:
		keep = func(v float64) bool { return v < limit }
	case parser.LTE:
		keep = func(v float64) bool { return v <= limit }
	case parser.EQLC:
		keep = func(v float64) bool { return v == limit }
	case parser.NEQ:
		keep = func(v float64) bool { return v != limit }
	default:
		return promql, nil
	}
	at := b.LHS.PositionRange()
	return promql[at.Start:at.End], keep
}

// selectorsOf returns the matchers of each selector in an expression.
func selectorsOf(promql string) ([][]*labels.Matcher, error) {
	expr, err := parseExpr(promql)
	if err != nil {
		return nil, invalidQuery(promql, err)
	}
	return parser.ExtractSelectors(expr), nil
}

// parseSelector parses a series selector such as up{job="a"}.
func parseSelector(selector string) ([]*labels.Matcher, error) {
	return parser.ParseMetricSelector(selector)
}
