package anomaly

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/chronoretrace/chronomon/monitor"
)

// An Explanation says why a point is an anomaly. It is about the point that opened it.
type Explanation struct {
	Observed  float64 // NaN if what is wrong is that there was none
	Expected  float64 // NaN if the detector has no such notion, as the next ones
	Low, High float64 // the band, as the series' sensitivity makes it; ends may be infinite
	Deviation float64 // from Expected, in half widths of the band: 1 is its upper end, -1 its lower

	Season   string         // where in the season it was, of a [Seasoner]
	Votes    []Vote         // of a [Voter], the greatest first
	Together []Companion    // other series that moved at the same time, the most alike first: 5 at most
	Changes  []monitor.Mark // what was changed in the hour before, the last one first: 5 at most
	Detail   []Share        // which of the watch's Detail carry the change, the greatest first: 5 at most
}

// A Vote is what one of several detectors says of a point.
type Vote struct {
	Method string  `json:"method"`
	Value  float64 `json:"value"` // as [Score.Value]
}

// A Voter is a Detector that asks others. Votes returns what they said of the last
// point; the slice is the caller's.
type Voter interface {
	Detector
	Votes() []Vote
}

// A Seasoner is a Detector that knows a season. SeasonAt says where in it a time is,
// for people to read, or "".
type Seasoner interface {
	Detector
	SeasonAt(t time.Time) string
}

// SeasonAt implements [Seasoner].
func (d *Seasonal) SeasonAt(t time.Time) string {
	at, ok := d.season.Place(t)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%d of %d", at+1, len(d.places))
}

// A Companion is a series that moved like another one.
type Companion struct {
	Watch       string         `json:"watch"`
	Labels      monitor.Labels `json:"labels"`
	Correlation float64        `json:"correlation"` // of the last 32 steps; below 0 if it moved the other way
	Open        bool           `json:"open"`        // it has an anomaly itself
}

// A Share is what one part of a series has to do with its change. Before is the
// median of the steps before.
type Share struct {
	Labels monitor.Labels `json:"labels"`
	Before float64        `json:"before"`
	Now    float64        `json:"now"`
	Share  float64        `json:"share"` // of the change of all parts; below 0 if it went the other way
}

const (
	mostReasons    = 5
	mostExplained  = 20 // anomalies of one Detect that are compared with other series
	mostDetails    = 8  // queries for details of one Detect
	detailSteps    = 16 // before an anomaly
	changesWithin  = time.Hour
	leastTogether  = 8   // steps that both have
	leastLikeness  = 0.8 // correlation
	longestKeyword = 200 // bytes of what hosts' detectors say
)

// An opening is an anomaly that opened with this Detect.
type opening struct {
	a *Anomaly
	w *watching
}

// seen is what is to be asked of a detector as soon as it has spoken.
func (e *Engine) seen(s *watched, p Point) Explanation {
	x := Explanation{Observed: p.Value, Expected: s.score.Expected, Low: s.score.Low, High: s.score.High}
	x.Deviation = deviation(x)
	if d, ok := s.detector.(Seasoner); ok {
		x.Season = cutText(d.SeasonAt(p.Time))
	}
	if d, ok := s.detector.(Voter); ok {
		for _, v := range d.Votes() {
			if number(v.Value) != nil {
				x.Votes = append(x.Votes, Vote{cutText(v.Method), v.Value})
			}
		}
		slices.SortStableFunc(x.Votes, func(a, b Vote) int { return cmp.Compare(b.Value, a.Value) })
		x.Votes = x.Votes[:min(len(x.Votes), 32)]
	}
	return x
}

// deviation is how far a point is from what was expected.
func deviation(x Explanation) float64 {
	off := x.Observed - x.Expected
	if off == 0 {
		return 0
	}
	half := x.High - x.Expected
	if off < 0 {
		half = x.Expected - x.Low
	}
	if !(half > 0) || math.IsInf(half, 0) {
		return math.NaN()
	}
	return off / half
}

func cutText(s string) string {
	s = storable(s)
	if len(s) > longestKeyword {
		return strings.ToValidUTF8(s[:longestKeyword], "")
	}
	return s
}

// storable is text that every store takes.
func storable(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// explain completes the explanations of what has opened.
func (e *Engine) explain(ctx context.Context) error {
	if len(e.opened) == 0 {
		return nil
	}
	marks := e.m.Marks()
	var errs []error
	asked := map[string][]monitor.Series{}
	for i, o := range e.opened {
		x := o.a.Explanation // who detects is the only one to change it
		x.Changes = before(marks, o.a.Started)
		if i < mostExplained {
			e.budget.begin()
			x.Together = e.together(o)
			e.budget.end()
		}
		if o.w.Detail != "" {
			parts, err := e.detail(ctx, o, asked)
			x.Detail = parts
			if err != nil {
				add(o.w.errors, 1)
				errs = append(errs, fmt.Errorf("anomaly: watch %q: detail: %w", o.w.Name, err))
			}
		}
		e.mu.Lock()
		o.a.Explanation = x
		e.mu.Unlock()
	}
	clear(e.opened)
	e.opened = e.opened[:0]
	return errors.Join(errs...)
}

// before returns the last marks of the hour before a time, the newest first.
func before(marks []monitor.Mark, at time.Time) (out []monitor.Mark) {
	for _, m := range slices.Backward(marks) {
		if !m.Time.After(at) && at.Sub(m.Time) <= changesWithin && len(out) < mostReasons {
			out = append(out, m)
		}
	}
	return out
}

// together finds the series of the same step that moved at the same time.
func (e *Engine) together(o *opening) (out []Companion) {
	s := o.a.series
	if s == nil {
		return nil
	}
	step := stepOf(o.a.Started, o.w.Step)
	for _, w := range e.watches {
		if w.Step != o.w.Step {
			continue
		}
		for _, other := range w.order {
			if other == s {
				continue
			}
			if r := likeness(&s.recent, &other.recent, step); math.Abs(r) >= leastLikeness {
				out = append(out, Companion{w.Name, other.labels, r, other.open != nil})
			}
		}
		e.budget.end()
	}
	slices.SortFunc(out, func(a, b Companion) int {
		return cmp.Or(cmp.Compare(math.Abs(b.Correlation), math.Abs(a.Correlation)), cmp.Compare(a.Watch, b.Watch), cmp.Compare(a.Labels.String(), b.Labels.String()))
	})
	return slices.Clone(out[:min(len(out), mostReasons)])
}

// likeness is the correlation of the last steps until one, or NaN.
func likeness(a, b *recent, until int64) float64 {
	var n, ma, mb, va, vb, both float64
	for step := until - recentSteps + 1; step <= until; step++ {
		x, y := a.at(step), b.at(step)
		if math.IsNaN(x) || math.IsNaN(y) {
			continue
		}
		n++
		dx, dy := x-ma, y-mb
		ma += dx / n
		mb += dy / n
		va += dx * (x - ma)
		vb += dy * (y - mb)
		both += dx * (y - mb)
	}
	if n < leastTogether || !(va > 0 && vb > 0) {
		return math.NaN()
	}
	return max(-1, min(1, both/(math.Sqrt(va)*math.Sqrt(vb))))
}

// detail asks which parts of a series carry its change: as they are now, against the
// median of the steps before the points that opened the anomaly.
func (e *Engine) detail(ctx context.Context, o *opening, asked map[string][]monitor.Series) ([]Share, error) {
	w, to := o.w, o.a.Started
	since := to.Add(-time.Duration(e.config.rate.last-1) * w.Step)
	key := fmt.Sprintf("%s %d", w.Name, to.UnixMilli())
	answer, ok := asked[key]
	if !ok {
		if len(asked) == mostDetails {
			return nil, nil
		}
		var err error
		answer, err = e.ask(ctx, w.Detail, monitor.Range{From: since.Add(-detailSteps * w.Step), To: to, Step: w.Step})
		asked[key] = answer
		if err != nil {
			return nil, err
		}
	}
	var out []Share
	total := 0.0
	for _, a := range answer {
		if _, ok := shownLabels("", a.Labels); !ok || !sameLabels(a.Labels, o.a.Labels) {
			continue
		}
		part := Share{Labels: texts(a.Labels)}
		var past []float64
		for _, p := range a.Points {
			switch {
			case number(p.Value) == nil:
			case p.Time.Equal(to):
				part.Now = p.Value
			case p.Time.Before(since):
				past = append(past, p.Value)
			}
		}
		if len(past) > 0 {
			slices.Sort(past)
			part.Before = past[len(past)/2]
		}
		total += part.Now - part.Before
		out = append(out, part)
	}
	slices.SortFunc(out, func(a, b Share) int {
		return cmp.Or(cmp.Compare(math.Abs(b.Now-b.Before), math.Abs(a.Now-a.Before)), cmp.Compare(a.Labels.String(), b.Labels.String()))
	})
	out = slices.Clone(out[:min(len(out), mostReasons)])
	for i := range out {
		if share := (out[i].Now - out[i].Before) / total; number(share) != nil {
			out[i].Share = share
		}
	}
	return out, nil
}

// number is nil for what JSON has no number for.
func number(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

func orNaN(v *float64) float64 {
	if v == nil {
		return math.NaN()
	}
	return *v
}

// jsonExplanation is an Explanation with null for what is no number.
type jsonExplanation struct {
	Observed  *float64    `json:"observed"`
	Expected  *float64    `json:"expected"`
	Low       *float64    `json:"low"`
	High      *float64    `json:"high"`
	Deviation *float64    `json:"deviation"`
	Season    string      `json:"season,omitempty"`
	Votes     []Vote      `json:"votes,omitempty"`
	Together  []Companion `json:"together,omitempty"`
	Changes   []change    `json:"changes,omitempty"`
	Detail    []Share     `json:"detail,omitempty"`
}

type change struct {
	Time time.Time `json:"time"`
	Kind string    `json:"kind"`
	Text string    `json:"text"`
}

// MarshalJSON implements json.Marshaler: what is NaN or infinite is null.
func (x Explanation) MarshalJSON() ([]byte, error) {
	out := jsonExplanation{
		number(x.Observed), number(x.Expected), number(x.Low), number(x.High), number(x.Deviation),
		x.Season, x.Votes, x.Together, nil, x.Detail,
	}
	for _, m := range x.Changes {
		out.Changes = append(out.Changes, change(m))
	}
	return json.Marshal(out)
}

// UnmarshalJSON implements json.Unmarshaler: what is null is NaN.
func (x *Explanation) UnmarshalJSON(b []byte) error {
	var in jsonExplanation
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	*x = Explanation{
		orNaN(in.Observed), orNaN(in.Expected), orNaN(in.Low), orNaN(in.High), orNaN(in.Deviation),
		in.Season, in.Votes, in.Together, nil, in.Detail,
	}
	for _, m := range in.Changes {
		x.Changes = append(x.Changes, monitor.Mark(m))
	}
	return nil
}
