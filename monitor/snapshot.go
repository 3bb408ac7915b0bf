package monitor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
)

// A Snapshotter has state that a backup must hold. Snapshot and Restore may be
// called while the rest of it is in use.
type Snapshotter interface {
	// SnapshotName names the state in a backup: unique, of lower-case letters,
	// digits, '.', '_' and '-', a letter first.
	SnapshotName() string
	// Snapshot writes the state as it is at the call.
	Snapshot(ctx context.Context, w io.Writer) error
	// Restore takes over what Snapshot wrote, in this process or another: all of
	// it, or an error says why none.
	Restore(ctx context.Context, r io.Reader) error
}

// A Verifier is a Snapshotter that can tell whether it would take a snapshot,
// without restoring it: [Monitor.Restore] asks before it replaces anything.
type Verifier interface {
	Verify(ctx context.Context, r io.Reader) error
}

type snapshotters struct {
	archiving chan struct{} // who puts a token in may back up or restore

	mu   sync.Mutex
	list []Snapshotter // guarded by mu; by name
}

// mostParts bounds the parts of a backup.
const mostParts = 1000

// archive waits for the turn to back up or to restore.
func (s *snapshotters) archive(ctx context.Context) (done func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case s.archiving <- struct{}{}:
		return func() { <-s.archiving }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("another backup or restore is under way: %w", ctx.Err())
	}
}

// AddSnapshotter makes s part of every backup, which has 1000 parts at most.
// Engines add themselves.
func (m *Monitor) AddSnapshotter(s Snapshotter) error {
	if s == nil {
		return errors.New("monitor: add snapshotter: nil")
	}
	name := s.SnapshotName()
	if !validPart(name) {
		return fmt.Errorf("monitor: %w: AddSnapshotter name = %q: want lower-case letters, digits, '.', '_' and '-', a letter first", ErrInvalidOption, name)
	}
	m.snapshots.mu.Lock()
	defer m.snapshots.mu.Unlock()
	if len(m.snapshots.list) == mostParts {
		return fmt.Errorf("monitor: add snapshotter %q: there are %d already", name, mostParts)
	}
	i, found := slices.BinarySearchFunc(m.snapshots.list, name, func(s Snapshotter, name string) int {
		return strings.Compare(s.SnapshotName(), name)
	})
	if found {
		return fmt.Errorf("monitor: add snapshotter %q: the name is taken", name)
	}
	m.snapshots.list = slices.Insert(m.snapshots.list, i, s)
	return nil
}

// Snapshotters returns what was added, by name.
func (m *Monitor) Snapshotters() []Snapshotter {
	m.snapshots.mu.Lock()
	defer m.snapshots.mu.Unlock()
	return slices.Clone(m.snapshots.list)
}

// validPart reports whether a name can be a part's.
func validPart(name string) bool {
	for i, r := range name {
		letter := r >= 'a' && r <= 'z'
		if !letter && (i == 0 || !strings.ContainsRune("0123456789._-", r)) {
			return false
		}
	}
	return name != "" && len(name) <= 64
}
