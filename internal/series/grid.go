package series

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// What keeps points from being a series; errors say more.
var (
	ErrShort     = errors.New("too few values")
	ErrIrregular = errors.New("too many gaps for the step")
	ErrLong      = errors.New("too many steps")
)

// mostSlots bounds a grid whatever the times are.
const mostSlots = 1 << 18

// A Grid is a series at even steps.
type Grid struct {
	Start   time.Time
	Step    time.Duration
	Values  []float64 // NaN where nothing is known
	Missing int       // values that are NaN
}

type point struct {
	at time.Time
	v  float64
}

// Regularise puts points in any order on a grid, one slot a step, that begins at
// the first point; several in one slot are their mean, and values that are not
// finite count as missing. A step of 0 is the median distance of the points, less
// their jitter. The error wraps [ErrShort] for fewer than two finite values,
// [ErrIrregular] where the points are further apart than a grid can be long, and
// [ErrLong] where there are points for more steps than that.
func Regularise(times []time.Time, values []float64, step time.Duration) (Grid, error) {
	points := make([]point, 0, len(values))
	for i, v := range values {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			points = append(points, point{times[i], v})
		}
	}
	if len(points) < 2 {
		return Grid{}, fmt.Errorf("%w: %d that are finite", ErrShort, len(points))
	}
	older := func(a, b point) int { return a.at.Compare(b.at) }
	if !slices.IsSortedFunc(points, older) {
		slices.SortStableFunc(points, older)
	}
	if step <= 0 {
		if step = distance(points); step <= 0 {
			return Grid{}, fmt.Errorf("%w: all at the same time", ErrShort)
		}
	}
	first, last := points[0].at, points[len(points)-1].at
	span := last.Sub(first)
	slots := slot(span, step) + 1
	if slots > mostSlots || slots < 1 || !first.Add(span).Equal(last) { // beyond some centuries a span is no duration
		err := ErrIrregular
		if int64(len(points)) > mostSlots {
			err = ErrLong
		}
		return Grid{}, fmt.Errorf("%w: %d values over %v at a step of %v", err, len(points), span, step)
	}
	g := Grid{Start: first, Step: step, Values: make([]float64, slots)}
	count := make([]float64, slots)
	for _, p := range points {
		i := slot(p.at.Sub(first), step)
		count[i]++
		g.Values[i] += (p.v - g.Values[i]) / count[i] // the mean so far
	}
	for i, c := range count {
		if c == 0 {
			g.Values[i] = math.NaN()
			g.Missing++
		}
	}
	return g, nil
}

// slot is the step that is nearest to a time after the first.
func slot(after, step time.Duration) int64 {
	i, rest := after/step, after%step
	if rest >= step-step/2 {
		i++
	}
	return int64(i)
}

// distance is the median distance of sorted points that differ in time, less their
// jitter; 0 where none do.
func distance(points []point) time.Duration {
	var gaps []time.Duration
	for i, p := range points[1:] {
		if d := p.at.Sub(points[i].at); d > 0 {
			gaps = append(gaps, d)
		}
	}
	n := len(gaps)
	if n == 0 {
		return 0
	}
	slices.Sort(gaps)
	lower := gaps[(n-1)/2]
	return whole(lower + (gaps[n/2]-lower)/2)
}

// whole is a step without its jitter: the number of days, hours, minutes or seconds
// that is within 2 % of it.
func whole(step time.Duration) time.Duration {
	for _, unit := range [...]time.Duration{24 * time.Hour, time.Hour, time.Minute, time.Second, time.Millisecond} {
		if near := step.Round(unit); near > 0 && (near-step).Abs() <= step/50 {
			return near
		}
	}
	return step
}

// Dense returns an error that wraps [ErrIrregular] if more than half of the values
// are missing.
func Dense(y []float64) error {
	missing := 0
	for _, v := range y {
		if math.IsNaN(v) {
			missing++
		}
	}
	if 2*missing > len(y) {
		return fmt.Errorf("%w: %d of %d have no value", ErrIrregular, missing, len(y))
	}
	return nil
}

// Filled returns y with its gaps, the values that are NaN, filled: by a straight
// line between what is known on both sides, moved by the seasons of which y holds
// two periods. Ends get the nearest known value. What is filled is not negative
// where y is not. A y without any value stays as it is.
func Filled(y []float64, periods ...int) []float64 {
	out := interpolated(y)
	if len(periods) == 0 || len(out) == 0 || math.IsNaN(out[0]) || !slices.ContainsFunc(y, math.IsNaN) {
		return out
	}
	floor := math.Inf(-1)
	if slices.Min(out) >= 0 {
		floor = 0
	}
	const passes = 3 // lines through long gaps are no part of a season, what a season fills them with is
	for range passes {
		season := seasonal(out, periods)
		flat := slices.Clone(y)
		for i := range flat {
			flat[i] -= season[i]
		}
		flat = interpolated(flat)
		for i, v := range y {
			if math.IsNaN(v) {
				out[i] = max(floor, flat[i]+season[i])
			}
		}
	}
	return out
}

// seasonal is the sum of the mean seasons of y, each of what the ones before leave.
func seasonal(y []float64, periods []int) []float64 {
	sum, rest := make([]float64, len(y)), slices.Clone(y)
	for _, period := range periods {
		index, _ := Classical(rest, period, false)
		for i := range rest {
			if index != nil {
				rest[i] -= index[i%period]
				sum[i] += index[i%period]
			}
		}
	}
	return sum
}

func interpolated(y []float64) []float64 {
	out := slices.Clone(y)
	last := -1
	for i, v := range y {
		if math.IsNaN(v) {
			continue
		}
		for j := last + 1; j < i; j++ {
			out[j] = v
			if last >= 0 {
				out[j] = y[last] + (v-y[last])*float64(j-last)/float64(i-last)
			}
		}
		last = i
	}
	if last >= 0 {
		for j := last + 1; j < len(y); j++ {
			out[j] = y[last]
		}
	}
	return out
}
