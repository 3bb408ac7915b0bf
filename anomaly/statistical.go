package anomaly

import (
	"errors"
	"fmt"
	"math"

	"github.com/chronoretrace/chronomon/monitor"
)

// An Option changes a statistical detector.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

type config struct {
	window int
	limit  float64
}

// WithWindow sets of how many points a detector knows, from 8 to 65,536. The default
// is 1,024. For averages with weights that fall it is the span: the last point has
// the weight 2/(points+1).
func WithWindow(points int) Option {
	return optionFunc(func(c *config) { c.window = points })
}

// WithLimit sets from how many deviations on a point is an anomaly. The default is
// 3; it has to be above 0.
func WithLimit(deviations float64) Option {
	return optionFunc(func(c *config) { c.limit = deviations })
}

func newConfig(opts []Option) (config, error) {
	c := config{window: 1024, limit: 3}
	for _, o := range opts {
		if o != nil {
			o.apply(&c)
		}
	}
	var errs []error
	invalid := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("anomaly: %w: "+format, append([]any{monitor.ErrInvalidOption}, args...)...))
	}
	if c.window < 8 || c.window > 1<<16 {
		invalid("WithWindow(%d) is not from 8 to 65536", c.window)
	}
	if !(c.limit > 0) || math.IsInf(c.limit, 0) {
		invalid("WithLimit(%v) is not above 0", c.limit)
	}
	return c, errors.Join(errs...)
}

// most is the largest value that is reckoned with, so that squares and sums of them
// are numbers. What is larger counts as this.
const most = 1e150

func bounded(v float64) float64 { return min(max(v, -most), most) }

// around is the score of a value that lies some deviations from what was expected.
// A deviation of nothing, that of a constant series, makes any other value the most,
// but for what rounding does.
func around(v, expected, deviation, limit float64) Score {
	off := math.Abs(v - expected)
	if off <= 1e-12*math.Abs(expected) {
		off = 0
	}
	return Score{
		Value: value(off, limit*deviation), Expected: expected,
		Low: expected - limit*deviation, High: expected + limit*deviation, Ready: true,
	}
}

// moments are the mean and the variance of the last values.
type moments struct {
	ring     []float64
	next, n  int
	mean, m2 float64
}

func newMoments(window int) moments { return moments{ring: make([]float64, window)} }

// push adds a value, which takes the oldest's place when there are enough.
//
// Source: B. P. Welford: Note on a Method for Calculating Corrected Sums of Squares
// and Products, Technometrics 1962, with its reverse.
func (m *moments) push(v float64) {
	if m.n < len(m.ring) {
		m.n++
		d := v - m.mean
		m.mean += d / float64(m.n)
		m.m2 += d * (v - m.mean)
	} else {
		old := m.ring[m.next]
		before := m.mean
		m.mean += (v - old) / float64(m.n)
		m.m2 += (v - old) * (v - m.mean + old - before)
	}
	m.ring[m.next] = v
	if m.next++; m.next == len(m.ring) {
		m.next = 0
		m.again()
	}
}

// again computes both from the values, so that what is lost to rounding does not
// add up. It is done once a round.
func (m *moments) again() {
	m.mean, m.m2 = 0, 0
	for i, v := range m.ring[:m.n] {
		d := v - m.mean
		m.mean += d / float64(i+1)
		m.m2 += d * (v - m.mean)
	}
}

// sd is the standard deviation.
func (m *moments) sd() float64 {
	if m.n < 2 {
		return 0
	}
	return math.Sqrt(max(0, m.m2) / float64(m.n-1))
}

// learning is how many points a detector with a window waits for.
func learning(window int) int { return max(8, window/8) }
