package series

import (
	"math"
	"slices"
)

// Line is a robust straight line through a series, at 0, 1 and so on.
type Line struct {
	Slope, Intercept float64

	slopes []float64 // of all pairs, sorted
}

// TheilSen returns the median of the slopes of all pairs (Theil, 1950; Sen, 1968).
// It takes time and space in proportion to the pairs. y has to hold two values.
func TheilSen(y []float64) Line {
	n := len(y)
	slopes := make([]float64, 0, n*(n-1)/2)
	for i, a := range y {
		for j, b := range y[i+1:] {
			slopes = append(slopes, (b-a)/float64(j+1))
		}
	}
	slices.Sort(slopes)
	l := Line{Slope: Quantile(slopes, 0.5), slopes: slopes}
	l.Intercept = Median(y) - l.Slope*float64(n-1)/2
	return l
}

// Interval is the 95 % interval of the slope by the variance of Kendall's S: that
// of [MannKendall], corrected or not. A line that [TheilSen] did not make has none.
func (l Line) Interval(variance float64) (low, high float64) {
	if len(l.slopes) == 0 {
		return math.Inf(-1), math.Inf(1)
	}
	pairs := float64(len(l.slopes))
	half := NormalQuantile(0.975) * math.Sqrt(max(variance, 0))
	low = l.slopes[max(int(math.RoundToEven((pairs-half)/2))-1, 0)]
	high = l.slopes[max(min(int(math.RoundToEven((pairs+half)/2)), len(l.slopes)-1), 0)]
	return low, high
}

// Siegel returns the line of repeated medians (Siegel, 1982), which half of the
// values may be wrong for.
func Siegel(y []float64) Line {
	n := len(y)
	medians := make([]float64, n)
	slopes := make([]float64, 0, n)
	for i, a := range y {
		slopes = slopes[:0]
		for j, b := range y {
			if i != j {
				slopes = append(slopes, (b-a)/float64(j-i))
			}
		}
		medians[i] = median(slopes)
	}
	l := Line{Slope: median(medians)}
	for i, v := range y {
		medians[i] = v - l.Slope*float64(i)
	}
	l.Intercept = median(medians)
	return l
}
