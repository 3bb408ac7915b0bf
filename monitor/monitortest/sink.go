package monitortest

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chronoretrace/chronomon/monitor"
)

// patience bounds whatever this package waits for.
const patience = 10 * time.Second

// Sink is a [monitor.Sink] that records the events it takes, and misbehaves on
// request. The zero Sink is ready for use; it is safe for concurrent use and
// must not be copied.
type Sink struct {
	mu      sync.Mutex
	events  []monitor.Event // guarded by mu
	writes  int             // guarded by mu
	err     error           // guarded by mu
	panics  any             // guarded by mu
	gate    chan struct{}   // guarded by mu; closed by Unblock, nil when not blocked
	changed chan struct{}   // guarded by mu; closed when events come
}

var _ monitor.Sink = (*Sink)(nil)

// Write implements monitor.Sink.
func (s *Sink) Write(ctx context.Context, batch []monitor.Event) error {
	s.mu.Lock()
	s.writes++
	gate := s.gate
	s.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.panics != nil:
		panic(s.panics)
	case s.err != nil:
		return s.err
	}
	s.events = append(s.events, batch...)
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
	return nil
}

// Events returns what was taken so far, in the order in which it came.
func (s *Sink) Events() []monitor.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.events)
}

// Writes returns how often Write was called, calls that failed included.
func (s *Sink) Writes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes
}

// Wait waits until at least n events were taken and returns all of them. The
// test ends as failed if they do not come within 10 s. A monitor hands events
// over once a second unless [monitor.WithBatch] says otherwise.
func (s *Sink) Wait(t testing.TB, n int) []monitor.Event {
	t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		events, more := s.next(n)
		if more == nil {
			return events
		}
		select {
		case <-more:
		case <-timer.C:
			t.Fatalf("monitortest: the sink took %d events in %v of %d that were waited for, in %d writes", len(s.Events()), patience, n, s.Writes())
		}
	}
}

// next returns the events if there are n of them, and otherwise a channel that
// is closed when further ones have come.
func (s *Sink) next(n int) ([]monitor.Event, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.events) >= n {
		return slices.Clone(s.events), nil
	}
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return nil, s.changed
}

// Fail makes every further Write return err and take nothing, until Fail(nil).
// An error made by [monitor.Permanent] costs the batch.
func (s *Sink) Fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// Panic makes every further Write panic with v and take nothing, until Panic(nil).
func (s *Sink) Panic(v any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.panics = v
}

// Block makes every further Write wait for Unblock, or for its context's end,
// which it returns as an error.
func (s *Sink) Block() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gate == nil {
		s.gate = make(chan struct{})
	}
}

// Unblock ends Block for those who wait and for further calls.
func (s *Sink) Unblock() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gate != nil {
		close(s.gate)
		s.gate = nil
	}
}
