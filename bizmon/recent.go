package bizmon

import "time"

// recent is what a source did in the last five minutes, in slots of ten seconds.
type recent struct {
	slots [recentSlots]tally
}

const (
	recentSlots  = 30
	recentLength = 10 * time.Second
)

// tally is what happened in a slot.
type tally struct {
	slot        int64         // counts slots from 1970
	ok, failed  uint32        // requests
	took        time.Duration // of those that were ok
	up, down    uint32        // checks from outside
	points, bad uint32
	missing     uint64
}

// mostTook bounds what one request adds to the response time.
const mostTook = time.Hour

func (t *tally) request(failed bool, took time.Duration) {
	if failed {
		t.failed++
		return
	}
	t.ok++
	t.took += min(max(took, 0), mostTook)
}

func (t *tally) probe(up bool) {
	if up {
		t.up++
	} else {
		t.down++
	}
}

// at returns the slot of a time.
func (r *recent) at(now time.Time) *tally {
	slot := now.UnixNano() / int64(recentLength)
	t := &r.slots[uint64(slot)%recentSlots]
	if t.slot != slot {
		*t = tally{slot: slot}
	}
	return t
}

// sum adds up what is recent.
func (r *recent) sum(now time.Time) (sum tally) {
	slot := now.UnixNano() / int64(recentLength)
	for i := range r.slots {
		t := &r.slots[i]
		if t.slot <= slot-recentSlots || t.slot > slot {
			continue
		}
		sum.ok += t.ok
		sum.failed += t.failed
		sum.up += t.up
		sum.down += t.down
		sum.points += t.points
		sum.bad += t.bad
		sum.missing += t.missing
		sum.took += t.took
	}
	return sum
}
