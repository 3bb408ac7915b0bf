package anomaly

import (
	"math"
	"time"

	"github.com/chronoretrace/chronomon/monitor"
)

// Point is what a series was at a time.
type Point = monitor.Point

// Threshold is the [Score.Value] from which a point is an anomaly, by a detector's
// own limit: three standard deviations for one that counts those, the bound for one
// that has bounds.
const Threshold = 0.5

// A Score is what a detector says of a point.
type Score struct {
	// Value tells how far the point is from what was expected, from 0, just that, to
	// 1. It is d/(d+limit), where d is the distance in the detector's own unit and
	// limit the distance that is an anomaly, so that Threshold and more is one.
	Value float64

	// Expected is what the point was expected to be, and Low and High the band out
	// of which it would be an anomaly. They are NaN where the detector has no such
	// notion, as one of shapes, and before it is ready.
	Expected, Low, High float64

	// Ready is false while the detector has not yet seen what it needs. Value is 0
	// until then.
	Ready bool
}

// Anomalous reports whether the point is an anomaly.
func (s Score) Anomalous() bool { return s.Value >= Threshold }

// A Detector scores the points of one series as they come, each before it learns
// from it. It never looks ahead, and the same points give the same scores.
//
// A point whose value is NaN or infinite is missing: it is not learnt from and its
// Value is 0. So is one that is not later than the last. A Detector is for one
// goroutine at a time.
type Detector interface {
	Observe(p Point) Score
}

// unready is the score of a detector that cannot say.
func unready() Score { return Score{Expected: math.NaN(), Low: math.NaN(), High: math.NaN()} }

// value is the Score.Value of a distance. A limit of 0 makes any distance the most.
func value(distance, limit float64) float64 {
	if distance <= 0 || math.IsNaN(distance) {
		return 0
	}
	if math.IsInf(distance, 1) || limit <= 0 {
		return 1
	}
	return distance / (distance + limit)
}

// clock holds a detector to points that are later than the last and have a value.
type clock struct{ last time.Time }

// takes reports whether the point is to be learnt from.
func (c *clock) takes(p Point) bool {
	if math.IsNaN(p.Value) || math.IsInf(p.Value, 0) || (!c.last.IsZero() && !p.Time.After(c.last)) {
		return false
	}
	c.last = p.Time
	return true
}
