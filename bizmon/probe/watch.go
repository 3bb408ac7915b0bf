package probe

import (
	"math/rand/v2"
	"sync"
	"time"
)

// watch is a target and where it stands.
type watch struct {
	target  Target
	secrets secrets
	jitter  float64

	mu     sync.Mutex
	result Result    // guarded by mu
	busy   bool      // guarded by mu; a check waits or runs
	base   time.Time // guarded by mu; the round's beginning, zero: no round yet
	due    time.Time // guarded by mu; base and the round's delay
}

func newWatch(t Target, jitter float64) *watch {
	return &watch{
		target: t, secrets: newSecrets(t.Check.secrets()), jitter: jitter,
		result: Result{Target: t.Name, Source: t.Source, Prober: t.Check.prober()},
	}
}

// last returns the last result.
func (w *watch) last() Result {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.result
}

// plan draws when the first check is due, and returns when the next one is.
func (w *watch) plan(now time.Time) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.base.IsZero() {
		w.begin(now)
	}
	w.settle(now)
	return w.due
}

// settle begins anew, an interval from now, where the round is further away than
// that: the wall clock was set back. The caller holds mu.
func (w *watch) settle(now time.Time) {
	if w.base.Sub(now) > w.target.Interval {
		w.begin(now.Add(w.target.Interval))
	}
}

// begin starts a round. The caller holds mu.
func (w *watch) begin(base time.Time) {
	w.base = base
	w.due = base.Add(time.Duration(rand.Float64() * w.jitter * float64(w.target.Interval)))
}

// take reports whether a check is due at now, which the caller then has to make
// and end with done, and how many rounds are left out.
func (w *watch) take(now time.Time) (due bool, missed int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.base.IsZero() {
		w.base, w.due = now, now
	}
	w.settle(now)
	if now.Before(w.due) {
		return false, 0
	}
	next := w.base.Add(w.target.Interval)
	if late := now.Sub(next); late >= 0 { // rounds that nobody asked for
		n := 1 + int(late/w.target.Interval)
		missed += n
		next = next.Add(time.Duration(n) * w.target.Interval)
	}
	w.begin(next)
	if w.busy {
		return false, missed + 1
	}
	w.busy = true
	return true, missed
}

// done ends a check, and reports whether the target went down or came up: it is
// taken for up before its first check. A nil result says that none was made.
func (w *watch) done(r *Result) (changed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy = false
	if r == nil {
		return false
	}
	*r = r.following(&w.result)
	wasUp := w.result.Success || !w.result.Checked()
	changed = r.Success != wasUp
	w.result = *r
	return changed
}
