package evidence

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/chronoretrace/chronomon/internal/redact"
	"github.com/chronoretrace/chronomon/monitor"
)

// Option configures a Recorder.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

type config struct {
	errors     *Errors
	noErrors   bool // WithErrors(nil)
	queries    func() any
	noQueries  bool // WithTopQueries(nil)
	top        int
	trace      time.Duration
	traceBytes int64
	profile    time.Duration
	budget     time.Duration
	cooldown   time.Duration
	hourly     int
	size       int64
	bundles    int
	storage    int64
	secrets    []string
}

func newConfig(opts []Option) (*config, error) {
	c := &config{
		top: 20, trace: 10 * time.Second, traceBytes: 4 << 20, profile: 2 * time.Second, budget: 30 * time.Second,
		cooldown: 30 * time.Minute, hourly: 12, size: 16 << 20, bundles: 50, storage: 256 << 20,
	}
	for _, o := range opts {
		if o != nil {
			o.apply(c)
		}
	}
	return c, errors.Join(c.validate()...)
}

func invalid(option string, value any, want string) error {
	return fmt.Errorf("evidence: %w: %s = %v: want %s", monitor.ErrInvalidOption, option, value, want)
}

func (c *config) validate() (errs []error) {
	bad := func(option string, value any, want string) { errs = append(errs, invalid(option, value, want)) }
	if c.noErrors {
		bad("WithErrors", nil, "what NewErrors returns")
	}
	if c.noQueries {
		bad("WithTopQueries", nil, "a source")
	}
	if c.top < 1 || c.top > 1000 {
		bad("WithTopQueries n", c.top, "1 to 1000")
	}
	if c.trace != 0 && (c.trace < 100*time.Millisecond || c.trace > 5*time.Minute) {
		bad("WithTrace window", c.trace, "0, or 100ms to 5m")
	}
	if c.trace != 0 && (c.traceBytes < 1<<20 || c.traceBytes > 1<<30) {
		bad("WithTrace bytes", c.traceBytes, "1 MiB to 1 GiB")
	}
	if c.profile < 0 || c.profile > time.Minute {
		bad("WithProfile", c.profile, "0 to 1m")
	}
	if c.budget < 0 || c.budget > time.Hour {
		bad("WithProfileBudget", c.budget, "0 to 1h")
	}
	if c.cooldown < time.Second || c.cooldown > 24*time.Hour {
		bad("WithCooldown", c.cooldown, "1s to 24h")
	}
	if c.hourly < 1 || c.hourly > 1000 {
		bad("WithHourly", c.hourly, "1 to 1000")
	}
	if c.size < leastSize || c.size > 1<<30 {
		bad("WithBundleSize", c.size, "256 KiB to 1 GiB")
	}
	if c.bundles < 1 || c.bundles > 10_000 {
		bad("WithStorage bundles", c.bundles, "1 to 10000")
	}
	if c.storage < c.size {
		bad("WithStorage bytes", c.storage, "the size of a bundle or more")
	}
	for _, name := range c.secrets {
		if !redact.Valid(name) {
			bad("WithSecretNames", fmt.Sprintf("%q", name), "letters or digits")
		}
	}
	return errs
}

// WithErrors adds the recent errors that a ring holds. Default: none.
func WithErrors(e *Errors) Option {
	return optionFunc(func(c *config) { c.errors, c.noErrors = e, e == nil })
}

// WithTopQueries adds the n most expensive statements, 1 to 1000, of a source: a
// dbmon.Tracer is one. It is asked by the worker and should not block. What it
// returns is written as JSON. Default: none.
func WithTopQueries[Query any](source interface{ TopQueries(n int) []Query }, n int) Option {
	return optionFunc(func(c *config) {
		v := reflect.ValueOf(source)
		c.noQueries = source == nil || v.Kind() == reflect.Pointer && v.IsNil()
		c.queries, c.top = func() any { return source.TopQueries(n) }, n
	})
}

// WithTrace sets how much of the execution trace is kept at hand: the time before a
// capture, 100 ms to 5 min, and about how many bytes, which win over the time: 1 MiB
// to 1 GiB. A bundle has at most half of its size of it. A window of 0 keeps none.
// Default: 10 s, 4 MiB.
func WithTrace(window time.Duration, bytes int64) Option {
	return optionFunc(func(c *config) { c.trace, c.traceBytes = window, bytes })
}

// WithProfile sets how long the CPU is profiled for a bundle, at most a minute; 0
// for not at all. Default: 2 s.
func WithProfile(d time.Duration) Option { return optionFunc(func(c *config) { c.profile = d }) }

// WithProfileBudget bounds the time in which the CPU is profiled within any hour.
// Bundles past it have no such profile. Default: 30 s.
func WithProfileBudget(perHour time.Duration) Option {
	return optionFunc(func(c *config) { c.budget = perHour })
}

// WithCooldown sets for how long a subject, by its kind and name, has one bundle: 1 s
// to a day. Default: 30 min.
func WithCooldown(d time.Duration) Option { return optionFunc(func(c *config) { c.cooldown = d }) }

// WithHourly bounds the bundles of any hour, 1 to 1000. Default: 12.
func WithHourly(n int) Option { return optionFunc(func(c *config) { c.hourly = n }) }

// WithBundleSize bounds a bundle, 256 KiB to 1 GiB. A part that does not fit in is
// left out. Default: 16 MiB.
func WithBundleSize(bytes int64) Option { return optionFunc(func(c *config) { c.size = bytes }) }

// WithStorage bounds all bundles: how many there are, up to 10000, and their bytes,
// of which there must be enough for one. The oldest make room. Default: 50, 256 MiB.
func WithStorage(bundles int, bytes int64) Option {
	return optionFunc(func(c *config) { c.bundles, c.storage = bundles, bytes })
}

// WithSecretNames names fields whose values are secret, besides those that are by
// their names, as password and token: see the package's comment. Default: none.
func WithSecretNames(names ...string) Option {
	return optionFunc(func(c *config) { c.secrets = append(c.secrets, names...) })
}
