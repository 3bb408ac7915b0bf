package series

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mathext"
)

// Quantile returns the p-quantile of sorted values, interpolating between the
// two nearest ranks: definition 7 of Hyndman and Fan (1996), which is that of
// R and NumPy. p is held to [0, 1]. It is NaN without values.
func Quantile(sorted []float64, p float64) float64 {
	n := len(sorted)
	if n == 0 {
		return math.NaN()
	}
	at := min(max(p, 0), 1) * float64(n-1)
	i := int(at)
	if i+1 >= n {
		return sorted[n-1]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

// Quantiles returns the quantiles ps of values in any order.
func Quantiles(x []float64, ps ...float64) []float64 {
	sorted := slices.Sorted(slices.Values(x))
	out := make([]float64, len(ps))
	for i, p := range ps {
		out[i] = Quantile(sorted, p)
	}
	return out
}

// A Definition is one of the nine sample quantiles of Hyndman and Fan (1996), 1 to
// 9, by their numbers. 1 to 3 are always values of the sample, or the mean of two.
type Definition uint8

// Quantile returns the p-quantile of sorted values by the definition. p is held to
// [0, 1]. It is NaN without values, and where there is no such definition.
func (d Definition) Quantile(sorted []float64, p float64) float64 {
	n := len(sorted)
	if n == 0 || d < 1 || d > 9 {
		return math.NaN()
	}
	p = min(max(p, 0), 1)
	const fuzz = 4 * 0x1p-52 // p times n may be a little off a whole number
	at := d.rank(float64(n), p)
	j := math.Floor(at + fuzz)
	share := at - j
	if math.Abs(share) < fuzz {
		share = 0
	}
	switch {
	case d == 3 && share == 0: // to the even rank
		share = math.Mod(math.Abs(j), 2)
	case d == 2 && share == 0:
		share = 0.5
	case d <= 3 && share > 0:
		share = 1
	}
	rank := func(r float64) float64 { return sorted[int(min(max(r, 1), float64(n)))-1] }
	low, high := rank(j), rank(j+1)
	return low + share*(high-low)
}

// rank is where the p-quantile of n values lies, the least being 1.
func (d Definition) rank(n, p float64) float64 {
	switch d {
	case 3:
		return n*p - 0.5
	case 5:
		return n*p + 0.5
	case 6:
		return n*p + p
	case 7:
		return n*p + 1 - p
	case 8:
		return n*p + (p+1)/3
	case 9:
		return n*p + p/4 + 3./8
	}
	return n * p
}

// Median returns the median of values in any order, NaN without values.
func Median(x []float64) float64 { return median(slices.Clone(x)) }

// median is Median, but sorts what it is given.
func median(x []float64) float64 {
	slices.Sort(x)
	return Quantile(x, 0.5)
}

// HarrellDavis returns the p-quantile as a mean of all order statistics,
// weighted by a beta distribution (Harrell and Davis, 1982): less noisy than
// [Quantile] in the tails of few values.
func HarrellDavis(x []float64, p float64) float64 {
	sorted := slices.Sorted(slices.Values(x))
	n := float64(len(sorted))
	if n == 0 {
		return math.NaN()
	}
	a, b := (n+1)*p, (n+1)*(1-p)
	if a <= 0 || b <= 0 {
		return Quantile(sorted, p)
	}
	var sum, below float64
	for i, v := range sorted {
		upTo := mathext.RegIncBeta(a, b, float64(i+1)/n)
		sum += (upTo - below) * v
		below = upTo
	}
	return sum
}

// Mean returns the mean, NaN without values.
func Mean(x []float64) float64 {
	var sum float64
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

// Variance returns the sample variance, 0 for fewer than two values.
func Variance(x []float64) float64 {
	if len(x) < 2 {
		return 0
	}
	mean := Mean(x)
	var sum, rest float64 // rest takes back what rounding of the mean adds
	for _, v := range x {
		d := v - mean
		sum += d * d
		rest += d
	}
	n := float64(len(x))
	return (sum - rest*rest/n) / (n - 1)
}
