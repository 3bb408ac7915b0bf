package trend

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"sort"
	"time"

	"github.com/chronoretrace/chronomon/internal/series"
	"github.com/chronoretrace/chronomon/monitor"
)

// A Calendar says when a market trades; *calendar.Calendar is one. IsOpen is
// called for every step of the series and of the forecast, by the goroutine that
// reads the series. An error beside its answer means that the answer is a guess,
// which becomes a note; a panic is the error of the call. Without a location times
// are UTC.
type Calendar interface {
	IsOpen(t time.Time) (bool, error)
	Location() *time.Location
}

const (
	mostClosed = 366         // days that there may be without trading
	mostAsked  = 1 << 21     // steps to come that a calendar is asked about
	leastOpen  = time.Minute // markets do not open for less
)

// compression is a series without the hours in which a market is closed. Every
// day of trading has the same number of places, by the clock, and every week with
// trading the same number of days, by the weekday: early closes and holidays
// within such a week are gaps, so that what follows keeps its place in the season.
type compression struct {
	cal    Calendar
	zone   *time.Location
	step   time.Duration
	place  map[time.Duration]int // by time on the clock
	days   map[int]int           // by weekday, from Monday
	asked  int
	guess  error
	broken error // the calendar panicked
}

func newCompression(cal Calendar, step time.Duration) *compression {
	c := &compression{cal: cal, step: step, place: map[time.Duration]int{}, days: map[int]int{}}
	c.guarded(func() { c.zone = cal.Location() })
	if c.zone == nil {
		c.zone = time.UTC
	}
	return c
}

// guarded keeps a panic of the calendar from the host.
func (c *compression) guarded(f func()) {
	defer func() {
		if v := recover(); v != nil && c.broken == nil {
			c.broken = fmt.Errorf("the calendar panicked: %v", v)
		}
	}()
	f()
}

// clock is the Monday before t's day, the weekday from then, and the time that
// the clock shows.
func (c *compression) clock(t time.Time) (monday time.Time, weekday int, at time.Duration) {
	t = t.In(c.zone)
	y, m, d := t.Date()
	date := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	weekday = (int(date.Weekday()) + 6) % 7
	monday = date.AddDate(0, 0, -weekday)
	if c.step >= day { // one value a day, whenever it was taken
		return monday, weekday, 0
	}
	h, mi, s := t.Clock()
	return monday, weekday, time.Duration(h)*time.Hour + time.Duration(mi)*time.Minute + time.Duration(s)*time.Second + time.Duration(t.Nanosecond())
}

// at is the place of a weekday and a time in the week; ok is false where there was
// never trading.
func (c *compression) at(weekday int, clock time.Duration) (place int, ok bool) {
	d, dayOK := c.days[weekday]
	p, ok := c.place[clock]
	return d*len(c.place) + p, ok && dayOK
}

func (c *compression) week() int { return len(c.days) * len(c.place) }

// open reports whether there is trading at t, or on t's day where a step is a day.
func (c *compression) open(t time.Time) bool {
	if c.step < day {
		return c.ask(t)
	}
	y, m, d := t.In(c.zone).Date()
	for half := range 48 {
		if c.ask(time.Date(y, m, d, 0, 30*half, 0, 0, c.zone)) {
			return true
		}
	}
	return false
}

func (c *compression) ask(t time.Time) (open bool) {
	c.asked++
	c.guarded(func() {
		var err error
		if open, err = c.cal.IsOpen(t); err != nil && c.guess == nil {
			c.guess = err
		}
	})
	return open
}

// opening returns the first step from a closed one on at which there is trading, and
// none further than until. Steps that are short against any session are not all
// asked about.
func (c *compression) opening(closed, until time.Time) time.Time {
	stride := max(1, int(leastOpen/c.step))
	for next := closed; ; {
		before := next
		next = next.Add(time.Duration(stride) * c.step)
		if c.broken != nil || next.After(until) || c.open(next) {
			return before.Add(time.Duration(1+sort.Search(stride-1, func(i int) bool { return c.open(before.Add(time.Duration(i+1) * c.step)) })) * c.step)
		}
	}
}

// periods are a day and a week of trading.
func (c *compression) periods() []int { return []int{len(c.place), c.week()} }

// nextDay returns the first step from one on that lies on another day.
func (c *compression) nextDay(t time.Time) time.Time {
	if c.step == day {
		return c.next(t)
	}
	y, m, d := t.In(c.zone).Date()
	left := time.Date(y, m, d+1, 0, 0, 0, 0, c.zone).Sub(t)
	if over := left % c.step; over > 0 {
		left += c.step - over
	}
	return t.Add(max(left, c.step))
}

// next is a step later; where steps are days, at the same time on the clock.
func (c *compression) next(t time.Time) time.Time {
	if c.step == day {
		return t.In(c.zone).AddDate(0, 0, 1).In(t.Location())
	}
	return t.Add(c.step)
}

// date puts daily values on the days of the calendar's zone, of which those with a
// change of the clock have not 24 hours. What is as far as half a day from the time
// on the clock of the first value is still of that day.
func (t *timeline) date(times []time.Time, values []float64) error {
	c := newCompression(t.calendar, t.step)
	if c.broken != nil {
		return c.broken
	}
	first := t.times[0]
	y, m, d := first.In(c.zone).Date()
	toNoon := time.Date(y, m, d, 12, 0, 0, 0, c.zone).Sub(first)
	dates := make([]time.Time, len(times))
	for i, at := range times {
		y, m, d := at.Add(toNoon).In(c.zone).Date()
		dates[i] = time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	grid, err := series.Regularise(dates, values, day)
	if err != nil {
		return err
	}
	t.values, t.times = grid.Values, make([]time.Time, len(grid.Values))
	for i := range t.times {
		t.times[i] = first.In(c.zone).AddDate(0, 0, i).In(first.Location())
	}
	return nil
}

// compress takes the closed hours out.
func (t *timeline) compress() error {
	if t.step > day {
		return fmt.Errorf("%w: a calendar needs a step of at most a day, not %v", monitor.ErrInvalidOption, t.step)
	}
	c := newCompression(t.calendar, t.step)
	var open []int
	for i, at := range t.times {
		if c.open(at) {
			_, weekday, clock := c.clock(at)
			c.days[weekday], c.place[clock] = 0, 0
			open = append(open, i)
		}
	}
	if c.broken != nil {
		return c.broken
	}
	if len(open) == 0 {
		return fmt.Errorf("%w at every point", ErrClosed)
	}
	number(c.days)
	number(c.place)
	var values []float64
	var times []time.Time
	week, weekday, clock := c.clock(t.times[open[0]])
	place, _ := c.at(weekday, clock)
	base := -place
	for _, i := range open {
		monday, weekday, clock := c.clock(t.times[i])
		if !monday.Equal(week) {
			week, base = monday, base+c.week()
		}
		place, _ := c.at(weekday, clock)
		if base+place > 2*len(open)+c.week() { // more than half are gaps
			return fmt.Errorf("%w of %v: most hours of trading have no value", ErrIrregular, t.step)
		}
		for len(values) <= base+place {
			values, times = append(values, math.NaN()), append(times, t.times[i])
		}
		values[base+place] = t.values[i]
	}
	t.values, t.times, t.closed = values, times, c
	return nil
}

// number gives the keys their rank.
func number[K cmp.Ordered](m map[K]int) {
	for i, k := range slices.Sorted(maps.Keys(m)) {
		m[k] = i
	}
}

// ahead returns the times of the next h values, and for each how many steps from
// the last value it is.
func (t *timeline) ahead(h int) (times []time.Time, steps []int, err error) {
	last := t.times[len(t.times)-1]
	if t.closed == nil {
		for i := range h {
			last = last.Add(t.step)
			times, steps = append(times, last), append(steps, i+1)
		}
		return times, steps, nil
	}
	c := t.closed
	c.asked = 0
	week, weekday, clock := c.clock(last)
	place, _ := c.at(weekday, clock)
	base := -place
	newest := last
	for next := c.next(last); len(times) < h; {
		until := newest.AddDate(0, 0, mostClosed)
		switch {
		case c.broken != nil:
			return nil, nil, fmt.Errorf("trend: %w", c.broken)
		case next.After(until):
			return nil, nil, fmt.Errorf("trend: %w for a year after %v", ErrClosed, newest)
		case c.asked > mostAsked:
			return nil, nil, fmt.Errorf("trend: %w after %v at the hours that the series knows, for %d steps of %v", ErrClosed, newest, c.asked, t.step)
		}
		monday, weekday, clock := c.clock(next)
		if _, ok := c.days[weekday]; !ok {
			next = c.nextDay(next)
			continue
		}
		if !c.open(next) {
			if c.step == day {
				next = c.next(next)
			} else {
				next = c.opening(next, until)
			}
			continue
		}
		if place, ok := c.at(weekday, clock); ok { // otherwise it was never open at this hour before
			if !monday.Equal(week) {
				week, base = monday, base+c.week()
			}
			newest = next
			times, steps = append(times, next), append(steps, base+place)
		}
		next = c.next(next)
	}
	if c.guess != nil {
		t.note("the calendar is a guess: %v", c.guess)
	}
	return times, steps, nil
}
