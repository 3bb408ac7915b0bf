package dbmon

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/monitor"
)

// Option configures a Tracer.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

type config struct {
	next       pgx.QueryTracer
	buckets    []float64
	tables     int
	slow       time.Duration
	text       bool
	traceID    func(context.Context) string
	top        int
	statements int
	bytes      int
	skip       []string
	refused    []string // options that were given nil
}

func newConfig(opts []Option) (*config, error) {
	c := &config{
		buckets: catalog.DBQueryDuration.Buckets, tables: 200, slow: time.Second,
		top: 500, statements: 1024, bytes: 4 << 20,
	}
	for _, o := range opts {
		if o != nil {
			o.apply(c)
		}
	}
	return c, errors.Join(c.validate()...)
}

func (c *config) validate() (errs []error) {
	bad := func(option string, value any, want string) { errs = append(errs, invalid(option, value, want)) }
	switch {
	case len(c.buckets) == 0 || len(c.buckets) > 100:
		bad("WithBuckets", c.buckets, "1 to 100 bounds")
	case !(c.buckets[0] > 0):
		bad("WithBuckets", c.buckets, "bounds above 0 seconds")
	case c.buckets[len(c.buckets)-1] > (365 * 24 * time.Hour).Seconds():
		bad("WithBuckets", c.buckets, "bounds in seconds, at most a year")
	}
	for i, b := range c.buckets[min(1, len(c.buckets)):] {
		if !(b > c.buckets[i]) || math.IsInf(b, 0) {
			bad("WithBuckets", c.buckets, "ascending bounds")
			break
		}
	}
	if c.tables < 1 {
		bad("WithTableLimit", c.tables, "1 or more")
	}
	if c.slow < 0 {
		bad("WithSlowThreshold", c.slow, "a duration, or 0 for no reports")
	}
	if c.top < 1 || c.top > 100_000 {
		bad("WithTopQueries", c.top, "1 to 100000")
	}
	if c.statements < 2 {
		bad("WithStatementCache statements", c.statements, "2 or more")
	}
	if c.bytes < 1024 {
		bad("WithStatementCache bytes", c.bytes, "1024 or more")
	}
	if slices.Contains(c.skip, "") {
		bad("WithCallSiteSkip", `""`, "the beginnings of functions' names")
	}
	for _, name := range c.refused {
		bad(name, nil, "a value")
	}
	return errs
}

func invalid(option string, value any, want string) error {
	return fmt.Errorf("dbmon: %w: %s = %v: want %s", monitor.ErrInvalidOption, option, value, want)
}

func (c *config) refuseNil(option string, isNil bool) {
	if isNil {
		c.refused = append(c.refused, option)
	}
}

// WithNext calls t too, with everything that it can trace: the tracer that a
// connection had before. Its context values travel as if it stood alone, and
// its own cost is not part of what is measured here.
func WithNext(t pgx.QueryTracer) Option {
	return optionFunc(func(c *config) { c.next = t; c.refuseNil("WithNext", t == nil) })
}

// WithBuckets sets the upper bounds of db_query_duration_seconds, in seconds,
// ascending. Default: 0.5 ms to 10 s in 14 steps.
func WithBuckets(seconds ...float64) Option {
	return optionFunc(func(c *config) { c.buckets = slices.Clone(seconds) })
}

// WithTableLimit bounds the distinct values of the table label, instead of
// monitor.WithLabelLimit; further tables are counted as "other". Default: 200.
func WithTableLimit(n int) Option { return optionFunc(func(c *config) { c.tables = n }) }

// WithSlowThreshold sets the duration from which a query is reported: counted
// in db_slow_queries_total, kept for [Tracer.SlowQueries], logged (at most once
// a second) and its event kept by sampling. 0 reports none. Default: 1 s.
func WithSlowThreshold(d time.Duration) Option {
	return optionFunc(func(c *config) { c.slow = d })
}

// WithQueryText puts the normalised text of statements, which has no literals,
// into slow-query reports, top queries and events. Names of tables and columns
// are in it. Default: off; the hash stands for the text.
func WithQueryText() Option { return optionFunc(func(c *config) { c.text = true }) }

// WithTraceID attaches the trace id that f finds in a query's context to the
// duration's bucket as an exemplar, at most one a second and bucket, and to
// the query's event. f returns "" for a query that is not traced.
// monitor/otelbridge has one for OpenTelemetry.
func WithTraceID(f func(context.Context) string) Option {
	return optionFunc(func(c *config) { c.traceID = f; c.refuseNil("WithTraceID", f == nil) })
}

// WithTopQueries sets how many distinct statements [Tracer.TopQueries] keeps
// count of, at about 1 KiB each. When there are more, those that took little
// time make room. Default: 500.
func WithTopQueries(n int) Option { return optionFunc(func(c *config) { c.top = n }) }

// WithStatementCache bounds the analysed statements that are kept, by number
// and by bytes of SQL. What is not kept is analysed again, at some
// microseconds each. Default: 1024 and 4 MiB.
func WithStatementCache(statements, bytes int) Option {
	return optionFunc(func(c *config) { c.statements, c.bytes = statements, bytes })
}

// WithCallSiteSkip names functions that are no call sites, by how their full
// names begin: "example.com/app/store.", so that a slow query is reported with
// the line that called the store. pgx, database/sql and some well-known layers
// over them are skipped anyway.
func WithCallSiteSkip(prefixes ...string) Option {
	return optionFunc(func(c *config) { c.skip = append(c.skip, prefixes...) })
}
