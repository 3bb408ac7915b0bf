package capacity

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/chronoretrace/chronomon/monitor"
)

// An Option changes how a plan is made.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

type config struct {
	name        string
	horizon     time.Duration
	history     time.Duration
	step        time.Duration
	peak        float64
	demand      float64
	headroom    float64
	lead        time.Duration
	perInstance float64
	scalability *Scalability
	service     float64
	wait        float64
}

// WithName names the resource in reports and rows. The default is "resource", in
// [Query] the labels of the series.
func WithName(name string) Option { return optionFunc(func(c *config) { c.name = name }) }

// WithHorizon sets how far the plan looks ahead, in whole days, 1 to 730. The
// default is 90 days.
func WithHorizon(d time.Duration) Option { return optionFunc(func(c *config) { c.horizon = d }) }

// WithHistory sets how far [Query] looks back, and at which steps. The default is
// 90 days at steps of an hour.
func WithHistory(d, step time.Duration) Option {
	return optionFunc(func(c *config) { c.history, c.step = d, step })
}

// WithPeak says which quantile of a day is its peak, above 0 to 1. The default is
// 1, the greatest value; 0.95 forgives 72 minutes of a day.
func WithPeak(quantile float64) Option { return optionFunc(func(c *config) { c.peak = quantile }) }

// WithDemand sets the probability with which the recommended size is to suffice
// for the whole horizon before headroom is added, between 0 and 1. The default is
// 0.95.
func WithDemand(probability float64) Option {
	return optionFunc(func(c *config) { c.demand = probability })
}

// WithHeadroom sets the share that is added to the demand. The default is 0.15, as
// that of the Kubernetes vertical pod autoscaler; 0 adds nothing, negative values
// are invalid.
func WithHeadroom(share float64) Option { return optionFunc(func(c *config) { c.headroom = share }) }

// WithLeadTime sets how long more of the resource takes to come. It is to be
// ordered so long before the limit may be reached, so the horizon should be longer.
// The default is 14 days; 0 is at once, negative values are invalid.
func WithLeadTime(d time.Duration) Option { return optionFunc(func(c *config) { c.lead = d }) }

// WithInstances recommends instances of which each bears the usage perInstance,
// above 0.
func WithInstances(perInstance float64) Option {
	return optionFunc(func(c *config) { c.perInstance = perInstance })
}

// WithScalability recommends instances by the law that was fitted to their
// throughput, where usage is a throughput.
func WithScalability(s Scalability) Option {
	return optionFunc(func(c *config) { c.scalability = &s })
}

// WithServers recommends servers by which the mean wait is not above the given
// time, where usage is a rate of requests per second and one busy server completes
// service of them per second: see [ServersForWait].
func WithServers(service float64, wait time.Duration) Option {
	return optionFunc(func(c *config) { c.service, c.wait = service, wait.Seconds() })
}

const (
	defaultName = "resource"
	mostHorizon = 730 * day
)

func newConfig(opts []Option) (config, error) {
	c := config{
		name: defaultName, horizon: 90 * day, history: 90 * day, step: time.Hour,
		peak: 1, demand: 0.95, headroom: 0.15, lead: 14 * day, perInstance: math.NaN(), service: math.NaN(),
	}
	for _, o := range opts {
		if o != nil {
			o.apply(&c)
		}
	}
	var errs []error
	check := func(good bool, format string, args ...any) {
		if !good {
			errs = append(errs, fmt.Errorf("capacity: %w: "+format, append([]any{monitor.ErrInvalidOption}, args...)...))
		}
	}
	check(c.horizon >= day && c.horizon <= mostHorizon && c.horizon%day == 0, "WithHorizon(%v): want whole days, 1 to 730", c.horizon)
	check(c.history >= leastDay*day, "WithHistory(%v, %v): want 14 days or more", c.history, c.step)
	check(c.step > 0 && c.step <= day, "WithHistory(%v, %v): want steps above 0 and up to a day", c.history, c.step)
	check(c.peak > 0 && c.peak <= 1, "WithPeak(%v): want above 0 to 1", c.peak)
	check(c.demand > 0 && c.demand < 1, "WithDemand(%v): want between 0 and 1", c.demand)
	check(c.headroom >= 0 && !math.IsInf(c.headroom, 1), "WithHeadroom(%v): want a finite share, 0 or more", c.headroom)
	check(c.lead >= 0, "WithLeadTime(%v): want 0 or more", c.lead)
	check(!(c.perInstance <= 0) && !math.IsInf(c.perInstance, 1), "WithInstances(%v): want a finite usage above 0", c.perInstance)
	check(!(c.service <= 0) && !math.IsInf(c.service, 1), "WithServers: service of %v requests per second: want a finite rate above 0", c.service)
	check(math.IsNaN(c.service) || c.wait > 0, "WithServers: wait of %v s: want more than 0", c.wait)
	check(c.scalability == nil || c.scalability.fitted(), "WithScalability: want a law that was fitted")
	return c, errors.Join(errs...)
}
