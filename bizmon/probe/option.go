package probe

import (
	"errors"
	"fmt"
	"net"
	"reflect"
	"time"

	"github.com/chronoretrace/chronomon/monitor"
)

// Observer is told the outcome of every check: the target's Source, how long
// the check took, and nil or the [*Failure]. It is called by several goroutines
// at a time and should not block: while it does, no other check can use its
// place. A panic is counted and costs nothing else.
type Observer interface {
	Observe(source string, took time.Duration, err error)
}

// ObserverFunc is a function as an Observer.
type ObserverFunc func(source string, took time.Duration, err error)

// Observe calls f.
func (f ObserverFunc) Observe(source string, took time.Duration, err error) { f(source, took, err) }

// Option configures a Prober.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

type config struct {
	observers   []Observer
	concurrency int
	jitter      float64
	resolver    *net.Resolver
}

func newConfig(opts []Option) (*config, error) {
	c := &config{concurrency: 8, jitter: .1}
	for _, o := range opts {
		if o != nil {
			o.apply(c)
		}
	}
	return c, errors.Join(c.validate()...)
}

func (c *config) validate() (errs []error) {
	bad := func(option string, value any, want string) {
		errs = append(errs, fmt.Errorf("probe: %w: %s = %v: want %s", monitor.ErrInvalidOption, option, value, want))
	}
	for _, o := range c.observers {
		if isNil(o) {
			bad("WithObserver", nil, "an observer")
		}
	}
	if c.concurrency < 1 {
		bad("WithConcurrency", c.concurrency, "1 or more")
	}
	if !(c.jitter >= 0 && c.jitter <= .5) {
		bad("WithJitter", c.jitter, "0 to 0.5")
	}
	return errs
}

// isNil reports whether v is nil, or holds a nil pointer or function.
func isNil(v any) bool {
	r := reflect.ValueOf(v)
	return v == nil || (r.Kind() == reflect.Pointer || r.Kind() == reflect.Func) && r.IsNil()
}

// WithObserver tells o the outcome of every check. It may be given several
// times. Default: none.
func WithObserver(o Observer) Option {
	return optionFunc(func(c *config) { c.observers = append(c.observers, o) })
}

// WithConcurrency bounds how many checks run at a time. Default: 8.
func WithConcurrency(n int) Option { return optionFunc(func(c *config) { c.concurrency = n }) }

// WithJitter delays each check by a random part, up to that share, 0 to 0.5, of
// the target's interval. Default: 0.1.
func WithJitter(share float64) Option { return optionFunc(func(c *config) { c.jitter = share }) }

// WithResolver sets what resolves names. Default, and nil: as net.DefaultResolver
// does.
func WithResolver(r *net.Resolver) Option { return optionFunc(func(c *config) { c.resolver = r }) }
