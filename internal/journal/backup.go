package journal

import (
	"bytes"
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

// maxBackup bounds what is read of a backup.
const maxBackup = 1 << 30

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

// Verify reads a backup to its end and returns the number of its keys. The
// error wraps [ErrBackup] if Restore would not take it.
func Verify(r io.Reader) (keys int, err error) {
	state, err := readBackup(r)
	if err != nil {
		return 0, fmt.Errorf("journal: verify: %w", err)
	}
	return len(state), nil
}

func readBackup(r io.Reader) (map[string][]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxBackup+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxBackup {
		return nil, fmt.Errorf("%w: it is longer than %d bytes", ErrBackup, maxBackup)
	}
	state := map[string][]byte{}
	c, err := read(bytes.NewReader(data), recordfile.Snapshot, 0, false, func(changes []change) {
		for _, ch := range changes {
			state[ch.key] = append([]byte{}, ch.value...)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBackup, err)
	}
	if len(c.Damage) > 0 {
		return nil, fmt.Errorf("%w: %d bytes at %d: %s", ErrBackup, c.Damage[0].Bytes, c.Damage[0].Offset, c.Damage[0].Reason)
	}
	return state, nil
}

// Restore replaces the state by a backup's, durably, or leaves it as it is and
// returns why. Writes wait meanwhile. Those who hold a copy of the state have to
// read it again.
func (s *Store) Restore(ctx context.Context, r io.Reader) error {
	state, err := readBackup(r)
	if err == nil {
		err = s.restore(ctx, state)
	}
	if err != nil {
		return s.failed("restore", err)
	}
	return nil
}

func (s *Store) restore(ctx context.Context, state map[string][]byte) error {
	size := int64(0)
	for key, value := range state {
		size += cost(key, value)
	}
	if size > s.max {
		return fmt.Errorf("%w: the backup has %d bytes, %d are allowed", ErrFull, size, s.max)
	}
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
