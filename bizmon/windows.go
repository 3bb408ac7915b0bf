package bizmon

import (
	"slices"
	"sync"
	"time"

	"github.com/chronoretrace/chronomon/internal/sketch"
)

// A span is a window that active users are counted in: so many slots of a level.
type span struct {
	name  string
	level int
	slots int
}

// The windows of active_users_total, and the one of concurrent_users.
var (
	spans      = []span{{"5m", 0, 10}, {"1h", 1, 12}, {"24h", 2, 24}, {"7d", 3, 7}, {"30d", 3, 30}}
	concurrent = span{"1m", 0, 2}
)

// The levels of slots: half minutes, five minutes, hours, days. Each level's
// first slot is unfinished, so that a window of n slots reaches back between
// n-1 and n of them.
var levels = [...]struct {
	name   string
	length time.Duration
	keep   int
}{{"30s", 30 * time.Second, 10}, {"5m", 5 * time.Minute, 12}, {"1h", time.Hour, 24}, {"1d", 24 * time.Hour, 30}}

// days is the level of slots that are dates.
const days = len(levels) - 1

// windows counts distinct users in slots of time. Hot calls touch the live
// sketch alone; what is in it is carried over to the slots of all levels when
// its half minute is over, or when somebody looks.
type windows struct {
	zone *time.Location

	mu     sync.Mutex          // before liveMu
	slots  [len(levels)][]slot // guarded by mu; oldest first
	closed map[span]*union     // guarded by mu

	liveMu sync.Mutex
	live   *sketch.HyperLogLog // guarded by liveMu
	start  time.Time           // guarded by liveMu; of live's half minute
	end    int64               // guarded by liveMu; Unix nanoseconds
	floor  int64               // guarded by liveMu; before that the clock was wrong
}

// slot is the users of one stretch of time.
type slot struct {
	start   int64 // see slotStart
	sketch  *sketch.HyperLogLog
	dirty   bool // may have more than the fleet knows
	version int  // counts changes
	settled bool // nothing more will come from the fleet
}

// union is the users of a window's finished slots, which seldom change.
type union struct {
	first, current int64
	version        int
	sketch         *sketch.HyperLogLog
}

// mostBack is how far the clock may be set back before what came after is taken
// to be the mistake.
const mostBack = time.Hour

func newWindows(zone *time.Location) *windows {
	return &windows{zone: zone, live: &sketch.HyperLogLog{}, closed: map[span]*union{}}
}

// add counts the user of that hash.
func (w *windows) add(hash uint64, now time.Time) {
	w.liveMu.Lock()
	if at := now.UnixNano(); at >= w.end || at < w.floor {
		w.liveMu.Unlock()
		w.turn(now)
		w.liveMu.Lock()
	}
	w.live.Insert(hash)
	w.liveMu.Unlock()
}

// turn begins a new half minute if now is past the present one.
func (w *windows) turn(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.carry(now)
}

// carry merges the live sketch into the slots that it belongs to, and begins a
// new one if its time is over. It is called with mu held.
func (w *windows) carry(now time.Time) {
	w.liveMu.Lock()
	defer w.liveMu.Unlock()
	if !w.live.Empty() {
		for level := range levels {
			s := w.slot(level, w.slotStart(level, w.start))
			if s.sketch.Merge(w.live) {
				s.dirty = true
				s.version++
			}
		}
	}
	at := now.UnixNano()
	if at < w.end && at >= w.floor {
		return // also where the clock was set back a little: users count as of the newest slot
	}
	if at < w.floor { // it was far ahead: what was counted then has no place
		for level := range levels {
			newest := w.slotStart(level, now)
			w.slots[level] = slices.DeleteFunc(w.slots[level], func(s slot) bool { return s.start > newest })
		}
	}
	w.live = &sketch.HyperLogLog{}
	w.start = time.Unix(w.slotStart(0, now), 0)
	w.end = w.start.Add(levels[0].length).UnixNano()
	w.floor = w.start.Add(-mostBack).UnixNano()
	for level := range levels {
		first := w.back(level, w.start, levels[level].keep-1)
		w.slots[level] = slices.DeleteFunc(w.slots[level], func(s slot) bool { return s.start < first })
	}
}

// slot returns the slot of that start, made if needed. mu is held.
func (w *windows) slot(level int, start int64) *slot {
	all := w.slots[level]
	i, found := slices.BinarySearchFunc(all, start, func(s slot, start int64) int { return int(s.start - start) })
	if !found {
		all = slices.Insert(all, i, slot{start: start, sketch: &sketch.HyperLogLog{}})
		w.slots[level] = all
	}
	return &w.slots[level][i]
}

// slotStart is the start, in Unix seconds, of the slot that t lies in. A day is
// a date on the site's clock, however long daylight saving makes it, and its start
// is that date's midnight in UTC.
func (w *windows) slotStart(level int, t time.Time) int64 {
	_, offset := t.In(w.zone).Zone()
	length := int64(levels[level].length / time.Second)
	local := t.Unix() + int64(offset)
	start := local - (local%length+length)%length
	if level == days {
		return start
	}
	return start - int64(offset)
}

// back is the start of the slot n before the one that t lies in.
func (w *windows) back(level int, t time.Time, n int) int64 {
	return w.slotStart(level, t) - int64(n)*int64(levels[level].length/time.Second)
}

// estimate returns how many distinct users the window has.
func (w *windows) estimate(sp span, now time.Time) float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.carry(now)
	now = later(now, w.newest())
	first, current := w.back(sp.level, now, sp.slots-1), w.back(sp.level, now, 0)
	sum := w.finished(sp, first, current)
	all := w.slots[sp.level]
	if n := len(all); n > 0 && all[n-1].start >= current {
		sum = sum.Clone()
		sum.Merge(all[n-1].sketch)
	}
	return sum.Estimate()
}

// newest is when the live half minute began, which is after now if the clock
// was set back.
func (w *windows) newest() time.Time {
	w.liveMu.Lock()
	defer w.liveMu.Unlock()
	return w.start
}

// finished returns the union of the slots from first up to the current one.
func (w *windows) finished(sp span, first, current int64) *sketch.HyperLogLog {
	version := 0
	for _, s := range w.slots[sp.level] {
		if s.start >= first && s.start < current {
			version += s.version + 1
		}
	}
	u := w.closed[sp]
	if u != nil && u.first == first && u.current == current && u.version == version {
		return u.sketch
	}
	u = &union{first, current, version, &sketch.HyperLogLog{}}
	for _, s := range w.slots[sp.level] {
		if s.start >= first && s.start < current {
			u.sketch.Merge(s.sketch)
		}
	}
	w.closed[sp] = u
	return u.sketch
}

// bytes is the memory of all sketches.
func (w *windows) bytes() (sum int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, level := range w.slots {
		for _, s := range level {
			sum += s.sketch.Bytes()
		}
	}
	for _, u := range w.closed {
		sum += u.sketch.Bytes()
	}
	w.liveMu.Lock()
	defer w.liveMu.Unlock()
	return sum + w.live.Bytes()
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
