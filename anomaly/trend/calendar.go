package trend

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"
)

// A Calendar says when a market trades; *calendar.Calendar is one. IsOpen is
// called for every step of the series and of the forecast, by one goroutine. An
// error beside its answer means that the answer is a guess, which becomes a note.
type Calendar interface {
	IsOpen(t time.Time) (bool, error)
	Location() *time.Location
}

// mostClosed is how many days there may be without trading.
const mostClosed = 366

// compression is a series without the hours in which a market is closed. Every
// day of trading has the same number of places, by the clock, and every week with
// trading the same number of days, by the weekday: early closes and holidays
// within such a week are gaps, so that what follows keeps its place in the season.
type compression struct {
	cal   Calendar
	step  time.Duration
	place map[time.Duration]int // by time on the clock
	days  map[int]int           // by weekday, from Monday
	guess error
}

// clock is the Monday before t's day, the weekday from then, and the time that
// the clock shows.
func (c *compression) clock(t time.Time) (monday time.Time, weekday int, at time.Duration) {
	t = t.In(c.cal.Location())
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
	y, m, d := t.In(c.cal.Location()).Date()
	for half := range 48 {
		if c.ask(time.Date(y, m, d, 0, 30*half, 0, 0, c.cal.Location())) {
			return true
		}
	}
	return false
}

func (c *compression) ask(t time.Time) bool {
	open, err := c.cal.IsOpen(t)
	if err != nil && c.guess == nil {
		c.guess = err
	}
	return open
}

// periods are a day and a week of trading.
func (c *compression) periods() []int { return []int{len(c.place), c.week()} }

// compress takes the closed hours out.
func (t *timeline) compress() error {
	if t.step > day {
		return fmt.Errorf("a calendar needs a step of at most a day, not %v", t.step)
	}
	c := &compression{cal: t.calendar, step: t.step, place: map[time.Duration]int{}, days: map[int]int{}}
	var open []int
	for i, at := range t.times {
		if c.open(at) {
			_, weekday, clock := c.clock(at)
			c.days[weekday], c.place[clock] = 0, 0
			open = append(open, i)
		}
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
			times, steps = append(times, last.Add(time.Duration(i+1)*t.step)), append(steps, i+1)
		}
		return times, steps, nil
	}
	c := t.closed
	week, weekday, clock := c.clock(last)
	place, _ := c.at(weekday, clock)
	base := -place
	newest := last
	for next := last.Add(t.step); len(times) < h; next = next.Add(t.step) {
		if next.Sub(newest) > mostClosed*day {
			return nil, nil, fmt.Errorf("trend: %w for a year after %v", ErrClosed, newest)
		}
		if !c.open(next) {
			continue
		}
		monday, weekday, clock := c.clock(next)
		place, ok := c.at(weekday, clock)
		if !ok {
			continue // never open at this hour before
		}
		if !monday.Equal(week) {
			week, base = monday, base+c.week()
		}
		newest = next
		times, steps = append(times, next), append(steps, base+place)
	}
	if c.guess != nil {
		t.note("the calendar is a guess: %v", c.guess)
	}
	return times, steps, nil
}
