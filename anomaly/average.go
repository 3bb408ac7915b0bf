package anomaly

import "math"

// MovingAverage finds points that lie far from the average of the last ones, in
// standard deviations of the distances that there were before.
type MovingAverage struct {
	clock clock
	level moments // of the last points
	off   moments // of their distances from the level before
	limit float64
}

var _ Detector = (*MovingAverage)(nil)

// NewMovingAverage returns a MovingAverage: of an eighth of the window, with the
// distances of all of it. It is ready after a quarter of the window. The error wraps
// monitor.ErrInvalidOption.
func NewMovingAverage(opts ...Option) (*MovingAverage, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	return &MovingAverage{level: newMoments(learning(c.window)), off: newMoments(c.window), limit: c.limit}, nil
}

// Observe implements [Detector].
func (d *MovingAverage) Observe(p Point) Score {
	if !d.clock.takes(p) {
		return unready()
	}
	v := bounded(p.Value)
	s := unready()
	if d.level.n == len(d.level.ring) {
		if d.off.n >= learning(len(d.off.ring)) {
			s = around(v, d.level.mean, math.Hypot(d.off.mean, d.off.sd()), d.limit)
		}
		d.off.push(v - d.level.mean)
	}
	d.level.push(v)
	return s
}

// EWMA finds points that lie far from an average whose weights fall exponentially,
// in standard deviations with the same weights.
//
// Source: S. W. Roberts: Control Chart Tests Based on Geometric Moving Averages,
// Technometrics 1959; the variance as in T. Finch: Incremental calculation of
// weighted mean and variance, 2009.
type EWMA struct {
	clock          clock
	limit, share   float64
	mean, variance float64
	n, window      int
}

var _ Detector = (*EWMA)(nil)

// NewEWMA returns an EWMA. It is ready after an eighth of the span. The error wraps
// monitor.ErrInvalidOption.
func NewEWMA(opts ...Option) (*EWMA, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	return &EWMA{limit: c.limit, share: 2 / float64(c.window+1), window: c.window}, nil
}

// Observe implements [Detector].
func (d *EWMA) Observe(p Point) Score {
	if !d.clock.takes(p) {
		return unready()
	}
	v := bounded(p.Value)
	s := unready()
	if d.n >= learning(d.window) {
		s = around(v, d.mean, math.Sqrt(d.variance), d.limit)
	}
	d.n = min(d.n+1, d.window)
	share := max(d.share, 1/float64(d.n)) // until the span is full, the mean is that of all
	off := v - d.mean
	step := share * off
	d.mean += step
	d.variance = (1 - share) * (d.variance + off*step)
	return s
}
