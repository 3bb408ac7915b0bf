package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chronoretrace/chronomon/internal/recordfile"
)

// writer is the log that is appended to. Whoever has the turn uses it.
type writer struct {
	file    *os.File // nil in memory, and after a failure
	number  uint64   // of the newest file
	broken  error    // why the log cannot be appended to; a new snapshot mends it
	triedAt time.Time
	buf     []byte
	damaged []string // files to set aside when a snapshot has their state

	logged    atomic.Int64 // bytes that no snapshot has
	compactAt atomic.Int64 // no compaction below it
	syncs     atomic.Int64 // of the log

	compacting sync.Mutex // held during a compaction, which does not have the turn
}

// entry is a write that waits.
type entry struct {
	changes []change
	done    chan struct{} // closed when err says how it went
	err     error
}

// queue is the writes that wait: no more than there are callers.
type queue struct {
	mu      sync.Mutex
	waiting []*entry // guarded by mu
}

func (q *queue) add(e *entry) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, e)
}

// withdraw takes an entry back. It reports false if it is being written.
func (q *queue) withdraw(e *entry) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting, e)
	if i >= 0 {
		q.waiting = slices.Delete(q.waiting, i, i+1)
	}
	return i >= 0
}

// take takes what is to be written at once: some of it, if it is much.
func (q *queue) take() []*entry {
	const most = 16 << 20
	q.mu.Lock()
	defer q.mu.Unlock()
	n, size := 0, 0
	for n < len(q.waiting) && size < most {
		for _, c := range q.waiting[n].changes {
			size += len(c.key) + len(c.value)
		}
		n++
	}
	taken := slices.Clone(q.waiting[:n])
	q.waiting = slices.Delete(q.waiting, 0, n)
	return taken
}

// commit writes the changes, with those of all who wait at the same time: the
// one who gets the turn does it for the others.
func (s *Store) commit(ctx context.Context, changes map[string][]byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	e := &entry{changes: copied(changes), done: make(chan struct{})}
	s.queue.add(e)
	for {
		select {
		case <-e.done:
			return e.err
		case s.turn <- struct{}{}:
			compact := s.flush()
			<-s.turn
			if compact != nil {
				compact()
			}
		case <-ctx.Done():
			if s.queue.withdraw(e) {
				return ctx.Err()
			}
			return fmt.Errorf("%w: it may have been written", ctx.Err())
		}
	}
}

// flush writes what waits. It returns the compaction that is due, if one is,
// for the time after the turn. The caller has the turn.
func (s *Store) flush() (compact func()) {
	entries := s.queue.take()
	if len(entries) == 0 {
		return nil
	}
	defer func() {
		for _, e := range entries {
			close(e.done)
		}
	}()
	if err := s.ready(); err != nil {
		for _, e := range entries {
			e.err = err
		}
		return nil
	}
	s.buf = s.buf[:0]
	written := s.admit(entries)
	if err := s.append(); err != nil {
		for _, e := range written {
			e.err = err
		}
		return nil
	}
	s.mu.Lock()
	for _, e := range written {
		s.apply(e.changes)
	}
	live := s.bytes
	s.mu.Unlock()
	if s.file == nil || s.logged.Load() < max(s.compactAt.Load(), live, minCompact) {
		return nil
	}
	return s.rotate()
}

// admit encodes the entries for which there is room.
func (s *Store) admit(entries []*entry) (written []*entry) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	total := s.bytes
	sizes := map[string]int64{} // of keys that entries before have changed
	for _, e := range entries {
		grown := total
		for _, c := range e.changes {
			old, ok := sizes[c.key]
			if !ok {
				old = cost(c.key, s.live[c.key])
			}
			grown += cost(c.key, c.value) - old
		}
		if grown > s.max && grown > total {
			e.err = fmt.Errorf("%w: %d of %d bytes", ErrFull, total, s.max)
			continue
		}
		total = grown
		for _, c := range e.changes {
			sizes[c.key] = cost(c.key, c.value)
		}
		if s.dir != "" {
			s.buf = appendChanges(s.buf, s.number, e.changes...)
		}
		written = append(written, e)
	}
	return written
}

// copied copies changes, for the state to keep, in the order of their keys.
func copied(changes map[string][]byte) []change {
	out := make([]change, 0, len(changes))
	for key, value := range changes {
		if value != nil {
			value = append([]byte{}, value...)
		}
		out = append(out, change{key, value})
	}
	slices.SortFunc(out, func(a, b change) int { return strings.Compare(a.key, b.key) })
	return out
}

// append makes what was encoded durable.
func (s *Store) append() error {
	if s.dir == "" || len(s.buf) == 0 {
		return nil
	}
	_, err := s.file.Write(s.buf)
	if err == nil {
		err = recordfile.Sync(s.file)
	}
	if err != nil {
		// What is on disk now is unknown, a second fsync would not tell: the log
		// ends here.
		s.breaks(err)
		return err
	}
	s.logged.Add(int64(len(s.buf)))
	s.syncs.Add(1)
	if cap(s.buf) > 1<<20 {
		s.buf = nil
	}
	return nil
}

// breaks ends the log.
func (s *Store) breaks(err error) {
	s.broken = err
	s.triedAt = time.Now()
	if s.file != nil {
		_ = s.file.Close()
		s.file = nil
	}
}

const (
	// mendEvery bounds how often a journal that is broken is tried again: it costs
	// a snapshot.
	mendEvery = time.Second
	// longest is how much longer than the state's bound a log may be whose
	// compaction fails.
	longest = 64 << 20
)

var errTooLong = errors.New("the log is too long and could not be compacted")

// ready prepares the log for an append.
func (s *Store) ready() error {
	s.mu.RLock()
	gone := s.gone
	s.mu.RUnlock()
	if gone {
		return ErrClosed
	}
	if s.broken == nil && s.logged.Load() > longest+s.max {
		s.breaks(errTooLong)
		s.triedAt = time.Time{} // it can be mended at once
	}
	if s.broken == nil {
		return nil
	}
	if time.Since(s.triedAt) < mendEvery || !s.compacting.TryLock() {
		return s.broken
	}
	defer s.compacting.Unlock()
	if err := s.renew(); err != nil {
		s.breaks(err)
		return err
	}
	s.broken = nil
	return nil
}
