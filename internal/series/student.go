package series

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// NormalQuantile returns the p-quantile of the standard normal distribution.
func NormalQuantile(p float64) float64 { return math.Sqrt2 * math.Erfinv(2*p-1) }

// StudentQuantile returns the p-quantile of Student's t distribution with degrees
// of freedom, which need not be whole.
func StudentQuantile(p, freedom float64) float64 {
	switch {
	case p < 0.5:
		return -StudentQuantile(1-p, freedom)
	case p >= 1:
		return math.Inf(1)
	case freedom > 1e6:
		return NormalQuantile(p)
	}
	x := mathext.InvRegIncBeta(freedom/2, 0.5, 2*(1-p))
	return math.Sqrt(freedom * (1/x - 1))
}
