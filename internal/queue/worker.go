package queue

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// worker is the state of the one goroutine that writes.
type worker[T any] struct {
	*Queue[T]
	wait    []T // elements not yet written, oldest first, from head on
	head    int
	since   time.Time // when the oldest came, or when the last write ended
	fails   int       // writes failed in a row
	panics  int       // of the present batch
	retryAt time.Time
}

// loop takes and writes until ctx is done. Writes are bounded by hard.
func (w *worker[T]) loop(ctx, hard context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for ctx.Err() == nil {
		due, wait := w.due(time.Now())
		if due {
			w.flush(hard)
			continue
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
		case v := <-w.in:
			w.hold(v)
		case <-timer.C:
		}
	}
}

// drain writes what is left until hard is done, and counts what it could not.
func (w *worker[T]) drain(hard context.Context) {
	for {
		w.fill()
		if w.waiting() == 0 {
			return
		}
		if hard.Err() != nil {
			break
		}
		fails := w.fails
		w.flush(hard)
		if w.fails > fails {
			pause := time.NewTimer(time.Until(w.retryAt))
			select {
			case <-pause.C:
			case <-hard.Done():
				pause.Stop()
			}
		}
	}
	w.drop(Shutdown, w.waiting())
	w.discard(Shutdown)
}

// due reports whether a write is due now, or else how long to wait for one.
func (w *worker[T]) due(now time.Time) (bool, time.Duration) {
	if w.waiting() == 0 {
		return false, time.Hour
	}
	at := w.since.Add(w.cfg.Age)
	if w.waiting() >= w.cfg.Batch {
		at = now
	}
	if w.retryAt.After(at) {
		at = w.retryAt
	}
	return !at.After(now), at.Sub(now)
}

// flush writes one batch.
func (w *worker[T]) flush(hard context.Context) {
	n := min(w.waiting(), w.cfg.Batch)
	ctx, cancel := context.WithTimeout(hard, w.cfg.WriteTimeout)
	err := w.write(ctx, w.wait[w.head:w.head+n:w.head+n])
	cancel()
	if err == nil {
		w.fails, w.retryAt = 0, time.Time{}
		w.remove(n)
		w.events.Written(n, nil)
		return
	}
	w.events.Written(0, err)
	var permanent *PermanentError
	var panicked *PanicError
	switch {
	case errors.As(err, &permanent):
		w.drop(Rejected, n)
		return
	case errors.As(err, &panicked):
		if w.panics++; w.panics >= panicTries {
			w.drop(Panicked, n)
			return
		}
	}
	w.fails++
	w.retryAt = time.Now().Add(w.pause(err))
}

// pause is what the writer asks for, or else the queue's own.
func (w *worker[T]) pause(err error) time.Duration {
	if asks, ok := errors.AsType[RetryAfter](err); ok {
		if d := asks.RetryAfter(); d > 0 {
			return max(min(d, mostAsked), w.cfg.BackoffMin)
		}
	}
	return w.backoff()
}

// backoff doubles with each failure in a row and is jittered by half, so that
// a fleet does not come back at once.
func (w *worker[T]) backoff() time.Duration {
	d := w.cfg.BackoffMin
	for range w.fails - 1 {
		if d >= w.cfg.BackoffMax/2 {
			d = w.cfg.BackoffMax
			break
		}
		d *= 2
	}
	return d/2 + rand.N(d/2+1)
}

func (w *worker[T]) waiting() int { return len(w.wait) - w.head }

func (w *worker[T]) hold(v T) {
	if w.waiting() == 0 {
		w.since = time.Now()
	}
	if w.waiting() >= w.cfg.Batch+w.cfg.Spill {
		w.drop(Spilled, 1)
	}
	w.wait = append(w.wait, v)
	w.held.Store(int64(w.waiting()))
}

// fill takes from the channel what one batch still holds.
func (w *worker[T]) fill() {
	for w.waiting() < w.cfg.Batch {
		select {
		case v := <-w.in:
			w.hold(v)
		default:
			return
		}
	}
}

func (w *worker[T]) drop(reason string, n int) {
	if n == 0 {
		return
	}
	w.remove(n)
	w.events.Dropped(reason, n)
}

// remove forgets the n oldest elements.
func (w *worker[T]) remove(n int) {
	clear(w.wait[w.head : w.head+n])
	w.head += n
	w.panics = 0
	w.since = time.Now()
	if w.head*2 >= len(w.wait) { // half is gone: move the rest, each element at most twice
		rest := copy(w.wait, w.wait[w.head:])
		clear(w.wait[rest:])
		w.wait, w.head = w.wait[:rest], 0
	}
	w.held.Store(int64(w.waiting()))
}
