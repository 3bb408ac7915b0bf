package trend_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/anomaly/trend"
	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/calendar"
)

var _ trend.Calendar = calendar.SSE()

// market is a value every five minutes of trading: busy at the open and the
// close, more so on Mondays.
func market(cal *calendar.Calendar, from, to time.Time, noise float64) (points []monitor.Point) {
	r := rand.New(rand.NewPCG(8, 8))
	for at := from; at.Before(to); at = at.Add(5 * time.Minute) {
		if open, _ := cal.IsOpen(at); open {
			points = append(points, monitor.Point{Time: at, Value: busy(cal, at) + noise*r.NormFloat64()})
		}
	}
	return points
}

func busy(cal *calendar.Calendar, at time.Time) float64 {
	since, _ := cal.SinceOpen(at)
	x := since.Hours()/2 - 1 // -1 at the open, 1 at the close
	v := 1000 + 400*x*x
	if at.In(cal.Location()).Weekday() == time.Monday {
		v += 150
	}
	return v
}

func TestTradingHours(t *testing.T) {
	t.Parallel()
	cal := calendar.SSE()
	// The spring festival of 2026 closes from 15 to 23 February.
	from := time.Date(2026, 1, 5, 0, 0, 0, 0, cal.Location())
	to := time.Date(2026, 2, 12, 18, 0, 0, 0, cal.Location())
	f, err := trend.Predict(market(cal, from, to, 10), 144, trend.WithCalendar(cal))
	require.NoError(t, err)
	require.Len(t, f.Points, 144)
	days := map[string]int{}
	for _, p := range f.Points {
		open, err := cal.IsOpen(p.Time)
		require.NoError(t, err)
		require.True(t, open, "%v", p.Time)
		days[p.Time.In(cal.Location()).Format(time.DateOnly)]++
		require.InDelta(t, busy(cal, p.Time), p.Value, 60, "%v", p.Time)
	}
	require.Equal(t, map[string]int{"2026-02-13": 48, "2026-02-24": 48, "2026-02-25": 48}, days)
	require.Equal(t, 4*time.Hour, f.Seasons[0].Length, "a day of trading")
	require.Less(t, f.Accuracy.MASE, 1.)
}

func TestTradingDays(t *testing.T) {
	t.Parallel()
	cal := calendar.SSE()
	var points []monitor.Point
	for d := range 200 {
		at := time.Date(2025, 7, 1+d, 15, 0, 0, 0, cal.Location())
		if day, _ := cal.Day(at); day.Kind == calendar.Trading {
			points = append(points, monitor.Point{Time: at, Value: float64(at.Weekday()) + 0.01*float64(d)})
		}
	}
	f, err := trend.Predict(points, 10, trend.WithCalendar(cal), trend.WithStep(24*time.Hour))
	require.NoError(t, err)
	for _, p := range f.Points {
		day, _ := cal.Day(p.Time)
		require.Equal(t, calendar.Trading, day.Kind)
		require.InDelta(t, float64(p.Time.In(cal.Location()).Weekday())+2, p.Value, 1)
	}
	require.Equal(t, 5*24*time.Hour, f.Seasons[0].Length)
}

// half closes at noon on Wednesdays: the afternoon is a gap, and the days after it
// keep their places.
type half struct{ *calendar.Calendar }

func (h half) IsOpen(at time.Time) (bool, error) {
	open, err := h.Calendar.IsOpen(at)
	local := at.In(h.Location())
	return open && (local.Weekday() != time.Wednesday || local.Hour() < 12), err
}

func TestEarlyClose(t *testing.T) {
	t.Parallel()
	cal := half{calendar.SSE()}
	from := time.Date(2026, 3, 2, 0, 0, 0, 0, cal.Location())
	to := time.Date(2026, 3, 31, 18, 0, 0, 0, cal.Location()) // a Tuesday
	var points []monitor.Point
	for _, p := range market(cal.Calendar, from, to, 5) {
		if open, _ := cal.IsOpen(p.Time); open {
			points = append(points, p)
		}
	}
	f, err := trend.Predict(points, 72, trend.WithCalendar(cal))
	require.NoError(t, err)
	for _, p := range f.Points {
		require.InDelta(t, busy(cal.Calendar, p.Time), p.Value, 60, "%v", p.Time)
	}
	require.Equal(t, 24, countOn(f, cal.Location(), time.Wednesday))
	require.Equal(t, 48, countOn(f, cal.Location(), time.Thursday))
}

func countOn(f trend.Forecast, zone *time.Location, day time.Weekday) (n int) {
	for _, p := range f.Points {
		if p.Time.In(zone).Weekday() == day {
			n++
		}
	}
	return n
}

type never struct{}

func (never) IsOpen(time.Time) (bool, error) { return false, nil }
func (never) Location() *time.Location       { return time.UTC }

type guess struct{}

func (guess) IsOpen(t time.Time) (bool, error) { return t.Hour() < 12, errors.New("no such year") }
func (guess) Location() *time.Location         { return time.UTC }

func TestCalendarEdges(t *testing.T) {
	t.Parallel()
	points := series(500, time.Hour, func(i int) float64 { return math.Mod(float64(i), 24) })
	_, err := trend.Predict(points, 5, trend.WithCalendar(never{}))
	require.ErrorIs(t, err, trend.ErrClosed)
	_, err = trend.Predict(series(50, 48*time.Hour, daily), 5, trend.WithCalendar(calendar.SSE()))
	require.ErrorContains(t, err, "a calendar needs a step of at most a day")
	f, err := trend.Predict(points, 30, trend.WithCalendar(guess{}))
	require.NoError(t, err)
	require.Contains(t, f.Notes, "the calendar is a guess: no such year")
	require.Equal(t, 12*time.Hour, f.Seasons[0].Length)
	for _, p := range f.Points {
		require.InDelta(t, p.Time.Hour(), p.Value, 0.5)
	}
}

// hours is a calendar of its own.
type hours struct {
	zone *time.Location
	open func(time.Time) bool
}

func (h hours) IsOpen(t time.Time) (bool, error) { return h.open(t), nil }
func (h hours) Location() *time.Location         { return h.zone }

// A calendar is the host's: what it does wrong is an error, and in no time.
func TestCalendarOfAnyKind(t *testing.T) {
	t.Parallel()
	saw := func(i int) float64 { return float64(i * i % 17) }
	morning := func(t time.Time) bool { return t.Hour() < 12 }
	never := func(after time.Time) func(time.Time) bool {
		return func(t time.Time) bool { return t.Before(after) }
	}
	for name, c := range map[string]struct {
		points []monitor.Point
		cal    trend.Calendar
		want   string // of the error; none where it is empty
	}{
		"panics":                       {series(50, time.Hour, saw), hours{time.UTC, func(time.Time) bool { panic("no dates") }}, "trend: the calendar panicked: no dates"},
		"panics later":                 {series(50, time.Hour, saw), hours{time.UTC, func(t time.Time) bool { return [50]bool{0: true}[int(t.Sub(monday)/time.Hour)] || true }}, "trend: the calendar panicked: runtime error"},
		"is nil":                       {series(50, time.Hour, saw), (*calendar.Calendar)(nil), "trend: the calendar panicked"},
		"knows no zone":                {series(50, time.Hour, saw), hours{nil, morning}, ""},
		"closes for ever":              {series(50, time.Hour, saw), hours{time.UTC, never(monday.AddDate(0, 0, 2))}, "the calendar is closed for a year after"},
		"closes, in microseconds":      {series(200, time.Microsecond, saw), hours{time.UTC, never(monday.Add(200 * time.Microsecond))}, "the calendar is closed for a year after"},
		"nights in milliseconds":       {series(200, time.Millisecond, saw), hours{time.UTC, func(t time.Time) bool { return t.Hour() == 0 && t.Minute() < 10 }}, ""},
		"other hours, in microseconds": {series(200, time.Microsecond, saw), hours{time.UTC, func(t time.Time) bool { return t.Hour() > 0 || t.Sub(monday) < 200*time.Microsecond }}, "at the hours that the series knows"},
		"a clock that wanders":         {series(60_000, 3661*time.Second, saw), hours{time.UTC, morning}, "most hours of trading have no value"},
		"always open":                  {series(200, time.Hour, saw), hours{time.UTC, func(time.Time) bool { return true }}, ""},
		"a step too long":              {series(50, 48*time.Hour, saw), hours{time.UTC, morning}, "trend: invalid option: a calendar needs a step of at most a day"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			f, err := trend.Predict(c.points, 30, trend.WithCalendar(c.cal), trend.WithSeasons(), trend.WithStep(c.points[1].Time.Sub(c.points[0].Time)))
			require.Less(t, time.Since(start), 20*time.Second)
			if c.want != "" {
				require.ErrorContains(t, err, c.want)
				return
			}
			require.NoError(t, err)
			checkForecast(t, f, 30)
			for _, p := range f.Points {
				open, _ := c.cal.IsOpen(p.Time)
				require.True(t, open)
			}
		})
	}
}

// Days of a zone are 23 to 25 hours long where its clocks change: a value of each
// midnight keeps its weekday, and so does what is forecast of it.
func TestDaysAcrossAChangeOfTheClock(t *testing.T) {
	t.Parallel()
	cal, err := calendar.Parse(strings.NewReader("name X\nzone America/New_York\nyears 2026 2027\nsession 09:30 16:00\nclosed 2026-12-25 Christmas\n"))
	require.NoError(t, err)
	zone := cal.Location()
	r := rand.New(rand.NewPCG(7, 7))
	for _, from := range []time.Time{time.Date(2026, 6, 15, 0, 0, 0, 0, zone), time.Date(2026, 1, 5, 16, 0, 0, 0, zone)} {
		weekday := func(at time.Time) float64 { return 100 + 10*float64(at.In(zone).Weekday()) }
		var points []monitor.Point
		for i := range 180 {
			at := from.AddDate(0, 0, i)
			points = append(points, monitor.Point{Time: at.UTC(), Value: weekday(at) + r.NormFloat64()})
		}
		f, err := trend.Predict(points, 14, trend.WithCalendar(cal))
		require.NoError(t, err)
		for _, p := range f.Points {
			at := p.Time.In(zone)
			require.Equal(t, from.Hour(), at.Hour(), "%v", at)
			require.NotEqual(t, "2026-12-25", at.Format(time.DateOnly))
			require.NotContains(t, []time.Weekday{time.Saturday, time.Sunday}, at.Weekday(), "%v", at)
			require.InDelta(t, weekday(at), p.Value, 5, "%v", at)
		}
	}
}
