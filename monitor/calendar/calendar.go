package calendar

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrUnknownYear is wrapped by every error about a year that the calendar does
// not hold. The value beside such an error is a guess: weekdays trade.
var ErrUnknownYear = errors.New("the calendar does not hold the year")

// ErrNoSession is returned where no session is found within a year.
var ErrNoSession = errors.New("no session within a year")

// A Calendar says when one exchange trades. It never changes, and is safe for
// concurrent use.
type Calendar struct {
	name        string
	zone        *time.Location
	first, last int // years
	weekend     [7]bool
	regular     []hours
	special     map[date]special
}

// hours is one session of a day, as time since midnight on the clock.
type hours struct{ open, close time.Duration }

// special is a day that is not like others of its weekday.
type special struct {
	kind  Kind
	name  string
	early time.Duration // of an early close; 0 otherwise
}

// Kind says what sort of day it is.
type Kind uint8

// The kinds of days.
const (
	Trading Kind = iota + 1 // the exchange opens
	Weekend                 // it does not: a weekend like any other
	Holiday                 // it does not: a holiday, on a weekend or not
	MakeUp                  // it does not, but people work to make up for a holiday
)

var kindNames = [...]string{"invalid", "trading", "weekend", "holiday", "make-up"}

// String returns the kind's name.
func (k Kind) String() string {
	if int(k) >= len(kindNames) {
		return fmt.Sprintf("kind(%d)", uint8(k))
	}
	return kindNames[k]
}

// A Session is a stretch of time in which the exchange trades: Open belongs to
// it, Close does not.
type Session struct {
	Open, Close time.Time
	Index       int // within the day, from 0: 1 is the afternoon of SSE
}

// Contains reports whether t lies in the session.
func (s Session) Contains(t time.Time) bool { return !t.Before(s.Open) && t.Before(s.Close) }

// Duration is the session's length in time that passes: over a change of the
// clock it differs from what the clock shows.
func (s Session) Duration() time.Duration { return s.Close.Sub(s.Open) }

// A Day is what a calendar says of one day.
type Day struct {
	Date     time.Time // the day's first instant in the calendar's zone, which is not always midnight
	Kind     Kind
	Name     string    // of the holiday or what else makes the day special; may be empty
	Sessions []Session // the caller's own; none unless Kind is Trading
	Early    bool      // it closes earlier than usual
}

// Name returns the exchange's name.
func (c *Calendar) Name() string { return c.name }

// Location returns the exchange's time zone.
func (c *Calendar) Location() *time.Location { return c.zone }

// Years returns the first and the last year that the calendar holds.
func (c *Calendar) Years() (first, last int) { return c.first, c.last }

// Covers returns an error wrapping [ErrUnknownYear] unless the calendar holds
// the year in which t lies at the exchange.
func (c *Calendar) Covers(t time.Time) error { return c.covers(dateOf(t.In(c.zone))) }

// DaysLeft returns how many days the calendar still holds after the one in which
// t lies at the exchange: 0 on the last day, negative past it. Ask now and then
// and warn below 30, say: the notice of the year to come is out by then, and a
// release or a file with it has to be deployed before the first of January.
func (c *Calendar) DaysLeft(t time.Time) int {
	return int(newDate(c.last, time.December, 31) - dateOf(t.In(c.zone)))
}

func (c *Calendar) covers(d date) error {
	y, _, _ := d.civil()
	if y >= c.first && y <= c.last {
		return nil
	}
	return fmt.Errorf("calendar %s: %w %d: it holds %d to %d", c.name, ErrUnknownYear, y, c.first, c.last)
}

// Day returns the day in which t lies at the exchange.
func (c *Calendar) Day(t time.Time) (Day, error) {
	d := dateOf(t.In(c.zone))
	kind, sp := c.kind(d)
	return Day{
		Date: d.at(0, c.zone), Kind: kind, Name: sp.name,
		Sessions: c.sessions(d), Early: sp.early > 0,
	}, c.covers(d)
}

// IsOpen reports whether the exchange trades at t.
func (c *Calendar) IsOpen(t time.Time) (bool, error) {
	_, ok, err := c.Session(t)
	return ok, err
}

// Session returns the session in which t lies; ok is false if the exchange is
// closed then.
func (c *Calendar) Session(t time.Time) (s Session, ok bool, err error) {
	d := dateOf(t.In(c.zone))
	kind, sp := c.kind(d)
	if kind == Trading {
		for i := range c.regular {
			if s, ok := c.session(d, i, sp); ok && s.Contains(t) {
				return s, true, c.covers(d)
			}
		}
	}
	return Session{}, false, c.covers(d)
}

// Next returns the first session that opens after t.
func (c *Calendar) Next(t time.Time) (Session, error) {
	start := dateOf(t.In(c.zone))
	for d := start; d <= start+366; d++ {
		for _, s := range c.sessions(d) {
			if s.Open.After(t) {
				return s, errors.Join(c.covers(start), c.coversOther(start, d))
			}
		}
	}
	return Session{}, fmt.Errorf("calendar %s: after %s: %w", c.name, t.In(c.zone).Format(time.DateOnly), ErrNoSession)
}

// Previous returns the last session that opened at or before t: the one that t
// lies in, if the exchange trades then.
func (c *Calendar) Previous(t time.Time) (Session, error) {
	start := dateOf(t.In(c.zone))
	for d := start; d >= start-366; d-- {
		for _, s := range slices.Backward(c.sessions(d)) {
			if !s.Open.After(t) {
				return s, errors.Join(c.covers(start), c.coversOther(start, d))
			}
		}
	}
	return Session{}, fmt.Errorf("calendar %s: before %s: %w", c.name, t.In(c.zone).Format(time.DateOnly), ErrNoSession)
}

// coversOther is covers(d) where that is not covers(start) again.
func (c *Calendar) coversOther(start, d date) error {
	y1, _, _ := start.civil()
	y2, _, _ := d.civil()
	if y1 == y2 {
		return nil
	}
	return c.covers(d)
}

// SinceOpen returns for how long the exchange has traded on t's day until t:
// lunch does not count, and after the close it is the whole day. It is 0 before
// the open and on days without trading.
func (c *Calendar) SinceOpen(t time.Time) (time.Duration, error) {
	d := dateOf(t.In(c.zone))
	return c.tradingTime(d.at(0, c.zone), t), c.covers(d)
}

// TradingTime returns for how long the exchange trades between two instants; it
// is negative if to lies before from. It takes time in proportion to the days
// in between, at most the four centuries before the later one.
func (c *Calendar) TradingTime(from, to time.Time) (time.Duration, error) {
	if to.Before(from) {
		d, err := c.TradingTime(to, from)
		return -d, err
	}
	first, last := dateOf(from.In(c.zone)), dateOf(to.In(c.zone))
	return c.tradingTime(from, to), errors.Join(c.covers(first), c.coversOther(first, last))
}

func (c *Calendar) tradingTime(from, to time.Time) (sum time.Duration) {
	first, last := dateOf(from.In(c.zone)), dateOf(to.In(c.zone))
	first = max(first, last-fourCenturies)
	changed, _ := to.In(c.zone).ZoneBounds()
	steady := !changed.After(from) // the clock tells how long a session lasts
	for d := first; d <= last; d++ {
		kind, sp := c.kind(d)
		if kind != Trading {
			continue
		}
		for i := range c.regular {
			if steady && d != first && d != last {
				h := c.hours(i, sp)
				sum += max(h.close-h.open, 0)
			} else if s, ok := c.session(d, i, sp); ok {
				sum += max(earlier(s.Close, to).Sub(later(s.Open, from)), 0)
			}
		}
	}
	return sum
}

func (c *Calendar) kind(d date) (Kind, special) {
	if sp, ok := c.special[d]; ok {
		return sp.kind, sp
	}
	if c.weekend[d.weekday()] {
		return Weekend, special{}
	}
	return Trading, special{}
}

// hours is the i-th session of a trading day by the clock; it ends before it
// opens where an early close leaves nothing of it.
func (c *Calendar) hours(i int, sp special) hours {
	h := c.regular[i]
	if sp.early > 0 {
		h.close = min(h.close, sp.early)
	}
	return h
}

// session is the same in time; ok is false where nothing is left of it, as
// after a change of the clock too.
func (c *Calendar) session(d date, i int, sp special) (s Session, ok bool) {
	h := c.hours(i, sp)
	if h.close <= h.open {
		return Session{}, false
	}
	s = Session{d.at(h.open, c.zone), d.at(h.close, c.zone), i}
	return s, s.Open.Before(s.Close)
}

func (c *Calendar) sessions(d date) []Session {
	kind, sp := c.kind(d)
	if kind != Trading {
		return nil
	}
	out := make([]Session, 0, len(c.regular))
	for i := range c.regular {
		if s, ok := c.session(d, i, sp); ok {
			out = append(out, s)
		}
	}
	return out
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
