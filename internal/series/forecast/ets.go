package forecast

import (
	"fmt"
	"math"
	"slices"

	"github.com/chronoretrace/chronomon/internal/series"
)

// Kind is how a component of [ETS] enters.
type Kind byte

// The kinds of components, by the letters of the literature.
const (
	None           Kind = 'N'
	Additive       Kind = 'A'
	Multiplicative Kind = 'M'
)

// ETS is a form of exponential smoothing in the taxonomy of Hyndman and others
// (2002). The trend is never multiplicative: that explodes.
type ETS struct {
	Error, Trend, Season Kind
	Damped               bool
	Winters              bool // the season follows the level behind the value, as in Winters (1960), and not the one before it
	Period               int
}

// String returns the form in the usual notation: ETS(A,Ad,N).
func (m ETS) String() string {
	d := ""
	if m.Damped {
		d = "d"
	}
	return fmt.Sprintf("ETS(%c,%c%s,%c)", m.Error, m.Trend, d, m.Season)
}

// ETSState is an ETS form with its parameters, and its states before the next
// value.
type ETSState struct {
	ETS
	Alpha, Beta, Gamma, Phi float64 // Beta and Gamma as in error correction: b += Beta e
	Level, Slope            float64
	Seasonal                []float64 // Seasonal[0] is of the next value
}

// next is one step: the forecast of y, and the states after it. season is where
// in Seasonal the value lies.
func (s *ETSState) next(y float64, season int) (forecast float64) {
	q := s.Level
	if s.Trend != None {
		q += s.Phi * s.Slope
	}
	p := y
	forecast = q
	switch s.Season {
	case Additive:
		forecast += s.Seasonal[season]
		p -= s.Seasonal[season]
	case Multiplicative:
		forecast *= s.Seasonal[season]
		p /= s.Seasonal[season]
	}
	e := p - q
	s.Level = q + s.Alpha*e
	if s.Trend != None {
		s.Slope = s.Phi*s.Slope + s.Beta*e
	}
	base := q
	if s.Winters {
		base = s.Level
	}
	switch s.Season {
	case Additive:
		s.Seasonal[season] += s.Gamma * (y - base - s.Seasonal[season])
	case Multiplicative:
		s.Seasonal[season] += s.Gamma * (y/base - s.Seasonal[season])
	}
	return forecast
}

// Filter runs over y and moves the states behind it. It calls each with what was
// forecast of every value.
func (s *ETSState) Filter(y []float64, each func(i int, forecast float64)) {
	at := 0
	for i, v := range y {
		f := s.next(v, at)
		if each != nil {
			each(i, f)
		}
		if at++; at >= len(s.Seasonal) {
			at = 0
		}
	}
	if at > 0 {
		s.Seasonal = append(s.Seasonal[at:len(s.Seasonal):len(s.Seasonal)], s.Seasonal[:at]...)
	}
}

// Forecast returns the next h values.
func (s *ETSState) Forecast(h int) []float64 {
	out := make([]float64, h)
	damp, sum := 1.0, 0.0
	for i := range out {
		damp *= s.Phi
		sum += damp
		v := s.Level
		if s.Trend != None {
			v += sum * s.Slope
		}
		switch s.Season {
		case Additive:
			v += s.Seasonal[i%s.Period]
		case Multiplicative:
			v *= s.Seasonal[i%s.Period]
		}
		out[i] = v
	}
	return out
}

// Variance returns the variances of the next h values for errors of variance
// sigma2, by the formulas of Hyndman and others (2008), chapter 6: exact unless
// the season is multiplicative. Additive errors in a multiplicative season count by
// how much greater the season is where they act than where they arose, which is
// exact to the first order in the errors.
func (s *ETSState) Variance(h int, sigma2 float64) []float64 {
	mean := s.Forecast(h)
	out := make([]float64, h)
	c2 := make([]float64, h) // squares of what an error does j steps later
	gamma := s.Gamma
	if s.Winters { // the level has taken its part of the error
		gamma *= 1 - s.Alpha
	}
	damp, sum := 1.0, 0.0
	for j := 1; j < h; j++ {
		damp *= s.Phi
		sum += damp
		c := s.Alpha
		if s.Trend != None {
			c += s.Beta * sum
		}
		if s.Season != None && j%s.Period == 0 {
			c += gamma
		}
		c2[j] = c * c
	}
	theta := make([]float64, h)
	for i := range out {
		if s.Error == Additive {
			out[i] = sigma2
			for j := 1; j <= i; j++ {
				ratio := 1.0
				if s.Season == Multiplicative {
					ratio = s.Seasonal[i%s.Period] / s.Seasonal[(i-j)%s.Period]
				}
				out[i] += sigma2 * c2[j] * ratio * ratio
			}
			continue
		}
		theta[i] = mean[i] * mean[i]
		for j := 1; j <= i; j++ {
			theta[i] += sigma2 * c2[j] * theta[i-j]
		}
		out[i] = (1+sigma2)*theta[i] - mean[i]*mean[i]
	}
	return out
}

// clone makes the states independent of those they were copied from.
func (s ETSState) clone() ETSState {
	s.Seasonal = slices.Clone(s.Seasonal)
	return s
}

// plainErrors is errors of the forms that are estimated most often.
func (s *ETSState) plainErrors(y []float64) (sse float64) {
	level, slope := s.Level, s.Slope
	if s.Trend == None {
		slope = 0
	}
	for _, v := range y {
		step := s.Phi * slope
		e := v - level - step
		sse += e * e
		level += step + s.Alpha*e
		slope = step + s.Beta*e
	}
	s.Level, s.Slope = level, slope
	return sse
}

// ETSFit is an estimated ETS.
type ETSFit struct {
	First  ETSState // before the first value
	Last   ETSState // behind the last one
	LogLik float64  // as R has it, without the terms that do not depend on the model
	AICc   float64
	Sigma2 float64 // of the errors, which are relative if Error is Multiplicative
}

// errors runs the model over y: the sum of squared errors and of the logarithms
// of what multiplicative ones are relative to.
func (s *ETSState) errors(y []float64) (sse, logs float64) {
	if s.Season == None && s.Error == Additive {
		return s.plainErrors(y), 0
	}
	at := 0
	for _, v := range y {
		f := s.next(v, at)
		e := v - f
		if s.Error == Multiplicative {
			if !(f > 0) {
				return math.Inf(1), 0
			}
			e /= f
			logs += math.Log(f)
		}
		sse += e * e
		if at++; at >= len(s.Seasonal) {
			at = 0
		}
	}
	return sse, logs
}

// FitETS estimates a form by maximum likelihood, as R's ets does: smoothing
// parameters within their usual bounds, and the first states with them. Large
// seasons keep the states that a decomposition gives. ok is false where the form
// does not suit: too few values, or values that are not positive where it
// multiplies.
func FitETS(y []float64, form ETS) (fit ETSFit, ok bool) {
	first, ok := firstStates(y, form)
	if !ok {
		return ETSFit{}, false
	}
	v := newETSVector(form, first, series.MAD(y))
	work := first.clone()
	n := float64(len(y))
	likelihood := func(x []float64) float64 {
		if !v.load(x, &work) {
			return math.Inf(1)
		}
		sse, logs := work.errors(y)
		return n*math.Log(max(sse, 1e-300)) + 2*logs
	}
	start, step := v.start, v.step
	if q := v.quick(); likelihood(q) < likelihood(start) {
		start = q
	}
	// A simplex flattens at the bounds; a second one starts where it got to.
	x, _ := minimise(likelihood, start, step, 40*len(start)+40, 1e-7)
	for i := range step {
		step[i] /= -3
	}
	x, lik := minimise(likelihood, x, step, 30*len(start)+30, 1e-7)
	v.load(x, &first)
	k := float64(v.parameters())
	fit = ETSFit{First: first, LogLik: -lik / 2}
	fit.AICc = lik + 2*k
	if n > k+1 {
		fit.AICc += 2 * k * (k + 1) / (n - k - 1)
	} else {
		fit.AICc = math.Inf(1)
	}
	last := first.clone()
	sse, _ := last.errors(y)
	fit.Sigma2 = sse / max(n-k+1, 1)
	fit.Last = first.clone()
	fit.Last.Filter(y, nil)
	return fit, !math.IsInf(lik, 0) && !math.IsNaN(lik)
}
