package unseen

import (
	"errors"
	"fmt"
)

// A Config is what a detector may be tuned by. One set of them is meant to serve
// all series.
type Config struct {
	Warmup int // points that are learnt from before the first score, from MinWarmup to MaxWarmup

	Growth float64 // by how much a range may grow at once, as a factor
	Decay  float64 // how much of a range is lost in as many points as the span
	Drift  float64 // how far the middle of a range moves with a point, in interquartile ranges
	Spread float64 // share of the range, and not of the spread of its maxima, in the unit beyond the edge
	Other  float64 // the least range of a side, in ranges of the other side
	Floor  float64 // the least range of a feature, in ranges of the value
	Shape  float64 // the least range of the distance of shapes
	Power  float64 // of the norm that joins the features
	Quiet  float64 // how long after an event only a higher one is told, in spans
	Rise   float64 // how much higher, as a factor
	Limit  float64 // the joint ratio that is an anomaly
}

// The shortest warm-up, and the longest.
const (
	MinWarmup = 16
	MaxWarmup = 10_000
)

// Default returns the set that was fitted to the Numenta Anomaly Benchmark.
func Default() Config {
	return Config{
		Warmup: 750, Growth: 2, Decay: 0.15, Drift: 0.01, Spread: 0.7, Other: 0.05,
		Floor: 0.05, Shape: 0.03, Power: 8, Quiet: 0.25, Rise: 1.1, Limit: 1.35,
	}
}

// Validate tells what of the configuration is not as it has to be.
func (c *Config) Validate() error {
	var errs []error
	if c.Warmup < MinWarmup || c.Warmup > MaxWarmup {
		errs = append(errs, fmt.Errorf("a warm-up of %d points is not from %d to %d", c.Warmup, MinWarmup, MaxWarmup))
	}
	for _, f := range []struct {
		name       string
		v, low, to float64
	}{
		{"growth", c.Growth, 1, 1e3},
		{"decay", c.Decay, 0, 1},
		{"drift", c.Drift, 0, 1},
		{"spread", c.Spread, 0, 1},
		{"other side", c.Other, 0, 1},
		{"floor", c.Floor, 0, 1},
		{"floor of shapes", c.Shape, 0, 1},
		{"power", c.Power, 1, 64},
		{"quiet", c.Quiet, 0, 1e3},
		{"rise", c.Rise, 0, 1e3},
		{"limit", c.Limit, 1e-3, maxRatio},
	} {
		if !(f.v >= f.low && f.v <= f.to) {
			errs = append(errs, fmt.Errorf("a %s of %v is not from %g to %g", f.name, f.v, f.low, f.to))
		}
	}
	return errors.Join(errs...)
}

const (
	blocks    = 8    // of the warm-up, and as long ones after it, whose maxima are kept track of
	blocksAge = 64   // blocks that the spread of maxima remembers
	reach     = 4    // standard deviations of block maxima that count as one range
	quietFrom = 0.8  // joint ratio from which on a point is an event, if no anomaly
	heard     = 0.6  // ratio below which a feature has no say
	levelRate = 0.02 // of the moving level
	wide      = 20   // points of the mean
	near      = 4    // points that the nearest of is looked for among

	headPoints = 32           // that the step is learnt from
	day        = 24 * 60 * 60 // seconds
	leastStep  = 5 * 60       // seconds; where points come faster, a span has as many more
	maxSpan    = 1 << 20      // points
	maxRatio   = 1e6          // any higher one is this
	same       = 1e-6         // values no further apart, relative to the middle, are one
	farthest   = 1e150        // values further from the first are as far as this, whose square is a number
)

// The features.
const (
	value = iota
	fromNear
	fromLevel
	fromSeason
	meanFromSeason
	fromShape
	features
)
