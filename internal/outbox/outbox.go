package outbox

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/internal/queue"
	"github.com/chronoretrace/chronomon/internal/spill"
)

// The drainer's pauses after failures in a row, as those of a monitor's sinks,
// and the bound of one of its requests.
const (
	firstPause  = 200 * time.Millisecond
	mostPause   = 30 * time.Second
	sendTimeout = 10 * time.Second
)

// Send sends the items that are not done and marks those that the store has
// answered for, be it that it took them or that it never will. Without an error
// all are done; with one, those that are left are to be tried again. Where the
// store took none and never will, the error is a *queue.PermanentError and all
// are done.
type Send func(ctx context.Context, items []Item) error

// Config is what a box needs.
type Config struct {
	Store  string // names the store in metrics, errors and log lines
	Send   Send
	Finish func(record []byte) []byte // makes a record's wire format; called once for each, by the stream's goroutine
	Dir    string                     // "" keeps nothing on disk
	Limit  int64                      // bytes on disk
	MaxAge time.Duration              // on disk
	Log    func(level slog.Level, msg string, args ...any)
}

// Box sends records, through the disk while the store does not take them. It is
// safe for concurrent use.
type Box struct {
	Config
	Records, Requests, Dropped *Counter

	spill   *spill.Queue // nil: none
	running atomic.Bool  // somebody drains the disk, or did
	wake    chan struct{}

	mu       sync.Mutex
	notUntil time.Time // guarded by mu; the store asked for a pause
	down     bool      // guarded by mu; the last request failed, and it was logged
	told     uint64    // guarded by mu; of Dropped, how many were logged
}

// New returns a box, and opens its directory if it has one.
func New(c Config) (*Box, error) {
	b := &Box{
		Config:   c,
		Records:  NewCounter(Taken, Duplicate, Rejected),
		Requests: NewCounter(OK, Throttled, TooLarge, Refused, Failed),
		Dropped:  NewCounter(spill.Full, Expired, spill.Corrupt),
		wake:     make(chan struct{}, 1),
	}
	if c.Dir == "" {
		return b, nil
	}
	var err error
	b.spill, err = spill.Open(c.Dir, c.Limit, b.Dropped.Add)
	return b, err
}

// tell logs what the disk could not keep, since the last time.
func (b *Box) tell() {
	b.mu.Lock()
	total := b.Dropped.Sum()
	lost := total - b.told
	b.told = total
	b.mu.Unlock()
	if lost > 0 {
		b.Log(slog.LevelWarn, "records were lost on their way over the disk", "store", b.Store, "records", lost)
	}
}

// Show makes the box's counts metrics.
func (b *Box) Show(set *instrument.Set) error {
	err := errors.Join(
		b.Records.Show(set, catalog.MonitorStoreRecords, b.Store),
		b.Requests.Show(set, catalog.MonitorStoreRequests, b.Store),
	)
	if b.spill == nil {
		return err
	}
	return errors.Join(
		err,
		b.Dropped.Show(set, catalog.MonitorSpillDropped, b.Store),
		ShowGauge(set, catalog.MonitorSpillRecords, b.Store, func() float64 { return float64(b.spill.Len()) }),
		ShowGauge(set, catalog.MonitorSpillBytes, b.Store, func() float64 { return float64(b.spill.Bytes()) }),
	)
}

// Spilled is the number of records on disk.
func (b *Box) Spilled() int {
	if b.spill == nil {
		return 0
	}
	return b.spill.Len()
}

// Close lets another process have the directory.
func (b *Box) Close() error {
	if b.spill == nil {
		return nil
	}
	return b.spill.Close()
}

// Stream is one source of batches. Its Write is called by one goroutine at a time.
type Stream struct {
	box    *Box
	memory memory
}

// NewStream returns a stream into the box.
func (b *Box) NewStream() *Stream { return &Stream{box: b, memory: memory{seed: maphash.MakeSeed()}} }

// Write takes the records to the store, or to the disk while the store does not
// take them. After an error it expects to be offered the same ones again.
func (s *Stream) Write(ctx context.Context, records [][]byte) error {
	if len(records) == 0 {
		return nil
	}
	items := s.memory.recall(records, s.box.Finish)
	err := s.box.put(ctx, items)
	if err == nil || permanent(err) {
		s.memory.forget()
	}
	return err
}

// put sends the items, or spills those that the store does not take. Behind what
// is on disk already, everything goes there, so that the order stays.
func (b *Box) put(ctx context.Context, items []Item) error {
	if b.Spilled() > 0 && b.running.Load() {
		return b.keep(items, nil)
	}
	err := b.send(ctx, items)
	if err == nil || permanent(err) || b.spill == nil || !b.running.Load() {
		return err
	}
	return b.keep(items, err)
}

// permanent reports whether an error is about items that the store will never take.
func permanent(err error) bool {
	_, ok := errors.AsType[*queue.PermanentError](err)
	return ok
}

// keep puts the items that are not done on disk. If that fails the queue has to
// keep them: cause is why they are here.
func (b *Box) keep(items []Item, cause error) error {
	var left [][]byte
	for _, item := range Pending(items) {
		left = append(left, item.Data)
	}
	err := b.spill.Append(time.Now(), left)
	b.tell()
	if err != nil {
		return errors.Join(cause, err)
	}
	select {
	case b.wake <- struct{}{}:
	default:
	}
	return nil
}

// send calls Send unless the store asked for a pause, and remembers if it does.
func (b *Box) send(ctx context.Context, items []Item) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", b.Store, err)
	}
	b.mu.Lock()
	notUntil := b.notUntil
	b.mu.Unlock()
	if wait := time.Until(notUntil); wait > 0 {
		return &RetryAfterError{After: wait, Err: ErrPause}
	}
	err := b.guarded(ctx, items)
	if pause, ok := errors.AsType[*RetryAfterError](err); ok {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.notUntil = time.Now().Add(pause.After)
	}
	return err
}

// guarded calls Send, in which a transport of the host's may panic: that is an
// error of its own to the queues, and one as any other to what empties the disk.
func (b *Box) guarded(ctx context.Context, items []Item) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &queue.PanicError{Value: v}
		}
	}()
	return b.Send(ctx, items)
}

// Run sends what is on disk, oldest first, until ctx is done.
func (b *Box) Run(ctx context.Context) error {
	b.running.Store(true)
	if b.spill == nil {
		<-ctx.Done()
		return nil
	}
	d := drainer{Box: b}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-b.wake:
			if d.fails > 0 {
				continue // the pause stands
			}
		}
		timer.Reset(d.drain(ctx))
	}
}

// drainer is the state of the one goroutine that empties the disk.
type drainer struct {
	*Box
	batch spill.Batch // the oldest
	items []Item      // of it, with what is done; nil: not read
	fails int         // in a row
}

// drain sends what it can and returns when to look again.
func (d *drainer) drain(ctx context.Context) time.Duration {
	for ctx.Err() == nil {
		err := d.next(ctx)
		empty := errors.Is(err, spill.ErrEmpty)
		if err != nil && !empty {
			if ctx.Err() == nil {
				d.say(err)
			}
			d.fails++
			return d.pause(err)
		}
		d.fails = 0
		if empty {
			d.say(nil)
			return time.Hour // or until something is put there
		}
	}
	return time.Hour
}

// next sends the oldest batch, unless it has become too old, and removes it.
func (d *drainer) next(ctx context.Context) error {
	if d.items != nil && !d.spill.Holds(d.batch.Seq) { // it had to make room
		d.Dropped.Add(spill.Full, len(Pending(d.items)))
		d.items = nil
	}
	if d.items == nil {
		if err := d.read(); err != nil {
			return err
		}
	}
	left := Pending(d.items)
	if time.Since(d.batch.Time) > d.MaxAge {
		d.Dropped.Add(Expired, len(left))
		for _, item := range left {
			item.Done = true
		}
		left = nil
	}
	if len(left) > 0 {
		ctx, cancel := context.WithTimeout(ctx, sendTimeout)
		defer cancel()
		if err := d.send(ctx, d.items); err != nil && !permanent(err) {
			return err
		}
	}
	if err := d.spill.Remove(d.batch.Seq); err != nil {
		return err // all is done: only the removal is tried again
	}
	d.items = nil
	return nil
}

// read takes up the oldest batch.
func (d *drainer) read() (err error) {
	d.batch, err = d.spill.Oldest()
	d.tell()
	if err != nil {
		return err
	}
	d.items = make([]Item, len(d.batch.Items))
	for i, data := range d.batch.Items {
		d.items[i].Data = data
	}
	return nil
}

// say logs when the store is lost and when it is back, and nothing in between.
func (d *drainer) say(err error) {
	d.mu.Lock()
	changed := d.down != (err != nil)
	d.down = err != nil
	d.mu.Unlock()
	switch {
	case !changed:
	case err != nil:
		d.Log(slog.LevelWarn, "records wait on disk for their store", "store", d.Store, "error", err)
	default:
		d.Log(slog.LevelInfo, "nothing waits on disk any more", "store", d.Store)
	}
}

// pause doubles with each failure in a row, half of it random, unless the error
// says when to try again.
func (d *drainer) pause(err error) time.Duration {
	if asks, ok := errors.AsType[queue.RetryAfter](err); ok {
		return max(asks.RetryAfter(), firstPause)
	}
	pause := mostPause
	if d.fails < 10 {
		pause = min(firstPause<<(d.fails-1), mostPause)
	}
	return pause/2 + rand.N(pause/2+1)
}
