package bizmon

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/chronoretrace/chronomon/internal/instrument"
)

// shards spread the locks of sessions.
const shards = 16

// sessions is the bounded table of sessions that go on.
type sessions struct {
	core     *core
	journeys *journeys
	cell     *instrument.Cell
	count    atomic.Int64
	shards   [shards]sessionShard
}

// sessionShard is the sessions of some of the users.
type sessionShard struct {
	mu     sync.Mutex
	open   map[uint64]session // guarded by mu
	latest map[uint64]uint64  // guarded by mu; the key of the user's session used last, of those that have a name
	next   int64              // guarded by mu; when a full table is swept again at the earliest
}

// session is what is known of one: nothing that names the user.
type session struct {
	user        uint64 // hash
	first, last int64  // Unix nanoseconds
	feature     int32  // used last
	loose       bool   // begun by a call that does not say which session it is of
}

func newSessions(c *core, j *journeys) *sessions {
	s := &sessions{core: c, journeys: j}
	if !c.m.Off() {
		s.cell = c.in.sessions
	}
	for i := range s.shards {
		s.shards[i].open, s.shards[i].latest = map[uint64]session{}, map[uint64]uint64{}
	}
	return s
}

// touch goes on with the session of that key, which is the user where it has no
// name, or begins it. Without a feature it is any session of the user.
func (s *sessions) touch(key, user uint64, feature int32, now time.Time) {
	if s.core.config.sessions == 0 {
		return
	}
	at := now.UnixNano()
	sh := &s.shards[user%shards]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	v, ok := sh.open[key]
	if !ok {
		key, v, ok = sh.other(key, user, feature)
	}
	if ok && s.over(v, at) {
		s.end(sh, key, v)
		ok = false
		if feature == none {
			key = user
		}
	}
	if !ok {
		if s.count.Load() >= int64(s.core.config.sessions) && !s.makeRoom(sh, at) {
			add(s.cell, sessionUntracked, 1)
			return
		}
		s.count.Add(1)
		add(s.cell, sessionBegun, 1)
		v = session{user: user, first: at, last: at, feature: none, loose: true}
	}
	v.last = max(v.last, at)
	if feature != none {
		s.journeys.step(v.feature, feature)
		v.feature, v.loose = feature, false
	}
	sh.open[key] = v
	if feature != none && key != user && sh.latest[user] != key {
		sh.latest[user] = key
	}
}

// other finds which open session is meant where none has that key: without a
// feature the user's latest, and for a name the loose one, which it is given to.
func (sh *sessionShard) other(key, user uint64, feature int32) (uint64, session, bool) {
	if feature == none {
		if latest, ok := sh.latest[user]; ok {
			v, ok := sh.open[latest]
			return latest, v, ok
		}
		return key, session{}, false
	}
	v, ok := sh.open[user]
	if !ok || !v.loose {
		return key, session{}, false
	}
	delete(sh.open, user)
	return key, v, true
}

// over reports whether the session has ended by that time.
func (s *sessions) over(v session, at int64) bool {
	return at-v.last > int64(s.core.config.idle) || at-v.first > int64(s.core.config.most) ||
		v.last-at > int64(mostBack) // the clock was wrong
}

// end removes a session and counts it. The shard's lock is held.
func (s *sessions) end(sh *sessionShard, key uint64, v session) {
	sh.remove(key, v.user)
	s.count.Add(-1)
	var home instrument.Home
	s.cell.Observe(&home, 0, v.last-v.first)
	if v.feature != none {
		s.journeys.step(v.feature, none)
	}
}

func (sh *sessionShard) remove(key, user uint64) {
	delete(sh.open, key)
	if sh.latest[user] == key {
		delete(sh.latest, user)
	}
}

// makeRoom ends what is over in a shard of a full table, at most once a second.
func (s *sessions) makeRoom(sh *sessionShard, at int64) bool {
	if at < sh.next {
		return false
	}
	sh.next = at + int64(time.Second)
	before := len(sh.open)
	s.sweepShard(sh, at)
	return len(sh.open) < before
}

func (s *sessions) sweepShard(sh *sessionShard, at int64) {
	for key, v := range sh.open {
		if s.over(v, at) {
			s.end(sh, key, v)
		}
	}
}

// sweep ends all sessions that are over.
func (s *sessions) sweep(now time.Time) {
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		s.sweepShard(sh, now.UnixNano())
		sh.mu.Unlock()
	}
}

// open counts the sessions that go on.
func (s *sessions) open(now time.Time) (n int) {
	at := now.UnixNano()
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		for _, v := range sh.open {
			if !s.over(v, at) {
				n++
			}
		}
		sh.mu.Unlock()
	}
	return n
}

// forget removes all sessions of a user without a trace.
func (s *sessions) forget(user uint64) (found bool) {
	sh := &s.shards[user%shards]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for key, v := range sh.open {
		if v.user == user {
			sh.remove(key, user)
			s.count.Add(-1)
			found = true
		}
	}
	return found
}
