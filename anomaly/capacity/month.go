package capacity

import (
	"fmt"
	"math"
	"time"
)

// Month is which days of each month stand out, as those of a batch at its end do.
type Month struct {
	// First to Last are days of the month, 1 to 31; those below 0 count from its
	// end, -1 being the last day: from -1 to 1 are the last day and the one after
	// it. First is 0 if no days stand out.
	First, Last int
	By          float64 // usage above that of other days; below it if negative
}

// String tells the days in words.
func (m Month) String() string {
	switch {
	case m.First == 0:
		return "no days of the month"
	case m.First < 0 && m.Last > 0:
		return fmt.Sprintf("the last %d and the first %d days of the month", -m.First, m.Last)
	case m.First == -1:
		return "the last day of the month"
	case m.Last == -1:
		return fmt.Sprintf("the last %d days of the month", -m.First)
	case m.First < 0:
		return fmt.Sprintf("%d to %d days before the next month", -m.First, -m.Last)
	case m.First == m.Last:
		return fmt.Sprintf("day %d of the month", m.First)
	}
	return fmt.Sprintf("days %d to %d of the month", m.First, m.Last)
}

// column is 1 on the days, 0 on others.
func (m Month) column(dates []monthDay) []float64 {
	out := make([]float64, len(dates))
	for t, d := range dates {
		place := d.day
		if m.First < 0 {
			place = d.about
		}
		if place >= m.First && place <= m.Last {
			out[t] = 1
		}
	}
	return out
}

// monthDay is a day's place in its month.
type monthDay struct {
	day   int // 1 to 31
	about int // as day in the first half; before that -1, -2, … from the end
	month int // since the year 0
}

// monthDays are those of count days, of which the last known one ends at end.
func monthDays(end time.Time, known, count int) []monthDay {
	out := make([]monthDay, count)
	for t := range out {
		y, m, d := end.Add(time.Duration(t-known+1)*day - day/2).UTC().Date()
		about := d
		if d > halfMonth {
			about = d - 1 - time.Date(y, m+1, 0, 0, 0, 0, 0, time.UTC).Day()
		}
		out[t] = monthDay{d, about, 12*y + int(m)}
	}
	return out
}

const (
	leastMonths = 3
	halfMonth   = 15
	longMonth   = 31
	mostBatch   = 5 // days that stand out one after the other
)

// tally is a sum of values and their number.
type tally struct{ sum, count float64 }

func (a tally) add(b tally) tally { return tally{a.sum + b.sum, a.count + b.count} }

func (a tally) mean() float64 { return a.sum / a.count }

// monthOf are the days of a month on which what is left of the peaks is the
// farthest from 0, in every month. What that is worth is not judged here.
func monthOf(rest []float64, dates []monthDay) (m Month, ok bool) {
	first := dates[0].month
	months := dates[len(rest)-1].month - first + 2
	most := 0.0
	for _, end := range []bool{true, false} {
		at := make([][]tally, longMonth+mostBatch) // by day, and month
		for i := range at {
			at[i] = make([]tally, months)
		}
		for t, v := range rest {
			place, month := dates[t].day-1, dates[t].month-first
			if end {
				if place = dates[t].about + halfMonth; dates[t].about < 0 {
					place, month = place+1, month+1
				}
			}
			at[place][month] = at[place][month].add(tally{v, 1})
		}
		for place := range longMonth {
			of := make([]tally, months)
			for days := range mostBatch {
				for i, a := range at[place+days] {
					of[i] = of[i].add(a)
				}
				size := everyMonth(of)
				if size <= most {
					continue
				}
				most, ok = size, true
				m = Month{First: place + 1, Last: place + 1 + days}
				if end {
					m = Month{First: aboutEnd(place), Last: aboutEnd(place + days)}
				}
			}
		}
	}
	return m, ok
}

// aboutEnd is the day of a place from 16 before the end of a month on.
func aboutEnd(place int) int {
	if place <= halfMonth {
		return place - halfMonth - 1
	}
	return place - halfMonth
}

// everyMonth is how far from 0 days of several months are, in those of one; 0 where
// one month is not like the others.
func everyMonth(of []tally) float64 {
	var all tally
	seen, high, low := 0, math.Inf(-1), math.Inf(1)
	for _, a := range of {
		if a.count > 0 {
			seen++
			high, low = max(high, a.mean()), min(low, a.mean())
			all = all.add(a)
		}
	}
	if seen < leastMonths || high*low <= 0 || min(math.Abs(high), math.Abs(low)) < math.Abs(all.mean())/3 {
		return 0
	}
	return math.Abs(all.mean()) * math.Sqrt(all.count)
}
