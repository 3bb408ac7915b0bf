package bizmon

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/chronoretrace/chronomon/internal/sketch"
	"github.com/chronoretrace/chronomon/monitor"
)

// snapshot is the part of a backup that counts users: their sketches, and the
// table of journeys. It names nobody.
type snapshot struct{ b *Business }

var _ monitor.Snapshotter = (*snapshot)(nil)

// archive is a snapshot as JSON; sketches are base64 in their own encoding.
type archive struct {
	Version     int            `json:"version"`
	Fingerprint string         `json:"fingerprint"` // of the pseudonym key
	Slots       []archivedSlot `json:"slots"`
	Features    []string       `json:"features"` // "" is the begin, or the end, of a session
	Steps       [][3]uint64    `json:"steps"`    // from and to, of Features, and how often
}

type archivedSlot struct {
	Level  string `json:"level"`
	Start  int64  `json:"start"` // Unix seconds
	Sketch []byte `json:"sketch"`
}

const archiveVersion = 2

// mostArchive bounds what Restore reads. The largest there can be has 76 sketches
// of 64 KiB in base64, and the steps between 1000 features of 30 bytes each: 40 MB.
const mostArchive = 64 << 20

// SnapshotName implements monitor.Snapshotter.
func (s *snapshot) SnapshotName() string { return "bizmon" }

// Snapshot implements monitor.Snapshotter.
func (s *snapshot) Snapshot(_ context.Context, w io.Writer) error {
	users := s.b.Users
	a := archive{Version: archiveVersion, Fingerprint: s.b.core.fingerprint}
	a.Steps = users.journeys.counts()
	a.Features = users.featureNames()
	var err error
	if a.Slots, err = users.windows.archive(s.b.core.m.Now()); err != nil {
		return fmt.Errorf("bizmon: snapshot: %w", err)
	}
	if err := json.NewEncoder(w).Encode(a); err != nil {
		return fmt.Errorf("bizmon: snapshot: %w", err)
	}
	return nil
}

// Restore implements monitor.Snapshotter. Slots that are in no window any more are
// left out. What a fleet knows comes back when it is asked next.
func (s *snapshot) Restore(ctx context.Context, r io.Reader) error {
	limited := &io.LimitedReader{R: r, N: mostArchive}
	var a archive
	if err := json.NewDecoder(limited).Decode(&a); err != nil {
		if limited.N <= 0 {
			err = fmt.Errorf("more than %d MiB: %w", mostArchive>>20, err)
		}
		return fmt.Errorf("bizmon: restore: %w", err)
	}
	if a.Version != archiveVersion {
		return fmt.Errorf("bizmon: restore: version %d: want %d", a.Version, archiveVersion)
	}
	if a.Fingerprint != s.b.core.fingerprint {
		return fmt.Errorf("bizmon: restore: %w", ErrOtherKey)
	}
	ids, sketches, err := decodeSlots(a.Slots)
	if err != nil {
		return fmt.Errorf("bizmon: restore: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, st := range a.Steps {
		if n := uint64(len(a.Features)); st[0] >= n || st[1] >= n {
			return fmt.Errorf("bizmon: restore: a step of %d to %d: there are %d features", st[0], st[1], n)
		}
	}
	s.b.Users.windows.restore(ids, sketches, s.b.core.m.Now())
	s.b.Users.restore(a.Features, a.Steps)
	return nil
}

func decodeSlots(slots []archivedSlot) (ids []slotID, sketches []*Sketch, err error) {
	for _, s := range slots {
		level := -1
		for i := range levels {
			if levels[i].name == s.Level {
				level = i
			}
		}
		if level < 0 {
			return nil, nil, fmt.Errorf("slot level %q", s.Level)
		}
		sk := &Sketch{}
		if err := sk.UnmarshalBinary(s.Sketch); err != nil {
			return nil, nil, fmt.Errorf("slot %s/%d: %w", s.Level, s.Start, err)
		}
		ids, sketches = append(ids, slotID{level, s.Start}), append(sketches, sk)
	}
	return ids, sketches, nil
}

func (u *Users) restore(names []string, steps [][3]uint64) {
	u.journeys.clear()
	ids := make([]int32, len(names))
	for i, name := range names {
		ids[i] = none
		if name != "" {
			ids[i] = u.features.find(name).id
		}
	}
	for _, st := range steps {
		u.journeys.add(ids[st[0]], ids[st[1]], st[2])
	}
}

func (w *windows) archive(now time.Time) (out []archivedSlot, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.carry(now)
	for level := range w.slots {
		for _, s := range w.slots[level] {
			if s.sketch.Empty() {
				continue
			}
			b, err := s.sketch.MarshalBinary()
			if err != nil {
				return nil, err
			}
			out = append(out, archivedSlot{levels[level].name, s.start, b})
		}
	}
	return out, nil
}

// restore replaces the slots. What is counted meanwhile is lost, or stays.
func (w *windows) restore(ids []slotID, sketches []*Sketch, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.carry(now)
	w.clear()
	for i, id := range ids {
		length := int64(levels[id.level].length / time.Second)
		ago := w.back(id.level, now, 0) - id.start
		if ago < 0 || ago%length != 0 || ago/length >= int64(levels[id.level].keep) {
			continue
		}
		s := w.slot(id.level, id.start)
		if s.sketch.Merge(sketches[i]) {
			s.version++
			s.dirty = true
		}
	}
}

// clear forgets all users. mu is held.
func (w *windows) clear() {
	w.slots, w.closed = [len(levels)][]slot{}, map[span]*union{}
	w.liveMu.Lock()
	defer w.liveMu.Unlock()
	w.live = &sketch.HyperLogLog{}
}
