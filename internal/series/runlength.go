package series

import "math"

// RunLength follows, one value at a time, how long ago a series last changed:
// Bayesian online change point detection (Adams and MacKay, 2007) of normal
// values whose mean and spread are unknown. It holds Most run lengths, and takes
// time in proportion to them for each value. Hazard lies between 0 and 1; Weight,
// Shape and Rate have to be positive. It is not safe for concurrent use.
type RunLength struct {
	Hazard      float64 // probability of a change at each value
	Mean        float64 // prior mean,
	Weight      float64 // and how many values it counts for
	Shape       float64 // prior of the precision, a gamma distribution:
	Rate        float64 // Shape / Rate is its mean
	Most        int     // run lengths; default 512
	LogEvidence float64 // log-probability of all values so far

	runs []run // by run length
}

type run struct {
	p                      float64
	mean, weight, shape, b float64
}

// Observe takes the next value. Values that are not finite are passed over.
func (r *RunLength) Observe(v float64) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return
	}
	prior := run{1, r.Mean, r.Weight, r.Shape, r.Rate}
	if r.runs == nil {
		r.runs = []run{prior}
	}
	next := make([]run, 1, len(r.runs)+1)
	next[0] = prior
	var sum, change float64
	for _, o := range r.runs {
		p := o.p * o.predictive(v)
		change += p * r.Hazard
		o.p = p * (1 - r.Hazard)
		sum += p
		d := v - o.mean
		o.b += o.weight * d * d / (2 * (o.weight + 1))
		o.mean += d / (o.weight + 1)
		o.weight++
		o.shape += 0.5
		next = append(next, o)
	}
	next[0].p = change
	if !(sum > 0) { // further out than a number can say: it has changed
		r.LogEvidence = math.Inf(-1)
		r.runs = []run{prior}
		return
	}
	r.LogEvidence += math.Log(sum)
	for i := range next {
		next[i].p /= sum
	}
	most := r.Most
	if most == 0 {
		most = 512
	}
	if last := len(next) - 1; last >= most { // the longest two are one
		next[last-1].p += next[last].p
		next[last-1].mean, next[last-1].weight = next[last].mean, next[last].weight
		next[last-1].shape, next[last-1].b = next[last].shape, next[last].b
		next = next[:last]
	}
	r.runs = next
}

// predictive is the density of v, Student's t.
func (o run) predictive(v float64) float64 {
	nu := 2 * o.shape
	scale2 := o.b * (o.weight + 1) / (o.shape * o.weight)
	d := v - o.mean
	a, _ := math.Lgamma((nu + 1) / 2)
	b, _ := math.Lgamma(nu / 2)
	return math.Exp(a - b - 0.5*math.Log(nu*math.Pi*scale2) - (nu+1)/2*math.Log1p(d*d/(nu*scale2)))
}

// Likely returns the most probable number of values since the last change.
func (r *RunLength) Likely() int {
	best := 0
	for i, o := range r.runs {
		if o.p > r.runs[best].p {
			best = i
		}
	}
	return best
}

// Probabilities returns those of the run lengths from 0 on. The slice is the
// caller's.
func (r *RunLength) Probabilities() []float64 {
	out := make([]float64, len(r.runs))
	for i, o := range r.runs {
		out[i] = o.p
	}
	return out
}
