package lstm

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

// longest is how long a gradient may be before it is cut to that.
const longest = 1

// adam is the method of Kingma and Ba, with their constants.
type adam struct {
	mean, square []float64
	steps        int
}

func newAdam(n int) adam { return adam{mean: make([]float64, n), square: make([]float64, n)} }

func (a *adam) step(w, grad []float64, rate float64) {
	const keep, keepSquare, least = 0.9, 0.999, 1e-8
	if n := floats.Norm(grad, 2); n > longest {
		floats.Scale(longest/n, grad)
	}
	a.steps++
	n := float64(a.steps)
	rate *= math.Sqrt(1-math.Pow(keepSquare, n)) / (1 - math.Pow(keep, n))
	for i, g := range grad {
		a.mean[i] += (1 - keep) * (g - a.mean[i])
		a.square[i] += (1 - keepSquare) * (g*g - a.square[i])
		w[i] -= rate * a.mean[i] / (math.Sqrt(a.square[i]) + least)
	}
}
