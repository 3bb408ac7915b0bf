package pgstore

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/chronoretrace/chronomon/monitor"
)

// Option configures a Store.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

type config struct {
	schema    string
	lease     string
	fenced    bool
	timeout   time.Duration
	retention Retention
}

// Retention is for how long rows are kept, by their started_at, detected_at and
// created_at. 0 is the default, a negative value keeps them for ever.
type Retention struct {
	Alerts    time.Duration // default a year; one that is not resolved is kept
	Anomalies time.Duration // default 90 days; one that was confirmed is kept as long as alerts are
	Plans     time.Duration // default a year
	Versions  int           // of each configuration, default 100
}

const day = 24 * time.Hour

func newConfig(opts []Option) (*config, error) {
	c := &config{schema: "public", timeout: 10 * time.Second}
	for _, o := range opts {
		if o != nil {
			o.apply(c)
		}
	}
	return c, errors.Join(c.validate()...)
}

func (c *config) validate() (errs []error) {
	bad := func(option string, value any, want string) {
		errs = append(errs, fmt.Errorf("pgstore: %w: %s = %v: want %s", monitor.ErrInvalidOption, option, value, want))
	}
	if c.schema == "" || len(c.schema) > 63 || strings.IndexByte(c.schema, 0) >= 0 {
		bad("WithSchema", strconv.Quote(c.schema), "1 to 63 bytes without NUL")
	}
	if c.fenced && (c.lease == "" || len(c.lease) > 100) {
		bad("WithLease", strconv.Quote(c.lease), "a lease's name: 1 to 100 bytes")
	}
	if c.timeout <= 0 || c.timeout > time.Hour {
		bad("WithTimeout", c.timeout, "a positive duration, at most 1h")
	}
	r := &c.retention
	for _, d := range []struct {
		d    *time.Duration
		most time.Duration
	}{{&r.Alerts, 365 * day}, {&r.Anomalies, 90 * day}, {&r.Plans, 365 * day}} {
		if *d.d == 0 {
			*d.d = d.most
		}
	}
	if r.Versions == 0 {
		r.Versions = 100
	}
	return errs
}

// WithSchema sets the schema that the tables are in, which is there already.
// Default: "public".
func WithSchema(name string) Option { return optionFunc(func(c *config) { c.schema = name }) }

// WithLease makes every write depend on a lease that pglease keeps in the same
// schema: the write's context has to be of a term of it, see lease.FromContext,
// and the term has to last. Else it returns an error that wraps lease.ErrLost.
// Reading needs no lease. Default: none, whoever writes may.
func WithLease(name string) Option {
	return optionFunc(func(c *config) { c.lease, c.fenced = name, true })
}

// WithTimeout bounds each statement, besides the context that it is given.
// Default: 10 s.
func WithTimeout(d time.Duration) Option { return optionFunc(func(c *config) { c.timeout = d }) }

// WithRetention sets for how long rows are kept. Default: see [Retention].
func WithRetention(r Retention) Option { return optionFunc(func(c *config) { c.retention = r }) }
