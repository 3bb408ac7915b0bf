package calendar_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor/calendar"
)

const minimal = "name X\nzone +08:00\nyears 2026 2026\nsession 09:30 11:30\nsession 13:00 15:00\n"

func TestParseNamesEveryMistake(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                              `no "name"`,
		"name X\n":                      `no "session"`,
		minimal + "close 2026-01-01\n":  `line 6: unknown directive "close"`,
		minimal + "closed\n":            "line 6: closed: want a date",
		minimal + "closed 2026-02-30\n": "line 6: closed 2026-02-30: want a date",
		minimal + "closed 2026-1-1\n":   "line 6",
		minimal + "closed 2026-02-02..2026-02-01\n":                         "line 6",
		minimal + "closed 2027-01-01\n":                                     "line 6: 2027-01-01: not in the years 2026 to 2026",
		minimal + "closed 2026-12-31..2027-01-01\n":                         "2027-01-01: not in the years",
		minimal + "closed 2026-01-01\nclosed 2026-01-01\n":                  "line 7: a day of line 6 again",
		minimal + "early 2026-01-05\n":                                      "line 6: early: want a date and when it closes",
		minimal + "early 2026-01-05 9:3\n":                                  "line 6: early",
		minimal + "early 2026-01-05 09:30\n":                                "line 6: 2026-01-05: an early close lies between",
		minimal + "early 2026-01-05 15:00\n":                                "line 6: 2026-01-05: an early close lies between",
		minimal + "early 2026-01-04 12:00\n":                                "line 6: 2026-01-04: a weekend closes anyway",
		minimal + "open 2026-01-05\n":                                       "line 6: 2026-01-05: a weekday is open anyway",
		minimal + "workday 2026-01-05\n":                                    "line 6: 2026-01-05: a workday that makes up",
		minimal + "name Y\n":                                                "line 6: name: given before",
		minimal + "name\n":                                                  "line 6: name: want one",
		minimal + "zone UTC\n":                                              "line 6: zone: given before",
		minimal + "years 2025 2026\n":                                       "line 6: years: given before, in line 3",
		minimal + "session 14:00 16:00\n":                                   "line 6: session 14:00 16:00: opens before the last one closes",
		minimal + "session 16:00 15:00\n":                                   "line 6: session 16:00 15:00: want two times of one day",
		minimal + "session 15:00 25:00\n":                                   "line 6",
		minimal + "session 15:00\n":                                         "line 6",
		minimal + "weekend Fri Sab\n":                                       `line 6: weekend: "Sab"`,
		minimal + "weekend Fri Fri\n":                                       `line 6: weekend: "Fri"`,
		minimal + "weekend\n":                                               "line 6: weekend: want one to six days",
		minimal + "weekend none\nweekend none\n":                            "line 7: weekend: given before, in line 6",
		"name X\nzone Mars/Olympus\nyears 2026 2026\nsession 09:30 16:00\n": `line 2: zone "Mars/Olympus"`,
		"name X\nzone Local\nyears 2026 2026\nsession 09:30 16:00\n":        "line 2: zone",
		"name X\nzone +8\nyears 2026 2026\nsession 09:30 16:00\n":           "line 2: zone",
		"name X\nzone\nyears 2026 2026\nsession 09:30 16:00\n":              "line 2: zone: want one",
		"name X\nzone UTC\nyears 2026\nsession 09:30 16:00\n":               "line 3: years: want the first and the last",
		"name X\nzone UTC\nyears 2026 2025\nsession 09:30 16:00\n":          "line 3: years 2026 2025",
		"name X\nzone UTC\nyears 1 9999\nsession 09:30 16:00\n":             "line 3: years 1 9999",
		"name \xff\n":   "line 1: want UTF-8 without control characters",
		"name a\x00b\n": "line 1: want UTF-8 without control characters",
		"name " + strings.Repeat("n", 129) + "\n":                        "line 1: name: a name of 129 bytes: want at most 128",
		minimal + "closed 2026-01-01 " + strings.Repeat("n", 129) + "\n": "line 6: closed: a name of 129 bytes",
		strings.Repeat("x\n", 100):                                       "too many mistakes",
		strings.Repeat("#", 100_000):                                     "line 1: ",
		strings.Repeat("# comment\n", 200_000):                           "longer than 1048576 bytes",
	} {
		_, err := calendar.Parse(strings.NewReader(text))
		require.ErrorIs(t, err, calendar.ErrFile, "%.60q", text)
		require.ErrorContains(t, err, want, "%.60q", text)
		require.Less(t, len(err.Error()), 4000)
	}
	_, err := calendar.Parse(strings.NewReader(minimal + "a\nb\n"))
	require.ErrorContains(t, err, "line 6")
	require.ErrorContains(t, err, "line 7")

	_, err = calendar.Load("testdata/absent.calendar")
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestParse(t *testing.T) {
	t.Parallel()
	c := parse(t, "\ufeff# a comment\r\n\r\nname A B # another\r\nzone +03:00\r\nyears 2026 2027\r\nsession 10:00 24:00\r\n"+
		"weekend Fri Sat\r\nopen 2026-01-02 Make-up\r\nearly 2026-01-04 12:30 Eve\r\nclosed 2026-01-05..2026-01-06 Feast\r\n")
	require.Equal(t, "A B", c.Name())
	for day, want := range map[string]time.Duration{
		"2026-01-01": 14 * time.Hour,
		"2026-01-02": 14 * time.Hour, // a Friday that is open
		"2026-01-03": 0,              // a Saturday
		"2026-01-04": 2*time.Hour + 30*time.Minute,
		"2026-01-05": 0, "2026-01-06": 0, "2026-01-07": 14 * time.Hour,
	} {
		from := at(t, c, day+" 00:00:00")
		got, err := c.TradingTime(from, from.AddDate(0, 0, 1))
		require.NoError(t, err)
		require.Equal(t, want, got, day)
	}
	never := parse(t, "name X\nzone UTC\nyears 2026 2026\nsession 09:00 10:00\nclosed 2026-01-01..2026-12-31\n")
	next, err := never.Next(at(t, never, "2026-01-01 00:00:00"))
	require.ErrorIs(t, err, calendar.ErrUnknownYear)
	require.Equal(t, 2027, next.Open.Year())
	none := parse(t, "name X\nzone UTC\nyears 2026 2028\nsession 09:00 10:00\nclosed 2026-01-01..2026-12-31\nclosed 2027-01-01..2027-12-31\n")
	_, err = none.Next(at(t, none, "2026-01-01 00:00:00"))
	require.ErrorIs(t, err, calendar.ErrNoSession)
	_, err = none.Previous(at(t, none, "2027-12-31 00:00:00"))
	require.ErrorIs(t, err, calendar.ErrNoSession)
	require.Equal(t, strings.Repeat("é", 64), parse(t, strings.Replace(minimal, "X", strings.Repeat("é", 64), 1)).Name())
	early := parse(t, minimal+"early 2026-01-05 11:00\n")
	d, err := early.Day(at(t, early, "2026-01-05 12:00:00"))
	require.NoError(t, err)
	require.Len(t, d.Sessions, 1, "an early close before lunch leaves no afternoon")
}

func FuzzParse(f *testing.F) {
	data, err := os.ReadFile("sse.calendar")
	require.NoError(f, err)
	f.Add(string(data))
	f.Add(minimal)
	f.Add(minimal + "early 2026-01-05 11:00\nweekend none\nopen 2026-01-04\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := calendar.Parse(strings.NewReader(text))
		if err != nil {
			require.ErrorIs(t, err, calendar.ErrFile)
			return
		}
		first, last := c.Years()
		require.LessOrEqual(t, first, last)
		now := time.Date(first, 6, 1, 12, 0, 0, 0, time.UTC)
		sum, err := c.TradingTime(now.AddDate(0, 0, -7), now)
		require.True(t, err == nil || errors.Is(err, calendar.ErrUnknownYear))
		require.GreaterOrEqual(t, sum, time.Duration(0))
		require.LessOrEqual(t, sum, 7*24*time.Hour)
	})
}
