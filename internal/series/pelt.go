package series

import "math"

// A Cost is what a stretch of a series costs that is taken for one segment.
type Cost uint8

// The costs.
const (
	MeanCost         Cost = iota // sum of squares about the mean: the level changes
	MeanVarianceCost             // twice the negative log-likelihood of a normal: level or spread change
)

// ChangePoints returns where y changes, as the first index of each new segment:
// the segmentation with the least sum of costs and of one penalty for each
// change, exactly, by PELT (Killick, Fearnhead and Eckley, 2012). total is that
// sum. Segments hold at least the number of values, no less than 1.
func ChangePoints(y []float64, cost Cost, penalty float64, least int) (changes []int, total float64) {
	n, least := len(y), max(least, 1)
	if n < least {
		return nil, 0
	}
	c := newCosts(y, cost)
	best := make([]float64, n+1) // best[t] is of y[:t]
	from := make([]int, n+1)
	for t := range best {
		best[t] = math.Inf(1)
	}
	best[0] = -penalty
	type candidate struct{ start, until int }
	var open []candidate
	for t := least; t <= n; t++ {
		if s := t - least; s == 0 || s >= least {
			open = append(open, candidate{s, n + 1})
		}
		for _, o := range open {
			if v := best[o.start] + c.of(o.start, t) + penalty; v < best[t] {
				best[t], from[t] = v, o.start
			}
		}
		keep := open[:0]
		for _, o := range open {
			// One that is beaten now stays beaten as soon as a segment can begin here.
			if o.until > n && best[o.start]+c.of(o.start, t) > best[t] {
				o.until = t + least
			}
			if t < o.until {
				keep = append(keep, o)
			}
		}
		open = keep
	}
	for t := from[n]; t > 0; t = from[t] {
		changes = append([]int{t}, changes...)
	}
	return changes, best[n]
}

// costs answers from running sums.
type costs struct {
	cost         Cost
	sum, squares []float64
}

func newCosts(y []float64, cost Cost) costs {
	c := costs{cost: cost, sum: make([]float64, len(y)+1), squares: make([]float64, len(y)+1)}
	for i, v := range centred(y) { // about the mean, so that no digits are lost
		c.sum[i+1] = c.sum[i] + v
		c.squares[i+1] = c.squares[i] + v*v
	}
	return c
}

func (c costs) of(from, to int) float64 {
	n := float64(to - from)
	s := c.sum[to] - c.sum[from]
	within := max(0, c.squares[to]-c.squares[from]-s*s/n)
	if c.cost == MeanCost {
		return within
	}
	const leastVariance = 1e-8
	return n * (math.Log(2*math.Pi) + math.Log(max(within/n, leastVariance)) + 1)
}
