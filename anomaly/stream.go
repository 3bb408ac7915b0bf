package anomaly

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chronoretrace/chronomon/monitor"
)

// A Measure is what a [Stream] makes of the events of an interval.
type Measure uint8

// The measures. Where there was no event there is no value, except that Requests are 0
// for two minutes after the last one.
const (
	MeanDuration Measure = iota // in seconds
	MaxDuration                 // in seconds
	Requests                    // how many
	FailureRatio                // 0 to 1
)

// StreamConfig says what a [Stream] watches.
type StreamConfig struct {
	// Name tells it from other watches: it is the label "watch" of its metrics.
	// Required, up to 100 characters.
	Name string

	// Measure is what is watched of each name of events. The default is MeanDuration.
	Measure Measure

	// Every is the interval that events are gathered for. The default is a second,
	// which is the least; the most is an hour.
	Every time.Duration

	// Label is under which the events' name is in the metrics. The default is
	// "endpoint".
	Label string

	// Keys bounds the names of events that are told apart in an interval; all others
	// are "other", and counted. The default is 100, and the most 10,000.
	Keys int

	// As those of a [Watch]. The default of New is [NewDefault] with [WithRepeats].
	New         func() (Detector, error)
	Method      string
	Sensitivity float64
}

const (
	streamDelay     = 2 * time.Second // for which events may wait for their sink's worker
	streamIntervals = 128             // that are kept
	streamGone      = 2 * time.Minute // for which a name without events has none, rather than being gone
	otherKey        = "other"
)

// A Stream watches events as they come, without a query: the real-time path from a
// request to its detector. It is a sink, so that nothing of it happens while the
// request waits: events come through the sink's queue, are added up by name and
// interval, and are given to detectors two seconds after its end.
//
//	stream, err := anomaly.NewStream(anomaly.StreamConfig{Name: "response time"})
//	m, err := monitor.New(monitor.WithSink("anomaly", stream, monitor.WithKinds(monitor.KindRequest)))
//	engine, err := anomaly.New(m, history, anomaly.WithStream(stream))
//
// With monitor.WithSampling fewer events are looked at. Those that failed or were slow
// are always kept, so that means and ratios are then higher than those of all, at all
// times alike.
type Stream struct {
	watch   Watch
	measure Measure
	label   string
	keys    int
	taken   atomic.Bool // an engine has it

	mu    sync.Mutex
	ring  [streamIntervals]interval // guarded by mu, as all below; by number of the interval
	done  int64                     // the newest interval that was given away; 0: none
	late  int                       // events that were not taken, since they were last asked for
	other int                       // events that counted as other
}

var _ monitor.Sink = (*Stream)(nil)

// interval is the events of a time by name.
type interval struct {
	number int64
	sums   map[string]*sum
}

type sum struct {
	n, failed   int
	total, most time.Duration
}

// NewStream returns a Stream, which is to be given to the monitor as a sink and to an
// engine by [WithStream]. The error wraps monitor.ErrInvalidOption for each thing that
// is wrong.
func NewStream(c StreamConfig) (*Stream, error) {
	var errs []error
	bad := func(field string, value any, want string) {
		errs = append(errs, invalid("stream %q: %s = %v: want %s", c.Name, field, value, want))
	}
	c.Every, c.Label, c.Keys = cmp.Or(c.Every, time.Second), cmp.Or(c.Label, "endpoint"), cmp.Or(c.Keys, 100)
	if c.Every > time.Hour {
		bad("Every", c.Every, "an hour at most")
	}
	if c.Measure > FailureRatio {
		bad("Measure", c.Measure, "one of the measures")
	}
	if !named(c.Label, longestName) || strings.HasPrefix(c.Label, "__") {
		bad("Label", fmt.Sprintf("%q", c.Label), "a label's name")
	}
	if c.Keys < 1 || c.Keys > 10_000 {
		bad("Keys", c.Keys, "1 to 10000")
	}
	w, err := Watch{
		Name: c.Name, Expr: "events", Step: c.Every, Lookback: -1, New: c.New, Method: c.Method, Sensitivity: c.Sensitivity,
	}.complete(standardDetector)
	if err := errors.Join(append(errs, err...)...); err != nil {
		return nil, err
	}
	return &Stream{watch: w, measure: c.Measure, label: c.Label, keys: c.Keys}, nil
}

// Write implements monitor.Sink. It never fails.
func (s *Stream) Write(_ context.Context, batch []monitor.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range batch {
		s.add(&batch[i])
	}
	return nil
}

// add adds an event to its interval. mu is held.
func (s *Stream) add(e *monitor.Event) {
	number := stepOf(e.Time, s.watch.Step)
	if number <= s.done || (s.done > 0 && number >= s.done+streamIntervals) {
		s.late++
		return
	}
	in := &s.ring[uint64(number)%streamIntervals]
	if number < in.number {
		s.late++
		return
	}
	if number > in.number || in.sums == nil {
		for _, old := range in.sums { // nobody asked for them
			if in.number > s.done {
				s.late += old.n
			}
		}
		*in = interval{number, map[string]*sum{}}
	}
	name := e.Name
	if _, known := in.sums[name]; !known && len(in.sums) >= s.keys || name == "" {
		name = otherKey
		s.other++
	}
	to := in.sums[name]
	if to == nil {
		to = &sum{}
		in.sums[strings.Clone(name)] = to
	}
	to.n++
	if e.Failed {
		to.failed++
	}
	to.total += e.Duration
	to.most = max(to.most, e.Duration)
}

// take returns the intervals from one to another as series, and how many events were
// too late or counted as other since it was last called. The point of an interval is
// at its beginning.
func (s *Stream) take(from, to time.Time) (series []monitor.Series, late, other int) {
	step := s.watch.Step
	last := stepOf(to, step)
	first := max(stepOf(from, step), last-streamIntervals+1)
	s.mu.Lock()
	defer s.mu.Unlock()
	points := map[string][]Point{}
	names := s.names(first, last)
	for number := first; number <= last; number++ {
		in := &s.ring[uint64(number)%streamIntervals]
		for _, name := range names {
			var one *sum
			if in.number == number {
				one = in.sums[name]
			}
			if v, ok := s.measure.of(one); ok {
				points[name] = append(points[name], Point{Time: time.UnixMilli(number * step.Milliseconds()), Value: v})
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(points)) {
		series = append(series, monitor.Series{Labels: monitor.Labels{s.label: name}, Points: points[name]})
	}
	s.done = max(s.done, last)
	late, other = s.late, s.other
	s.late, s.other = 0, 0
	return series, late, other
}

// names lists the names that are to have points. mu is held.
func (s *Stream) names(first, last int64) []string {
	since := first
	if s.measure == Requests {
		since -= int64(streamGone / s.watch.Step)
	}
	all := map[string]bool{}
	for i := range s.ring {
		if in := &s.ring[i]; in.number >= since && in.number <= last {
			for name := range in.sums {
				all[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// of is the measure of an interval's events, which may be none.
func (m Measure) of(s *sum) (v float64, ok bool) {
	if s == nil {
		return 0, m == Requests
	}
	switch n := float64(s.n); m {
	case MaxDuration:
		return s.most.Seconds(), true
	case Requests:
		return n, true
	case FailureRatio:
		return float64(s.failed) / n, true
	default:
		return s.total.Seconds() / n, true
	}
}
