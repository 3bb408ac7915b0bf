package trend

import (
	"math"
	"slices"
	"time"

	"github.com/chronoretrace/chronomon/internal/series"
	"github.com/chronoretrace/chronomon/monitor"
)

// A Change is a time from which on a series has another level.
type Change struct {
	Time          time.Time // of the first value after it
	Before, After float64   // means back to the change before, and on to the next one, seasons taken out
	Size          float64   // of the step, in standard deviations of the noise; infinite without noise
	// Earliest and Latest are the ends of a 95 % interval of Time (Bai, 1997): the
	// smaller the step against the noise, the less is known of when it was.
	Earliest, Latest time.Time
}

// argmaxQuantile is the 97.5 % quantile of where a Brownian motion less half of its
// distance from 0 is greatest (Yao, 1987).
const argmaxQuantile = 11.03

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
		if slices.Max(y)-slices.Min(y) <= t.rounding() {
			return nil // there were spikes only
		}
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
		if change.Before == change.After {
			continue
		}
		step := change.After - change.Before
		change.Size = step / noise
		half := 1 + int(min(argmaxQuantile*noise*noise*dependence/(step*step), float64(n)))
		change.Earliest, change.Latest = t.times[first+max(0, c-half)*block], t.times[first+min(n-1, c+half)*block]
		out = append(out, change)
	}
	return out
}

// isStep reports whether y steps at c, and does not only go on as it goes on both
// sides: by the least squares lines through what is close to c before and after it,
// and how far apart they are there.
func isStep(y []float64, c int, variance float64) bool {
	const (
		sure = 4.5 // standard errors: it is the best of all places
		near = 75
	)
	before, spread := endOfLine(y[max(0, c-near):c])
	after := slices.Clone(y[c:min(len(y), c+near)])
	slices.Reverse(after)
	start, more := endOfLine(after)
	size := start - before
	return size*size > sure*sure*variance*(spread+more)
}

// endOfLine returns where the least squares line through y is half a step after its
// end, and the variance of that for values of variance one.
func endOfLine(y []float64) (at, variance float64) {
	n := float64(len(y))
	mean := series.Mean(y)
	var xx, xy float64
	for i, v := range y {
		x := float64(i) - (n-1)/2
		xx += x * x
		xy += x * (v - mean)
	}
	return mean + xy/xx*n/2, 1/n + n*n/4/xx
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
	apart := max(1, min(leastHalf, len(y)/4)) // one step apart they would be noise
	slopes := make([]float64, len(y)-apart)
	for i := range slopes {
		slopes[i] = (y[i+apart] - y[i]) / float64(apart)
	}
	slope := series.Median(slopes)
	rest := make([]float64, len(y))
	for i, v := range y {
		rest[i] = v - slope*float64(i)
	}
	for i, v := range series.RunningMedian(rest, half) {
		rest[i] -= v
	}
	return rest
}

// CUSUM watches one value after another for a shift of their mean. Mean and
// Deviation are those of the values as they should be; Slack and Limit, in
// deviations, are 0.5 and 5 if they are 0. Observe(v) is 1 once the mean has risen, -1
// once it has fallen, otherwise 0, and after an alarm begins anew:
//
//	c := trend.CUSUM{Mean: 0.120, Deviation: 0.008}
//	if c.Observe(v) > 0 {
//
// It is not safe for concurrent use.
type CUSUM = series.CUSUM

// RunLength follows how long ago a series last changed, one value after another,
// with probabilities. Hazard is that of a change at each value; Mean, Weight, Shape
// and Rate are what is thought of a new level: its mean, how many values that
// counts for, and the gamma distribution of one over its variance. Observe(v) takes a
// value, Likely() is the most probable number of values since the last change, and
// Probabilities() are those of the numbers from 0 on:
//
//	r := trend.RunLength{Hazard: 1. / 250, Mean: 0.120, Weight: 0.1, Shape: 1, Rate: 1e-4}
//	r.Observe(v)
//	fmt.Println(r.Likely())
//
// Its fields have no defaults but that of Most, the run lengths that it holds: 512.
// It is not safe for concurrent use.
type RunLength = series.RunLength
