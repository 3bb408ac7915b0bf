package main

import (
	"math"
	"slices"
)

// quantile returns the q-quantile of the values, NaN of none. It sorts them.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	slices.Sort(values)
	return values[int(q*float64(len(values)-1)+0.5)]
}

func median(values []float64) float64 { return quantile(values, 0.5) }

// medianError is about the 95 % confidence interval of the median, to either
// side (McGill, Tukey, Larsen 1978: 1.57 interquartile ranges over √n).
func medianError(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	return 1.57 * (quantile(values, 0.75) - quantile(values, 0.25)) / math.Sqrt(float64(len(values)))
}
