package bizmon

import (
	"errors"
	"fmt"
	"time"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/calendar"
)

// Option configures a Business.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

type config struct {
	calendar    *calendar.Calendar
	location    *time.Location
	locationSet bool
	interval    time.Duration

	store     SketchStore
	storeSet  bool
	syncEvery time.Duration

	features     []string
	featureLimit int
	idle, most   time.Duration
	sessions     int

	stocks       int
	heat         int
	halfLife     time.Duration
	threshold    float64
	onHealth     func(Health)
	slowDepth    int
	stuckAfter   time.Duration
	jobs         int
	onStuck      func(Job)
	reason       func(error) string
	nilFunctions []string
}

func newConfig(opts []Option, labelLimit int) (*config, error) {
	c := &config{
		calendar: calendar.SSE(), interval: 10 * time.Second, syncEvery: 10 * time.Second,
		featureLimit: 100, idle: 30 * time.Minute, most: 24 * time.Hour, sessions: 100_000,
		stocks: labelLimit, heat: 1000, halfLife: time.Hour, threshold: 0.7,
		slowDepth: 64, stuckAfter: 5 * time.Minute, jobs: 10_000,
	}
	for _, o := range opts {
		if o != nil {
			o.apply(c)
		}
	}
	if !c.locationSet && c.calendar != nil {
		c.location = c.calendar.Location()
	}
	return c, errors.Join(c.validate(labelLimit)...)
}

func invalid(option string, value any, want string) error {
	return fmt.Errorf("bizmon: %w: %s = %v: want %s", monitor.ErrInvalidOption, option, value, want)
}

func (c *config) validate(labelLimit int) (errs []error) {
	check := func(ok bool, option string, value any, want string) {
		if !ok {
			errs = append(errs, invalid(option, value, want))
		}
	}
	checkCalendar(check, "WithCalendar", c.calendar)
	check(!c.locationSet || c.location != nil, "WithLocation", nil, "a location")
	check(c.interval >= time.Millisecond, "WithInterval", c.interval, "1 ms or more")
	check(!c.storeSet || c.store != nil, "WithSketchStore", nil, "a store")
	check(c.syncEvery >= time.Millisecond && c.syncEvery <= time.Hour, "WithSketchStore interval", c.syncEvery, "1 ms to 1 h")
	check(c.featureLimit >= 1 && c.featureLimit <= mostFeatures, "WithFeatureLimit", c.featureLimit, fmt.Sprintf("1 to %d", mostFeatures))
	check(len(c.features) <= mostFeatures, "WithFeatures", fmt.Sprintf("%d names", len(c.features)), fmt.Sprintf("at most %d", mostFeatures))
	for _, f := range c.features {
		check(f != "" && len(f) <= mostName, "WithFeatures", fmt.Sprintf("%.20q", f), fmt.Sprintf("names of up to %d bytes", mostName))
	}
	check(c.idle > 0, "WithSessions idle", c.idle, "a positive duration")
	check(c.most >= c.idle, "WithSessions longest", c.most, "no less than idle")
	check(c.sessions >= 0, "WithSessionLimit", c.sessions, "0 or more")
	check(c.stocks >= 1, "WithStockLimit", c.stocks, "1 or more")
	check(c.stocks <= labelLimit, "WithStockLimit", c.stocks, fmt.Sprintf("at most the monitor's label limit of %d (monitor.WithLabelLimit)", labelLimit))
	check(c.heat >= 1 && c.heat <= 1_000_000, "WithHeat counters", c.heat, "1 to 1000000")
	check(c.halfLife == 0 || c.halfLife >= time.Second, "WithHeat half-life", c.halfLife, "1 s or more, or 0 for no decay")
	check(c.threshold >= 0 && c.threshold <= 1, "WithHealthThreshold", c.threshold, "0 to 1")
	check(c.slowDepth >= 1, "WithSlowConsumer", c.slowDepth, "1 or more")
	check(c.stuckAfter > 0, "WithStuckAfter", c.stuckAfter, "a positive duration")
	check(c.jobs >= 1, "WithJobLimit", c.jobs, "1 or more")
	for _, name := range c.nilFunctions {
		check(false, name, nil, "a function")
	}
	return errs
}

func checkCalendar(check func(ok bool, option string, value any, want string), option string, c *calendar.Calendar) {
	check(c != nil, option, nil, "a calendar")
	check(c == nil || c.Location() != nil, option, "Calendar{}", "a calendar that package calendar has made")
}

func (c *config) refuseNil(option string, isNil bool) {
	if isNil {
		c.nilFunctions = append(c.nilFunctions, option)
	}
}

// WithCalendar sets the exchange by whose trading hours the freshness and the
// gaps of data are judged, where a source has no calendar of its own. Default:
// [calendar.SSE].
func WithCalendar(cal *calendar.Calendar) Option {
	return optionFunc(func(c *config) { c.calendar = cal })
}

// WithLocation sets the site's time zone, in which the days of "7d" and "30d"
// begin. All processes of a fleet must have the same. Default: the calendar's.
func WithLocation(l *time.Location) Option {
	return optionFunc(func(c *config) { c.location, c.locationSet = l, true })
}

// WithInterval sets how often Run judges data sources, looks for stuck jobs and
// ends idle sessions. Default: 10 s.
func WithInterval(d time.Duration) Option { return optionFunc(func(c *config) { c.interval = d }) }

// WithSketchStore shares the counts of active users with all processes that use
// the same store: Run exchanges sketches with it every so often, which may take
// that long, and 10 s at most. While the store is away each process goes on with
// what it knows, and loses nothing. All processes must have the same
// [monitor.WithPseudonymKey], without which New fails, and the same location. Default: no
// store; an interval of 10 s is usual.
func WithSketchStore(s SketchStore, every time.Duration) Option {
	return optionFunc(func(c *config) { c.store, c.storeSet, c.syncEvery = s, true, every })
}

// WithFeatures lists the features that are counted under their names; all
// others count as "other". Default: whichever come first, up to the limit.
func WithFeatures(names ...string) Option {
	return optionFunc(func(c *config) { c.features = append(c.features, names...) })
}

// WithFeatureLimit bounds the features that are counted under their names
// where [WithFeatures] does not list them; the table of journeys has the square of
// it. Default: 100, at most 1000.
func WithFeatureLimit(n int) Option { return optionFunc(func(c *config) { c.featureLimit = n }) }

// WithSessions sets after how long without an action a user's session has
// ended, and after how long in any case. Default: 30 min and 24 h.
func WithSessions(idle, longest time.Duration) Option {
	return optionFunc(func(c *config) { c.idle, c.most = idle, longest })
}

// WithSessionLimit bounds the sessions that are followed at a time, of about
// 100 bytes each; actions past that are counted in
// user_sessions_untracked_total. 0 follows none. Default: 100,000.
func WithSessionLimit(n int) Option { return optionFunc(func(c *config) { c.sessions = n }) }

// WithStockLimit bounds the series of stock_data_updates_total; the updates of
// further symbols are counted under "other". It cannot be above the monitor's
// label limit. Default: that limit.
func WithStockLimit(n int) Option {
	return optionFunc(func(c *config) { c.stocks = n })
}

// WithHeat sets how many stocks the sketch of query heat follows, about 150
// bytes each, and after which time a query counts half; 0 means that queries
// count forever. Default: 1000 and 1 h.
func WithHeat(counters int, halfLife time.Duration) Option {
	return optionFunc(func(c *config) { c.heat, c.halfLife = counters, halfLife })
}

// WithHealthThreshold sets the health score below which a data source is
// reported, where a source has no threshold of its own. 0 reports none.
// Default: 0.7.
func WithHealthThreshold(score float64) Option {
	return optionFunc(func(c *config) { c.threshold = score })
}

// WithOnHealth is called by Run when the score of a data source has fallen
// below its threshold, and when it has recovered: see [Health.Healthy]. It must
// not block for long; a panic is caught and counted.
func WithOnHealth(f func(Health)) Option {
	return optionFunc(func(c *config) { c.onHealth = f; c.refuseNil("WithOnHealth", f == nil) })
}

// WithSlowConsumer sets how many messages may wait for a connection before it
// is called slow; it stops to be at half of them. Default: 64.
func WithSlowConsumer(depth int) Option { return optionFunc(func(c *config) { c.slowDepth = depth }) }

// WithStuckAfter sets after how long without a sign of life a running back-test
// is called stuck. Default: 5 min.
func WithStuckAfter(d time.Duration) Option { return optionFunc(func(c *config) { c.stuckAfter = d }) }

// WithJobLimit bounds the back-tests that are followed at a time; further ones
// are counted when they start and end, and appear in no gauge. Default: 10,000.
func WithJobLimit(n int) Option { return optionFunc(func(c *config) { c.jobs = n }) }

// WithOnStuck is called by Run once for each back-test that got stuck. It must
// not block for long; a panic is caught and counted.
func WithOnStuck(f func(Job)) Option {
	return optionFunc(func(c *config) { c.onStuck = f; c.refuseNil("WithOnStuck", f == nil) })
}

// WithFailureReason sets which reason a back-test's error has in
// backtest_outcomes_total: a word, never a message, since it becomes a label.
// Default: "timeout", "cancelled" or "error".
func WithFailureReason(f func(error) string) Option {
	return optionFunc(func(c *config) { c.reason = f; c.refuseNil("WithFailureReason", f == nil) })
}
