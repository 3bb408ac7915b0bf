package trend

import (
	"math"
	"time"

	"github.com/chronoretrace/chronomon/internal/series"
	"github.com/chronoretrace/chronomon/monitor"
)

// A Change is a time from which on a series has another level.
type Change struct {
	Time          time.Time // of the first value after it
	Before, After float64   // means back to the change before, and on to the next one, seasons taken out
	Size          float64   // of the step, in standard deviations of the noise; infinite without noise
}

// Changes returns where the level of a series changes at once and for good, oldest
// first: the best segmentation by PELT (Killick, Fearnhead and Eckley, 2012),
// seasons taken out, of which those changes are kept that are a step and not part
// of a slope. What it takes for a change is dearer the noisier the series is and
// the more a value depends on the one before. Errors are those of [Predict].
func Changes(points []monitor.Point, opts ...Option) ([]Change, error) {
	t, err := read(points, opts)
	if err != nil {
		return nil, err
	}
	return t.changes(), nil
}

func (t *timeline) changes() (out []Change) {
	if constant(t.values) {
		return nil
	}
	y, block := blocks(t.adjusted(), mostSegmented)
	n := len(y)
	rest := aboutMedian(y, leastHalf)
	noise, dependence := noiseOf(rest)
	for i, r := range rest { // one value far out is no change
		y[i] -= r - min(max(r, -3*noise), 3*noise)
	}
	penalty := 3 * math.Log(float64(n)) * noise * noise * dependence
	if !(penalty > 0) { // steps without noise
		penalty = 1e-9 * series.Variance(y) * float64(n)
	}
	at, _ := series.ChangePoints(y, series.MeanCost, penalty, leastSegment)
	all := append(append([]int{0}, at...), n)
	bounds := []int{0}
	for i, c := range at {
		if isStep(y[all[i]:all[i+2]], c-all[i], noise*noise*dependence) {
			bounds = append(bounds, c)
		}
	}
	bounds = append(bounds, n)
	first := len(t.times) - n*block // what does not fill a block is left out
	for i, c := range bounds[1 : len(bounds)-1] {
		change := Change{Time: t.times[first+c*block], Before: series.Mean(y[bounds[i]:c]), After: series.Mean(y[c:bounds[i+2]])}
		change.Size = (change.After - change.Before) / noise
		out = append(out, change)
	}
	return out
}

// isStep reports whether y steps at c, and does not only go on as it goes on both
// sides: by least squares of a line with a step in it, close to c.
func isStep(y []float64, c int, variance float64) bool {
	const sure = 4 // standard errors
	from, to := max(0, c-leastHalf), min(len(y), c+leastHalf)
	y, c = y[from:to], c-from
	n := float64(len(y))
	// what the line leaves of the step and of the values
	step := make([]float64, len(y))
	for i := c; i < len(y); i++ {
		step[i] = 1
	}
	var xx, xs, xy, ss, sy float64
	meanS, meanY := series.Mean(step), series.Mean(y)
	for i, v := range y {
		x := float64(i) - (n-1)/2
		s, v := step[i]-meanS, v-meanY
		xx += x * x
		xs += x * s
		xy += x * v
		ss += s * s
		sy += s * v
	}
	left := ss - xs*xs/xx
	size := (sy - xs*xy/xx) / left
	return left > 0 && size*size*left > sure*sure*variance
}

const (
	leastSegment  = 5    // values that make a level
	mostSegmented = 4000 // values that are looked at; longer series are averaged in blocks
)

// noiseOf returns the deviation of noise, and by how much the dependence of its
// values multiplies the variance of a mean.
func noiseOf(rest []float64) (deviation, dependence float64) {
	deviation = series.NormalMAD * series.MAD(rest)
	phi := min(max(series.ACF(rest, 1)[1], 0), 0.9)
	return deviation, (1 + phi) / (1 - phi)
}

// How many values on either side a running median takes.
const (
	leastHalf = 25
	mostHalf  = 150
)

// aboutMedian is y about its running median, which follows steps and leaves out
// spikes; about its usual slope, since on a slope every value is its own median.
func aboutMedian(y []float64, half int) []float64 {
	slopes := make([]float64, len(y)-1)
	for i := range slopes {
		slopes[i] = y[i+1] - y[i]
	}
	slope := series.Median(slopes)
	rest := make([]float64, len(y))
	for i, v := range y {
		rest[i] = v - slope*float64(i)
	}
	centre := make([]float64, len(y))
	for i := range rest {
		centre[i] = series.Median(rest[max(0, i-half):min(len(y), i+half+1)])
	}
	for i, v := range centre {
		rest[i] -= v
	}
	return rest
}

// CUSUM watches one value after another for a shift of their mean.
type CUSUM = series.CUSUM

// RunLength follows how long ago a series last changed, one value after another,
// with probabilities.
type RunLength = series.RunLength
