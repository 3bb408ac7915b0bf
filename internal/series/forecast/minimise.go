package forecast

import (
	"math"
	"slices"
)

// minimise is Nelder and Mead's (1965) simplex search from x, its first simplex
// as wide as step says. Points outside of what is allowed are those where f is
// infinite or not a number. It returns the best point of at most the number of
// evaluations; tolerance is the relative spread of f at which it stops.
//
// gonum's takes goroutines and channels to evaluate f, which costs more than f
// does here.
func minimise(f func([]float64) float64, x, step []float64, evaluations int, tolerance float64) ([]float64, float64) {
	n := len(x)
	value := func(p []float64) float64 {
		evaluations--
		if v := f(p); !math.IsNaN(v) {
			return v
		}
		return math.Inf(1)
	}
	simplex := make([][]float64, n+1)
	values := make([]float64, n+1)
	simplex[0], values[0] = slices.Clone(x), value(x)
	for j, by := range step {
		p := slices.Clone(x)
		p[j] += by
		v := value(p)
		if math.IsInf(v, 1) { // the other way
			p[j] -= 2 * by
			v = value(p)
		}
		simplex[j+1], values[j+1] = p, v
	}
	centre, try, further := make([]float64, n), make([]float64, n), make([]float64, n)
	move := func(to, from []float64, by float64) {
		for j := range to {
			to[j] = centre[j] + by*(from[j]-centre[j])
		}
	}
	for evaluations > 0 {
		sortSimplex(simplex, values)
		best, worst := values[0], values[n]
		if worst-best <= tolerance*(math.Abs(best)+tolerance) {
			break
		}
		for j := range centre {
			centre[j] = 0
			for _, p := range simplex[:n] {
				centre[j] += p[j] / float64(n)
			}
		}
		move(try, simplex[n], -1)
		v := value(try)
		switch {
		case v < best:
			move(further, simplex[n], -2)
			if w := value(further); w < v {
				copy(simplex[n], further)
				values[n] = w
				continue
			}
		case v < values[n-1]:
		default:
			if v < worst {
				move(further, try, 0.5)
			} else {
				move(further, simplex[n], 0.5)
			}
			if w := value(further); w < min(v, worst) {
				copy(simplex[n], further)
				values[n] = w
				continue
			}
			for i := 1; i <= n; i++ {
				for j := range simplex[i] {
					simplex[i][j] = simplex[0][j] + 0.5*(simplex[i][j]-simplex[0][j])
				}
				values[i] = value(simplex[i])
			}
			continue
		}
		copy(simplex[n], try)
		values[n] = v
	}
	sortSimplex(simplex, values)
	return simplex[0], values[0]
}

// sortSimplex sorts by value, and keeps the order of equals: what is found is
// the same at every run.
func sortSimplex(simplex [][]float64, values []float64) {
	for i := 1; i < len(values); i++ {
		for j := i; j > 0 && values[j] < values[j-1]; j-- {
			values[j], values[j-1] = values[j-1], values[j]
			simplex[j], simplex[j-1] = simplex[j-1], simplex[j]
		}
	}
}
