package lease

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/chronoretrace/chronomon/monitor"
)

// Option configures an Elector.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

type config struct {
	ttl    time.Duration
	holder string
	leads  []func(context.Context) error
}

const maxName, maxHolder = 100, 100

// storable reports whether all stores can keep s.
func storable(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

func newConfig(opts []Option) (*config, error) {
	c := &config{ttl: 15 * time.Second}
	if host, err := os.Hostname(); err == nil && len(host) <= maxHolder && storable(host) {
		c.holder = host
	}
	for _, o := range opts {
		if o != nil {
			o.apply(c)
		}
	}
	err := errors.Join(c.validate()...)
	// Two replicas may have one name, and one after a restart is another holder.
	c.holder += "/" + rand.Text()
	return c, err
}

func (c *config) validate() (errs []error) {
	bad := func(option string, value any, want string) {
		errs = append(errs, fmt.Errorf("lease: %w: %s = %v: want %s", monitor.ErrInvalidOption, option, value, want))
	}
	if c.ttl < 100*time.Millisecond || c.ttl > time.Hour {
		bad("WithTTL", c.ttl, "100ms to 1h")
	}
	if len(c.holder) > maxHolder {
		bad("WithHolder", fmt.Sprintf("%d bytes", len(c.holder)), fmt.Sprintf("%d bytes at most", maxHolder))
	}
	if !storable(c.holder) {
		bad("WithHolder", strconv.Quote(c.holder), "UTF-8 without NUL")
	}
	for _, f := range c.leads {
		if f == nil {
			bad("WithLead", nil, "a function")
		}
	}
	return errs
}

// WithTTL sets for how long the lease is held without being renewed: a leader
// that dies is replaced within twice that time. Shorter ones make more of a slow
// store, and of a process that was stopped for a moment. Default: 15 s.
func WithTTL(d time.Duration) Option { return optionFunc(func(c *config) { c.ttl = d }) }

// WithHolder names this replica, for those who look into the store: at most 100
// bytes, UTF-8 without NUL. A random suffix is added. Default: the host's name.
func WithHolder(name string) Option { return optionFunc(func(c *config) { c.holder = name }) }

// WithLead has f called at the beginning of each term, in a goroutine that Run
// waits for. Its context is of the term, see [FromContext], and is done when the
// term ends, with [ErrLost] as the cause if it did not end by itself. No new term
// begins while f runs. That f returns, without an error, changes nothing; an
// error or a panic is logged and ends the term. It may be given several times.
func WithLead(f func(ctx context.Context) error) Option {
	return optionFunc(func(c *config) { c.leads = append(c.leads, f) })
}
