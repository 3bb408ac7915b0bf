package instrument

import (
	"sync"
	"sync/atomic"
)

// Other is the label value that stands for all values past a label's limit.
const Other = "other"

// Limiter bounds the distinct values of one label. It is safe for concurrent use.
type Limiter struct {
	max      int
	overflow func()

	full   atomic.Bool
	values sync.Map // string → struct{}
	mu     sync.Mutex
	n      int // guarded by mu
}

// NewLimiter returns a limiter that lets limit distinct values pass and calls
// overflow for each use of a further one.
func NewLimiter(limit int, overflow func()) *Limiter {
	return &Limiter{max: limit, overflow: overflow}
}

// Allow reports whether v may be used as it is: it was let pass before, or
// there is room for it. Other is always let pass and takes no room.
func (l *Limiter) Allow(v string) bool {
	if v == Other {
		return true
	}
	if _, ok := l.values.Load(v); ok {
		return true
	}
	if !l.full.Load() && l.admit(v) {
		return true
	}
	l.overflow()
	return false
}

func (l *Limiter) admit(v string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.n >= l.max {
		l.full.Store(true)
		_, ok := l.values.Load(v)
		return ok
	}
	if _, loaded := l.values.LoadOrStore(v, struct{}{}); !loaded {
		l.n++
	}
	return true
}

// Exempt lets values pass that take no room.
func (l *Limiter) Exempt(values ...string) {
	for _, v := range values {
		l.values.Store(v, struct{}{})
	}
}

// Value returns v if it is allowed and [Other] otherwise.
func (l *Limiter) Value(v string) string {
	if l.Allow(v) {
		return v
	}
	return Other
}
