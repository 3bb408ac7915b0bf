package capacity

import (
	"cmp"
	"math"
	"slices"

	"github.com/chronoretrace/chronomon/internal/series"
)

// pattern is what was found in the daily peaks before they were extrapolated.
type pattern struct {
	season  int       // days; 0 for none
	month   Month     // without By
	steps   []int     // days on which the level changed at once
	cleanup []float64 // when a saw-tooth fell, in days
	spikes  []int     // days that are not learned from as they are
}

const (
	mostSteps    = 3
	leastCycles  = 3   // falls that make a saw-tooth
	stepEvidence = 3.0 // beyond the logarithm of the number of days, as a logarithm
	// That of one among so many days of a month.
	monthEvidence = 8.0
	leastStep     = 3  // days before and after a step
	mostCycle     = 31 // days of a saw-tooth that is not told from its falls
)

var (
	roughShapes = []shape{{kind: flat}, {kind: straight}, {kind: curved, bend: -2.5, log: -2}, {kind: curved, bend: 2.5, log: -2}}
	roughPhis   = []float64{0, 0.6, 1}
)

// findPattern looks for patterns in scaled peaks, each of which has to be worth
// its parameters. dates are nil where peaks are not those of days.
func findPattern(y []float64, drops []drop, dates []monthDay) (pattern, design) {
	d := design{n: len(y), y: y}
	var found pattern
	if slices.Max(series.Filled(y)) == slices.Min(series.Filled(y)) {
		return found, d
	}
	filled := series.Filled(y)
	best := d.evidence()
	try := func(other design, more float64) bool {
		e := other.evidence()
		if e < best+more {
			return false
		}
		d, best = other, e
		return true
	}
	if dates != nil {
		weekly := d
		weekly.season = week
		if len(y) >= 2*week {
			try(weekly, 0)
		}
		if m, ok := monthOf(d.residuals(filled), dates); ok {
			months := d
			months.month = m.column(dates)
			if try(months, monthEvidence) {
				found.month = m
			}
		}
	}
	base := d
	for i, falls := range [][]float64{fallsOf(filled, drops), suddenFalls(drops), base.regularFalls(filled)} {
		if len(falls) < leastCycles {
			continue
		}
		for _, season := range slices.Compact([]int{base.season, 0}) {
			teeth := base
			teeth.season, teeth.age = season, agesOf(falls, len(y))
			more := 0.0
			if i == 2 || base.season > 0 { // weekends are no clean-ups
				more = math.Log(float64(len(y)))
			}
			if try(teeth, more) {
				found.cleanup = falls
			}
		}
	}
	if d.age != nil {
		found.cleanup, d, best = moreFalls(d, best, found.cleanup, filled, drops)
		if d.month != nil { // a clean-up once a month
			teeth := d
			teeth.month = nil
			if try(teeth, -monthEvidence) {
				found.month = Month{}
			}
		}
	}
	for range mostSteps {
		more := math.Log(float64(len(y))) + stepEvidence
		before := len(d.steps)
		base, at := d, best
		for _, c := range stepCandidates(base, filled) {
			other := base
			other.steps = append(slices.Clone(base.steps), c)
			slices.Sort(other.steps)
			if e := other.evidence(); e > at+more && e > best {
				d, best = other, e
			}
		}
		if len(d.steps) == before {
			break
		}
	}
	found.season, found.steps = d.season, d.steps
	found.spikes = d.clip()
	return found, d
}

// evidence is the logarithm of the marginal likelihood of the design, over rough
// candidates.
func (d design) evidence() float64 {
	fit := fitDrift(d, roughShapes, roughPhis, nil, nil)
	most, sum := math.Inf(-1), 0.0
	for _, c := range fit.cells {
		most = max(most, c.lik+c.shape.log)
	}
	for _, c := range fit.cells {
		sum += math.Exp(c.lik + c.shape.log - most)
	}
	return most + math.Log(sum)
}

// stepCandidates are the days on which a step is the likeliest, by the medians of
// what lies on both sides.
func stepCandidates(d design, filled []float64) []int {
	const (
		side = 10
		most = 4
	)
	y := d.rest(filled)
	slope := usualSlope(y)
	type candidate struct {
		at   int
		size float64
	}
	var all []candidate
	for c := leastStep; c <= len(y)-leastStep; c++ {
		a, b := y[max(0, c-side):c], y[c:min(len(y), c+side)]
		gap := series.Median(b) - series.Median(a) - slope*float64(len(a)+len(b))/2
		size := math.Abs(gap)*math.Sqrt(1/(1/float64(len(a))+1/float64(len(b)))) + math.Abs(y[c]-y[c-1]-slope)
		all = append(all, candidate{c, size})
	}
	slices.SortFunc(all, func(a, b candidate) int { return cmp.Compare(b.size, a.size) })
	var out []int
	for _, c := range all {
		if !slices.ContainsFunc(append(slices.Clone(d.steps), out...), func(o int) bool { return max(o-c.at, c.at-o) < 2 }) {
			if out = append(out, c.at); len(out) == most {
				break
			}
		}
	}
	return out
}

// rest is a filled series without the season, the steps and the saw-tooth that
// the design has.
func (d design) rest(filled []float64) []float64 {
	if d.season == 0 && len(d.steps) == 0 && d.month == nil && d.age == nil {
		return slices.Clone(filled)
	}
	c := d.roughly()
	return d.without(filled, c, c.p-d.patterns())
}

// level is the series without the season and the steps, or what is full cycles of
// a saw-tooth at the height that each rises to: when in the day it falls would look
// like growth.
func (d design) level(falls []float64) []float64 {
	y := series.Filled(d.y)
	if d.age == nil || falls[len(falls)-1]-falls[0] < leastDay {
		return d.rest(y)
	}
	var out []float64
	for i, f := range falls[1:] {
		from, to := int(math.Ceil(falls[i])), int(math.Ceil(f)) // a day's peak is before it falls
		if from == to {
			continue
		}
		highest := slices.Max(y[from:to])
		for range to - from {
			out = append(out, highest)
		}
	}
	return out
}

// residuals is a filled series without anything of the design.
func (d design) residuals(filled []float64) []float64 { return d.without(filled, d.roughly(), 0) }

func (d design) roughly() *cell {
	fit := fitDrift(d, roughShapes, roughPhis[:2], nil, nil)
	return fit.best()
}

// without takes the columns of a candidate from the first on out of a series.
func (d design) without(filled []float64, c *cell, first int) []float64 {
	out := slices.Clone(filled)
	x := make([]float64, c.p)
	for t := range out {
		d.row(c.shape, t, d.ageAt(t), x)
		for j := first; j < c.p; j++ {
			out[t] -= x[j] * c.mean[j]
		}
	}
	return out
}

// clip holds values far from those about them to where they might be, and returns
// which they are. The farthest go first: each makes others of its season look far.
func (d *design) clip() (spikes []int) {
	const far = 6 // deviations
	y := slices.Clone(d.y)
	most := len(y) / 20
	for len(spikes) <= most {
		about := aboutMedian(design{d.n, y, d.season, d.steps, d.month, d.age}.rest(series.Filled(y)))
		deviation := series.NormalMAD * series.MAD(about)
		if !(deviation > 0) {
			return nil
		}
		at := 0
		for i, v := range about {
			if math.Abs(v) > math.Abs(about[at]) && !math.IsNaN(y[i]) {
				at = i
			}
		}
		if math.Abs(about[at]) <= far*deviation || slices.Contains(spikes, at) {
			slices.Sort(spikes)
			d.y = y
			return spikes
		}
		y[at] -= about[at]
		spikes = append(spikes, at)
	}
	return nil // too many to be exceptions
}

// aboutMedian is y about its running median along its usual slope.
func aboutMedian(y []float64) []float64 {
	const half = 4
	slope := usualSlope(y)
	out := make([]float64, len(y))
	for i, v := range y {
		out[i] = v - slope*float64(i)
	}
	middle := make([]float64, len(y))
	for i := range y {
		middle[i] = series.Median(out[max(0, i-half):min(len(y), i+half+1)])
	}
	for i, m := range middle {
		out[i] -= m
	}
	return out
}

// usualSlope is the median difference of a day to the one before.
func usualSlope(y []float64) float64 {
	slopes := make([]float64, len(y)-1)
	for i := range slopes {
		slopes[i] = y[i+1] - y[i]
	}
	return series.Median(slopes)
}
