package capacity

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/chronoretrace/chronomon/internal/series"
	"github.com/chronoretrace/chronomon/monitor"
)

// Why a plan is refused.
var (
	// ErrShort is returned for fewer than two weeks of days.
	ErrShort = series.ErrShort
	// ErrIrregular is returned where more than half of the days are gaps, or points
	// are more than 100 days apart.
	ErrIrregular = series.ErrIrregular
)

const (
	day      = 24 * time.Hour
	week     = 7 // days
	leastDay = 14
	mostDays = 1000
	mostUnit = 100 * day // a thousand of which are as long as a time.Duration can be
)

// history is usage as daily peaks. A day is the 24 hours up to the last point or
// to a whole number of days before it, so that the last one is not cut short.
// Where points are further apart than a day, what is called a day is as many days
// as that.
type history struct {
	end   time.Time
	unit  time.Duration
	peaks []float64 // oldest first; NaN for a gap
	place float64   // of the peak within a day on average, 0 to 1
	drops []drop    // the greatest of each day
	notes []string
}

// drop is how far usage fell from one point to the next, and when the first was: in
// days since the history began.
type drop struct{ size, at float64 }

func newHistory(points []monitor.Point, quantile float64) (*history, error) {
	finite := make([]monitor.Point, 0, len(points))
	for _, p := range points {
		if !math.IsNaN(p.Value) && !math.IsInf(p.Value, 0) {
			finite = append(finite, p)
		}
	}
	if len(finite) == 0 {
		return nil, fmt.Errorf("%w: no point with a finite value", ErrShort)
	}
	slices.SortStableFunc(finite, func(a, b monitor.Point) int { return a.Time.Compare(b.Time) })
	h := &history{end: finite[len(finite)-1].Time, unit: unitOf(finite)}
	if n := len(points) - len(finite); n > 0 {
		h.note("%d values were no finite numbers and count as missing", n)
	}
	if h.unit > mostUnit {
		return nil, fmt.Errorf("%w: they are %d days apart, of at most %d", ErrIrregular, h.unit/day, mostUnit/day)
	}
	if h.end.Sub(finite[0].Time) >= mostDays*h.unit {
		first, _ := slices.BinarySearchFunc(finite, h.end.Add(-mostDays*h.unit), func(p monitor.Point, t time.Time) int {
			if p.Time.After(t) {
				return 1
			}
			return -1
		})
		finite = finite[first:]
		h.note("only the last %d days are used", mostDays*int(h.unit/day))
	}
	h.gather(finite, quantile)
	known := 0
	for _, v := range h.peaks {
		if !math.IsNaN(v) {
			known++
		}
	}
	if known < leastDay {
		return nil, fmt.Errorf("%w: usage of %d %s, of at least %d", ErrShort, known, periods(h.unit), leastDay)
	}
	if err := series.Dense(h.peaks); err != nil {
		return nil, fmt.Errorf("%w: %d of %d %s have none", err, len(h.peaks)-known, len(h.peaks), periods(h.unit))
	}
	if gaps := len(h.peaks) - known; gaps > 0 {
		h.note("%d of %d %s are gaps", gaps, len(h.peaks), periods(h.unit))
	}
	return h, nil
}

func (h *history) note(format string, args ...any) {
	h.notes = append(h.notes, fmt.Sprintf(format, args...))
}

// periods names what a peak is of.
func periods(unit time.Duration) string {
	if unit == day {
		return "days"
	}
	return fmt.Sprintf("periods of %d days", unit/day)
}

// unitOf is a day, or what points are apart in whole days if that is more.
func unitOf(sorted []monitor.Point) time.Duration {
	apart := make([]float64, 0, len(sorted))
	for i, p := range sorted[1:] {
		if d := p.Time.Sub(sorted[i].Time); d > 0 {
			apart = append(apart, float64(d))
		}
	}
	if len(apart) == 0 {
		return day
	}
	days := math.Ceil(series.Median(apart)/float64(day) - 0.1)
	return max(day, time.Duration(int64(days)*int64(day)))
}

// gather makes the peaks. A day that has much fewer points than usual would have
// too low a peak and is a gap.
func (h *history) gather(sorted []monitor.Point, quantile float64) {
	n := int(h.end.Sub(sorted[0].Time)/h.unit) + 1
	h.peaks = make([]float64, n)
	counts := make([]float64, n)
	h.drops = make([]drop, n)
	var values, places []float64
	for i := 0; i < len(sorted); {
		at := int(h.end.Sub(sorted[i].Time) / h.unit)
		values = values[:0]
		top := sorted[i]
		for ; i < len(sorted) && int(h.end.Sub(sorted[i].Time)/h.unit) == at; i++ {
			if i > 0 {
				ago := float64(h.end.Sub(sorted[i-1].Time)) / float64(h.unit)
				if d := (drop{sorted[i-1].Value - sorted[i].Value, float64(n) - ago}); d.size > h.drops[n-1-at].size {
					h.drops[n-1-at] = d
				}
			}
			values = append(values, sorted[i].Value)
			if sorted[i].Value > top.Value {
				top = sorted[i]
			}
		}
		counts[n-1-at] = float64(len(values))
		places = append(places, float64(at+1)-float64(h.end.Sub(top.Time))/float64(h.unit))
		if quantile == 1 {
			h.peaks[n-1-at] = slices.Max(values)
		} else {
			slices.Sort(values)
			h.peaks[n-1-at] = series.Quantile(values, quantile)
		}
	}
	h.place = series.Mean(places)
	least := series.Median(counts) / 2
	for i, c := range counts {
		if c == 0 || c < least {
			h.peaks[i] = math.NaN()
		}
	}
	first := slices.IndexFunc(h.peaks, func(v float64) bool { return !math.IsNaN(v) })
	first = max(first, 0)
	h.peaks, h.drops = h.peaks[first:], h.drops[first:]
	for i := range h.drops {
		h.drops[i].at -= float64(first)
	}
}

// time is that of a number of days after the last one.
func (h *history) time(days float64) time.Time {
	return h.end.Add(time.Duration(days * float64(h.unit)).Round(time.Second))
}
