package capacity

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Line is a straight line through usage, by least squares: what predict_linear
// of PromQL extrapolates, with the limits that it leaves out. Places are told
// from the last one. It takes the errors for independent and alike, which those
// of usage seldom are: real limits are wider.
type Line struct {
	Slope float64 // for each step of x
	Last  float64 // at the last x
	R2    float64 // share of the variance that it explains
	Sigma float64 // standard deviation of the errors

	n, mean, sxx float64 // of x, from the last one
	window       float64 // from the first x to the last
}

// minLine is the fewest points that leave an error to measure.
const minLine = 3

// FitLine fits a line to the points (x, y), x ascending. It needs three points
// at two different x.
func FitLine(x, y []float64) (Line, error) {
	switch {
	case len(x) != len(y):
		return Line{}, fmt.Errorf("capacity: line: %d x and %d y", len(x), len(y))
	case len(x) < minLine:
		return Line{}, fmt.Errorf("capacity: line: %d points: want %d or more", len(x), minLine)
	}
	last := x[len(x)-1]
	from := make([]float64, len(x))
	for i := range x {
		if bad := math.IsNaN(x[i]+y[i]) || math.IsInf(x[i]+y[i], 0); bad || i > 0 && x[i] < x[i-1] {
			return Line{}, fmt.Errorf("capacity: line: point %d is (%v, %v): want finite numbers, x ascending", i, x[i], y[i])
		}
		from[i] = x[i] - last
	}
	l := Line{n: float64(len(x)), mean: stat.Mean(from, nil), window: last - x[0]}
	for _, v := range from {
		l.sxx += (v - l.mean) * (v - l.mean)
	}
	if l.sxx == 0 {
		return Line{}, fmt.Errorf("capacity: line: all points are at x %v", last)
	}
	l.Last, l.Slope = stat.LinearRegression(from, y, nil, false)
	errs := make([]float64, len(y))
	for i, v := range from {
		errs[i] = y[i] - l.At(v)
	}
	sse := floats.Dot(errs, errs)
	l.Sigma = math.Sqrt(sse / (l.n - 2))
	if total := stat.Variance(y, nil) * (l.n - 1); total > 0 {
		l.R2 = 1 - sse/total
	}
	return l, nil
}

// At is the line's value a number of steps after the last x.
func (l Line) At(steps float64) float64 { return l.Last + l.Slope*steps }

// SlopeLimits is the confidence interval of the slope, for a level such as 0.95. Here
// and below, limits of a level that is not between 0 and 1 are NaN.
func (l Line) SlopeLimits(level float64) (low, high float64) {
	e := l.quantile(level) * l.Sigma / math.Sqrt(l.sxx)
	return l.Slope - e, l.Slope + e
}

// Limits is the prediction interval of a value a number of steps after the last x.
func (l Line) Limits(steps, level float64) (low, high float64) {
	e := l.quantile(level) * l.Sigma * math.Sqrt(1+1/l.n+(steps-l.mean)*(steps-l.mean)/l.sxx)
	return l.At(steps) - e, l.At(steps) + e
}

func (l Line) quantile(level float64) float64 {
	if !(level > 0 && level < 1) || l.n < 3 {
		return math.NaN()
	}
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: l.n - 2}.Quantile((1 + level) / 2)
}

// farthest is how many windows ahead a limit is looked for.
const farthest = 10

// Reach is how many steps after the last x the usage reaches a limit: the line
// itself, and at the earliest and the latest by the limits of the given level.
// What is not reached within ten times the window of the points is +Inf; what
// is reached already is 0.
func (l Line) Reach(limit, level float64) (earliest, likely, latest float64) {
	e := l.quantile(level) * l.Sigma
	return l.reach(limit, e), l.reach(limit, 0), l.reach(limit, -e)
}

// reach is the first step at which the line and e times the relative width of
// its limits are at the limit: the root of a quadratic equation.
func (l Line) reach(limit, e float64) float64 {
	width := func(steps float64) float64 {
		return math.Sqrt(1 + 1/l.n + (steps-l.mean)*(steps-l.mean)/l.sxx)
	}
	if math.IsNaN(e) {
		return e
	}
	if l.Last+e*width(0) >= limit {
		return 0
	}
	// (limit - Last - Slope s)^2 = e^2 width(s)^2, with the sign of e.
	d := limit - l.Last
	a := l.Slope*l.Slope - e*e/l.sxx
	b := -2 * (d*l.Slope - e*e*l.mean/l.sxx)
	c := d*d - e*e*(1+1/l.n+l.mean*l.mean/l.sxx)
	first := math.Inf(1)
	for _, s := range roots(a, b, c) {
		if reached := math.Signbit(d-l.Slope*s) == math.Signbit(e) || e == 0; s >= 0 && s <= farthest*l.window && reached {
			first = min(first, s)
		}
	}
	return first
}

// roots are the real ones of a x^2 + b x + c.
func roots(a, b, c float64) []float64 {
	if a == 0 {
		if b == 0 {
			return nil
		}
		return []float64{-c / b}
	}
	d := b*b - 4*a*c
	if d < 0 {
		if d < -1e-12*b*b {
			return nil
		}
		d = 0 // one root, but for rounding
	}
	q := -(b + math.Copysign(math.Sqrt(d), b)) / 2 // does not cancel
	if q == 0 {
		return []float64{0}
	}
	return []float64{q / a, c / q}
}
