package forecast

import (
	"fmt"
	"math"
)

// A method estimates its parameters on y; ok is false where it does not suit.
type method struct {
	name  string
	naive bool // repeats what was: what others are measured against
	fit   func(y []float64) (p predictor, ok bool)
}

// A predictor runs over y, which begins with what its method was fitted to and
// may be longer, and returns the h values that come next; nil where it cannot.
type predictor func(y []float64, h int) []float64

// logged runs a method on logarithms.
func logged(m method) method {
	return method{name: "log " + m.name, fit: func(y []float64) (predictor, bool) {
		for _, v := range y {
			if !(v > 0) {
				return nil, false
			}
		}
		p, ok := m.fit(logs(y))
		if !ok {
			return nil, false
		}
		return func(y []float64, h int) []float64 {
			for _, v := range y {
				if !(v > 0) {
					return nil
				}
			}
			out := p(logs(y), h)
			for i, v := range out {
				out[i] = math.Exp(v)
			}
			return out
		}, true
	}}
}

func logs(y []float64) []float64 {
	out := make([]float64, len(y))
	for i, v := range y {
		out[i] = math.Log(v)
	}
	return out
}

// differenced runs a method on differences of values a lag apart.
func differenced(m method, lag int) method {
	return method{name: fmt.Sprintf("%s on differences %d", m.name, lag), fit: func(y []float64) (predictor, bool) {
		if len(y) < 2*lag+4 {
			return nil, false
		}
		p, ok := m.fit(differences(y, lag))
		if !ok {
			return nil, false
		}
		return func(y []float64, h int) []float64 {
			out := p(differences(y, lag), h)
			for i := range out {
				if i < lag {
					out[i] += y[len(y)-lag+i]
				} else {
					out[i] += out[i-lag]
				}
			}
			return out
		}, true
	}}
}

func differences(y []float64, lag int) []float64 {
	out := make([]float64, len(y)-lag)
	for i := range out {
		out[i] = y[i+lag] - y[i]
	}
	return out
}
