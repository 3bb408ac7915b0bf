package capacity

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/optimize"
)

// Scalability is the universal scalability law: the throughput of n instances
// (or threads, or clients) is
//
//	X(n) = Lambda n / (1 + Sigma (n-1) + Kappa n (n-1))
//
// Source: Gunther, Guerrilla Capacity Planning, chapter 4.
type Scalability struct {
	Lambda float64 // throughput of one
	Sigma  float64 // contention: the share that is done one at a time
	Kappa  float64 // crosstalk: what each pair costs to keep in step
	SSE    float64 // sum of the squared errors of the fit
}

// Load is a throughput measured with n instances at work.
type Load struct {
	N, Throughput float64
}

// minLoads is one more than the law has parameters.
const minLoads = 4

// FitScalability fits the law by least squares, Sigma and Kappa not below 0. It
// needs four loads of at least three different n, one or more each.
func FitScalability(loads []Load) (Scalability, error) {
	if err := checkLoads(loads); err != nil {
		return Scalability{}, err
	}
	unit := loads[0]
	for _, l := range loads {
		unit.N, unit.Throughput = max(unit.N, l.N), max(unit.Throughput, l.Throughput)
	}
	// Lambda follows from the others; these are searched for as roots, which
	// keeps them above 0, and in the size of what they do at the largest n.
	fit := func(x []float64) Scalability {
		s := Scalability{Sigma: x[0] * x[0] / unit.N, Kappa: x[1] * x[1] / (unit.N * unit.N)}
		var xg, gg float64
		for _, l := range loads {
			g := s.relative(l.N)
			xg += l.Throughput * g
			gg += g * g
		}
		s.Lambda = xg / gg
		for _, l := range loads {
			e := l.Throughput - s.Throughput(l.N)
			s.SSE += e * e
		}
		return s
	}
	best := Scalability{SSE: math.Inf(1)}
	problem := optimize.Problem{Func: func(x []float64) float64 { return fit(x).SSE / (unit.Throughput * unit.Throughput) }}
	settings := &optimize.Settings{Converger: &optimize.FunctionConverge{Absolute: 1e-16, Relative: 1e-15, Iterations: 100}, FuncEvaluations: 4000}
	for _, start := range [][]float64{{0.3, 0.3}, {1.5, 0.3}, {0.3, 1.5}, {3, 3}} {
		for range 3 { // the simplex is made anew where it stopped
			r, err := optimize.Minimize(problem, start, settings, &optimize.NelderMead{})
			if r == nil {
				return Scalability{}, fmt.Errorf("capacity: fit of the scalability law: %w", err)
			}
			start = r.X
		}
		if s := fit(start); s.SSE < best.SSE {
			best = s
		}
	}
	return best, nil
}

func checkLoads(loads []Load) error {
	var errs []error
	different := map[float64]bool{}
	for i, l := range loads {
		if !(l.N >= 1) || math.IsInf(l.N, 1) || !(l.Throughput > 0) || math.IsInf(l.Throughput, 1) {
			errs = append(errs, fmt.Errorf("capacity: load %d: throughput %v of %v: want a finite throughput above 0 of one or more", i, l.Throughput, l.N))
		}
		different[l.N] = true
	}
	if len(loads) < minLoads || len(different) < 3 {
		errs = append(errs, fmt.Errorf("capacity: %d loads of %d different numbers of instances: want %d of 3, or more", len(loads), len(different), minLoads))
	}
	return errors.Join(errs...)
}

// relative is the throughput of n in that of one.
func (s Scalability) relative(n float64) float64 {
	return n / (1 + s.Sigma*(n-1) + s.Kappa*n*(n-1))
}

// Throughput is that of n instances.
func (s Scalability) Throughput(n float64) float64 { return s.Lambda * s.relative(n) }

// Peak is the number of instances beyond which more of them do less, and their
// throughput. Without crosstalk there is none: n is +Inf, and the throughput
// what it tends to.
func (s Scalability) Peak() (n, throughput float64) {
	switch {
	case s.Kappa > 0:
		n = max(1, math.Sqrt(max(0, 1-s.Sigma)/s.Kappa))
		return n, s.Throughput(n)
	case s.Sigma > 0:
		return math.Inf(1), s.Lambda / s.Sigma
	}
	return math.Inf(1), math.Inf(1)
}

// fitted reports whether the law is one: neither zero nor made of what is no number.
func (s Scalability) fitted() bool {
	return s.Lambda > 0 && s.Sigma >= 0 && s.Kappa >= 0 && !math.IsInf(s.Lambda+s.Sigma+s.Kappa, 1)
}

// Instances returns the fewest instances with the given throughput; ok is false
// if no number of them has it.
func (s Scalability) Instances(throughput float64) (n int, ok bool) {
	most, peak := s.Peak()
	if !(throughput <= peak) || throughput < 0 {
		return 0, false
	}
	low, high := 0, 1 // high has it, low has not, once they differ enough
	for float64(high) < most && s.Throughput(float64(high)) < throughput {
		if low, high = high, 2*high; high > maxServers {
			return 0, false
		}
	}
	if float64(high) > most {
		high = int(most) // the last whole number before the peak, or the first behind it
		if s.Throughput(float64(high)) < throughput {
			return high + 1, s.Throughput(float64(high+1)) >= throughput
		}
	}
	for high-low > 1 {
		if mid := (low + high) / 2; s.Throughput(float64(mid)) < throughput {
			low = mid
		} else {
			high = mid
		}
	}
	return high, true
}
