package bizmon

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// fleet is the state of a process's exchange with the others.
type fleet struct {
	mu      sync.Mutex // held during an exchange
	joined  bool       // guarded by mu
	failing bool       // guarded by mu; it is logged when that changes

	last atomic.Int64 // when an exchange succeeded, Unix nanoseconds
}

// age is the gauge of the time since the last exchange, absent before the first.
func (f *fleet) age(c *core) func(emit) {
	return func(e emit) {
		if last := f.last.Load(); last > 0 {
			e(max(c.m.Now().Sub(time.Unix(0, last)), 0).Seconds())
		}
	}
}

// sync exchanges sketches with the fleet: what has changed here goes out, and
// what has not settled comes in. Merges are idempotent, so that both may be
// repeated, and what fails is tried again with what has come since.
func (u *Users) sync(ctx context.Context, now time.Time) error {
	f, c := &u.fleet, u.core
	f.mu.Lock()
	defer f.mu.Unlock()
	err := u.exchange(ctx, now)
	result := "ok"
	if err != nil {
		result = "error"
	} else {
		f.last.Store(now.UnixNano())
	}
	add(c.in.syncs.Cell(result), 0, 1)
	if failing := err != nil; failing != f.failing {
		f.failing = failing
		if failing {
			c.m.Logger().Warn("active users are not shared with the fleet", "error", err)
		} else {
			c.m.Logger().Info("active users are shared with the fleet again")
		}
	}
	return err
}

func (u *Users) exchange(ctx context.Context, now time.Time) (err error) {
	defer u.core.m.Guard("bizmon.SketchStore", &err)
	store, w := u.core.config.store, u.windows
	ctx, cancel := context.WithTimeout(ctx, max(u.core.config.syncEvery, time.Second))
	defer cancel()
	if !u.fleet.joined {
		if err := store.Join(ctx, u.core.fingerprint); err != nil {
			return fmt.Errorf("bizmon: join the fleet: %w", err)
		}
		u.fleet.joined = true
		w.tellAll() // the store may have come back empty
	}
	out, versions := w.changed(now)
	if len(out) > 0 {
		if err := store.Merge(ctx, out); err != nil {
			u.fleet.joined = false
			return fmt.Errorf("bizmon: merge sketches: %w", err)
		}
		w.delivered(versions)
	}
	keys, slots := w.wanted(now)
	in, err := store.Load(ctx, keys)
	if err != nil {
		u.fleet.joined = false
		return fmt.Errorf("bizmon: load sketches: %w", err)
	}
	if len(in) != len(keys) {
		return errors.New("bizmon: load sketches: the store returned another number than asked for")
	}
	w.learn(slots, in, now, 3*u.core.config.syncEvery)
	return nil
}

// slotID names a slot.
type slotID struct {
	level int
	start int64
}

func (id slotID) key() string { return fmt.Sprintf("users/%s/%d", levels[id.level].name, id.start) }

// end is when the slot is over.
func (w *windows) endOf(id slotID) time.Time {
	start := time.Unix(id.start, 0).In(w.zone)
	if levels[id.level].length == 0 {
		return start.AddDate(0, 0, 1)
	}
	return start.Add(levels[id.level].length)
}

// expires is when the slot is in no window any more, with some to spare.
func (w *windows) expires(id slotID) time.Time {
	if levels[id.level].length == 0 {
		return time.Unix(id.start, 0).AddDate(0, 0, levels[id.level].keep+1)
	}
	return time.Unix(id.start, 0).Add(time.Duration(levels[id.level].keep+2)*levels[id.level].length + time.Minute)
}

// changed returns copies of the slots that the fleet does not know as they are.
func (w *windows) changed(now time.Time) (out []StoredSketch, versions map[string]int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.carry(now)
	versions = map[string]int{}
	for level := range w.slots {
		for _, s := range w.slots[level] {
			if s.dirty {
				id := slotID{level, s.start}
				out = append(out, StoredSketch{id.key(), s.sketch.Clone(), w.expires(id)})
				versions[id.key()] = s.version
			}
		}
	}
	return out, versions
}

// tellAll makes the fleet be told everything again.
func (w *windows) tellAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for level := range w.slots {
		for i := range w.slots[level] {
			w.slots[level][i].dirty = !w.slots[level][i].sketch.Empty()
			w.slots[level][i].settled = false
		}
	}
}

// delivered notes what the fleet knows now.
func (w *windows) delivered(versions map[string]int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for level := range w.slots {
		for i := range w.slots[level] {
			s := &w.slots[level][i]
			if v, ok := versions[slotID{level, s.start}.key()]; ok && v == s.version {
				s.dirty = false
			}
		}
	}
}

// wanted lists the slots that others may have more of.
func (w *windows) wanted(now time.Time) (keys []string, ids []slotID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now = later(now, w.newest())
	for level := range levels {
		settled := map[int64]bool{}
		for _, s := range w.slots[level] {
			settled[s.start] = s.settled
		}
		for n := levels[level].keep - 1; n >= 0; n-- {
			id := slotID{level, w.back(level, now, n)}
			if !settled[id.start] {
				keys, ids = append(keys, id.key()), append(ids, id)
			}
		}
	}
	return keys, ids
}

// learn merges what the fleet knows. A slot that has been over for a while is
// settled: all processes have sent theirs.
func (w *windows) learn(ids []slotID, in []*Sketch, now time.Time, grace time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, id := range ids {
		s := w.slot(id.level, id.start)
		if s.sketch.Merge(in[i]) {
			s.version++
		}
		if in[i] == nil && !s.sketch.Empty() {
			s.dirty = true // the store has lost it
		}
		s.settled = !s.dirty && now.Sub(w.endOf(id)) > grace
	}
}
