package forecast

import (
	"fmt"
	"math"
	"slices"

	"github.com/chronoretrace/chronomon/internal/series"
)

// smoothed is exponential smoothing with one season or several and a first-order
// autoregressive error (Taylor, 2003), additive: of logarithms it multiplies.
func smoothed(d *decomposition) method {
	periods := d.periods
	return method{name: fmt.Sprintf("seasonal smoothing %v", periods), fit: func(y []float64) (predictor, bool) {
		long := periods[len(periods)-1]
		parts, ok := d.of(y)
		if !ok || len(y) < 2*long+long/2 {
			return nil, false
		}
		first := smoothing{level: series.Mean(parts.Trend[:long]), seasons: make([][]float64, len(periods))}
		work := smoothing{seasons: make([][]float64, len(periods)), gamma: make([]float64, len(periods)), at: make([]int, len(periods))}
		for k, p := range periods {
			first.seasons[k] = parts.Seasonal[k][:p]
			work.seasons[k] = slices.Clone(first.seasons[k])
		}
		start, step := []float64{0.1, 0.5}, []float64{0.1, 0.2}
		for range periods {
			start, step = append(start, 0.1), append(step, 0.1)
		}
		x, sse := minimise(func(x []float64) float64 {
			if !work.load(x, first) {
				return math.Inf(1)
			}
			return math.Log(max(work.filter(y), 1e-300)) * float64(len(y))
		}, start, step, 120, 1e-6)
		if math.IsInf(sse, 0) {
			return nil, false
		}
		return func(y []float64, h int) []float64 {
			work.load(x, first)
			work.filter(y)
			return work.forecast(h)
		}, true
	}}
}

type smoothing struct {
	alpha, phi  float64
	gamma       []float64
	level, last float64 // last is the error before the autoregression takes its part
	seasons     [][]float64
	at          []int // where in each season the next value is
}

// load starts anew with parameters; it is false where they are out of bounds.
func (s *smoothing) load(x []float64, first smoothing) bool {
	s.alpha, s.phi = x[0], x[1]
	ok := s.alpha >= 0 && s.alpha <= 1 && math.Abs(s.phi) <= 0.99
	s.level, s.last = first.level, 0
	for k := range s.seasons {
		s.gamma[k], s.at[k] = x[2+k], 0
		ok = ok && s.gamma[k] >= 0 && s.gamma[k] <= 1
		copy(s.seasons[k], first.seasons[k])
	}
	return ok
}

func (s *smoothing) filter(y []float64) (sse float64) {
	for _, v := range y {
		u := v - s.level
		for k, season := range s.seasons {
			u -= season[s.at[k]]
		}
		e := u - s.phi*s.last
		s.last = u
		sse += e * e
		s.level += s.alpha * e
		for k, season := range s.seasons {
			season[s.at[k]] += s.gamma[k] * e
			if s.at[k]++; s.at[k] == len(season) {
				s.at[k] = 0
			}
		}
	}
	return sse
}

func (s *smoothing) forecast(h int) []float64 {
	out := make([]float64, h)
	ar := s.last
	for i := range out {
		ar *= s.phi
		out[i] = s.level + ar
		for k, season := range s.seasons {
			out[i] += season[(s.at[k]+i)%len(season)]
		}
	}
	return out
}
