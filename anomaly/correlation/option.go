package correlation

import (
	"errors"
	"fmt"
	"time"

	"github.com/chronoretrace/chronomon/monitor"
)

// An Option changes what is looked for.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

type config struct {
	lag   time.Duration
	named bool // lag was
	rate  float64
	most  int
}

const (
	defaultLags = 5
	mostLags    = 100
)

// WithLag sets by how much time at most a candidate may lead or follow, in whole
// steps, up to 100 of them: more lags make chance finds likelier, which P knows.
// The default is five steps; 0 is at the same step only, negative values are invalid.
func WithLag(d time.Duration) Option {
	return optionFunc(func(c *config) { c.lag, c.named = d, true })
}

// WithRate sets the share of chance finds among the relations that are returned,
// on average, above 0 to 1. The default is 0.05; 1 returns whatever was judged.
func WithRate(share float64) Option { return optionFunc(func(c *config) { c.rate = share }) }

// WithCandidates sets how many candidates may be judged at once, 1 or more. The default
// is 1,000; more are an error that wraps monitor.ErrQueryLimit.
func WithCandidates(most int) Option { return optionFunc(func(c *config) { c.most = most }) }

func newConfig(opts []Option) (config, error) {
	c := config{rate: 0.05, most: 1000}
	for _, o := range opts {
		if o != nil {
			o.apply(&c)
		}
	}
	var errs []error
	check := func(good bool, format string, args ...any) {
		if !good {
			errs = append(errs, fmt.Errorf("correlation: %w: "+format, append([]any{monitor.ErrInvalidOption}, args...)...))
		}
	}
	check(c.lag >= 0, "WithLag(%v): want 0 or more", c.lag)
	check(c.rate > 0 && c.rate <= 1, "WithRate(%v): want above 0 to 1", c.rate)
	check(c.most >= 1, "WithCandidates(%d): want 1 or more", c.most)
	return c, errors.Join(errs...)
}

// lags is how many steps either way are looked at.
func (c config) lags(step time.Duration) (int, error) {
	if !c.named {
		return defaultLags, nil
	}
	if c.lag > mostLags*step {
		return 0, fmt.Errorf("correlation: %w: WithLag(%v): want at most %d steps of %v", monitor.ErrInvalidOption, c.lag, mostLags, step)
	}
	return int(c.lag / step), nil
}
