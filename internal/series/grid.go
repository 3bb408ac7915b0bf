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

// Regularise puts points in any order on a grid, one slot a step, that begins at
// the first point; several in one slot are their mean, and values that are not
// finite count as missing. A step of 0 is the median distance of the points, less
// their jitter. The error wraps [ErrShort] for fewer than two finite values, and
// [ErrIrregular] where the points are further apart than a grid can be long.
func Regularise(times []time.Time, values []float64, step time.Duration) (Grid, error) {
	type point struct {
		at time.Time
		v  float64
	}
	var points []point
	for i, v := range values {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			points = append(points, point{times[i], v})
		}
	}
	if len(points) < 2 {
		return Grid{}, fmt.Errorf("%w: %d that are finite", ErrShort, len(points))
	}
	slices.SortStableFunc(points, func(a, b point) int { return a.at.Compare(b.at) })
	if step <= 0 {
		var gaps []float64
		for i, p := range points[1:] {
			if d := p.at.Sub(points[i].at); d > 0 {
				gaps = append(gaps, float64(d))
			}
		}
		if len(gaps) == 0 {
			return Grid{}, fmt.Errorf("%w: all at the same time", ErrShort)
		}
		step = whole(time.Duration(Median(gaps)))
	}
	first, last := points[0].at, points[len(points)-1].at
	slots := int64(last.Sub(first)/step) + 2
	if slots > mostSlots {
		return Grid{}, fmt.Errorf("%w: %d values over %v at a step of %v", ErrIrregular, len(points), last.Sub(first), step)
	}
	g := Grid{Start: first, Step: step, Values: make([]float64, slots)}
	count := make([]float64, slots)
	for _, p := range points {
		i := (p.at.Sub(first) + step/2) / step
		g.Values[i] += p.v
		count[i]++
	}
	if count[slots-1] == 0 {
		g.Values, count = g.Values[:slots-1], count[:slots-1]
	}
	for i, c := range count {
		if c == 0 {
			g.Values[i] = math.NaN()
			g.Missing++
			continue
		}
		g.Values[i] /= c
	}
	return g, nil
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
// line between what is known on both sides, moved by the season where y holds
// two of the period. Ends get the nearest known value. A y without any value
// stays as it is.
func Filled(y []float64, period int) []float64 {
	out := interpolated(y)
	if len(out) == 0 || math.IsNaN(out[0]) || !slices.ContainsFunc(y, math.IsNaN) {
		return out
	}
	index, _ := Classical(out, period, false)
	if index == nil {
		return out
	}
	flat := slices.Clone(y)
	for i := range flat {
		flat[i] -= index[i%period]
	}
	flat = interpolated(flat)
	for i, v := range y {
		if math.IsNaN(v) {
			out[i] = flat[i] + index[i%period]
		}
	}
	return out
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
