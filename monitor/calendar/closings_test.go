package calendar_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor/calendar"
)

// weekdayClosings are the weekdays on which the Shanghai exchange was closed,
// from the project exchange_calendars, which keeps its list independently of
// the notices from which sse.calendar was written.
const weekdayClosings = `
2020-01-01 2020-01-24 2020-01-27 2020-01-28 2020-01-29 2020-01-30 2020-01-31 2020-04-06 2020-05-01 2020-05-04
2020-05-05 2020-06-25 2020-06-26 2020-10-01 2020-10-02 2020-10-05 2020-10-06 2020-10-07 2020-10-08 2021-01-01
2021-02-11 2021-02-12 2021-02-15 2021-02-16 2021-02-17 2021-04-05 2021-05-03 2021-05-04 2021-05-05 2021-06-14
2021-09-20 2021-09-21 2021-10-01 2021-10-04 2021-10-05 2021-10-06 2021-10-07 2022-01-03 2022-01-31 2022-02-01
2022-02-02 2022-02-03 2022-02-04 2022-04-04 2022-04-05 2022-05-02 2022-05-03 2022-05-04 2022-06-03 2022-09-12
2022-10-03 2022-10-04 2022-10-05 2022-10-06 2022-10-07 2023-01-02 2023-01-23 2023-01-24 2023-01-25 2023-01-26
2023-01-27 2023-04-05 2023-05-01 2023-05-02 2023-05-03 2023-06-22 2023-06-23 2023-09-29 2023-10-02 2023-10-03
2023-10-04 2023-10-05 2023-10-06 2024-01-01 2024-02-09 2024-02-12 2024-02-13 2024-02-14 2024-02-15 2024-02-16
2024-04-04 2024-04-05 2024-05-01 2024-05-02 2024-05-03 2024-06-10 2024-09-16 2024-09-17 2024-10-01 2024-10-02
2024-10-03 2024-10-04 2024-10-07 2025-01-01 2025-01-28 2025-01-29 2025-01-30 2025-01-31 2025-02-03 2025-02-04
2025-04-04 2025-05-01 2025-05-02 2025-05-05 2025-06-02 2025-10-01 2025-10-02 2025-10-03 2025-10-06 2025-10-07
2025-10-08 2026-01-01 2026-01-02 2026-02-16 2026-02-17 2026-02-18 2026-02-19 2026-02-20 2026-02-23 2026-04-06
2026-05-01 2026-05-04 2026-05-05 2026-06-19 2026-09-25 2026-10-01 2026-10-02 2026-10-05 2026-10-06 2026-10-07
`

func TestClosings(t *testing.T) {
	t.Parallel()
	want := map[string]bool{}
	for d := range strings.FieldsSeq(weekdayClosings) {
		want[d] = true
	}
	for _, c := range []*calendar.Calendar{calendar.SSE(), calendar.SZSE()} {
		for d := time.Date(2020, 1, 1, 12, 0, 0, 0, c.Location()); d.Year() <= 2026; d = d.AddDate(0, 0, 1) {
			day, err := c.Day(d)
			require.NoError(t, err)
			weekend := d.Weekday() == time.Saturday || d.Weekday() == time.Sunday
			require.Equal(t, !weekend && !want[d.Format(time.DateOnly)], day.Kind == calendar.Trading, d)
		}
	}
	require.Equal(t, "SSE", calendar.SSE().Name())
	require.Equal(t, "SZSE", calendar.SZSE().Name())
}

// TestTradingDays: the yearly numbers of trading days, as the exchanges' yearbooks count them.
func TestTradingDays(t *testing.T) {
	t.Parallel()
	c := calendar.SSE()
	for year, want := range map[int]int{2020: 243, 2021: 243, 2022: 242, 2023: 242, 2024: 242, 2025: 243, 2026: 242} {
		n := 0
		for d := time.Date(year, 1, 1, 12, 0, 0, 0, c.Location()); d.Year() == year; d = d.AddDate(0, 0, 1) {
			day, err := c.Day(d)
			require.NoError(t, err)
			if day.Kind == calendar.Trading {
				n++
			}
		}
		require.Equal(t, want, n, year)
	}
}
