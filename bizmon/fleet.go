package bizmon

import (
	"cmp"
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
	read    time.Time  // guarded by mu; when all slots were read last, zero after an outage
	failing bool       // guarded by mu; it is logged when that changes

	last atomic.Int64 // when an exchange succeeded, before the first when the process began; Unix nanoseconds
}

// readEvery is how often slots are read that nothing more was expected for: a
// process that was cut off sends what it has seen when it can, and a store may lose
// what it had.
const readEvery = 10 * time.Minute

// mostExchange bounds one exchange, however seldom they are.
const mostExchange = 10 * time.Second

// age is the gauge of the time since the last exchange.
func (f *fleet) age(c *core) func(emit) {
	return func(e emit) { e(max(c.m.Now().Sub(time.Unix(0, f.last.Load())), 0).Seconds()) }
}

// sync exchanges sketches with the fleet: what has not settled comes in, and what
// the fleet lacks goes out. Merges are idempotent, so that both may be repeated,
// and what fails is tried again with what has come since.
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
	f, c, w := &u.fleet, u.core.config, u.windows
	ctx, cancel := context.WithTimeout(ctx, min(max(c.syncEvery, time.Second), mostExchange))
	defer cancel()
	if err := c.store.Join(ctx, u.core.fingerprint); err != nil {
		f.read = time.Time{}
		return fmt.Errorf("bizmon: join the fleet: %w", err)
	}
	all := now.Sub(f.read) >= readEvery || now.Before(f.read)
	if all {
		w.unsettle()
	}
	keys, slots := w.wanted(now)
	in, err := c.store.Load(ctx, keys)
	if err != nil {
		err = fmt.Errorf("bizmon: load sketches: %w", err)
	}
	if len(in) != len(keys) {
		f.read = time.Time{}
		return cmp.Or(err, errors.New("bizmon: load sketches: the store returned another number than asked for"))
	}
	if all {
		f.read = now
	}
	w.learn(slots, in, now, 3*c.syncEvery)
	if out := w.lacking(now); len(out) > 0 {
		if failed := c.store.Merge(ctx, out); failed != nil {
			err = errors.Join(err, fmt.Errorf("bizmon: merge sketches: %w", failed))
		}
	}
	return err
}

// slotID names a slot.
type slotID struct {
	level int
	start int64
}

func (id slotID) key() string { return fmt.Sprintf("users/%s/%d", levels[id.level].name, id.start) }

// expires is when the slot is in no window any more, in no time zone, with some
// to spare.
func (id slotID) expires() time.Time {
	l := levels[id.level]
	return time.Unix(id.start, 0).Add(time.Duration(l.keep+1)*l.length + 2*time.Minute)
}

// lacking returns copies of the slots that the fleet may not know as they are.
func (w *windows) lacking(now time.Time) (out []StoredSketch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.carry(now)
	for level := range w.slots {
		for _, s := range w.slots[level] {
			if s.dirty {
				id := slotID{level, s.start}
				out = append(out, StoredSketch{id.key(), s.sketch.Clone(), id.expires()})
			}
		}
	}
	return out
}

// unsettle has all slots read again.
func (w *windows) unsettle() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for level := range w.slots {
		for i := range w.slots[level] {
			w.slots[level][i].settled = false
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
			settled[s.start] = s.settled && !s.dirty
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

// learn merges what the fleet knows, and finds what it lacks. A slot that has
// been over for a while is settled: all processes have sent theirs.
func (w *windows) learn(ids []slotID, in []*Sketch, now time.Time, grace time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, id := range ids {
		s := w.slot(id.level, id.start)
		known := in[i]
		if known == nil {
			known = &Sketch{}
		}
		if s.sketch.Merge(known) {
			s.version++
		}
		s.dirty = known.Merge(s.sketch)
		s.settled = !s.dirty && id.start < w.back(id.level, now.Add(-grace), 0)
	}
}
