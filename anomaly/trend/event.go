package trend

import (
	"math"
	"time"
)

// An Event is something that was or is planned: a deployment, a maintenance, a
// sale. Values of the past in it are not learned from.
type Event struct {
	Name     string
	From, To time.Time // From belongs to it, To does not
	// Factor is what the values of an event to come are multiplied with. 0 stands
	// for what past events of the same name did; for 1 where there are none.
	Factor float64
}

func (e Event) holds(t time.Time) bool { return !t.Before(e.From) && t.Before(e.To) }

// effect is an event with its factor.
type effect struct {
	Event
	factor float64
}

// hide takes the values out that lie in events.
func (t *timeline) hide() {
	for i, at := range t.times {
		for _, e := range t.config.events {
			if e.holds(at) {
				t.values[i] = math.NaN()
			}
		}
	}
}

// learn finds what events did, against what would have been without them.
func (t *timeline) learn(actual []float64) {
	was, would := map[string]float64{}, map[string]float64{}
	for i, at := range t.times {
		for _, e := range t.config.events {
			if e.holds(at) && !math.IsNaN(actual[i]) {
				was[e.Name] += actual[i]
				would[e.Name] += t.values[i]
			}
		}
	}
	end := t.times[len(t.times)-1]
	for _, e := range t.config.events {
		f := effect{e, e.Factor}
		if f.factor == 0 {
			f.factor = 1
			if r := was[e.Name] / would[e.Name]; r >= 0 && !math.IsInf(r, 0) {
				f.factor = r
			} else if e.To.After(end) {
				t.note("nothing is known of what %q does", e.Name)
			}
		}
		t.events = append(t.events, f)
	}
}

// factor is what the events do at a time to come, together.
func (t *timeline) factor(at time.Time) float64 {
	f := 1.0
	for _, e := range t.events {
		if e.holds(at) {
			f = min(f*e.factor, largest)
		}
	}
	return f
}
