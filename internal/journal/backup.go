package journal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"

	"github.com/chronoretrace/chronomon/internal/recordfile"
)

// A backup is the state as one snapshot, of the number 0, which no file has.

// ErrBackup is returned for what is not a whole, undamaged backup.
var ErrBackup = errors.New("not a backup that can be restored")

// SnapshotName implements monitor.Snapshotter.
func (s *Store) SnapshotName() string { return s.name }

// Snapshot writes the state as it is at the call.
func (s *Store) Snapshot(ctx context.Context, w io.Writer) error {
	s.mu.RLock()
	state := maps.Clone(s.live)
	s.mu.RUnlock()
	if err := writeSnapshot(contextWriter{ctx, w}, 0, state); err != nil {
		return s.failed("back up", err)
	}
	return nil
}

// contextWriter is a writer that ends with its context.
type contextWriter struct {
	ctx context.Context //nolint:containedctx // for the time of one call
	w   io.Writer
}

// Write implements io.Writer.
func (w contextWriter) Write(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.w.Write(p)
}

// Verify implements monitor.Verifier: the error is what Restore would return of
// the backup, which it reads to its end.
func (s *Store) Verify(_ context.Context, r io.Reader) error {
	if _, _, err := s.readBackup(r); err != nil {
		return s.failed("verify", err)
	}
	return nil
}

// readBackup returns a backup's state and what that costs. Of one that is too
// large no more is kept than is allowed.
func (s *Store) readBackup(r io.Reader) (state map[string][]byte, size int64, err error) {
	state = map[string][]byte{}
	c, err := read(r, recordfile.Snapshot, 0, false, func(changes []change) {
		for _, ch := range changes {
			if size += cost(ch.key, ch.value) - cost(ch.key, state[ch.key]); size <= s.max {
				state[ch.key] = append([]byte{}, ch.value...)
			}
		}
	})
	switch {
	case errors.Is(err, ErrVersion):
		return nil, 0, fmt.Errorf("%w: %w", ErrBackup, err)
	case err != nil:
		return nil, 0, err
	case len(c.Damage) > 0:
		return nil, 0, fmt.Errorf("%w: %d bytes at %d: %s", ErrBackup, c.Damage[0].Bytes, c.Damage[0].Offset, c.Damage[0].Reason)
	case size > s.max:
		return nil, 0, fmt.Errorf("%w: the backup has %d bytes, %d are allowed", ErrFull, size, s.max)
	}
	return state, size, nil
}

// Restore replaces the state by a backup's, durably, or leaves it as it is and
// returns why. Writes wait meanwhile. Those who hold a copy of the state have to
// read it again.
func (s *Store) Restore(ctx context.Context, r io.Reader) error {
	state, size, err := s.readBackup(r)
	if err == nil {
		err = s.restore(ctx, state, size)
	}
	if err != nil {
		return s.failed("restore", err)
	}
	return nil
}

func (s *Store) restore(ctx context.Context, state map[string][]byte, size int64) error {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	s.compacting.Lock()
	defer s.compacting.Unlock()
	s.mu.Lock()
	if s.gone {
		s.mu.Unlock()
		return ErrClosed
	}
	before, beforeSize := s.live, s.bytes
	s.live, s.bytes = state, size
	s.mu.Unlock()
	if s.dir == "" {
		return nil
	}
	s.breaks(nil) // whatever comes of it, that log has ended
	err := s.renew()
	if err == nil {
		return nil
	}
	s.mu.Lock()
	s.live, s.bytes = before, beforeSize
	s.mu.Unlock()
	// The new snapshot may be there or not: only another one makes sure.
	s.breaks(err)
	return err
}
