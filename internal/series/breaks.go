package series

import "math"

// Breaks are the changes of the mean that leave the least sum of squares for their
// number.
type Breaks struct {
	At       []int   // the first index of each new segment
	Residual float64 // sum of squares about the means
	BIC      float64 // Schwarz's criterion, each change counted as a parameter
}

// MeanBreaks returns the best segmentations of y into 1, 2, … up to most+1 pieces
// of at least the number of values each, by the exact search of Bai and Perron
// (2003). There are fewer where y does not hold as many pieces. It takes time in
// proportion to most and to the square of the length.
func MeanBreaks(y []float64, least, most int) []Breaks {
	n, least := len(y), max(least, 1)
	if n < least {
		return nil
	}
	c := newCosts(y, MeanCost)
	best := make([]float64, n+1) // of y[:t] in the pieces so far
	for t := range best {
		best[t] = math.Inf(1)
		if t >= least {
			best[t] = c.of(0, t)
		}
	}
	var from [][]int // by number of changes, then t: where the last piece begins
	out := []Breaks{newBreaks(nil, best[n], n)}
	for m := 1; m <= most && (m+1)*least <= n; m++ {
		next, starts := make([]float64, n+1), make([]int, n+1)
		for t := range next {
			next[t] = math.Inf(1)
			for s := m * least; s <= t-least; s++ {
				if v := best[s] + c.of(s, t); v < next[t] {
					next[t], starts[t] = v, s
				}
			}
		}
		best, from = next, append(from, starts)
		at := make([]int, m)
		for k, t := m-1, n; k >= 0; k-- {
			t = from[k][t]
			at[k] = t
		}
		out = append(out, newBreaks(at, best[n], n))
	}
	return out
}

func newBreaks(at []int, residual float64, n int) Breaks {
	f := float64(n)
	parameters := 2 * float64(len(at)+1) // a mean and an end for each piece; the last end is the variance
	return Breaks{At: at, Residual: residual, BIC: f*(math.Log(residual/f)+1+math.Log(2*math.Pi)) + parameters*math.Log(f)}
}

// LikelyBreaks is the one of the segmentations with the least BIC.
func LikelyBreaks(all []Breaks) Breaks {
	var best Breaks
	for i, b := range all {
		if i == 0 || b.BIC < best.BIC {
			best = b
		}
	}
	return best
}
