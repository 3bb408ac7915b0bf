package anomaly

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrUnknown is returned for an id that no anomaly has, or none that is still kept.
var ErrUnknown = errors.New("no such anomaly")

const (
	dismissedBy, confirmedBy   = 1.25, 0.95 // what a verdict multiplies the limit with
	leastOpinion, mostOpinion  = 0.7, 4.0
	mostOpinions               = 10_000 // series that something is known of
	opinionKey, anomalyKey     = "series/", "anomaly/"
	verdictsKey                = "verdicts"
	mostBy                     = 200 // bytes of a name
	stateTimeout, storeTimeout = 10 * time.Second, 10 * time.Second
)

// An opinion is what feedback has made of a series' limit.
type opinion struct {
	Limit float64   `json:"limit"` // times the detector's
	At    time.Time `json:"at"`
}

// verdicts is what was said of all anomalies.
type verdicts struct {
	Confirmed uint64 `json:"confirmed"`
	Dismissed uint64 `json:"dismissed"`
}

func (v *verdicts) of(what Verdict) *uint64 {
	if what == Confirmed {
		return &v.Confirmed
	}
	return &v.Dismissed
}

// Confirm notes that an anomaly was one, by whose word: its series' limit becomes 5 %
// lower, down to 0.7 of the detector's. The error wraps [ErrUnknown] if there is no
// such anomaly. To say the same again changes nothing, to say the opposite takes back
// what was said before. If the state cannot be written, the error says so: the verdict
// stands, and is written with the next Detect.
func (e *Engine) Confirm(ctx context.Context, id, by string) error {
	return e.hear(ctx, id, by, Confirmed)
}

// Dismiss notes that an anomaly was none, by whose word: its series' limit becomes a
// quarter higher, up to four times the detector's. Else it is as [Engine.Confirm].
func (e *Engine) Dismiss(ctx context.Context, id, by string) error {
	return e.hear(ctx, id, by, Dismissed)
}

func (e *Engine) hear(ctx context.Context, id, by string, v Verdict) error {
	failed := func(err error) error { return fmt.Errorf("anomaly: %q is %s: %w", cutText(id), v, err) }
	if e.m.Off() {
		return failed(ErrUnknown)
	}
	if err := e.load(ctx); err != nil {
		return failed(err)
	}
	now := e.m.Now()
	e.mu.Lock()
	a := e.find(id)
	changes := a != nil && a.Verdict != v
	if changes {
		e.takeIn(a, v, by, now)
	}
	e.mu.Unlock()
	if a == nil {
		return failed(ErrUnknown)
	}
	if changes {
		add(e.counters.feedback.Cell(a.Watch, string(v)), 1)
	}
	if err := e.flush(ctx); err != nil {
		return failed(err)
	}
	return nil
}

// find returns the anomaly of an id. mu is held.
func (e *Engine) find(id string) *Anomaly {
	for _, a := range e.open {
		if a.ID == id {
			return a
		}
	}
	if i := slices.IndexFunc(e.ended, func(a *Anomaly) bool { return a.ID == id }); i >= 0 {
		return e.ended[i]
	}
	return nil
}

// takeIn makes a verdict count. mu is held.
func (e *Engine) takeIn(a *Anomaly, v Verdict, by string, now time.Time) {
	limit := e.limitOf(a.seriesID)
	if a.Verdict != "" {
		limit /= weight(a.Verdict)
		*e.verdicts.of(a.Verdict)--
	}
	limit = min(max(limit*weight(v), leastOpinion), mostOpinion)
	*e.verdicts.of(v)++
	if by = storable(by); len(by) > mostBy {
		by = storable(by[:mostBy])
	}
	a.Verdict, a.By, a.Judged = v, by, now
	if _, known := e.opinions[a.seriesID]; !known && len(e.opinions) >= mostOpinions {
		e.forgetOpinion()
	}
	e.opinions[a.seriesID] = opinion{limit, now}
	e.dirty[opinionKey+a.seriesID] = true
	e.dirty[anomalyKey+a.ID] = true
	e.dirty[verdictsKey] = true
}

func weight(v Verdict) float64 {
	if v == Confirmed {
		return confirmedBy
	}
	return dismissedBy
}

// limitOf is what a series' limit is multiplied with. mu is held.
func (e *Engine) limitOf(seriesID string) float64 {
	if o, ok := e.opinions[seriesID]; ok {
		return o.Limit
	}
	return 1
}

// forgetOpinion makes room by what was said longest ago. mu is held.
func (e *Engine) forgetOpinion() {
	oldest := ""
	for id, o := range e.opinions {
		if oldest == "" || o.At.Before(e.opinions[oldest].At) {
			oldest = id
		}
	}
	delete(e.opinions, oldest)
	e.dirty[opinionKey+oldest] = true
}
