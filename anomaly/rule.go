package anomaly

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/chronoretrace/chronomon/monitor"
)

// rule is a detector by a function of the point, for points that are to be learnt
// from.
type rule struct {
	clock clock
	f     func(p Point) Score
}

// Observe implements [Detector].
func (r *rule) Observe(p Point) Score {
	if !r.clock.takes(p) {
		return unready()
	}
	return r.f(p)
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("anomaly: %w: "+format, append([]any{monitor.ErrInvalidOption}, args...)...)
}

// broken and kept are the scores of a rule.
func broken(s Score) Score { s.Value, s.Ready = 1, true; return s }

func kept(s Score) Score { s.Value, s.Ready = 0, true; return s }

func verdict(s Score, bad bool) Score {
	if bad {
		return broken(s)
	}
	return kept(s)
}

// NewBounds finds values that are below low or above high. A bound may be infinite.
// The error wraps monitor.ErrInvalidOption.
func NewBounds(low, high float64) (Detector, error) {
	if !(low <= high) {
		return nil, invalid("bounds %v to %v: want low to high", low, high)
	}
	band := Score{Expected: math.NaN(), Low: low, High: high}
	return &rule{f: func(p Point) Score { return verdict(band, p.Value < low || p.Value > high) }}, nil
}

// NewRateOfChange finds values that change by more than most a time from one point
// to the next, up or down. The error wraps monitor.ErrInvalidOption.
func NewRateOfChange(most float64, per time.Duration) (Detector, error) {
	if !(most >= 0) || math.IsInf(most, 0) || per <= 0 {
		return nil, invalid("a change of %v in %v: want 0 or more in a time above 0", most, per)
	}
	var last Point
	return &rule{f: func(p Point) Score {
		before := last
		last = p
		if before.Time.IsZero() {
			return unready()
		}
		reach := most * (p.Time.Sub(before.Time).Seconds() / per.Seconds())
		s := Score{Expected: before.Value, Low: before.Value - reach, High: before.Value + reach}
		return verdict(s, p.Value < s.Low || p.Value > s.High)
	}}, nil
}

// NewFlatLine finds series that have not moved by more than tolerance for a time. The
// error wraps monitor.ErrInvalidOption.
func NewFlatLine(tolerance float64, after time.Duration) (Detector, error) {
	if !(tolerance >= 0) || math.IsInf(tolerance, 0) || after <= 0 {
		return nil, invalid("a flat line of %v for %v: want a tolerance of 0 or more and a time above 0", tolerance, after)
	}
	var since Point // the value that it has stayed at, and from when on
	return &rule{f: func(p Point) Score {
		if since.Time.IsZero() || math.Abs(p.Value-since.Value) > tolerance {
			since = p
		}
		s := unready()
		s.Expected = since.Value
		return verdict(s, p.Time.Sub(since.Time) >= after)
	}}, nil
}

// missing finds what did not come.
type missing struct {
	longest time.Duration
	last    time.Time // of a value
}

// NewMissing finds times without a value: a point that is NaN or infinite when the
// last value is older than longest, and the first value after so long a gap. The
// error wraps monitor.ErrInvalidOption.
func NewMissing(longest time.Duration) (Detector, error) {
	if longest <= 0 {
		return nil, invalid("missing for %v: want a time above 0", longest)
	}
	return &missing{longest: longest}, nil
}

// Observe implements [Detector], but that a missing value is what it looks for.
func (d *missing) Observe(p Point) Score {
	if d.last.IsZero() {
		d.last = p.Time
		return unready()
	}
	if !p.Time.After(d.last) {
		return unready()
	}
	s := verdict(unready(), p.Time.Sub(d.last) > d.longest)
	if !math.IsNaN(p.Value) && !math.IsInf(p.Value, 0) {
		d.last = p.Time
	}
	return s
}

// AtLeast is an anomaly when n of the detectors say so: its Value is the n-th
// greatest of theirs, and its band that of the detector with it. It is ready when so
// many are that could say so. The error wraps monitor.ErrInvalidOption.
func AtLeast(n int, detectors ...Detector) (Detector, error) {
	var errs []error
	if n < 1 || n > len(detectors) {
		errs = append(errs, invalid("at least %d of %d detectors", n, len(detectors)))
	}
	for i, d := range detectors {
		if d == nil {
			errs = append(errs, invalid("detector %d of %d is nil", i+1, len(detectors)))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &atLeast{n: n, detectors: detectors, scores: make([]Score, 0, len(detectors))}, nil
}

// All is an anomaly when all of the detectors say so: see [AtLeast].
func All(detectors ...Detector) (Detector, error) { return AtLeast(len(detectors), detectors...) }

// Any is an anomaly when one of the detectors says so: see [AtLeast].
func Any(detectors ...Detector) (Detector, error) { return AtLeast(1, detectors...) }

type atLeast struct {
	n         int
	detectors []Detector
	scores    []Score // of those that are ready, the greatest first
}

// Observe implements [Detector].
func (a *atLeast) Observe(p Point) Score {
	a.scores = a.scores[:0]
	for _, d := range a.detectors {
		s := d.Observe(p)
		if !s.Ready {
			continue
		}
		at := len(a.scores)
		a.scores = append(a.scores, s)
		for ; at > 0 && a.scores[at-1].Value < s.Value; at-- {
			a.scores[at] = a.scores[at-1]
		}
		a.scores[at] = s
	}
	if len(a.scores) < a.n {
		return unready()
	}
	return a.scores[a.n-1]
}
