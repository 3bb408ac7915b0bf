package instrument

import (
	"sync/atomic"
	"time"
)

// exemplarEvery is the least time between two exemplars of one bucket: they
// are pointers to examples, not a log.
const exemplarEvery = time.Second

// maxTraceID is the most characters of a trace id: OpenMetrics allows an
// exemplar 128 for names and values together.
const maxTraceID = 128 - len(traceLabel)

// exemplar links a bucket to a trace.
type exemplar struct {
	trace string
	value float64 // in the exposed unit
	at    time.Time
}

func (e *exemplar) time() time.Time {
	if e == nil {
		return time.Time{}
	}
	return e.at
}

type exemplars []atomic.Pointer[exemplar] // by position in the row

// Exemplar offers a trace id for the bucket of histogram i that v fell into. It
// is kept if the bucket's last one is at least a second old.
func (c *Cell) Exemplar(i int, v int64, trace string, now time.Time) {
	if !plain(trace) {
		return
	}
	t := c.exemplars.Load()
	if t == nil {
		fresh := make(exemplars, c.group.layout.width)
		if !c.exemplars.CompareAndSwap(nil, &fresh) {
			t = c.exemplars.Load()
		} else {
			t = &fresh
		}
	}
	h := &c.group.layout.histograms[i]
	slot := &(*t)[h.bucket(v)]
	old := slot.Load()
	if age := now.Sub(old.time()); age >= 0 && age < exemplarEvery { // a clock may be set back
		return
	}
	slot.CompareAndSwap(old, &exemplar{trace, h.shown(float64(v)), now})
}

// exemplar returns the newest exemplar at a position of the row, or nil.
func (c *Cell) exemplar(at int) *exemplar {
	if t := c.exemplars.Load(); t != nil {
		return (*t)[at].Load()
	}
	return nil
}

// plain reports whether every parser reads the trace id as it was written.
func plain(trace string) bool {
	for i := range len(trace) {
		if c := trace[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return len(trace) <= maxTraceID
}
