package anomaly

import "math"

// Shift finds changes of level and of variance: the last points, a sixteenth of the
// window, are held against those before. A change of level is the difference of the
// means in its standard errors (Welch's t); one of variance is the logarithm of the
// ratio of the variances in its own. What counts is the greater.
//
// Sources: B. L. Welch: The Generalization of Student's Problem, Biometrika 1947;
// the error of a logarithm of variances as in M. S. Bartlett, D. G. Kendall: The
// Statistical Analysis of Variance-Heterogeneity, 1946.
type Shift struct {
	clock        clock
	recent, past moments
	limit        float64
}

var _ Detector = (*Shift)(nil)

// NewShift returns a Shift. It is ready after a quarter of the window. Points of one
// series depend on each other, so that its limit is 6 unless [WithLimit] says other.
// The error wraps monitor.ErrInvalidOption.
func NewShift(opts ...Option) (*Shift, error) {
	c, err := newConfig(append([]Option{WithLimit(6)}, opts...))
	if err != nil {
		return nil, err
	}
	n := max(8, c.window/16)
	return &Shift{recent: newMoments(n), past: newMoments(max(8, c.window-n)), limit: c.limit}, nil
}

// Observe implements [Detector]. The band is that of the mean of the last points.
func (d *Shift) Observe(p Point) Score {
	if !d.clock.takes(p) {
		return unready()
	}
	if d.recent.n == len(d.recent.ring) {
		d.past.push(d.recent.ring[d.recent.next])
	}
	d.recent.push(bounded(p.Value))
	if d.past.n < max(8, len(d.past.ring)/4) {
		return unready()
	}
	a, b := float64(d.recent.n), float64(d.past.n)
	sa, sb := d.recent.sd(), d.past.sd()
	e := math.Hypot(sa/math.Sqrt(a), sb/math.Sqrt(b))
	s := around(d.recent.mean, d.past.mean, e, d.limit)
	if sa > 0 || sb > 0 {
		ratio := 2 * math.Abs(math.Log(sa)-math.Log(sb))
		s.Value = max(s.Value, value(ratio, d.limit*math.Sqrt(2/(a-1)+2/(b-1))))
	}
	return s
}
