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

type sessionShard struct {
	mu   sync.Mutex
	open map[uint64]session // guarded by mu
	next int64              // guarded by mu; when a full table is swept again at the earliest
}

// session is what is known of one: nothing that names the user.
type session struct {
	user        uint64 // hash
	first, last int64  // Unix nanoseconds
	feature     int32  // used last
}

func newSessions(c *core, j *journeys) *sessions {
	s := &sessions{core: c, journeys: j}
	if !c.m.Off() {
		s.cell = c.in.sessions
	}
	for i := range s.shards {
		s.shards[i].open = map[uint64]session{}
	}
	return s
}

// touch goes on with the session of that key, or begins it. feature may be none.
func (s *sessions) touch(key, user uint64, feature int32, now time.Time) {
	if s.core.config.sessions == 0 {
		return
	}
	at := now.UnixNano()
	sh := &s.shards[key%shards]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	v, ok := sh.open[key]
	if ok && s.over(v, at) {
		s.end(sh, key, v)
		ok = false
	}
	if !ok {
		if s.count.Load() >= int64(s.core.config.sessions) && !s.makeRoom(sh, at) {
			add(s.cell, sessionUntracked, 1)
			return
		}
		s.count.Add(1)
		add(s.cell, sessionBegun, 1)
		v = session{user: user, first: at, last: at, feature: none}
	}
	v.last = max(v.last, at)
	if feature != none {
		s.journeys.step(v.feature, feature)
		v.feature = feature
	}
	sh.open[key] = v
}

// over reports whether the session has ended by that time.
func (s *sessions) over(v session, at int64) bool {
	return at-v.last > int64(s.core.config.idle) || at-v.first > int64(s.core.config.most) ||
		v.last-at > int64(mostBack) // the clock was wrong
}

// end removes a session and counts it. The shard's lock is held.
func (s *sessions) end(sh *sessionShard, key uint64, v session) {
	delete(sh.open, key)
	s.count.Add(-1)
	var home instrument.Home
	s.cell.Observe(&home, 0, v.last-v.first)
	if v.feature != none {
		s.journeys.step(v.feature, none)
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
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		for key, v := range sh.open {
			if v.user == user {
				delete(sh.open, key)
				s.count.Add(-1)
				found = true
			}
		}
		sh.mu.Unlock()
	}
	return found
}
