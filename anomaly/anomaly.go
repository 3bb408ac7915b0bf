package anomaly

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/chronoretrace/chronomon/monitor"
)

// An Anomaly is a time in which a series was not as expected. Its maps and slices are
// not to be changed.
type Anomaly struct {
	ID      string         `json:"id"` // the same in every process that sees the same
	Watch   string         `json:"watch"`
	Method  string         `json:"method"`
	Labels  monitor.Labels `json:"labels"`  // of the series
	Started time.Time      `json:"started"` // the point that opened it
	Last    time.Time      `json:"last"`    // the newest point that was an anomaly
	Open    bool           `json:"open"`
	Points  int            `json:"points"` // that were anomalies since it opened
	Score   float64        `json:"score"`  // the greatest; see the metric anomaly_score

	Explanation Explanation `json:"explanation"`

	Evidence string `json:"evidence,omitempty"` // link to it: see WithEvidence

	Verdict Verdict   `json:"verdict,omitempty"` // "" if nobody said anything
	By      string    `json:"by,omitempty"`      // who said it
	Judged  time.Time `json:"judged,omitzero"`   // when

	seriesID string
	series   *watched // nil if there is none
}

// A Verdict is what somebody says of an anomaly.
type Verdict string

// The verdicts.
const (
	Confirmed Verdict = "confirmed" // it was one
	Dismissed Verdict = "dismissed" // it was none
)

// mostEnded bounds the anomalies that are kept when they are over.
const mostEnded = 256

// Active returns the anomalies that are open, by when they started.
func (e *Engine) Active() []Anomaly {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := make([]Anomaly, 0, len(e.open))
	for _, a := range e.open {
		out = append(out, a.copy())
	}
	slices.SortFunc(out, byStart)
	return out
}

// Recent returns the anomalies that are over, the last one to end first: 256 at most.
func (e *Engine) Recent() []Anomaly {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := make([]Anomaly, 0, len(e.ended))
	for _, a := range slices.Backward(e.ended) {
		out = append(out, a.copy())
	}
	return out
}

func byStart(a, b Anomaly) int {
	return cmp.Or(a.Started.Compare(b.Started), cmp.Compare(a.Watch, b.Watch), cmp.Compare(a.ID, b.ID))
}

func (a *Anomaly) copy() Anomaly {
	out := *a
	out.series = nil
	return out
}

// capture asks for evidence of what has opened.
func (e *Engine) capture(ctx context.Context) {
	if e.config.evidence == nil {
		return
	}
	for _, n := range e.told {
		if !n.opened {
			continue
		}
		e.mu.Lock()
		a := n.a.copy()
		e.mu.Unlock()
		link, err := e.evidence(ctx, a)
		if err != nil {
			e.m.Logger().Warn("anomaly: there is no evidence", "watch", a.Watch, "series", a.Labels.String(), "error", err)
			continue
		}
		e.mu.Lock()
		n.a.Evidence = link
		e.dirty[anomalyKey+n.a.ID] = true
		e.mu.Unlock()
	}
}

func (e *Engine) evidence(ctx context.Context, a Anomaly) (link string, err error) {
	defer e.m.Guard("anomaly.WithEvidence", &err)
	return e.config.evidence(ctx, a)
}

// A Row is an anomaly as the table anomaly_detections has it: pgstore.Anomaly(row) is
// what SaveAnomalies of package pgstore takes.
type Row struct {
	Row              int32 // the table's; 0
	Metric, Method   string
	Series           string
	Score, Threshold float64
	DetectedAt       time.Time
	Context          map[string]any
	Confirmed        bool
	CreatedAt        time.Time // the table's; zero
}

// Row returns the anomaly as a row. Metric is the watch, and the explanation is in the
// Context.
func (a Anomaly) Row() Row {
	about := map[string]any{}
	text, err := json.Marshal(a.Explanation)
	if err == nil {
		_ = json.Unmarshal(text, &about) // it was just encoded
	}
	maps.DeleteFunc(about, func(_ string, v any) bool { return v == nil })
	about["id"] = a.ID
	if a.Evidence != "" {
		about["evidence"] = storable(a.Evidence)
	}
	return Row{
		Metric: a.Watch, Method: a.Method, Series: storable(a.Labels.String()), Score: a.Score, Threshold: Threshold,
		DetectedAt: a.Started, Context: about, Confirmed: a.Verdict == Confirmed,
	}
}

// A notice is what sinks are told of.
type notice struct {
	a      *Anomaly
	opened bool
	at     time.Time
}

// opens opens an anomaly with a point.
func (e *Engine) opens(s *watched, p Point) {
	a := &Anomaly{
		ID:    idOf(fmt.Sprintf("%s %d", s.key, p.Time.UnixMilli())),
		Watch: s.watch.Name, Method: s.watch.Method, Labels: s.labels,
		Started: p.Time, Last: p.Time, Open: true, Points: 1, Score: s.score.Value,
		Explanation: e.seen(s, p), seriesID: s.id, series: s,
	}
	e.mu.Lock()
	s.open, e.open[s.id] = a, a
	e.dirty[anomalyKey+a.ID] = true
	e.mu.Unlock()
	e.opened = append(e.opened, &opening{a, s.watch})
	e.told = append(e.told, notice{a, true, p.Time})
	e.unsaved = append(e.unsaved, a)
	add(e.counters.detections.Cell(a.Watch, a.Method), 1)
}

// goesOn notes that a point of an open anomaly is one.
func (e *Engine) goesOn(s *watched, p Point) {
	e.mu.Lock()
	defer e.mu.Unlock()
	a := s.open
	if p.Time.After(a.Last) {
		a.Last = p.Time
		a.Points++
	}
	a.Score = max(a.Score, s.score.Value)
}

// closes closes an anomaly. mu is held.
func (e *Engine) closes(a *Anomaly) {
	a.Open = false
	if a.series != nil {
		a.series.open, a.series = nil, nil
	}
	delete(e.open, a.seriesID)
	if len(e.ended) == mostEnded {
		e.dirty[anomalyKey+e.ended[0].ID] = true
		e.ended = slices.Delete(e.ended, 0, 1)
	}
	e.ended = append(e.ended, a)
	e.dirty[anomalyKey+a.ID] = true
	e.told = append(e.told, notice{a, false, a.Last})
}

// notify records an event.
func (e *Engine) notify(n notice) {
	if !e.m.Enabled(monitor.KindAnomaly) {
		return
	}
	e.mu.Lock()
	a := n.a.copy()
	e.mu.Unlock()
	ev := monitor.Event{Time: n.at, Kind: monitor.KindAnomaly, Name: a.Watch, Failed: n.opened}
	state := "open"
	if !n.opened {
		state, ev.Duration = "closed", a.Last.Sub(a.Started)
	}
	ev.Add(
		slog.String("state", state), slog.String("id", a.ID), slog.String("series", a.Labels.String()), slog.Float64("score", a.Score),
		slog.String("method", a.Method),
	)
	if a.Evidence != "" {
		ev.Add(slog.String("evidence", a.Evidence))
	}
	for name, v := range map[string]float64{"observed": a.Explanation.Observed, "expected": a.Explanation.Expected} {
		if n := number(v); n != nil {
			ev.Add(slog.Float64(name, *n))
		}
	}
	e.m.Record(ev)
}

// sameLabels reports whether a finer series is part of one: they agree in all labels
// that both have.
func sameLabels(part, whole monitor.Labels) bool {
	for k, v := range whole {
		if own, both := part[k]; both && own != v && k != monitor.MetricName {
			return false
		}
	}
	return true
}
