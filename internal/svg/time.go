package svg

import (
	"fmt"
	"math"
	"time"
)

// A TimeAxis is of time.
type TimeAxis struct {
	From, To time.Time
	Ticks    []Tick
	Zone     string // as "UTC" or "CST, UTC+8"
	seconds  float64
}

// A Tick is a round time: midnight rather than ten minutes past.
type Tick struct {
	Time    time.Time
	Label   string
	Context string // the day or year that the label is of; empty if it is the last tick's
}

// NewTimeAxis returns the axis from a time to another one in a zone, nil for UTC,
// with at most so many ticks. If they are equal there is room around.
func NewTimeAxis(from, to time.Time, zone *time.Location, most int) TimeAxis {
	if zone == nil {
		zone = time.UTC
	}
	if to.Before(from) {
		from, to = to, from
	}
	if from.Equal(to) {
		from, to = from.Add(-time.Minute), to.Add(time.Minute)
	}
	a := TimeAxis{From: from.In(zone), To: to.In(zone)}
	a.seconds = a.since(to)
	a.Zone = zoneName(a.To)
	a.ticks(max(most, 2))
	return a
}

// At is where a time is, 0 at the beginning to 1 at the end.
func (a TimeAxis) At(t time.Time) float64 { return min(max(a.since(t)/a.seconds, 0), 1) }

// since is the seconds from the beginning. A [time.Duration] has but 292 years.
func (a TimeAxis) since(t time.Time) float64 {
	if d := t.Sub(a.From); d > math.MinInt64 && d < math.MaxInt64 {
		return d.Seconds()
	}
	return float64(t.Unix()) - float64(a.From.Unix())
}

func zoneName(t time.Time) string {
	name, offset := t.Zone()
	if offset == 0 {
		return name
	}
	utc := fmt.Sprintf("UTC%+d", offset/3600)
	if minutes := offset % 3600 / 60; minutes != 0 {
		utc += fmt.Sprintf(":%02d", max(minutes, -minutes))
	}
	if name == "" || name[0] == '+' || name[0] == '-' {
		return utc
	}
	return Line(name, 12) + ", " + utc
}

// A stride is the distance of ticks: of time by the clock, of days, or of months.
type stride struct {
	clock        time.Duration
	days, months int
}

// strides are the round ones, up to a year.
var strides = []stride{
	{clock: time.Millisecond},
	{clock: 2 * time.Millisecond},
	{clock: 5 * time.Millisecond},
	{clock: 10 * time.Millisecond},
	{clock: 20 * time.Millisecond},
	{clock: 50 * time.Millisecond},
	{clock: 100 * time.Millisecond},
	{clock: 200 * time.Millisecond},
	{clock: 500 * time.Millisecond},
	{clock: time.Second},
	{clock: 2 * time.Second},
	{clock: 5 * time.Second},
	{clock: 10 * time.Second},
	{clock: 15 * time.Second},
	{clock: 30 * time.Second},
	{clock: time.Minute},
	{clock: 2 * time.Minute},
	{clock: 5 * time.Minute},
	{clock: 10 * time.Minute},
	{clock: 15 * time.Minute},
	{clock: 30 * time.Minute},
	{clock: time.Hour},
	{clock: 2 * time.Hour},
	{clock: 3 * time.Hour},
	{clock: 6 * time.Hour},
	{clock: 12 * time.Hour},
	{days: 1},
	{days: 2},
	{days: 4},
	{days: 7},
	{days: 14},
	{months: 1},
	{months: 2},
	{months: 3},
	{months: 6},
	{months: 12},
}

func (s stride) seconds() float64 {
	return s.clock.Seconds() + 86400*float64(s.days) + 86400*365.2425/12*float64(s.months)
}

// ticks finds the smallest stride that is not too many.
func (a *TimeAxis) ticks(most int) {
	least := a.seconds / float64(most)
	for _, s := range strides {
		if s.seconds() >= least {
			a.stride(s, most)
			return
		}
	}
	years := math.Ceil(roundStep(least / (86400 * 365.2425)))
	if years < 1e6 { // past which package time has no years to speak of
		a.stride(stride{months: 12 * int(years)}, most)
	}
}

// stride sets the ticks, by the zone's clock and calendar.
func (a *TimeAxis) stride(s stride, most int) {
	t := s.start(a.From)
	context := ""
	for range 2*most + 64 {
		if t.After(a.To) {
			return
		}
		if !t.Before(a.From) {
			label, of := s.label(t)
			tick := Tick{Time: t, Label: label}
			if of != context {
				tick.Context, context = of, of
			}
			a.Ticks = append(a.Ticks, tick)
		}
		next := s.next(t)
		if !next.After(t) { // an hour that comes twice
			next = t.Add(max(s.clock, time.Hour))
		}
		t = next
	}
}

// start is a round time at or before t.
func (s stride) start(t time.Time) time.Time {
	year, month, day := t.Date()
	switch {
	case s.months > 0:
		months := 12*year + int(month) - 1
		months -= ((months % s.months) + s.months) % s.months
		return time.Date(0, time.Month(months+1), 1, 0, 0, 0, 0, t.Location())
	case s.days == 7 || s.days == 14: // from a Monday on
		return time.Date(year, month, day-(int(t.Weekday())+6)%7, 0, 0, 0, 0, t.Location())
	case s.days > 0:
		return time.Date(year, month, day-(day-1)%s.days, 0, 0, 0, 0, t.Location())
	}
	clock := time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second + time.Duration(t.Nanosecond())
	if s.clock < time.Hour {
		return t.Add(-(clock % s.clock))
	}
	return time.Date(year, month, day, int((clock-clock%s.clock)/time.Hour), 0, 0, 0, t.Location())
}

func (s stride) next(t time.Time) time.Time {
	year, month, day := t.Date()
	switch {
	case s.months > 0:
		return time.Date(year, month+time.Month(s.months), 1, 0, 0, 0, 0, t.Location())
	case s.days < 7 && s.days > 1 && day+s.days > 29: // each month begins anew
		return time.Date(year, month+1, 1, 0, 0, 0, 0, t.Location())
	case s.days > 0:
		return time.Date(year, month, day+s.days, 0, 0, 0, 0, t.Location())
	case s.clock < time.Hour:
		return t.Add(s.clock)
	}
	return time.Date(year, month, day, t.Hour()+int(s.clock/time.Hour), 0, 0, 0, t.Location())
}

// label is what a tick is called, and of what.
func (s stride) label(t time.Time) (label, of string) {
	switch {
	case s.months >= 12:
		return t.Format("2006"), ""
	case s.months > 0:
		return t.Format("Jan"), t.Format("2006")
	case s.days > 0:
		return t.Format("2 Jan"), t.Format("2006")
	case s.clock < time.Second:
		return t.Format("15:04:05.000"), t.Format("2 Jan 2006")
	case s.clock < time.Minute:
		return t.Format("15:04:05"), t.Format("2 Jan 2006")
	}
	return t.Format("15:04"), t.Format("2 Jan 2006")
}
