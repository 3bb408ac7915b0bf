package monitor

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chronoretrace/chronomon/internal/catalog"
)

// ErrInvalidOption is wrapped by every error about an option's value, in this
// package and in those that build on it.
var ErrInvalidOption = errors.New("invalid option")

func invalid(option string, value any, want string) error {
	return fmt.Errorf("monitor: %w: %s = %v: want %s", ErrInvalidOption, option, value, want)
}

// Profile is a set of metric names.
type Profile = catalog.Profile

// The profiles that [WithProfiles] takes.
const (
	ProfileDesign        = catalog.Design        // the names that METRICS.md lists
	ProfileChronoRetrace = catalog.ChronoRetrace // what the platform's dashboard and rules ask for
	ProfileOTel          = catalog.OTel          // OpenTelemetry's semantic conventions
)

// Option configures a Monitor.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

// SinkOption configures one sink.
type SinkOption interface{ applySink(*sinkConfig) }

type sinkOptionFunc func(*sinkConfig)

func (f sinkOptionFunc) applySink(c *sinkConfig) { f(c) }

type config struct {
	service, version string
	registerer       prometheus.Registerer
	registererGiven  bool
	profiles         []Profile
	chinese          bool
	native           float64
	labelLimit       int
	edgeLimit        int
	logger           *slog.Logger
	clock            func() time.Time
	disabled         bool
	runtime          bool
	profileLabels    bool
	grace            time.Duration
	sinks            []*sinkConfig
	sampling         map[Kind]float64
	pseudonymKey     []byte
	ownKey           bool // the host gave it
}

func newConfig(opts []Option) (*config, error) {
	c := &config{
		service: "", profiles: []Profile{ProfileDesign}, labelLimit: 2000, edgeLimit: 4096,
		logger: slog.New(laterDefault{}), clock: time.Now, grace: 10 * time.Second, sampling: map[Kind]float64{},
	}
	for _, o := range opts {
		if o != nil {
			o.apply(c)
		}
	}
	if err := errors.Join(c.validate()...); err != nil {
		return nil, err
	}
	if c.ownKey = c.pseudonymKey != nil; !c.ownKey {
		c.pseudonymKey = make([]byte, 32)
		_, _ = rand.Read(c.pseudonymKey) // never fails
	}
	return c, nil
}

func (c *config) validate() (errs []error) {
	bad := func(option string, value any, want string) { errs = append(errs, invalid(option, value, want)) }
	if c.registererGiven && isNil(c.registerer) {
		bad("WithRegisterer", nil, "a registerer")
	}
	if len(c.profiles) == 0 {
		bad("WithProfiles", "none", fmt.Sprintf("at least one of %v", catalog.Profiles()))
	}
	for _, p := range c.profiles {
		if _, err := catalog.ParseProfile(string(p)); err != nil {
			bad("WithProfiles", fmt.Sprintf("%q", p), fmt.Sprintf("one of %v", catalog.Profiles()))
		}
	}
	if c.native != 0 && !(c.native > 1 && c.native <= 2) {
		bad("WithNativeHistograms", c.native, "a bucket factor above 1, at most 2")
	}
	if c.labelLimit < 1 {
		bad("WithLabelLimit", c.labelLimit, "1 or more")
	}
	if c.edgeLimit < 1 {
		bad("WithEdgeLimit", c.edgeLimit, "1 or more")
	}
	if c.logger == nil {
		bad("WithLogger", nil, "a logger")
	}
	if c.clock == nil {
		bad("WithClock", nil, "a function")
	}
	if c.grace <= 0 || c.grace > 24*time.Hour {
		bad("WithGracePeriod", c.grace, "a positive duration, at most a day")
	}
	if c.pseudonymKey != nil && len(c.pseudonymKey) < 16 {
		bad("WithPseudonymKey", fmt.Sprintf("%d bytes", len(c.pseudonymKey)), "16 bytes or more")
	}
	for k, r := range c.sampling {
		if !k.valid() {
			bad("WithSampling kind", k, "a kind of event")
		}
		if !(r >= 0 && r <= 1) {
			bad(fmt.Sprintf("WithSampling(%v)", k), r, "0 to 1")
		}
	}
	names := map[string]bool{}
	for _, s := range c.sinks {
		errs = append(errs, s.validate()...)
		if names[s.name] && s.name != "" {
			bad("WithSink", fmt.Sprintf("%q", s.name), "a name that no other sink has")
		}
		names[s.name] = true
	}
	return errs
}

// isNil reports whether v is nil or a nil pointer.
func isNil(v any) bool {
	if v == nil {
		return true
	}
	r := reflect.ValueOf(v)
	return r.Kind() == reflect.Pointer && r.IsNil()
}

// WithService names the host: the labels of monitor_info. The default name is
// the program's main module and the default version the module's.
func WithService(name, version string) Option {
	return optionFunc(func(c *config) { c.service, c.version = name, version })
}

// WithRegisterer registers the instruments in the host's own registry instead
// of a private one. Two monitors on one registry share their instruments; the
// first one's limits and bounds stand. If r is a prometheus.Gatherer too, as a
// prometheus.Registry is, [Monitor.Handler] serves everything in it. One that
// is not (prometheus.WrapRegistererWith gives such) is to be served by the host;
// Handler then has the SDK's own metrics only, as they are without the wrapping.
func WithRegisterer(r prometheus.Registerer) Option {
	return optionFunc(func(c *config) { c.registerer, c.registererGiven = r, true })
}

// WithProfiles chooses the metrics' names; with several, a metric appears under
// each of its names. Default: [ProfileDesign].
func WithProfiles(p ...Profile) Option {
	return optionFunc(func(c *config) { c.profiles = p })
}

// WithChineseHelp writes the metrics' help texts in Chinese. Default: English.
func WithChineseHelp() Option { return optionFunc(func(c *config) { c.chinese = true }) }

// WithNativeHistograms puts native histograms of that bucket growth factor
// (1.1 is usual) beside the classic ones, which stay. Scrapers see them in the
// protobuf format. Each observation costs about 60 ns more and a series several
// times the memory. Default: off, as is 0.
func WithNativeHistograms(factor float64) Option {
	return optionFunc(func(c *config) { c.native = factor })
}

// WithLabelLimit bounds the distinct values of each label of each metric;
// further ones are counted as "other" and in monitor_label_overflow_total.
// Default: 2000.
func WithLabelLimit(n int) Option { return optionFunc(func(c *config) { c.labelLimit = n }) }

// WithEdgeLimit bounds the dependency edges that are kept. Default: 4096.
func WithEdgeLimit(n int) Option { return optionFunc(func(c *config) { c.edgeLimit = n }) }

// WithLogger sets where the SDK reports its own troubles. Default: slog.Default(),
// as it is when there is one to report.
func WithLogger(l *slog.Logger) Option { return optionFunc(func(c *config) { c.logger = l }) }

// WithClock sets the source of wall-clock stamps. Default: time.Now.
func WithClock(now func() time.Time) Option { return optionFunc(func(c *config) { c.clock = now }) }

// WithDisabled makes every call of the monitor and of what is built on it a
// no-op. The environment variable MONITOR=off does the same (0, false, no and
// disabled are understood too).
func WithDisabled() Option { return optionFunc(func(c *config) { c.disabled = true }) }

// WithRuntimeMetrics registers client_golang's Go runtime and process
// collectors (go_…, process_…). Default: off.
func WithRuntimeMetrics() Option { return optionFunc(func(c *config) { c.runtime = true }) }

// WithProfileLabels puts a pprof label "route" on the goroutine of each
// request, so that CPU profiles can be read by route. Default: off, because it
// is far from free: nine allocations and 0.6 µs a request.
func WithProfileLabels() Option { return optionFunc(func(c *config) { c.profileLabels = true }) }

// WithGracePeriod bounds how long Run waits for engines and sinks to end after
// its context is done. Default: 10 s.
func WithGracePeriod(d time.Duration) Option { return optionFunc(func(c *config) { c.grace = d }) }

// WithSampling keeps only that share, 0 to 1, of a kind's events. Events that
// failed or were slow are always kept. Default: 1.
func WithSampling(k Kind, ratio float64) Option {
	return optionFunc(func(c *config) { c.sampling[k] = ratio })
}

// WithPseudonymKey sets the secret, 16 bytes or more, under which user ids
// become pseudonyms. The same key gives the same pseudonyms across restarts
// and replicas. Default: a random one, so that pseudonyms change with each start.
func WithPseudonymKey(key []byte) Option {
	return optionFunc(func(c *config) { c.pseudonymKey = append([]byte{}, key...) })
}

// WithSink sends events to s under a name that no other sink has. If s is a
// [Runner], [Monitor.Run] runs it.
func WithSink(name string, s Sink, opts ...SinkOption) Option {
	return optionFunc(func(c *config) { c.sinks = append(c.sinks, newSinkConfig(name, s, opts)) })
}

// WithKinds limits a sink to some kinds of events. Default: all.
func WithKinds(k ...Kind) SinkOption {
	return sinkOptionFunc(func(c *sinkConfig) { c.kinds = append([]Kind{}, k...) })
}

// WithQueue sets how many events may wait for the sink's worker. Default: 4096.
func WithQueue(n int) SinkOption {
	return sinkOptionFunc(func(c *sinkConfig) { c.queue.Capacity = n })
}

// WithBatch sets the most events of one Write and the longest time an event
// waits for its batch to fill. Default: 500 and 1 s.
func WithBatch(size int, age time.Duration) SinkOption {
	return sinkOptionFunc(func(c *sinkConfig) { c.queue.Batch, c.queue.Age = size, age })
}

// WithSpill sets how many events are held back, in memory, while the sink
// fails; past that the oldest go. Default: 16384.
func WithSpill(n int) SinkOption {
	return sinkOptionFunc(func(c *sinkConfig) { c.queue.Spill = n })
}

// WithRetry sets the pause after a first failure, which doubles with each
// further one up to the longest; half of each pause is random.
// Default: 200 ms and 30 s.
func WithRetry(first, longest time.Duration) SinkOption {
	return sinkOptionFunc(func(c *sinkConfig) { c.queue.BackoffMin, c.queue.BackoffMax = first, longest })
}

// WithWriteTimeout bounds one Write. Default: 10 s.
func WithWriteTimeout(d time.Duration) SinkOption {
	return sinkOptionFunc(func(c *sinkConfig) { c.queue.WriteTimeout = d })
}
