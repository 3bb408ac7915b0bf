package anomaly

import "slices"

// Sigma finds points that lie far from the mean of those before, in standard
// deviations: the 3-sigma rule. A point is learnt from even if it is an anomaly.
//
// Source: W. A. Shewhart: Economic Control of Quality of Manufactured Product, 1931.
type Sigma struct {
	clock clock
	past  moments
	limit float64
}

var _ Detector = (*Sigma)(nil)

// NewSigma returns a Sigma. It is ready after an eighth of the window. The error
// wraps monitor.ErrInvalidOption.
func NewSigma(opts ...Option) (*Sigma, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	return &Sigma{past: newMoments(c.window), limit: c.limit}, nil
}

// Observe implements [Detector].
func (d *Sigma) Observe(p Point) Score {
	if !d.clock.takes(p) {
		return unready()
	}
	v := bounded(p.Value)
	s := unready()
	if d.past.n >= learning(len(d.past.ring)) {
		s = around(v, d.past.mean, d.past.sd(), d.limit)
	}
	d.past.push(v)
	return s
}

// Median finds points that lie far from the median of those before, in median
// absolute deviations made comparable with standard deviations: what has half the
// points wrong and still stands.
//
// Source: P. J. Rousseeuw, C. Croux: Alternatives to the Median Absolute Deviation,
// Journal of the American Statistical Association 1993.
type Median struct {
	clock  clock
	ring   []float64
	sorted []float64
	next   int
	limit  float64
}

var _ Detector = (*Median)(nil)

// NewMedian returns a Median. It is ready after an eighth of the window. A point
// costs a time that grows with the window. The error wraps monitor.ErrInvalidOption.
func NewMedian(opts ...Option) (*Median, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	return &Median{ring: make([]float64, c.window), sorted: make([]float64, 0, c.window), limit: c.limit}, nil
}

// toSigma makes a median absolute deviation a standard deviation, of normal values.
const toSigma = 1.4826022185056018

// Observe implements [Detector].
func (d *Median) Observe(p Point) Score {
	if !d.clock.takes(p) {
		return unready()
	}
	v := bounded(p.Value)
	s := unready()
	if len(d.sorted) >= learning(len(d.ring)) {
		m, mad := d.deviation()
		s = around(v, m, toSigma*mad, d.limit)
	}
	if len(d.sorted) == len(d.ring) {
		i, _ := slices.BinarySearch(d.sorted, d.ring[d.next])
		d.sorted = slices.Delete(d.sorted, i, i+1)
	}
	i, _ := slices.BinarySearch(d.sorted, v)
	d.sorted = slices.Insert(d.sorted, i, v)
	d.ring[d.next] = v
	d.next = (d.next + 1) % len(d.ring)
	return s
}

// deviation returns the median and the median distance from it: what is nearest is
// next to the median in the order, on one side or the other.
func (d *Median) deviation() (m, mad float64) {
	n := len(d.sorted)
	m = d.sorted[n/2]
	low, high := n/2-1, n/2+1
	for range n / 2 {
		switch {
		case high == n, low >= 0 && m-d.sorted[low] <= d.sorted[high]-m:
			mad = m - d.sorted[low]
			low--
		default:
			mad = d.sorted[high] - m
			high++
		}
	}
	return m, mad
}
