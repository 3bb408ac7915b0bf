package bizmon

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/monitor/calendar"
)

// Sources measures where data comes from.
type Sources struct {
	core     *core
	table    lookup[string, *Source]
	overflow *instrument.Cell
}

// SourceOption configures one data source.
type SourceOption interface{ applySource(*sourceConfig) }

type sourceOptionFunc func(*sourceConfig)

func (f sourceOptionFunc) applySource(c *sourceConfig) { f(c) }

type sourceConfig struct {
	calendar  *calendar.Calendar
	target    time.Duration
	maxLag    time.Duration
	spacing   time.Duration
	downAfter int
	threshold float64
}

func (c *sourceConfig) validate(name string) error {
	var errs []error
	check := func(ok bool, option string, value any, want string) {
		if !ok {
			errs = append(errs, invalid(fmt.Sprintf("source %q %s", name, option), value, want))
		}
	}
	check(name != "", "name", `""`, "a name")
	check(utf8.ValidString(name), "name", fmt.Sprintf("%q", name), "valid UTF-8")
	check(len(name) <= mostName, "name", fmt.Sprintf("%d bytes", len(name)), fmt.Sprintf("at most %d bytes", mostName))
	checkCalendar(check, "WithSourceCalendar", c.calendar)
	check(c.target > 0, "WithResponseTarget", c.target, "a positive duration")
	check(c.maxLag > 0, "WithMaxLag", c.maxLag, "a positive duration")
	check(c.spacing >= 0, "WithSpacing", c.spacing, "a duration, or 0 for none")
	check(c.downAfter >= 1, "WithDownAfter", c.downAfter, "1 or more")
	check(c.threshold >= 0 && c.threshold <= 1, "WithThreshold", c.threshold, "0 to 1")
	return errors.Join(errs...)
}

// WithSourceCalendar sets the exchange by whose hours the source's data is
// judged. Default: that of [WithCalendar].
func WithSourceCalendar(c *calendar.Calendar) SourceOption {
	return sourceOptionFunc(func(s *sourceConfig) { s.calendar = c })
}

// WithResponseTarget sets the mean response time up to which nothing is taken
// off the health; at twice that it is half. Default: 1 s.
func WithResponseTarget(d time.Duration) SourceOption {
	return sourceOptionFunc(func(s *sourceConfig) { s.target = d })
}

// WithMaxLag sets how old the newest data may be, in trading time: from there
// on freshness falls, to 0 at three times that. A point that is older on arrival is
// late. Default: 5 min.
func WithMaxLag(d time.Duration) SourceOption {
	return sourceOptionFunc(func(s *sourceConfig) { s.maxLag = d })
}

// WithSpacing sets the trading time from one point of a key to the next, by
// which gaps are found: a minute for bars of a minute, the four hours of a day
// for daily ones. Default: 0, which finds none.
func WithSpacing(d time.Duration) SourceOption {
	return sourceOptionFunc(func(s *sourceConfig) { s.spacing = d })
}

// WithDownAfter sets after how many failures in a row the source is down.
// Default: 3.
func WithDownAfter(failures int) SourceOption {
	return sourceOptionFunc(func(s *sourceConfig) { s.downAfter = failures })
}

// WithThreshold sets the health score below which the source is reported.
// Default: that of [WithHealthThreshold].
func WithThreshold(score float64) SourceOption {
	return sourceOptionFunc(func(s *sourceConfig) { s.threshold = score })
}

func (c *config) source() *sourceConfig {
	return &sourceConfig{
		calendar: c.calendar, target: time.Second, maxLag: 5 * time.Minute, downAfter: 3, threshold: c.threshold,
	}
}

func newSources(c *core) *Sources {
	ss := &Sources{core: c}
	if !c.m.Off() {
		ss.overflow = c.in.overflowed(catalog.DataSourceRequests, "data_source")
	}
	return ss
}

// ErrTooManySources is returned when there are as many data sources as a label
// may have values.
var ErrTooManySources = errors.New("as many data sources as the label limit allows")

// Add returns the data source of that name, with the options of the first Add,
// also where [Sources.Get] has made it before. Later calls return the same one,
// whatever their options.
func (ss *Sources) Add(name string, opts ...SourceOption) (*Source, error) {
	c := ss.core.config.source()
	for _, o := range opts {
		if o != nil {
			o.applySource(c)
		}
	}
	if err := c.validate(name); err != nil {
		return nil, err
	}
	s, ok := ss.make(name, ss.core.in.set.LabelLimit())
	if !ok {
		return nil, fmt.Errorf("bizmon: source %q: %w", name, ErrTooManySources)
	}
	s.adopt(c)
	return s, nil
}

// Get returns the data source of that name, which [Sources.Add] has made, or one
// with the default options. Past the limit, and for a name that Add refuses, it is "other".
func (ss *Sources) Get(name string) *Source {
	if s, ok := ss.table.get(name); ok {
		return s
	}
	if ss.core.config.source().validate(name) == nil {
		if s, ok := ss.make(name, ss.core.in.set.LabelLimit()); ok {
			return s
		}
		add(ss.overflow, 0, 1)
	}
	s, _ := ss.make(instrument.Other, math.MaxInt)
	return s
}

// make returns the data source of that name, with the default options if it is
// new; ok is false if there are too many.
func (ss *Sources) make(name string, most int) (*Source, bool) {
	c := ss.core.config.source()
	if ss.core.m.Off() {
		return &Source{core: ss.core, name: name, config: c}, true
	}
	return ss.table.getOrMake(name, most, func() (string, *Source) {
		s := newSource(ss.core, strings.Clone(name), c)
		return s.name, s
	})
}

// Observe says what a check from outside found, as [Source.Probed] does: that of
// bizmon/probe, of which Sources is an Observer. How long it took is not taken for
// a response time, since a check makes a connection of its own.
func (ss *Sources) Observe(source string, _ time.Duration, err error) {
	ss.Get(source).Probed(err == nil)
}

// Health returns the health of all data sources, by name.
func (ss *Sources) Health() []Health {
	now := ss.core.m.Now()
	var out []Health
	for _, s := range ss.sorted() {
		out = append(out, s.health(now))
	}
	return out
}

func (ss *Sources) sorted() []*Source {
	all := ss.table.values()
	slices.SortFunc(all, func(a, b *Source) int { return strings.Compare(a.name, b.name) })
	return all
}

func (ss *Sources) register() error {
	in := ss.core.in
	return errors.Join(
		in.gauge(catalog.DataSourceUp, func(e emit) {
			for _, s := range ss.table.values() {
				if up, known := s.up(); known {
					e(number(up), s.name)
				}
			}
		}),
		in.gauge(catalog.DataSourceHealth, func(e emit) {
			now := ss.core.m.Now()
			for _, s := range ss.table.values() {
				if h := s.health(now); h.Known {
					e(h.Score, s.name)
				}
			}
		}),
		in.gauge(catalog.DataSourceHealthPart, func(e emit) {
			now := ss.core.m.Now()
			for _, s := range ss.table.values() {
				for _, p := range s.health(now).Parts {
					e(p.Score, s.name, p.Name)
				}
			}
		}),
		in.gauge(catalog.StockDataLag, func(e emit) {
			now := ss.core.m.Now()
			for _, s := range ss.table.values() {
				if lag, ok := s.lag(now); ok {
					e(lag.Seconds(), s.name)
				}
			}
		}),
		in.gauge(catalog.DataQualityScore, func(e emit) {
			now := ss.core.m.Now()
			for _, s := range ss.table.values() {
				if q, ok := s.quality(now); ok {
					e(q, s.name)
				}
			}
		}),
		in.gauge(catalog.MarketOpen, func(e emit) {
			for _, c := range ss.calendars() {
				if open, err := c.IsOpen(ss.core.m.Now()); err == nil { // no answer is better than a guess
					e(number(open), c.Name())
				}
			}
		}),
		in.gauge(catalog.MarketCalendarRemaining, func(e emit) {
			for _, c := range ss.calendars() {
				e(float64(c.DaysLeft(ss.core.m.Now()))*(24*time.Hour).Seconds(), c.Name())
			}
		}),
	)
}

// calendars returns those that are in use, one of each name.
func (ss *Sources) calendars() []*calendar.Calendar {
	all := []*calendar.Calendar{ss.core.config.calendar}
	for _, s := range ss.table.values() {
		c := s.calendar()
		if !slices.ContainsFunc(all, func(o *calendar.Calendar) bool { return o.Name() == c.Name() }) {
			all = append(all, c)
		}
	}
	return all
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
