package evidence

import (
	"context"
	"sync"

	"github.com/chronoretrace/chronomon/monitor"
)

// keepErrors is how many events a ring holds.
const keepErrors = 200

// Errors is a ring of the last 200 events that failed or were logged as errors: a
// sink, to be given to monitor.WithSink before there is a [Recorder], and to
// [WithErrors].
type Errors struct {
	mu   sync.Mutex
	ring []monitor.Event // guarded by mu
	next int             // guarded by mu; the place of the oldest once the ring is full
}

// NewErrors returns an empty ring.
func NewErrors() *Errors { return &Errors{} }

var _ monitor.Sink = (*Errors)(nil)

// Write implements monitor.Sink. It keeps the events of [monitor.KindLog] and those
// that failed, and takes no notice of others.
func (e *Errors) Write(_ context.Context, batch []monitor.Event) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, event := range batch {
		switch {
		case event.Kind != monitor.KindLog && !event.Failed:
		case len(e.ring) < keepErrors:
			e.ring = append(e.ring, event)
		default:
			e.ring[e.next] = event
			e.next = (e.next + 1) % keepErrors
		}
	}
	return nil
}

// list returns the events, in the order in which they came.
func (e *Errors) list() []monitor.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := append([]monitor.Event(nil), e.ring[e.next:]...)
	return append(out, e.ring[:e.next]...)
}
