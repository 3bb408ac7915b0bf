package trend

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/chronoretrace/chronomon/internal/series"
	"github.com/chronoretrace/chronomon/internal/series/forecast"
	"github.com/chronoretrace/chronomon/monitor"
)

// mostHorizon bounds a forecast.
const mostHorizon = 100_000

// A Forecast is what comes next, and how much that is worth.
type Forecast struct {
	Points   []Point
	Step     time.Duration
	Level    float64 // share of values that Low to High is to hold
	Seasons  []Season
	Methods  []Method // that made it, by weight
	Why      string   // in words: which methods carry it, and by what
	Accuracy Accuracy
	Notes    []string // what was decided about the data

	freedom   float64
	low, high float64
}

// A Point is what is expected of a time.
type Point struct {
	Time             time.Time
	Value, Low, High float64

	spread float64
}

// A Method is a part of a [Forecast].
type Method struct {
	Name   string
	Weight float64 // of all together 1
	MAE    float64 // mean absolute error of the tests
}

// Accuracy is how the same forecast did from earlier starts, over the same
// horizon as far as the series is long enough. Neither weights nor intervals knew
// the values that they are compared with.
type Accuracy struct {
	Tests    int     // earlier starts; 0 where nothing was to be forecast
	Horizon  int     // steps that were tested
	MAE      float64 // mean absolute error
	MASE     float64 // MAE in units of what values one season apart differ (Hyndman and Koehler, 2006); NaN where they do not
	SMAPE    float64 // mean of 200 |y-f| / (|y|+|f|), percent
	Coverage float64 // share of values inside the interval
	MSIS     float64 // width and misses of the interval, in the units of MASE (Gneiting and Raftery, 2007)
	Naive    float64 // MAE of repeating the last value or, if that was better, a season
}

// Predict returns the next horizon values of a series; points may come in any
// order. The error wraps [ErrShort] for fewer than eight values, [ErrIrregular]
// where more than half of an even series would be gaps, [ErrLong], [ErrRange],
// [ErrClosed], or [monitor.ErrInvalidOption].
func Predict(points []monitor.Point, horizon int, opts ...Option) (Forecast, error) {
	if err := checkHorizon(horizon); err != nil {
		return Forecast{}, err
	}
	t, err := read(points, opts)
	if err != nil {
		return Forecast{}, err
	}
	f, err := t.predict(horizon)
	f.Notes = t.notes
	return f, err
}

func checkHorizon(horizon int) error {
	if horizon < 1 || horizon > mostHorizon {
		return fmt.Errorf("trend: %w: a horizon of %d steps, not 1 to %d", monitor.ErrInvalidOption, horizon, mostHorizon)
	}
	return nil
}

func (t *timeline) predict(horizon int) (Forecast, error) {
	times, steps, err := t.ahead(horizon)
	if err != nil {
		return Forecast{}, err
	}
	f := Forecast{Step: t.step, Level: t.level, Seasons: t.seasons, low: t.low, high: t.high}
	if n := t.outside(); n > 0 {
		t.note("%d of %d values are not between the bounds of %v and %v", n, len(t.values), t.low, t.high)
	}
	if constant(t.values) {
		t.note("the series is constant")
		f.still(t, times)
	} else {
		f.move(t, times, steps)
	}
	return f, nil
}

// outside is how many values are out of bounds.
func (t *timeline) outside() (n int) {
	for _, v := range t.values {
		if v < t.low || v > t.high {
			n++
		}
	}
	return n
}

// still is the forecast of a constant series.
func (f *Forecast) still(t *timeline, times []time.Time) {
	factors := t.factors(times)
	for i, at := range times {
		v := f.within(t.values[0] * factors[i])
		f.Points = append(f.Points, Point{Time: at, Value: v, Low: v, High: v})
	}
	f.Methods = []Method{{Name: "constant", Weight: 1}}
	f.Why = "the series never changed"
	f.freedom = math.Inf(1)
	f.Accuracy = Accuracy{MASE: math.NaN(), MSIS: math.NaN()}
}

func (f *Forecast) move(t *timeline, times []time.Time, steps []int) {
	res := forecast.Forecast(t.values, t.seasonSteps(), steps[len(steps)-1])
	f.freedom = res.Freedom
	if f.low = t.low; math.IsInf(f.low, -1) && nonNegative(t.values) {
		f.low = 0
	}
	q, factors := f.quantile(), t.factors(times)
	for i, at := range times {
		k, factor := steps[i]-1, factors[i]
		p := Point{Time: at, Value: f.within(res.Mean[k] * factor), spread: res.Spread[k] * factor}
		p.Low, p.High = f.within(p.Value-q*p.spread), f.within(p.Value+q*p.spread)
		f.Points = append(f.Points, p)
	}
	for _, m := range res.Methods {
		f.Methods = append(f.Methods, Method(m))
	}
	f.Accuracy = f.judge(t, res)
	f.Why = f.why()
}

// quantile is how many spreads wide the interval is on either side.
func (f *Forecast) quantile() float64 {
	const most = 1 - 0x1p-50 // beyond it a quantile is infinite
	return series.StudentQuantile(min(0.5+f.Level/2, most), f.freedom)
}

func (f *Forecast) within(v float64) float64 { return min(max(v, f.low), f.high) }

// Quantile returns the value below which the i-th point lies with probability p. It
// is NaN where there is no such point, or p is not between 0 and 1.
func (f Forecast) Quantile(i int, p float64) float64 {
	if i < 0 || i >= len(f.Points) || !(p > 0 && p < 1) {
		return math.NaN()
	}
	v := f.Points[i]
	if v.spread == 0 {
		return v.Value
	}
	return f.within(v.Value + series.StudentQuantile(p, f.freedom)*v.spread)
}

// judge scores the tests.
func (f *Forecast) judge(t *timeline, res forecast.Result) Accuracy {
	a := Accuracy{Tests: len(res.Tests), Naive: res.Naive}
	q, n := f.quantile(), float64(len(res.Tests))
	scale := series.NaiveError(t.values, t.scaleSteps())
	if !(scale > 0) {
		scale = math.NaN()
	}
	for _, test := range res.Tests {
		a.Horizon = len(test.Mean)
		actual := t.values[test.At : test.At+a.Horizon]
		mean, low, high := make([]float64, a.Horizon), make([]float64, a.Horizon), make([]float64, a.Horizon)
		for j, v := range test.Mean {
			mean[j] = f.within(v)
			low[j], high[j] = f.within(mean[j]-q*test.Spread[j]), f.within(mean[j]+q*test.Spread[j])
		}
		a.MAE += series.MAE(actual, mean) / n
		a.SMAPE += series.SMAPE(actual, mean) / n
		a.Coverage += series.Coverage(actual, low, high) / n
		a.MSIS += series.IntervalScore(actual, low, high, 1-f.Level) / scale / n
	}
	a.MASE = a.MAE / scale
	return a
}

// why names the methods that carry the forecast.
func (f *Forecast) why() string {
	const most = 3
	var names []string
	var weight float64
	for _, m := range f.Methods[:min(most, len(f.Methods))] {
		names = append(names, fmt.Sprintf("%s %.0f %%", m.Name, 100*m.Weight))
		weight += m.Weight
	}
	s := fmt.Sprintf("weighed by the errors from %d earlier starts: ", f.Accuracy.Tests) + strings.Join(names, ", ")
	if n := len(f.Methods) - most; n > 0 {
		s += fmt.Sprintf(", %d others %.0f %%", n, 100*(1-weight))
	}
	if f.Accuracy.Naive > 0 {
		s += fmt.Sprintf("; the error was %.2f of that of a naive forecast", f.Accuracy.MAE/f.Accuracy.Naive)
	}
	return s
}

func nonNegative(y []float64) bool {
	for _, v := range y {
		if v < 0 {
			return false
		}
	}
	return true
}
