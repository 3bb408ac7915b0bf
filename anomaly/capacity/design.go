package capacity

import (
	"math"
)

// design is what all candidates share.
type design struct {
	n      int       // days
	y      []float64 // scaled; NaN for a gap
	season int       // period; 0 for none
	steps  []int     // days on which the level changed at once
	month  []float64 // 1 on days of the month that stand out, those to come included; nil if there are none
	age    []float64 // days since the last clean-up; nil if there is no saw-tooth
}

// shape is how a curve bends.
type shape struct {
	kind          shapeKind
	bend          float64 // curved: growth of the slope over the history, as an exponent
	day           int     // kinked: from when on the slope is another
	middle, width float64 // sigmoid: in histories from the last day
	log           float64 // of its prior weight
}

type shapeKind uint8

const (
	flat shapeKind = iota
	straight
	curved
	kinked
	sigmoid
)

func (k shapeKind) String() string {
	return [...]string{"flat", "straight", "bent", "a new slope", "an S"}[k]
}

// shapes are the candidates for the design. Those of an S are many: they take part
// where one of a few does as well as other curves, and then the ones near it.
func (d design) shapes() []shape {
	out := []shape{{kind: flat}, {kind: straight}}
	for _, b := range bends {
		out = append(out, shape{kind: curved, bend: b, log: -3.5 - 0.1*math.Abs(b)})
	}
	for _, back := range []int{10, 14, 21, 28, 42, 60} {
		if back <= d.n*2/3 {
			out = append(out, shape{kind: kinked, day: d.n - 1 - back, log: -3})
		}
	}
	const ahead = 2 // logarithm of the likelihood
	phis := []float64{0.6}
	others := fitDrift(d, out, phis, nil, nil).best()
	var few []shape
	for _, m := range []float64{-0.85, -0.7, -0.55, -0.4, -0.25, -0.1} {
		for _, w := range []float64{0.1, 0.14, 0.2, 0.28, 0.4} {
			few = append(few, shape{kind: sigmoid, middle: m, width: w})
		}
	}
	c := fitDrift(d, few, phis, nil, nil).best()
	if c.lik < others.lik+ahead {
		return out
	}
	for _, m := range []float64{-0.1, -0.05, 0, 0.05, 0.1} {
		for _, w := range []float64{0.7, 0.84, 1, 1.19, 1.41} {
			out = append(out, shape{kind: sigmoid, middle: c.shape.middle + m, width: c.shape.width * w, log: -3.5})
		}
	}
	return out
}

var bends = []float64{
	-7, -5, -4, -3.3, -2.75, -2.3, -2, -1.7, -1.4, -1.2, -1, -0.8, -0.6, -0.4, -0.2,
	0.2, 0.4, 0.6, 0.8, 1, 1.4, 2, 3, 5, 8, 16, 30,
}

var dependences = []float64{0, 0.3, 0.6, 0.85, 1}

// columns of a row: 1, shape, season, steps, month, age.
func (d design) columns(s shape) int {
	p := 1 + d.patterns()
	if s.kind != flat {
		p++
	}
	if s.kind == kinked {
		p++
	}
	return p
}

// patterns are the columns behind that of the shape.
func (d design) patterns() int {
	p := len(d.steps)
	if d.season > 0 {
		p += d.season - 1
	}
	if d.month != nil {
		p++
	}
	if d.age != nil {
		p++
	}
	return p
}

// row writes the regressors of a day; age is that of the saw-tooth.
func (d design) row(s shape, t int, age float64, x []float64) {
	n := float64(d.n)
	at := float64(t) - (n - 1)
	x[0] = 1
	i := 1
	switch s.kind {
	case straight:
		x[i] = at / n
		i++
	case curved:
		x[i] = math.Expm1(s.bend*at/n) / s.bend
		i++
	case sigmoid:
		x[i] = 1 / (1 + math.Exp((s.middle-at/n)/s.width))
		i++
	case kinked:
		x[i], x[i+1] = at/n, max(0, float64(t-s.day))/n
		i += 2
	}
	if d.season > 0 {
		for j := range d.season - 1 {
			x[i+j] = -1 / float64(d.season)
		}
		if place := t % d.season; place < d.season-1 {
			x[i+place]++
		}
		i += d.season - 1
	}
	for _, c := range d.steps {
		x[i] = 0
		if t >= c {
			x[i] = 1
		}
		i++
	}
	if d.month != nil {
		x[i] = d.month[t]
		i++
	}
	if d.age != nil {
		x[i] = age
	}
}

func (d design) ageAt(t int) float64 {
	if d.age == nil {
		return 0
	}
	return d.age[t]
}
