package history

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/prometheus/common/model"

	"github.com/chronoretrace/chronomon/monitor"
)

// Option configures a DB.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

type config struct {
	interval            time.Duration
	retention, longTerm time.Duration
	storage             int64
	path                string
	sync                bool
	segment, logs       int64 // sizes of files, see disk
	series              int
	exemplars           int
	labels              monitor.Labels
	watches             []watchSpec
	lookback            time.Duration
	timeout             time.Duration
	samples             int
	concurrency         int
}

func invalid(option string, value any, want string) error {
	return fmt.Errorf("history: %w: %s = %v: want %s", monitor.ErrInvalidOption, option, value, want)
}

func newConfig(opts []Option) (*config, error) {
	c := &config{
		interval: 10 * time.Second, retention: 24 * time.Hour, longTerm: 30 * 24 * time.Hour,
		storage: 256 << 20, segment: segmentSize, logs: leastLogs, series: 50_000, exemplars: 10_000,
		lookback: 5 * time.Minute, timeout: 10 * time.Second, samples: 20_000_000, concurrency: 8,
	}
	for _, o := range opts {
		if o != nil {
			o.apply(c)
		}
	}
	return c, errors.Join(c.validate()...)
}

func (c *config) validate() (errs []error) {
	bad := func(option string, value any, want string) { errs = append(errs, invalid(option, value, want)) }
	const longest = 10 * 365 * 24 * time.Hour
	if c.interval < 100*time.Millisecond || c.interval > c.lookback {
		bad("WithInterval", c.interval, "100ms to the lookback")
	}
	if c.retention < c.lookback || c.retention > longest {
		bad("WithRetention raw", c.retention, "the lookback to 10 years")
	}
	if c.longTerm < c.lookback || c.longTerm > longest {
		bad("WithRetention long", c.longTerm, "the lookback to 10 years")
	}
	if c.series < 1 {
		bad("WithSeriesLimit", c.series, "1 or more")
	}
	if least := int64(c.series) * headBytes; c.storage < least {
		bad("WithStorageSize", c.storage, fmt.Sprintf("%d or more, which %d series need at least (see WithSeriesLimit)", least, c.series))
	}
	if c.sync && c.path == "" {
		bad("WithStorageSync", "on", "WithStoragePath with it")
	}
	if c.exemplars < 0 {
		bad("WithExemplarLimit", c.exemplars, "0 or more")
	}
	for _, name := range slices.Sorted(maps.Keys(c.labels)) {
		if !model.LegacyValidation.IsValidLabelName(name) || name == monitor.MetricName || !model.LabelValue(c.labels[name]).IsValid() {
			bad("WithLabels", fmt.Sprintf("%s=%q", name, c.labels[name]), "a label name and UTF-8")
		}
	}
	if c.lookback < time.Second || c.lookback > 24*time.Hour {
		bad("WithLookback", c.lookback, "1s to 24h")
	}
	if c.timeout <= 0 {
		bad("WithQueryTimeout", c.timeout, "a positive duration")
	}
	if c.samples < 1 {
		bad("WithQuerySamples", c.samples, "1 or more")
	}
	if c.concurrency < 1 {
		bad("WithQueryConcurrency", c.concurrency, "1 or more")
	}
	return errs
}

// headBytes is what a series takes of the storage size at least, of which it
// gives nothing up while it lives.
const headBytes = 2 << 10

// WithInterval sets how often the registry is collected. Default: 10 s.
func WithInterval(d time.Duration) Option { return optionFunc(func(c *config) { c.interval = d }) }

// WithRetention sets how long samples are kept: what is collected, and the
// long-term series of watched expressions. Default: 24 h and 30 d.
func WithRetention(raw, long time.Duration) Option {
	return optionFunc(func(c *config) { c.retention, c.longTerm = raw, long })
}

// WithStorageSize bounds the memory of the history, in bytes. When it is full
// the oldest samples go, before their retention has passed. It must be 2 KiB
// per series of the series limit at least. Default: 256 MiB.
func WithStorageSize(bytes int64) Option { return optionFunc(func(c *config) { c.storage = bytes }) }

// WithStoragePath makes the history outlive the process: it is read from a
// directory, which is made if needed, and what is taken is written there, so that
// a crash of the process costs no more than the collection that was under way.
// See the package's comment for what a crash of the machine costs, how large the
// directory gets, and what becomes of damaged files. One history has a directory.
// Default: in memory only.
func WithStoragePath(dir string) Option { return optionFunc(func(c *config) { c.path = dir }) }

// WithStorageSync has the disk confirm what was written once an interval, so that
// a crash of the machine costs no more than an interval or two. Default: it
// confirms snapshots and finished logs.
func WithStorageSync() Option { return optionFunc(func(c *config) { c.sync = true }) }

// WithSeriesLimit bounds the number of series. At the limit series that have
// ended make room; if there is none, samples of new series are dropped and
// counted. Default: 50,000.
func WithSeriesLimit(n int) Option { return optionFunc(func(c *config) { c.series = n }) }

// WithExemplarLimit bounds how many exemplars are kept; the oldest go first.
// Default: 10,000; 0 keeps none.
func WithExemplarLimit(n int) Option { return optionFunc(func(c *config) { c.exemplars = n }) }

// WithLabels adds labels to every series collected, as a scrape does with job
// and instance. A metric's own label of the same name is kept with "exported_"
// before it, as often as it takes to be another name. Default: none.
func WithLabels(l monitor.Labels) Option {
	return optionFunc(func(c *config) { c.labels = maps.Clone(l) })
}

// WithWatch watches an expression from the start: see [DB.Watch]. It may be
// given several times.
func WithWatch(name, expr string, step time.Duration) Option {
	return optionFunc(func(c *config) { c.watches = append(c.watches, watchSpec{name, expr, step}) })
}

// WithLookback sets for how long a query still sees the last sample of a series
// that is silent. Default: 5 min, as in Prometheus.
func WithLookback(d time.Duration) Option { return optionFunc(func(c *config) { c.lookback = d }) }

// WithQueryTimeout bounds one query, its wait for others included. Default: 10 s.
func WithQueryTimeout(d time.Duration) Option { return optionFunc(func(c *config) { c.timeout = d }) }

// WithQuerySamples bounds how many samples one query may hold in memory at a
// time. Default: 20 million.
func WithQuerySamples(n int) Option { return optionFunc(func(c *config) { c.samples = n }) }

// WithQueryConcurrency bounds how many queries run at a time; others wait.
// Default: 8.
func WithQueryConcurrency(n int) Option { return optionFunc(func(c *config) { c.concurrency = n }) }
