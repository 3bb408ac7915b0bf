package unseen

import (
	"math"
	"slices"
)

// A Record is the range that a feature has moved in. Its fields are exported to be
// written by encoding/binary.
type Record struct {
	Middle, Low, High float64
	Step              float64 // of the middle
	Above, Below      Maxima
}

// Maxima are those of the blocks on one side of the middle.
type Maxima struct {
	Mean, Variance float64
	Top            float64 // of the block that is not over
}

// learn begins with the values of the warm-up, which it sorts.
func (r *Record) learn(c *Config, values, sorted []float32, oneSided bool) {
	copy(sorted, values)
	slices.Sort(sorted)
	n := len(sorted)
	r.Middle, r.Low, r.High = float64(sorted[n/2]), float64(sorted[0]), float64(sorted[n-1])
	r.Step = c.Drift * (float64(sorted[n*3/4]) - float64(sorted[n/4]))
	if r.Step == 0 {
		r.Step = c.Drift / 4 * (r.High - r.Low)
	}
	length := blockLength(n)
	r.Above.learn(values, length, r.Middle, 1)
	if !oneSided {
		r.Below.learn(values, length, r.Middle, -1)
	}
}

// blockLength is how many points a block has.
func blockLength(warmup int) int { return max(4, warmup/blocks) }

func (m *Maxima) learn(values []float32, length int, middle, sign float64) {
	var sum, squares, n float64
	for to := len(values); to >= length; to -= length {
		top := 0.0
		for _, v := range values[to-length : to] {
			top = max(top, sign*(float64(v)-middle))
		}
		sum += top
		squares += top * top
		n++
	}
	m.Mean = sum / n
	m.Variance = max(0, squares/n-m.Mean*m.Mean) * n / max(1, n-1)
}

// sides are the range above and below the middle, which are no less than the floor
// and a share of each other.
func (r *Record) sides(c *Config, floor float64) (above, below float64) {
	floor = max(floor, math.SmallestNonzeroFloat64)
	a, b := r.High-r.Middle, r.Middle-r.Low
	return max(a, c.Other*b, floor), max(b, c.Other*a, floor)
}

// unit is what is beyond a side's edge measured in.
func (m *Maxima) unit(c *Config, side float64) float64 {
	return math.Pow(side, c.Spread) * math.Pow(reach*math.Sqrt(m.Variance)+0.02*side, 1-c.Spread)
}

// ratio is how far off the middle a point is: 1 at the edge of the side.
func (m *Maxima) ratio(c *Config, off, side float64) float64 {
	if off <= side {
		return max(0, off/side)
	}
	r := 1 + (off-side)/m.unit(c, side)
	if !(r < maxRatio) { // a unit may be 0, or too small to divide by
		return maxRatio
	}
	return r
}

// band is where the ratio reaches a limit.
func (r *Record) band(c *Config, floor, limit float64) (low, high float64) {
	above, below := r.sides(c, floor)
	return r.Middle - below - (limit-1)*r.Below.unit(c, below), r.Middle + above + (limit-1)*r.Above.unit(c, above)
}

// observe returns the ratio of a value and learns from it. A decay is for one point.
func (r *Record) observe(c *Config, v, floor, decay float64, oneSided bool) float64 {
	above, below := r.sides(c, floor)
	off := v - r.Middle
	var ratio float64
	if off >= 0 {
		ratio = r.Above.ratio(c, off, above)
	} else if !oneSided {
		ratio = r.Below.ratio(c, -off, below)
	}
	r.Above.Top = max(r.Above.Top, min(off, c.Growth*above))
	r.Below.Top = max(r.Below.Top, min(-off, c.Growth*below))

	low := r.Low
	if v > r.High {
		r.High = min(v, r.Middle+c.Growth*above)
	} else {
		r.High -= decay * (r.High - max(r.Middle, v))
	}
	if v < low {
		r.Low = max(v, r.Middle-c.Growth*below)
	} else {
		r.Low += decay * (min(r.Middle, v) - low)
	}
	r.Middle += max(-r.Step, min(r.Step, v-r.Middle))
	return ratio
}

// turn ends a block.
func (r *Record) turn() {
	r.Above.turn()
	r.Below.turn()
}

func (m *Maxima) turn() {
	d := m.Top - m.Mean
	m.Mean += d / blocksAge
	m.Variance += (d*d - m.Variance) / blocksAge
	m.Top = 0
}
