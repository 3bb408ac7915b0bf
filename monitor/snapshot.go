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
	SnapshotName() string // names the state in an archive: lower case, unique
	Snapshot(ctx context.Context, w io.Writer) error
	Restore(ctx context.Context, r io.Reader) error
}

type snapshotters struct {
	mu   sync.Mutex
	list []Snapshotter // guarded by mu; by name
}

// AddSnapshotter makes s part of every backup. Engines add themselves.
func (m *Monitor) AddSnapshotter(s Snapshotter) error {
	if s == nil {
		return errors.New("monitor: add snapshotter: nil")
	}
	name := s.SnapshotName()
	m.snapshots.mu.Lock()
	defer m.snapshots.mu.Unlock()
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
