package calendar_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor/calendar"
)

func TestSession(t *testing.T) {
	t.Parallel()
	c := calendar.SSE()
	for _, test := range []struct {
		at   string
		open bool
		i    int
	}{
		{"2026-03-02 09:29:59", false, 0},
		{"2026-03-02 09:30:00", true, 0},
		{"2026-03-02 11:29:59", true, 0},
		{"2026-03-02 11:30:00", false, 0},
		{"2026-03-02 12:59:59", false, 0},
		{"2026-03-02 13:00:00", true, 1},
		{"2026-03-02 14:59:59", true, 1},
		{"2026-03-02 15:00:00", false, 0},
		{"2026-03-01 10:00:00", false, 0}, // a Sunday
		{"2026-02-14 10:00:00", false, 0}, // a Saturday on which people work
		{"2026-02-16 10:00:00", false, 0}, // Spring Festival
		{"2020-01-31 10:00:00", false, 0}, // the festival was extended
		{"2020-02-03 10:00:00", true, 0},
	} {
		s, ok, err := c.Session(at(t, c, test.at))
		require.NoError(t, err, test.at)
		require.Equal(t, test.open, ok, test.at)
		if ok {
			require.Equal(t, test.i, s.Index, test.at)
			require.Equal(t, 2*time.Hour, s.Duration())
		}
		open, err := c.IsOpen(at(t, c, test.at).UTC())
		require.NoError(t, err)
		require.Equal(t, test.open, open, "whatever the zone of the argument: %s", test.at)
	}
}

func TestNextAndPrevious(t *testing.T) {
	t.Parallel()
	c := calendar.SSE()
	for _, test := range []struct{ at, next, previous string }{
		{"2026-03-02 09:00:00", "2026-03-02 09:30:00", "2026-02-27 13:00:00"},
		{"2026-03-02 09:30:00", "2026-03-02 13:00:00", "2026-03-02 09:30:00"},
		{"2026-03-02 12:00:00", "2026-03-02 13:00:00", "2026-03-02 09:30:00"},
		{"2026-03-02 13:00:00", "2026-03-03 09:30:00", "2026-03-02 13:00:00"},
		{"2026-02-13 18:00:00", "2026-02-24 09:30:00", "2026-02-13 13:00:00"}, // over the Spring Festival
		{"2025-09-30 15:00:00", "2025-10-09 09:30:00", "2025-09-30 13:00:00"},
	} {
		next, err := c.Next(at(t, c, test.at))
		require.NoError(t, err)
		require.Equal(t, at(t, c, test.next), next.Open, "after %s", test.at)
		previous, err := c.Previous(at(t, c, test.at))
		require.NoError(t, err)
		require.Equal(t, at(t, c, test.previous), previous.Open, "before %s", test.at)
	}
}

func TestSinceOpen(t *testing.T) {
	t.Parallel()
	c := calendar.SSE()
	for clock, want := range map[string]time.Duration{
		"00:00:00": 0, "09:30:00": 0, "09:31:00": time.Minute, "11:30:00": 2 * time.Hour,
		"12:15:00": 2 * time.Hour, "13:00:01": 2*time.Hour + time.Second, "15:00:00": 4 * time.Hour, "23:59:59": 4 * time.Hour,
	} {
		got, err := c.SinceOpen(at(t, c, "2026-03-02 "+clock))
		require.NoError(t, err)
		require.Equal(t, want, got, clock)
	}
	got, err := c.SinceOpen(at(t, c, "2026-10-01 14:00:00"))
	require.NoError(t, err)
	require.Zero(t, got, "a holiday")
}

func TestTradingTime(t *testing.T) {
	t.Parallel()
	c := calendar.SSE()
	for _, test := range []struct {
		from, to string
		want     time.Duration
	}{
		{"2026-03-02 11:29:00", "2026-03-02 13:01:00", 2 * time.Minute},   // lunch
		{"2026-02-27 14:59:00", "2026-03-02 09:31:00", 2 * time.Minute},   // a weekend
		{"2026-02-13 14:59:00", "2026-02-24 09:31:00", 2 * time.Minute},   // Spring Festival
		{"2026-02-13 15:00:00", "2026-02-24 09:30:00", 0},                 // all of it closed
		{"2026-03-02 00:00:00", "2026-03-07 00:00:00", 5 * 4 * time.Hour}, // a week
		{"2026-03-02 10:00:00", "2026-03-03 10:00:00", 4 * time.Hour},     // a day
		{"2026-03-02 10:00:00", "2026-03-02 10:00:05", 5 * time.Second},   // within a session
		{"2026-03-02 10:00:05", "2026-03-02 10:00:00", -5 * time.Second},  // backwards
		{"2026-01-01 00:00:00", "2026-12-31 23:59:59", 242 * 4 * time.Hour},
	} {
		got, err := c.TradingTime(at(t, c, test.from), at(t, c, test.to))
		require.NoError(t, err)
		require.Equal(t, test.want, got, "%s to %s", test.from, test.to)
	}
	_, err := c.TradingTime(time.Time{}, at(t, c, "2026-03-02 10:00:00"))
	require.ErrorIs(t, err, calendar.ErrUnknownYear)
	_, err = c.TradingTime(time.Unix(-1<<55, 0), time.Unix(1<<55, 0))
	require.ErrorIs(t, err, calendar.ErrUnknownYear, "and it returns within this test")
}

func TestDay(t *testing.T) {
	t.Parallel()
	c := calendar.SSE()
	for day, want := range map[string]struct {
		kind calendar.Kind
		name string
	}{
		"2026-03-02": {calendar.Trading, ""},
		"2026-03-01": {calendar.Weekend, ""},
		"2026-02-17": {calendar.Holiday, "Spring Festival"},
		"2026-02-15": {calendar.Holiday, "Spring Festival"}, // a Sunday
		"2026-02-14": {calendar.MakeUp, ""},
		"2024-04-07": {calendar.MakeUp, ""},
	} {
		d, err := c.Day(at(t, c, day+" 23:59:59"))
		require.NoError(t, err)
		require.Equal(t, want.kind, d.Kind, day)
		require.Equal(t, want.name, d.Name, day)
		require.Equal(t, at(t, c, day+" 00:00:00"), d.Date)
		require.Equal(t, want.kind == calendar.Trading, len(d.Sessions) == 2, day)
	}
	require.Equal(t, "make-up", calendar.MakeUp.String())
	require.Equal(t, "kind(9)", calendar.Kind(9).String())
}

// TestUnknownYears: what the calendar does not hold it says, and guesses.
func TestUnknownYears(t *testing.T) {
	t.Parallel()
	c := calendar.SSE()
	first, last := c.Years()
	require.Equal(t, []int{2020, 2026}, []int{first, last})
	for _, day := range []string{"2019-12-31", "2027-01-04", "1970-01-01"} {
		open, err := c.IsOpen(at(t, c, day+" 10:00:00"))
		require.ErrorIs(t, err, calendar.ErrUnknownYear, day)
		require.ErrorContains(t, err, "it holds 2020 to 2026")
		require.True(t, open, "a weekday, so it is guessed to be open: %s", day)
	}
	require.NoError(t, c.Covers(at(t, c, "2026-12-31 23:59:59")))
	require.NoError(t, c.Covers(time.Date(2019, 12, 31, 16, 0, 0, 0, time.UTC)), "2020 has begun in Shanghai")
	// The last session of the last year is known, the next one is not.
	next, err := c.Next(at(t, c, "2026-12-31 14:00:00"))
	require.ErrorIs(t, err, calendar.ErrUnknownYear)
	require.ErrorContains(t, err, "2027")
	require.Equal(t, 2027, next.Open.Year())
	_, err = c.TradingTime(at(t, c, "2026-12-31 14:00:00"), at(t, c, "2027-01-05 14:00:00"))
	require.ErrorIs(t, err, calendar.ErrUnknownYear)
}

// TestProperties holds the answers against each other at random instants.
func TestProperties(t *testing.T) {
	t.Parallel()
	c := calendar.SSE()
	rng := rand.New(rand.NewPCG(1, 2))
	start, end := at(t, c, "2020-02-01 00:00:00"), at(t, c, "2026-12-01 00:00:00")
	moment := func() time.Time {
		return start.Add(time.Duration(rng.Int64N(int64(end.Sub(start))))).Truncate(time.Second)
	}
	for range 3000 {
		a, b, x := moment(), moment(), moment()
		ab, err := c.TradingTime(a, b)
		require.NoError(t, err)
		ax, err := c.TradingTime(a, x)
		require.NoError(t, err)
		xb, err := c.TradingTime(x, b)
		require.NoError(t, err)
		require.Equal(t, ab, ax+xb, "it adds up: %v %v %v", a, x, b)

		next, err := c.Next(a)
		require.NoError(t, err)
		require.True(t, next.Open.After(a))
		previous, err := c.Previous(a)
		require.NoError(t, err)
		require.False(t, previous.Open.After(a))
		open, err := c.IsOpen(a)
		require.NoError(t, err)
		require.Equal(t, open, previous.Contains(a), "it is open exactly within the session that opened last")
		s, ok, err := c.Session(a)
		require.NoError(t, err)
		if require.Equal(t, open, ok); ok {
			require.Equal(t, previous, s)
		}
		idle, err := c.TradingTime(later(a, previous.Close), next.Open)
		require.NoError(t, err)
		require.Zero(t, idle, "nobody trades between a close and the next open")
		full, err := c.TradingTime(next.Open, next.Close)
		require.NoError(t, err)
		require.Equal(t, next.Duration(), full)

		d, err := c.Day(a)
		require.NoError(t, err)
		since, err := c.SinceOpen(a)
		require.NoError(t, err)
		sum, err := c.TradingTime(d.Date, a)
		require.NoError(t, err)
		require.Equal(t, sum, since)
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func TestDaylightSaving(t *testing.T) {
	t.Parallel()
	c, err := calendar.Load("testdata/nyse.calendar")
	require.NoError(t, err)
	for day, utc := range map[string]int{"2026-03-06": 14, "2026-03-09": 13, "2026-10-30": 13, "2026-11-02": 14} {
		s, err := c.Next(at(t, c, day+" 00:00:00"))
		require.NoError(t, err)
		require.Equal(t, utc, s.Open.UTC().Hour(), day)
		require.Equal(t, 30, s.Open.Minute())
	}
	sum, err := c.TradingTime(at(t, c, "2026-03-06 12:00:00"), at(t, c, "2026-03-09 12:00:00"))
	require.NoError(t, err)
	require.Equal(t, 4*time.Hour+2*time.Hour+30*time.Minute, sum, "the hour that the clock skips is no trading time")

	d, err := c.Day(at(t, c, "2026-11-27 10:00:00"))
	require.NoError(t, err)
	require.True(t, d.Early)
	require.Equal(t, "Day after Thanksgiving", d.Name)
	require.Equal(t, 3*time.Hour+30*time.Minute, d.Sessions[0].Duration())
}

// TestChangesOfTheClock is about sessions over them, and about days that do not
// begin at midnight. The changes are those of the tz database for 2026.
func TestChangesOfTheClock(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		zone, sessions, day string
		want                []time.Duration
	}{
		{"America/New_York", "session 00:00 24:00", "2026-03-08", []time.Duration{23 * time.Hour}}, // 2:00 becomes 3:00
		{"America/New_York", "session 00:00 24:00", "2026-11-01", []time.Duration{25 * time.Hour}}, // 2:00 becomes 1:00
		{"America/New_York", "session 01:00 03:30", "2026-03-08", []time.Duration{90 * time.Minute}},
		{"America/New_York", "session 01:00 03:30", "2026-11-01", []time.Duration{210 * time.Minute}},
		{"America/New_York", "session 00:00 02:30\nsession 02:30 10:00", "2026-03-08", []time.Duration{2 * time.Hour, 7 * time.Hour}},
		{"America/New_York", "session 00:00 01:30\nsession 01:30 10:00", "2026-11-01", []time.Duration{90 * time.Minute, 570 * time.Minute}},
		{"America/New_York", "session 02:10 02:50", "2026-03-08", nil},
		{"Australia/Lord_Howe", "session 00:00 24:00", "2026-04-05", []time.Duration{24*time.Hour + 30*time.Minute}},
		{"America/Santiago", "session 00:00 24:00", "2026-09-06", []time.Duration{23 * time.Hour}}, // begins at 1:00
		{"America/Santiago", "session 00:00 24:00", "2026-04-04", []time.Duration{25 * time.Hour}}, // 24:00 becomes 23:00
		{"America/Havana", "session 00:00 24:00", "2026-03-08", []time.Duration{23 * time.Hour}},
		{"America/Havana", "session 00:00 24:00", "2026-11-01", []time.Duration{25 * time.Hour}}, // has two midnights
		{"Pacific/Apia", "session 00:00 24:00", "2011-12-29", []time.Duration{24 * time.Hour}},   // the 30th never was
	} {
		c := parse(t, "name X\nzone "+test.zone+"\nyears 2011 2026\nweekend none\n"+test.sessions+"\n")
		name := test.zone + " " + test.sessions + " " + test.day
		d, err := c.Day(at(t, c, test.day+" 12:00:00"))
		require.NoError(t, err)
		require.Equal(t, test.day, d.Date.Format(time.DateOnly), name)
		before, err := c.Day(d.Date.Add(-time.Second))
		require.NoError(t, err)
		require.NotEqual(t, d.Date, before.Date, "it is the day's first instant: %s", name)
		var got []time.Duration
		var sum time.Duration
		for _, s := range d.Sessions {
			got = append(got, s.Duration())
			sum += s.Duration()
			found, ok, err := c.Session(s.Open)
			require.NoError(t, err)
			require.True(t, ok, name)
			require.Equal(t, s, found, name)
		}
		require.Equal(t, test.want, got, name)

		var hours time.Duration
		from, to := d.Date.Add(-72*time.Hour), d.Date.Add(72*time.Hour)
		for h := from; h.Before(to); h = h.Add(time.Hour) {
			part, err := c.TradingTime(h, h.Add(time.Hour))
			require.NoError(t, err)
			hours += part
		}
		whole, err := c.TradingTime(from, to)
		require.NoError(t, err)
		require.Equal(t, whole, hours, "it adds up: %s", name)
		require.GreaterOrEqual(t, whole, sum)
	}
}

// TestDaysLeft: who asks in November hears of a year that is missing.
func TestDaysLeft(t *testing.T) {
	t.Parallel()
	c := calendar.SSE()
	for day, want := range map[string]int{
		"2026-12-31 23:59:59": 0, "2026-12-31 00:00:00": 0, "2026-12-01 12:00:00": 30, "2027-01-01 00:00:00": -1, "2026-01-01 00:00:00": 364,
	} {
		require.Equal(t, want, c.DaysLeft(at(t, c, day)), day)
	}
	require.Equal(t, -1, c.DaysLeft(time.Date(2026, 12, 31, 16, 0, 0, 0, time.UTC)), "2027 has begun in Shanghai")
}
