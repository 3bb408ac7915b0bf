package forecast

import (
	"math"
	"slices"

	"github.com/chronoretrace/chronomon/internal/series"
)

// What R's ets holds the parameters to.
const (
	leastSmoothing, mostSmoothing = 1e-4, 0.9999
	leastDamping, mostDamping     = 0.8, 0.98
)

// firstStates are those of a decomposition and of a line through the first
// values; ok is false where the form does not suit y.
func firstStates(y []float64, form ETS) (s ETSState, ok bool) {
	s = ETSState{ETS: form, Phi: 1}
	if len(y) < 4 || form.Season != None && len(y) < 2*form.Period {
		return s, false
	}
	if form.Error == Multiplicative || form.Season == Multiplicative {
		for _, v := range y {
			if !(v > 0) {
				return s, false
			}
		}
	}
	adjusted := y
	if form.Season != None {
		multiply := form.Season == Multiplicative
		s.Seasonal, _ = series.Classical(y, form.Period, multiply)
		adjusted = deseasonalise(y, s.Seasonal, multiply)
	}
	head := adjusted[:min(len(y), max(10, 2*form.Period))]
	if form.Trend == None {
		s.Level = series.Mean(head)
		return s, true
	}
	s.Slope, s.Level = line(head)
	s.Level -= s.Slope // before the first value
	if form.Error == Multiplicative && s.Level <= 0 {
		s.Level = head[0]
	}
	return s, true
}

// line is the least squares line through y, at 0, 1 and so on.
func line(y []float64) (slope, intercept float64) {
	n := float64(len(y))
	mid := (n - 1) / 2
	mean := series.Mean(y)
	var xy, xx float64
	for i, v := range y {
		d := float64(i) - mid
		xy += d * (v - mean)
		xx += d * d
	}
	if xx > 0 {
		slope = xy / xx
	}
	return slope, mean - slope*mid
}

// deseasonalise takes a season out of y that begins with index[0].
func deseasonalise(y, index []float64, multiply bool) []float64 {
	out := make([]float64, len(y))
	for i, v := range y {
		if multiply {
			out[i] = v / index[i%len(index)]
		} else {
			out[i] = v - index[i%len(index)]
		}
	}
	return out
}

// etsVector is what is estimated of a form, as the vector that is searched:
// smoothing parameters, then states in units of about their spread.
type etsVector struct {
	form        ETS
	first       ETSState
	unit, slope float64 // of the states
	start, step []float64
}

func newETSVector(form ETS, first ETSState, spread float64) etsVector {
	unit := spread
	if !(unit > 0) {
		unit = max(math.Abs(first.Level)*0.1, 1e-9)
	}
	v := etsVector{form: form, first: first, unit: unit, slope: unit / 10}
	add := func(start, step float64) {
		v.start, v.step = append(v.start, start), append(v.step, step)
	}
	add(0.3, 0.3)
	if form.Trend != None {
		add(0.1, 0.1) // share of alpha
	}
	if form.Season != None {
		add(0.05, 0.1) // share of 1 - alpha
	}
	if form.Damped {
		add(0.95, -0.05)
	}
	add(0, 0.5)
	if form.Trend != None {
		add(0, 0.5)
	}
	return v
}

// quick is the start for a series whose slope changes from one value to the next.
func (v *etsVector) quick() []float64 {
	x := slices.Clone(v.start)
	x[0] = 0.95
	if v.form.Trend != None {
		x[1] = 0.8
	}
	if v.form.Damped {
		x[len(x)-3] = 0.85
	}
	return x
}

// parameters counts them as R does, with the variance.
func (v *etsVector) parameters() int {
	k := len(v.start) + 1
	if v.form.Season != None {
		k += v.form.Period - 1
	}
	return k
}

// load sets the states before the first value from the vector; it is false where
// that is out of bounds.
func (v *etsVector) load(x []float64, s *ETSState) bool {
	within := func(v, low, high float64) bool { return v >= low && v <= high }
	i := 0
	take := func() float64 { i++; return x[i-1] }
	s.Alpha, s.Beta, s.Gamma, s.Phi = take(), 0, 0, 1
	if !within(s.Alpha, leastSmoothing, mostSmoothing) {
		return false
	}
	if v.form.Trend != None {
		share := take()
		s.Beta = share * s.Alpha
		if !within(share, leastSmoothing, mostSmoothing) {
			return false
		}
	}
	if v.form.Season != None {
		share := take()
		s.Gamma = share * (1 - s.Alpha)
		if !within(share, leastSmoothing, mostSmoothing) {
			return false
		}
	}
	if v.form.Damped {
		s.Phi = take()
		if !within(s.Phi, leastDamping, mostDamping) {
			return false
		}
	}
	s.Level = v.first.Level + v.unit*take()
	s.Slope = v.first.Slope
	if v.form.Trend != None {
		s.Slope += v.slope * take()
	}
	if v.form.Season != None {
		copy(s.Seasonal, v.first.Seasonal)
	}
	return true
}

// ets is the form with the least AICc (Hurvich and Tsai, 1989) of some.
func ets(name string, forms ...ETS) method {
	return method{name: name, fit: func(y []float64) (predictor, bool) {
		best, found := ChooseETS(y, forms...)
		return best.predict, found
	}}
}

// ChooseETS estimates forms and returns the one with the least AICc; ok is false
// where none suits.
func ChooseETS(y []float64, forms ...ETS) (best ETSFit, ok bool) {
	for _, form := range forms {
		fit, fits := FitETS(y, form)
		if fits && (!ok || fit.AICc < best.AICc) {
			best, ok = fit, true
		}
	}
	return best, ok
}

func (f ETSFit) predict(y []float64, h int) []float64 {
	s := f.First.clone()
	s.Filter(y, nil)
	return s.Forecast(h)
}
