package calendar

import "time"

// date is a day, counted from 1 January 1970.
type date int

const (
	secondsPerDay = 24 * 60 * 60
	fourCenturies = 146097 // days
)

// dateOf is the day that t's own clock shows.
func dateOf(t time.Time) date {
	y, m, d := t.Date()
	return newDate(y, m, d)
}

func newDate(y int, m time.Month, d int) date {
	sec := time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix()
	return date((sec - mod(sec, secondsPerDay)) / secondsPerDay)
}

func (d date) civil() (int, time.Month, int) {
	return time.Unix(int64(d)*secondsPerDay, 0).UTC().Date()
}

// weekday of 1 January 1970 was a Thursday.
func (d date) weekday() time.Weekday { return time.Weekday(mod(int64(d)+int64(time.Thursday), 7)) }

// at is the first instant of that day at which the zone's clock shows so much
// or more: what a change of the clock skips is at the change, what it repeats is
// at the first of the two.
func (d date) at(clock time.Duration, zone *time.Location) time.Time {
	y, m, day := d.civil()
	t := time.Date(y, m, day, 0, 0, int(clock/time.Second), 0, zone)
	begin, end := t.ZoneBounds()
	switch shown := local(t) - int64(d)*secondsPerDay - int64(clock/time.Second); {
	case shown > 0: // skipped, and taken for later
		return begin
	case shown < 0: // skipped, and taken for earlier
		return end
	case begin.IsZero():
		return t
	}
	back := local(begin.Add(-time.Second)) + 1 - local(begin) // by so much the last change set the clock back
	if first := t.Add(-time.Duration(back) * time.Second); back > 0 && first.Before(begin) {
		return first
	}
	return t
}

// local is what the clock shows at t, in seconds.
func local(t time.Time) int64 {
	_, offset := t.Zone()
	return t.Unix() + int64(offset)
}

// mod is the remainder that is never negative.
func mod(a, n int64) int64 { return ((a % n) + n) % n }
