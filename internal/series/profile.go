package series

import (
	"math"
	"slices"
)

// A Place is what values at one place of a season are like: what a threshold that
// follows the season is made of.
type Place struct {
	Count  int
	Mean   float64
	Factor float64 // Mean as a share of the mean of all values
	Median float64
	Spread float64 // median absolute deviation, scaled to the normal distribution; NaN of fewer than two values
	sorted []float64
}

// Quantile returns the p-quantile of the values at the place.
func (p Place) Quantile(q float64) float64 { return Quantile(p.sorted, q) }

// Profile takes y, which begins at the first place, apart by the places of a
// season. Places without a value have NaN in all fields but Count.
func Profile(y []float64, period int) []Place {
	if period < 1 {
		return nil
	}
	all := Mean(y)
	out := make([]Place, period)
	for i := range out {
		var at []float64
		for j := i; j < len(y); j += period {
			at = append(at, y[j])
		}
		out[i] = newPlace(at, all)
	}
	return out
}

func newPlace(values []float64, all float64) Place {
	slices.Sort(values)
	p := Place{Count: len(values), Mean: Mean(values), Median: Quantile(values, 0.5), Spread: math.NaN(), sorted: values}
	p.Factor = p.Mean / all
	if p.Count > 1 {
		p.Spread = NormalMAD * MAD(values)
	}
	return p
}
