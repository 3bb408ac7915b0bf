package bizmon

import (
	"math"
	"sync"
	"time"

	"github.com/chronoretrace/chronomon/internal/sketch"
)

// heat finds the keys that are used most of late. Weights grow instead of
// counts shrinking (Cormode, Shkapenyuk, Srivastava and Xu, "Forward decay",
// 2009): a use at time t weighs 2^((t-mark)/halfLife), and the marks move before
// the numbers get too large. Time does not run backwards: where the clock is set
// back it stands still, and by more than a half-life it goes on from where it was.
type heat struct {
	halfLife time.Duration // 0: no decay

	mu     sync.Mutex
	mark   time.Time    // guarded by mu
	newest time.Time    // guarded by mu
	topK   *sketch.TopK // guarded by mu
}

// mostWeight is how far weights grow before all are scaled down.
const mostWeight = 1 << 100

func newHeat(counters int, halfLife time.Duration) *heat {
	return &heat{halfLife: halfLife, topK: sketch.NewTopK(counters)}
}

func (h *heat) add(key string, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.topK.Add(key, h.weight(now))
}

// weight is that of a use now. mu is held.
func (h *heat) weight(now time.Time) float64 {
	if h.halfLife == 0 {
		return 1
	}
	if h.mark.IsZero() {
		h.mark = now
	}
	back := h.newest.Sub(now)
	h.newest = later(h.newest, now)
	weight := math.Exp2(float64(h.newest.Sub(h.mark)) / float64(h.halfLife))
	if back > h.halfLife {
		h.newest = now
	}
	if back > h.halfLife || weight > mostWeight {
		h.topK.Scale(1 / weight)
		h.mark, weight = h.newest, 1
	}
	return weight
}

// top returns the n hottest keys; their counts are as of now.
func (h *heat) top(n int, now time.Time) []sketch.Item {
	h.mu.Lock()
	defer h.mu.Unlock()
	weight := h.weight(now)
	out := h.topK.Top(n)
	for i := range out {
		out[i].Count /= weight
		out[i].Error /= weight
	}
	return out
}

// shares returns which share of all uses the ns hottest keys have, for each n;
// ok is false without uses.
func (h *heat) shares(now time.Time, ns ...int) (out []float64, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	weight, total := h.weight(now), h.topK.Total()
	if total/weight < 0.5 {
		return nil, false // nothing of late
	}
	all := h.topK.Top(h.topK.Len())
	for _, n := range ns {
		sum := 0.0
		for _, it := range all[:min(n, len(all))] {
			sum += it.Count - it.Error
		}
		out = append(out, min(max(sum/total, 0), 1))
	}
	return out, true
}
