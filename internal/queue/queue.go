// Package queue is the bounded way from the host to something slow: writers
// never wait, one worker batches, retries and gives up in a counted way.
package queue

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// Why an element was dropped.
const (
	Full     = "queue_full" // the worker did not keep up
	Spilled  = "spill_full" // the writer failed for so long that the oldest had to go
	Rejected = "rejected"   // the writer said that it will never take it
	Panicked = "panicked"   // the writer panicked on it again and again
	Shutdown = "shutdown"   // the time to drain was over
	Stopped  = "stopped"    // offered after the end
)

const (
	// panicTries is how often a batch is offered to a writer that panics on it.
	panicTries = 3
	// mostAsked bounds the pause that a writer may ask for: a day would be a mistake.
	mostAsked = 5 * time.Minute
)

// Config sizes a queue. All fields must be positive, but Spill may be 0.
type Config struct {
	Capacity     int           // elements waiting for the worker
	Batch        int           // most elements of one write
	Age          time.Duration // longest wait of an element for its batch to fill
	Spill        int           // elements held back while the writer fails, beyond one batch
	WriteTimeout time.Duration // bound of one write
	BackoffMin   time.Duration // wait after the first failure; doubles, with jitter
	BackoffMax   time.Duration
}

// RetryAfter is an error of a writer that knows when to try again, as a server
// that is busy says. The queue then waits as long, and five minutes at most,
// instead of its own time, but no shorter than BackoffMin.
type RetryAfter interface {
	error
	RetryAfter() time.Duration // 0 or less: the queue is to decide
}

// Events are what a queue tells its owner. All are called from the worker but
// Dropped, which is called from Offer too; none may block.
type Events struct {
	Dropped func(reason string, n int)
	Written func(n int, err error) // after each write: elements taken, or the failure
}

// Queue hands elements to a writer in batches.
type Queue[T any] struct {
	cfg    Config
	events Events
	write  func(ctx context.Context, batch []T) error

	in     chan T
	closed atomic.Bool // no more elements are taken
	gone   atomic.Bool // the worker has left: a late element is nobody's
	held   atomic.Int64
}

// PermanentError marks a batch that the writer will never take.
type PermanentError struct{ Err error }

func (e *PermanentError) Error() string { return e.Err.Error() }
func (e *PermanentError) Unwrap() error { return e.Err }

// PanicError is what a writer's panic became.
type PanicError struct{ Value any }

func (e *PanicError) Error() string { return fmt.Sprintf("panic with a %T", e.Value) }

// New returns a queue in front of write. A batch is the writer's only until it returns.
func New[T any](cfg Config, events Events, write func(ctx context.Context, batch []T) error) *Queue[T] {
	return &Queue[T]{cfg: cfg, events: events, write: write, in: make(chan T, cfg.Capacity)}
}

// Offer gives v to the worker if there is room, and counts it as dropped
// otherwise. It never blocks.
func (q *Queue[T]) Offer(v T) {
	if q.closed.Load() {
		q.events.Dropped(Stopped, 1)
		return
	}
	select {
	case q.in <- v:
		if q.gone.Load() { // the worker left between the two looks
			q.discard(Stopped)
		}
	default:
		q.events.Dropped(Full, 1)
	}
}

// Len is the number of elements that wait, those held for a retry included.
func (q *Queue[T]) Len() int { return len(q.in) + int(q.held.Load()) }

func (q *Queue[T]) discard(reason string) {
	for {
		select {
		case <-q.in:
			q.events.Dropped(reason, 1)
		default:
			return
		}
	}
}

// Run writes until ctx is done, then drains what is left within the grace
// period. It returns after the last write has.
func (q *Queue[T]) Run(ctx context.Context, grace time.Duration) {
	hard, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		over := time.AfterFunc(grace, cancel)
		context.AfterFunc(hard, func() { over.Stop() })
	})
	defer stop()

	w := worker[T]{Queue: q}
	w.loop(ctx, hard)
	q.closed.Store(true)
	w.drain(hard)
	q.gone.Store(true)
	q.discard(Stopped)
}
