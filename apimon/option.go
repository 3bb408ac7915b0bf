package apimon

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/monitor"
)

// Option configures a Middleware.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

type config struct {
	buckets   []float64
	sizes     bool
	limit     int
	limitSet  bool
	skip      []string
	filter    func(*http.Request) bool
	traceID   func(context.Context) string
	user      func(*http.Request) string
	clientIP  func(*http.Request) netip.Addr
	slow      time.Duration
	unpooled  bool
	pooled    bool
	nilOption []string
}

func newConfig(opts []Option) (*config, error) {
	c := &config{buckets: catalog.APIRequestDuration.Buckets, slow: 2 * time.Second}
	for _, o := range opts {
		if o != nil {
			o.apply(c)
		}
	}
	return c, errors.Join(c.validate()...)
}

func (c *config) validate() (errs []error) {
	bad := func(option string, value any, want string) {
		errs = append(errs, fmt.Errorf("apimon: %w: %s = %v: want %s", monitor.ErrInvalidOption, option, value, want))
	}
	switch {
	case len(c.buckets) == 0 || len(c.buckets) > 100:
		bad("WithBuckets", c.buckets, "1 to 100 bounds")
	case c.buckets[0] <= 0 || math.IsNaN(c.buckets[0]):
		bad("WithBuckets", c.buckets, "bounds above 0 seconds")
	case c.buckets[len(c.buckets)-1] > (365 * 24 * time.Hour).Seconds():
		bad("WithBuckets", c.buckets, "bounds in seconds, at most a year")
	}
	for i, b := range c.buckets[min(1, len(c.buckets)):] {
		if !(b > c.buckets[i]) {
			bad("WithBuckets", c.buckets, "ascending bounds")
			break
		}
	}
	if c.limitSet && c.limit < 1 {
		bad("WithEndpointLimit", c.limit, "1 or more")
	}
	if c.slow < 0 {
		bad("WithSlowThreshold", c.slow, "a duration, or 0 for no reports")
	}
	if c.pooled && c.unpooled {
		bad("WithPooledWriters", "set together with WithUnpooledWriters", "one of the two")
	}
	for _, name := range c.nilOption {
		bad(name, nil, "a function")
	}
	for _, s := range c.skip {
		if name := label(s); name != unmatched && !strings.Contains(name, "/") {
			bad("WithSkip", strconv.Quote(s), "a route with a slash, or "+strconv.Quote(unmatched))
		}
	}
	return errs
}

func (c *config) refuseNil(option string, isNil bool) {
	if isNil {
		c.nilOption = append(c.nilOption, option)
	}
}

// WithBuckets sets the upper bounds of the duration histogram, in seconds,
// ascending. Default: 5 ms to 30 s in 12 steps.
func WithBuckets(seconds ...float64) Option {
	return optionFunc(func(c *config) { c.buckets = slices.Clone(seconds) })
}

// WithSizes adds histograms of request and response body sizes. Bytes are
// counted as they pass; nothing is buffered. Default: off.
func WithSizes() Option { return optionFunc(func(c *config) { c.sizes = true }) }

// WithEndpointLimit bounds the distinct endpoints; further ones are counted as
// "other". Default: the monitor's label limit.
func WithEndpointLimit(n int) Option {
	return optionFunc(func(c *config) { c.limit, c.limitSet = n, true })
}

// WithSkip leaves routes out of everything, such as "/healthz" and "/metrics".
// Routes are named as in the endpoint label, which has no method; one in front
// is dropped. It costs nothing per request.
func WithSkip(routes ...string) Option {
	return optionFunc(func(c *config) { c.skip = append(c.skip, routes...) })
}

// WithFilter leaves out the requests for which keep returns false. It is called
// for every request; WithSkip is cheaper where the route decides. A keep that
// panics keeps.
func WithFilter(keep func(*http.Request) bool) Option {
	return optionFunc(func(c *config) { c.filter = keep; c.refuseNil("WithFilter", keep == nil) })
}

// WithTraceID attaches the trace id that f finds in a request's context to the
// duration's bucket as an exemplar, at most one a second and bucket, and to the
// request's event. f returns "" for a request that is not traced, or whose
// trace is not sampled. monitor/otelbridge has one for OpenTelemetry.
func WithTraceID(f func(context.Context) string) Option {
	return optionFunc(func(c *config) { c.traceID = f; c.refuseNil("WithTraceID", f == nil) })
}

// WithUser puts the user whom f finds in a request on its event, as a
// pseudonym: see [monitor.Monitor.Pseudonym]. It never becomes a label. f is
// called after the handler, and only if a sink wants the event.
func WithUser(f func(*http.Request) string) Option {
	return optionFunc(func(c *config) { c.user = f; c.refuseNil("WithUser", f == nil) })
}

// WithClientIP puts the network (/24 or /48) of the address that f finds in a
// request on its event.
func WithClientIP(f func(*http.Request) netip.Addr) Option {
	return optionFunc(func(c *config) { c.clientIP = f; c.refuseNil("WithClientIP", f == nil) })
}

// WithSlowThreshold sets the duration from which a request is reported: counted
// in api_slow_requests_total, logged (at most once a second) and its event kept
// by sampling. Streams and upgraded connections are never slow. 0 reports none.
// Default: 2 s.
func WithSlowThreshold(d time.Duration) Option {
	return optionFunc(func(c *config) { c.slow = d })
}

// WithPooledWriters says that whatever stands outside of the middleware is done
// with the writer when the middleware returns, as net/http's server is: the
// writers that handlers are given are then used again, which saves two
// allocations a request. Default: known of net/http's own server only.
func WithPooledWriters() Option { return optionFunc(func(c *config) { c.pooled = true }) }

// WithUnpooledWriters gives every request a writer of its own, for hosts whose
// handlers may keep it after they have returned, against net/http's rules.
func WithUnpooledWriters() Option { return optionFunc(func(c *config) { c.unpooled = true }) }
