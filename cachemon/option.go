package cachemon

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/monitor"
)

// HookOption configures a Hook.
type HookOption interface{ applyHook(*hookConfig) }

// TrackerOption configures a Tracker.
type TrackerOption interface{ applyTracker(*trackerConfig) }

// PollerOption configures a MemoryPoller.
type PollerOption interface{ applyPoller(*pollerConfig) }

// CacheOption configures a Hook or a Tracker.
type CacheOption interface {
	HookOption
	TrackerOption
}

// Option configures any of them.
type Option interface {
	HookOption
	TrackerOption
	PollerOption
}

type hookOption func(*hookConfig)

func (f hookOption) applyHook(c *hookConfig) { f(c) }

type trackerOption func(*trackerConfig)

func (f trackerOption) applyTracker(c *trackerConfig) { f(c) }

type pollerOption func(*pollerConfig)

func (f pollerOption) applyPoller(c *pollerConfig) { f(c) }

type windowOption time.Duration

func (o windowOption) applyHook(c *hookConfig)       { c.window = time.Duration(o) }
func (o windowOption) applyTracker(c *trackerConfig) { c.window = time.Duration(o) }

type typeOption string

func (o typeOption) applyHook(c *hookConfig)       { c.cacheType = string(o) }
func (o typeOption) applyTracker(c *trackerConfig) { c.cacheType = string(o) }
func (o typeOption) applyPoller(c *pollerConfig)   { c.cacheType = string(o) }

// problems collects what is wrong with options.
type problems []error

func (p *problems) bad(option string, value any, want string) {
	*p = append(*p, fmt.Errorf("cachemon: %w: %s = %v: want %s", monitor.ErrInvalidOption, option, value, want))
}

func (p *problems) monitor(m *monitor.Monitor) {
	if m == nil {
		p.bad("monitor", nil, "a monitor")
	}
}

func (p *problems) label(option, value string) {
	if value == "" || len(value) > 128 {
		p.bad(option, fmt.Sprintf("%q", value), "1 to 128 bytes")
	}
}

func (p *problems) window(d time.Duration) {
	if d < time.Second || d > 24*time.Hour {
		p.bad("WithWindow", d, "1 s to 24 h")
	}
}

func (p *problems) err() error { return errors.Join(*p...) }

type hookConfig struct {
	cacheType  string
	window     time.Duration
	buckets    []float64
	rules      map[string]Rule
	patterns   []string
	words      []string
	limit      int
	noPatterns bool
	big        int
	slow       time.Duration
	traceID    func(context.Context) string
	nilTrace   bool
}

func newHookConfig(m *monitor.Monitor, opts []HookOption) (*hookConfig, error) {
	c := &hookConfig{
		cacheType: "redis", window: 5 * time.Minute, buckets: catalog.CacheOperationDuration.Buckets,
		rules: map[string]Rule{}, limit: min(defaultPatterns, mostPatterns(m)), big: 256 << 10, slow: 100 * time.Millisecond,
	}
	for _, o := range opts {
		if o != nil {
			o.applyHook(c)
		}
	}
	var p problems
	p.monitor(m)
	p.label("WithCacheType", c.cacheType)
	p.window(c.window)
	p.buckets(c.buckets)
	for name, r := range c.rules {
		if name == "" || r >= ruleEnd {
			p.bad("WithRule", fmt.Sprintf("%q, %d", name, r), "a command and one of the rules")
		}
	}
	if most := mostPatterns(m); c.limit < max(1, len(c.patterns)) || c.limit > most {
		p.bad("WithKeyPatternLimit", c.limit, fmt.Sprintf("1 to %d (monitor.WithLabelLimit), and one for each pattern given", most))
	}
	if slices.Contains(c.words, "") {
		p.bad("WithKeyWords", `""`, "words")
	}
	if c.big < 0 {
		p.bad("WithBigValues", c.big, "bytes, or 0 for no reports")
	}
	if c.slow < 0 {
		p.bad("WithSlowThreshold", c.slow, "a duration, or 0 for none")
	}
	if c.nilTrace {
		p.bad("WithTraceID", nil, "a function")
	}
	return c, p.err()
}

// defaultPatterns is how many patterns of keys there may be, unless the host
// says otherwise.
const defaultPatterns = 200

// mostPatterns is how many there may be at most.
func mostPatterns(m *monitor.Monitor) int {
	if m == nil {
		return 10_000
	}
	return min(10_000, m.Instruments().LabelLimit())
}

// crowd is how many words may follow one prefix of keys: any number of those
// that the host has listed.
func crowd(words []string) int {
	if len(words) > 0 {
		return math.MaxInt
	}
	return 30
}

func (p *problems) buckets(b []float64) {
	switch {
	case len(b) == 0 || len(b) > 100:
		p.bad("WithBuckets", b, "1 to 100 bounds")
	case !(b[0] > 0) || math.IsInf(b[len(b)-1], 1) || b[len(b)-1] > 86400:
		p.bad("WithBuckets", b, "bounds above 0 and up to 86400 seconds")
	}
	for i := 1; i < len(b); i++ {
		if !(b[i] > b[i-1]) {
			p.bad("WithBuckets", b, "ascending bounds")
			return
		}
	}
}

// WithWindow sets the span of the hit rate, 1 s to 24 h. The rate covers the
// latest 29/30 of it or a little more. Default: 5 min.
func WithWindow(d time.Duration) CacheOption { return windowOption(d) }

// WithCacheType sets the label cache_type. Default: "redis" for a Hook and a
// MemoryPoller, "local" for a Tracker.
func WithCacheType(t string) Option { return typeOption(t) }

// WithBuckets sets the upper bounds of the histograms of operations and
// batches, in seconds, ascending. The first hook on a registry decides.
// Default: 100 µs to 5 s in 14 steps.
func WithBuckets(seconds ...float64) HookOption {
	return hookOption(func(c *hookConfig) { c.buckets = slices.Clone(seconds) })
}

// WithRule sets how the replies of a command tell hits from misses, in place
// of the table of the package; [CountNone] takes the command out.
func WithRule(command string, r Rule) HookOption {
	return hookOption(func(c *hookConfig) { c.rules[strings.ToLower(command)] = r })
}

// WithKeyPatterns sets patterns that come before the rules of the package, in
// order. A "*" stands for one or more bytes other than ":", at the end for all
// that follows: "stock:daily:*", "user:*:profile", "leaderboard".
func WithKeyPatterns(patterns ...string) HookOption {
	return hookOption(func(c *hookConfig) { c.patterns = append(c.patterns, patterns...) })
}

// WithKeyWords sets the only words of keys that patterns may show; everything
// else becomes "*". Give it where keys hold names of people. Default: words
// that are plainly no ids.
func WithKeyWords(words ...string) HookOption {
	return hookOption(func(c *hookConfig) { c.words = append(c.words, words...) })
}

// WithKeyPatternLimit bounds the patterns; keys past it count as "other", which
// is counted in monitor_label_overflow_total. It cannot be above the monitor's
// label limit. Default: 200.
func WithKeyPatternLimit(n int) HookOption { return hookOption(func(c *hookConfig) { c.limit = n }) }

// WithoutKeyPatterns leaves out what is told by pattern: all keys are "other".
func WithoutKeyPatterns() HookOption { return hookOption(func(c *hookConfig) { c.noPatterns = true }) }

// WithBigValues sets the size from which a value read or written is reported:
// counted by pattern in cache_big_values_total and logged, at most once a
// second. 0 reports none. Default: 256 KiB.
func WithBigValues(bytes int) HookOption { return hookOption(func(c *hookConfig) { c.big = bytes }) }

// WithSlowThreshold sets the duration from which a command's event is marked
// slow, which sampling keeps. 0 marks none. Default: 100 ms.
func WithSlowThreshold(d time.Duration) HookOption {
	return hookOption(func(c *hookConfig) { c.slow = d })
}

// WithTraceID attaches the trace id that f finds in a command's context to the
// duration's bucket as an exemplar, at most one a second and bucket, and to the
// command's event. f returns "" where there is none.
func WithTraceID(f func(context.Context) string) HookOption {
	return hookOption(func(c *hookConfig) { c.traceID, c.nilTrace = f, f == nil })
}
