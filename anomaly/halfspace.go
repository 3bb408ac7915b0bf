package anomaly

import (
	"fmt"
	"slices"

	"github.com/chronoretrace/chronomon/internal/halfspace"
)

// HalfSpaceTrees tells how many of the points of the last window were like a point.
// What it looks at is a shingle, as a [Forest] does. Each of its trees halves space
// again and again and counts what falls in each half. A point costs a path in each
// tree; trees are never grown anew, but once a window is full its counts are those
// that scores go by. What lies beyond all that the window had is the rarer the farther
// out it is.
//
// A score is measured by those before. There is no expected value.
//
// Source: S. C. Tan, K. M. Ting, T. F. Liu: Fast Anomaly Detection for Streaming Data,
// IJCAI 2011.
type HalfSpaceTrees struct {
	clock   clock
	recent  shingles
	trees   *halfspace.Trees
	spans   []halfspace.Span
	scratch []float64
	past    pastScores
}

var _ Detector = (*HalfSpaceTrees)(nil)

const (
	halfSpaceDepth  = 5
	halfSpaceBefore = 64 // points from which the first spans are
)

// NewHalfSpaceTrees returns HalfSpaceTrees. With the defaults they are ready after 676
// points. The error wraps monitor.ErrInvalidOption.
func NewHalfSpaceTrees(opts ...ForestOption) (*HalfSpaceTrees, error) {
	c, err := newForestConfig(25, 512, opts)
	if err != nil {
		return nil, err
	}
	h := &HalfSpaceTrees{recent: newShingles(c), past: newPastScores(c.contamination)}
	h.spans = make([]halfspace.Span, h.recent.columns())
	h.scratch = make([]float64, 0, len(h.recent.values))
	h.trees, err = halfspace.New(len(h.spans), halfspace.Config{Trees: c.trees, Depth: halfSpaceDepth, Window: c.window, Seed: c.seed})
	if err != nil {
		return nil, fmt.Errorf("anomaly: %w", err)
	}
	return h, nil
}

// Observe implements [Detector].
func (h *HalfSpaceTrees) Observe(p Point) Score {
	out := unready()
	if !h.clock.takes(p) || !h.recent.push(p) {
		return out
	}
	if h.trees.Ready() {
		dense := 1 - h.trees.Score(h.recent.last)
		out.Value, out.Ready = h.past.judge(1 - dense/(1+h.recent.beyond()))
	}
	h.recent.reach()
	if h.trees.Begun() {
		h.trees.Learn(h.recent.last)
	}
	if h.trees.Complete() || (!h.trees.Begun() && h.recent.n >= halfSpaceBefore) {
		h.turn()
	}
	return out
}

// turn begins a window, whose spans are those of the last.
func (h *HalfSpaceTrees) turn() {
	s := &h.recent
	h.scratch = h.scratch[:0]
	for i := range s.n {
		h.scratch = append(h.scratch, s.values[s.place(i)])
	}
	differences := halfspace.Span{}
	values := span(h.scratch)
	if s.k > 1 {
		h.scratch = h.scratch[:0]
		for i := 1; i < s.n; i++ {
			h.scratch = append(h.scratch, s.values[s.place(i)]/2-s.values[s.place(i-1)]/2)
		}
		differences = span(h.scratch)
	}
	for i := range h.spans {
		switch {
		case i < s.k:
			h.spans[i] = values
		case i < 2*s.k-1:
			h.spans[i] = differences
		default: // the circle of the day
			h.spans[i] = halfspace.Span{Low: -1, High: 1}
		}
	}
	s.reachAgain()
	h.trees.Turn(h.spans)
}

// span is where all but one of a hundred lie, on either side.
func span(values []float64) halfspace.Span {
	slices.Sort(values)
	out := len(values) / 100
	return halfspace.Span{Low: values[out], High: values[len(values)-1-out]}
}
