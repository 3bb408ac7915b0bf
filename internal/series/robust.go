package series

import (
	"math"
	"slices"
)

// NormalMAD is what the median absolute deviation of normal values is multiplied
// with to estimate their standard deviation.
const NormalMAD = 1.4826

// MAD returns the median absolute deviation from the median, not scaled.
func MAD(x []float64) float64 {
	centre := Median(x)
	dev := make([]float64, len(x))
	for i, v := range x {
		dev[i] = math.Abs(v - centre)
	}
	return median(dev)
}

// RunningMedian returns the median of each value and of as many as half on either
// side of it, of fewer at the ends.
func RunningMedian(x []float64, half int) []float64 {
	n, half := len(x), max(half, 0)
	out := make([]float64, n)
	window := slices.Sorted(slices.Values(x[:min(half, n)]))
	for i := range x {
		if in := i + half; in < n {
			at, _ := slices.BinarySearch(window, x[in])
			window = slices.Insert(window, at, x[in])
		}
		if gone := i - half - 1; gone >= 0 {
			at, _ := slices.BinarySearch(window, x[gone])
			window = slices.Delete(window, at, at+1)
		}
		out[i] = Quantile(window, 0.5)
	}
	return out
}

// FiveNumbers returns Tukey's (1977) least value, lower hinge, median, upper hinge
// and greatest value. The hinges are the medians of the lower and the upper half,
// both with the median where it is a value. They are NaN without values.
func FiveNumbers(x []float64) [5]float64 {
	sorted := slices.Sorted(slices.Values(x))
	half := (len(sorted) + 1) / 2
	lower, upper := sorted[:half], sorted[len(sorted)-half:]
	return [5]float64{Quantile(sorted, 0), Quantile(lower, 0.5), Quantile(sorted, 0.5), Quantile(upper, 0.5), Quantile(sorted, 1)}
}

// AdjustedFences returns between which values x lies but for outliers: Tukey's
// fences one and a half times the distance of the hinges beyond them, moved by the
// medcouple so that of skewed values no more than of normal ones lie outside
// (Hubert and Vandervieren, 2008). It takes what [Medcouple] takes.
func AdjustedFences(x []float64) (low, high float64) {
	five := FiveNumbers(x)
	m, reach := Medcouple(x), 1.5*(five[3]-five[1])
	left, right := -4., 3.
	if m < 0 {
		left, right = -3, 4
	}
	return five[1] - reach*math.Exp(left*m), five[3] + reach*math.Exp(right*m)
}

// TrimmedMean returns the mean without the share trim, below one half, of the
// values at either end.
func TrimmedMean(x []float64, trim float64) float64 {
	sorted := slices.Sorted(slices.Values(x))
	k := int(float64(len(x)) * trim)
	if 2*k >= len(x) {
		return Quantile(sorted, 0.5)
	}
	return Mean(sorted[k : len(x)-k])
}

// HodgesLehmann returns the median of the means of all pairs, of each value with
// itself too. It takes time and space in proportion to the pairs.
func HodgesLehmann(x []float64) float64 {
	means := make([]float64, 0, len(x)*(len(x)+1)/2)
	for i, a := range x {
		for _, b := range x[i:] {
			means = append(means, (a+b)/2)
		}
	}
	return median(means)
}

// Huber returns Huber's M-estimate of location: values further than k MADs,
// scaled to the normal distribution, from the result count as if they lay there.
func Huber(x []float64, k float64) float64 {
	mu, width := Median(x), k*NormalMAD*MAD(x)
	if !(width > 0) {
		return mu
	}
	for range 100 {
		var sum float64
		for _, v := range x {
			sum += min(max(v, mu-width), mu+width)
		}
		next := sum / float64(len(x))
		done := math.Abs(next-mu) <= 1e-10*width
		mu = next
		if done {
			break
		}
	}
	return mu
}

// What a small sample's Qn is multiplied with, for 2 to 12 values (Croux and
// Rousseeuw, 1992).
var smallQn = [...]float64{.399356, .99365, .51321, .84401, .61220, .85877, .66993, .87344, .72014, .88906, .75743}

// Qn returns Rousseeuw and Croux's (1993) Qn, a standard deviation that half of
// the values may be wrong for and that needs no centre, with their correction
// for small samples. It takes time and space in proportion to the pairs.
func Qn(x []float64) float64 {
	n := len(x)
	if n < 2 {
		return 0
	}
	diffs := make([]float64, 0, n*(n-1)/2)
	for i, a := range x {
		for _, b := range x[i+1:] {
			diffs = append(diffs, math.Abs(a-b))
		}
	}
	slices.Sort(diffs)
	h := n/2 + 1
	q := 2.21914 * diffs[h*(h-1)/2-1]
	f := float64(n)
	switch {
	case n <= 12:
		return q * smallQn[n-2]
	case n%2 == 1:
		return q / (1 + (1.60188+(-2.1284-5.172/f)/f)/f)
	default:
		return q / (1 + (3.67561+(1.9654+(6.987-77/f)/f)/f)/f)
	}
}

// What a small sample's Sn is multiplied with, for 2 to 9 values.
var smallSn = [...]float64{0.743, 1.851, 0.954, 1.351, 0.993, 1.198, 1.005, 1.131}

// Sn returns Rousseeuw and Croux's (1993) Sn: the low median of each value's
// high median distance to the others, as a standard deviation. It takes time in
// proportion to the pairs.
func Sn(x []float64) float64 {
	n := len(x)
	if n < 2 {
		return 0
	}
	each, dist := make([]float64, n), make([]float64, n)
	for i, a := range x {
		for j, b := range x {
			dist[j] = math.Abs(a - b)
		}
		slices.Sort(dist)
		each[i] = dist[n/2]
	}
	slices.Sort(each)
	s := 1.1926 * each[(n+1)/2-1]
	switch {
	case n <= 9:
		return s * smallSn[n-2]
	case n%2 == 1:
		return s * float64(n) / (float64(n) - 0.9)
	default:
		return s
	}
}

// Medcouple returns Brys, Hubert and Struyf's (2004) robust skewness, from -1 to
// 1. It takes time and space in proportion to the pairs.
func Medcouple(x []float64) float64 {
	if len(x) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(x))
	m := Quantile(sorted, 0.5)
	var low, high []float64 // both with the values at the median, rising
	ties := 0
	for _, v := range sorted {
		if v <= m {
			low = append(low, v)
		}
		if v >= m {
			high = append(high, v)
		}
		if v == m {
			ties++
		}
	}
	h := make([]float64, 0, len(low)*len(high))
	for i, a := range high {
		for j, b := range low {
			if a == b { // both at the median: a sign by their ranks among the ties
				h = append(h, sign(i+(j-(len(low)-ties))-(ties-1)))
				continue
			}
			h = append(h, ((a-m)-(m-b))/(a-b))
		}
	}
	slices.Sort(h)
	if len(x) > 100 { // of few values it is that of x and of -x, as robustbase has it
		return h[(len(h)-1)/2]
	}
	return Quantile(h, 0.5)
}

func sign(i int) float64 {
	switch {
	case i > 0:
		return 1
	case i < 0:
		return -1
	}
	return 0
}
