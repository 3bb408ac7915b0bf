package anomaly

import (
	"math"
	"slices"
)

// Pattern finds a shape: the last values of the series, as many as the shape has,
// are like it when their correlation is high, whatever their level and scale.
//
// Source: Y. Zhu, D. Shasha: Warping Indexes with Envelope Transforms for Query by
// Humming, SIGMOD 2003, without the warping.
type Pattern struct {
	clock clock
	shape []float64 // with mean 0 and length 1
	last  []float64 // oldest at next
	next  int
	n     int
	limit float64
}

var _ Detector = (*Pattern)(nil)

// NewPattern returns a Pattern, which is an anomaly from a correlation of least on,
// above 0 and below 1. The shape has 3 to 1,024 values that are not all the same. The
// error wraps monitor.ErrInvalidOption.
func NewPattern(shape []float64, least float64) (*Pattern, error) {
	if len(shape) < 3 || len(shape) > 1024 {
		return nil, invalid("a shape of %d values: want 3 to 1024", len(shape))
	}
	if !(least > 0 && least < 1) {
		return nil, invalid("a correlation of %v: want above 0 and below 1", least)
	}
	p := &Pattern{shape: slices.Clone(shape), last: make([]float64, len(shape)), limit: least}
	var mean float64
	for i, v := range p.shape {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, invalid("value %d of the shape is %v", i, v)
		}
		p.shape[i] = bounded(v)
		mean += p.shape[i] / float64(len(shape))
	}
	var length float64
	for i := range p.shape {
		p.shape[i] -= mean
		length = math.Hypot(length, p.shape[i])
	}
	if length <= 1e-12*math.Abs(mean) {
		return nil, invalid("a shape whose values are all the same")
	}
	for i := range p.shape {
		p.shape[i] /= length
	}
	return p, nil
}

// Observe implements [Detector]. There is no expected value.
func (d *Pattern) Observe(p Point) Score {
	if !d.clock.takes(p) {
		return unready()
	}
	d.last[d.next] = bounded(p.Value)
	d.next = (d.next + 1) % len(d.last)
	s := unready()
	if d.n++; d.n < len(d.last) {
		return s
	}
	d.n = len(d.last)
	var mean float64
	for _, v := range d.last {
		mean += v / float64(d.n)
	}
	var like, square float64
	for i, w := range d.shape {
		off := d.last[(d.next+i)%d.n] - mean
		like += w * off
		square += off * off
	}
	s.Ready = true
	if length := math.Sqrt(square); length > 1e-9*math.Abs(mean) {
		// A correlation of 1 is 1, the least is Threshold.
		r := like / length
		s.Value = min(1, max(0, 0.5+(r-d.limit)/(2*(1-d.limit))))
	}
	return s
}
