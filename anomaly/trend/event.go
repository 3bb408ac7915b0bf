package trend

import (
	"math"
	"sort"
	"time"
)

// An Event is something that was or is planned: a deployment, a maintenance, a
// sale. Values of the past in it are not learned from.
type Event struct {
	Name     string
	From, To time.Time // From belongs to it, To does not
	// Factor is what the values of an event to come are multiplied with. 0 stands
	// for what past events of the same name did; for 1 where there are none. What
	// stops all has a factor just above 0. The interval does not know how sure the
	// factor is.
	Factor float64
}

// effect is an event with its factor.
type effect struct {
	Event
	factor float64
}

// during returns which of the times, ascending, lie in the event: from the first up
// to before the end.
func (e Event) during(times []time.Time) (first, end int) {
	before := func(until time.Time) int {
		return sort.Search(len(times), func(i int) bool { return !times[i].Before(until) })
	}
	return before(e.From), before(e.To)
}

// hide takes the values out that lie in events.
func (t *timeline) hide() {
	for _, e := range t.config.events {
		first, end := e.during(t.times)
		for i := first; i < end; i++ {
			t.values[i] = math.NaN()
		}
	}
}

// learn finds what events did, against what would have been without them.
func (t *timeline) learn(actual []float64) {
	was, would := map[string]float64{}, map[string]float64{}
	for _, e := range t.config.events {
		first, end := e.during(t.times)
		for i := first; i < end; i++ {
			if !math.IsNaN(actual[i]) {
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

// factors are what the events do at each of the times to come, together.
func (t *timeline) factors(times []time.Time) []float64 {
	out := make([]float64, len(times))
	for i := range out {
		out[i] = 1
	}
	for _, e := range t.events {
		first, end := e.during(times)
		for i := first; i < end; i++ {
			out[i] = min(out[i]*e.factor, largest)
		}
	}
	return out
}
