package anomaly

import "time"

// A budget is a token bucket of time: what is spent comes back at a share of a core.
// It may go below nothing, which is then paid back first.
type budget struct {
	share float64
	left  time.Duration
	at    time.Time // of the last refill
	since time.Time // what is being measured
	ticks int
}

// budgetSpan is what time a full budget has gathered its share from.
const budgetSpan = time.Minute

// between is how many observations are made between two looks at the clock, which
// costs as much as a fast one.
const between = 16

func newBudget(share float64) budget {
	b := budget{share: share}
	b.left = b.most()
	return b
}

// most is a full budget.
func (b *budget) most() time.Duration { return time.Duration(b.share * float64(budgetSpan)) }

// refill adds what the time since the last refill is worth. Time that goes back is
// worth nothing.
func (b *budget) refill(now time.Time) {
	if !b.at.IsZero() && now.After(b.at) {
		b.left = min(b.most(), b.left+time.Duration(b.share*float64(now.Sub(b.at))))
	}
	b.at = now
}

// begin begins to measure, and end ends it.
func (b *budget) begin() { b.since, b.ticks = time.Now(), 0 }

func (b *budget) end() {
	now := time.Now()
	b.left -= now.Sub(b.since)
	b.since = now
}

// tick is called after each observation.
func (b *budget) tick() {
	if b.ticks++; b.ticks%between == 0 {
		b.end()
	}
}

func (b *budget) out() bool { return b.left <= 0 }
