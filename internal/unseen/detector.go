package unseen

import (
	"math"
	"slices"
)

// A Detector watches one series.
type Detector struct {
	config Config
	state  state
	season season
	shape  shape

	head   []headPoint          // until the step is known
	learnt [fromShape][]float32 // of the warm-up: the features but the shape's
}

// A state is what a detector keeps of fixed size. It is exported to encoding/binary.
type state struct {
	Points  int64   // seen
	First   float64 // value, from which all are counted
	Span    float64 // points
	Decay   float64 // of a point
	Level   float64
	Recent  [wide]float64 // values, a ring
	Records [features]Record
	InBlock int64
	EventAt int64 // point of the last event; 0: none
	Event   float64
}

type headPoint struct{ At, Value float64 }

// A Score is what is said of a point.
type Score struct {
	Ratio    float64 // joint; Config.Limit and more is an anomaly
	Repeat   bool    // whether it belongs to an event that has been told
	Expected float64
	Low      float64 // the band out of which the value alone is an anomaly
	High     float64
	Ready    bool
}

// New returns a detector with a valid configuration.
func New(c Config) *Detector {
	d := &Detector{config: c, head: make([]headPoint, 0, min(headPoints, c.Warmup))}
	for i := range d.learnt {
		d.learnt[i] = make([]float32, 0, c.Warmup)
	}
	return d
}

// Observe scores a point, at a time in seconds, and learns from it. The value is
// finite and the time later than the last.
func (d *Detector) Observe(at, v float64) Score {
	s := &d.state
	if s.Points == 0 && len(d.head) == 0 {
		s.First = v
	}
	v = max(-farthest, min(farthest, v-s.First))
	if d.head == nil {
		return d.observe(at, v)
	}
	d.head = append(d.head, headPoint{at, v})
	if len(d.head) < cap(d.head) {
		return Score{}
	}
	head := d.head
	d.head = nil
	step := medianStep(head)
	s.Span = min(maxSpan, math.Round(float64(d.config.Warmup)*max(1, leastStep/step)))
	s.Decay = d.config.Decay / s.Span
	s.Level = head[0].Value
	d.season = newSeason(step)
	var out Score
	for _, p := range head {
		out = d.observe(p.At, p.Value)
	}
	return out
}

// medianStep is that of times which follow each other, in seconds.
func medianStep(head []headPoint) float64 {
	steps := make([]float64, len(head)-1)
	for i := range steps {
		steps[i] = head[i+1].At - head[i].At
	}
	slices.Sort(steps)
	return max(1e-3, steps[len(steps)/2])
}

func (d *Detector) observe(at, v float64) Score {
	s := &d.state
	warmup := int64(d.config.Warmup)
	f, expected := d.features(at, v)
	if s.Points <= warmup {
		for i := range d.learnt {
			d.learnt[i] = append(d.learnt[i], short(f[i]))
		}
		if s.Points == warmup {
			d.learn()
		}
		return Score{}
	}
	f[fromShape] = d.shape.observe(v)
	out := Score{Expected: s.First + expected, Ready: true}
	floor := d.floor()
	out.Low, out.High = s.Records[value].band(&d.config, floor, d.config.Limit)
	out.Low, out.High = s.First+out.Low, s.First+out.High
	out.Ratio = d.joint(&f, floor)
	out.Repeat = d.told(out.Ratio)
	if s.InBlock++; s.InBlock == int64(blockLength(d.config.Warmup)) {
		s.InBlock = 0
		for i := range s.Records {
			s.Records[i].turn()
		}
	}
	return out
}

// floor is below what no feature's range is: what cannot be told apart.
func (d *Detector) floor() float64 {
	return same * math.Abs(d.state.First+d.state.Records[value].Middle)
}

// features are those of a point but that of the shape, and what the value was
// expected to be.
func (d *Detector) features(at, v float64) (f [features]float64, expected float64) {
	s := &d.state
	f[value], f[fromNear], f[fromLevel] = v, s.nearest(v), v-s.Level
	expected = s.Level
	s.Level += levelRate * f[fromLevel]
	s.Recent[s.Points%wide] = v
	s.Points++
	var mean float64
	n := min(s.Points, wide)
	for _, x := range s.Recent[:n] {
		mean += x / float64(n)
	}
	var usual float64
	var known bool
	if f[fromSeason], f[meanFromSeason], usual, known = d.season.observe(at, v, mean); known {
		expected = usual
	}
	return f, expected
}

// nearest is the signed distance to the nearest of the last values, so that it is
// news when a spike comes and none when it goes.
func (s *state) nearest(v float64) float64 {
	best, found := math.Inf(1), 0.0
	for i := s.Points - 1; i >= max(0, s.Points-near); i-- {
		d := v - s.Recent[i%wide]
		if a := math.Abs(d); a < best {
			best, found = a, d
		}
	}
	return found
}

// learn ends the warm-up.
func (d *Detector) learn() {
	s := &d.state
	scratch := make([]float32, d.config.Warmup)
	for i, values := range d.learnt {
		s.Records[i].learn(&d.config, values, scratch, false)
	}
	r := s.Records[value]
	d.shape = newShape(s.Span, r.Low, r.High, s.First+r.Middle)
	shapes := make([]float32, d.config.Warmup)
	for i, v := range d.learnt[value] {
		shapes[i] = short(d.shape.observe(float64(v)))
	}
	s.Records[fromShape].learn(&d.config, shapes, scratch, true)
	d.learnt = [fromShape][]float32{}
}

// joint joins the ratios of all features.
func (d *Detector) joint(f *[features]float64, floor float64) float64 {
	s, c := &d.state, &d.config
	var sum float64
	for i := range s.Records {
		r := &s.Records[i]
		least, oneSided := floor, false
		switch i {
		case value:
		case fromShape:
			least, oneSided = c.Shape, true
		default:
			x := &s.Records[value]
			least += c.Floor * (x.High - x.Low) / 2
		}
		if ratio := r.observe(c, f[i], least, s.Decay, oneSided); ratio >= heard {
			sum += math.Pow(ratio, c.Power)
		}
	}
	if sum == 0 {
		return 0
	}
	return math.Pow(sum, 1/c.Power)
}

// told reports whether a ratio is no news after the last event, and notes it if it is.
func (d *Detector) told(ratio float64) bool {
	s, c := &d.state, &d.config
	if s.EventAt > 0 && float64(s.Points-s.EventAt) <= c.Quiet*s.Span && ratio <= c.Rise*s.Event {
		return true
	}
	if ratio >= quietFrom {
		s.EventAt, s.Event = s.Points, ratio
	}
	return false
}

// short is a value in half the space.
func short(v float64) float32 {
	return float32(max(-math.MaxFloat32, min(math.MaxFloat32, v)))
}
