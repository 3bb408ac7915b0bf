package otelbridge

import (
	"errors"
	"fmt"

	"github.com/chronoretrace/chronomon/monitor"
)

// Option configures a Producer.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

type config struct {
	semConv bool
	foreign bool
	errors  bool
}

// newConfig applies the options; of two that disagree the later one stands.
func newConfig(opts []Option) (*config, error) {
	c := &config{foreign: true}
	var errs []error
	for i, o := range opts {
		if o == nil {
			errs = append(errs, fmt.Errorf("otelbridge: %w: option %d = nil: want an option", monitor.ErrInvalidOption, i+1))
			continue
		}
		o.apply(c)
	}
	return c, errors.Join(errs...)
}

// WithDesignNames produces the SDK's metrics under the names and labels that
// METRICS.md lists. This is the default.
func WithDesignNames() Option { return optionFunc(func(c *config) { c.semConv = false }) }

// WithSemanticConventions produces the SDK's metrics under the names, attributes
// and instrument kinds of OpenTelemetry's semantic conventions. A metric that
// the conventions have no word for keeps its design name. Default: design names.
func WithSemanticConventions() Option { return optionFunc(func(c *config) { c.semConv = true }) }

// WithoutForeign leaves out what is not the SDK's: the host's own collectors and
// those of the Go runtime and the process. Default: they are produced.
func WithoutForeign() Option { return optionFunc(func(c *config) { c.foreign = false }) }

// WithGatherErrors makes Produce return the errors of collectors beside what the
// others gave, instead of logging them. It is for callers who read both:
// OpenTelemetry's periodic reader exports nothing at all, not even what is not
// from here, as long as a producer returns an error. Default: they are logged.
func WithGatherErrors() Option { return optionFunc(func(c *config) { c.errors = true }) }
