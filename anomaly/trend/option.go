package trend

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/chronoretrace/chronomon/monitor"
)

// An Option changes how a series is read.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

type config struct {
	step      time.Duration
	seasons   []time.Duration
	named     bool // seasons were, even if none
	level     float64
	low, high float64
	calendar  Calendar
	events    []Event
}

// WithStep sets the step of the series; points that share one are averaged. The
// default, and 0, is the median distance of the points; negative steps are
// invalid.
func WithStep(step time.Duration) Option {
	return optionFunc(func(c *config) { c.step = step })
}

// WithSeasons names the lengths of the seasons to look for; those that are no
// whole number of steps, from 2 up, are left out. The default is a day, a week and
// a year of 52 weeks, and then whatever else is found; without any length no
// season is looked for.
// With [WithCalendar] lengths count in hours of trading.
func WithSeasons(lengths ...time.Duration) Option {
	return optionFunc(func(c *config) { c.seasons, c.named = lengths, true })
}

// WithLevel sets the share of values that an interval is to hold. The default is
// 0.95; it has to lie between 0 and 1.
func WithLevel(level float64) Option {
	return optionFunc(func(c *config) { c.level = level })
}

// WithBounds says between which values the series can lie, such as 0 and 1 of a
// ratio. The default is none, but 0 below where no value was ever negative. Values
// outside of them, as percents would be, are told in Forecast.Notes.
func WithBounds(low, high float64) Option {
	return optionFunc(func(c *config) { c.low, c.high = low, high })
}

// WithCalendar takes the hours out in which a market is closed.
func WithCalendar(cal Calendar) Option {
	return optionFunc(func(c *config) { c.calendar = cal })
}

// WithEvents names what was or is planned.
func WithEvents(events ...Event) Option {
	return optionFunc(func(c *config) { c.events = append(c.events, events...) })
}

func newConfig(opts []Option) (config, error) {
	c := config{level: 0.95, low: math.Inf(-1), high: math.Inf(1)}
	for _, o := range opts {
		if o != nil {
			o.apply(&c)
		}
	}
	var errs []error
	invalid := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("trend: %w: "+format, append([]any{monitor.ErrInvalidOption}, args...)...))
	}
	if c.step < 0 {
		invalid("WithStep(%v) is negative", c.step)
	}
	for _, s := range c.seasons {
		if s <= 0 {
			invalid("WithSeasons(%v) is not positive", s)
		}
	}
	if !(c.level > 0 && c.level < 1) {
		invalid("WithLevel(%v) is not between 0 and 1", c.level)
	}
	if !(c.low < c.high) || c.low > largest || c.high < -largest {
		invalid("WithBounds(%v, %v) leaves no room", c.low, c.high)
	}
	for _, e := range c.events {
		if !e.From.Before(e.To) {
			invalid("WithEvents: %q ends at %v, not after it begins", e.Name, e.To)
		}
		if !(e.Factor >= 0) || math.IsInf(e.Factor, 0) {
			invalid("WithEvents: the factor of %q is %v", e.Name, e.Factor)
		}
	}
	return c, errors.Join(errs...)
}
