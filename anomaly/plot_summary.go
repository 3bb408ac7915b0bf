package anomaly

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/chronoretrace/chronomon/internal/svg"
)

// summary is what the description tells.
type summary struct {
	from, to          time.Time
	known, missing    int
	low, high         float64
	anomalous         int
	worstAt           int // index
	bandLow, bandHigh float64
	learning          int
}

// inOrder yields the points that are later than those before.
func (c *chart) inOrder(yield func(int, Point) bool) {
	var last time.Time
	for i, p := range c.Points {
		if i > 0 && !p.Time.After(last) {
			continue
		}
		last = p.Time
		if !yield(i, p) {
			return
		}
	}
}

func (c *chart) summarise() summary {
	s := summary{low: math.Inf(1), high: math.Inf(-1), bandLow: math.Inf(1), bandHigh: math.Inf(-1), worstAt: -1}
	first := true
	for i, p := range c.inOrder {
		if first {
			s.from, first = p.Time, false
		}
		s.to = p.Time
		if !isNumber(p.Value) {
			s.missing++
		} else {
			s.known++
			s.low, s.high = min(s.low, p.Value), max(s.high, p.Value)
		}
		if len(c.Scores) == 0 {
			continue
		}
		score := &c.Scores[i]
		if !score.Ready {
			s.learning++
		}
		for _, v := range []float64{score.Low, score.High, score.Expected} {
			if isNumber(v) {
				s.bandLow, s.bandHigh = min(s.bandLow, v), max(s.bandHigh, v)
			}
		}
		if score.Anomalous() {
			s.anomalous++
			if s.worstAt < 0 || score.Value > c.Scores[s.worstAt].Value {
				s.worstAt = i
			}
		}
	}
	return s
}

// valueRange is what the axis of the values reaches: all values, the band where it
// is not far off, and zero where that is near.
func (c *chart) valueRange() (low, high float64) {
	low, high = c.sum.low, c.sum.high
	if c.sum.known == 0 {
		low, high = 0, 1
	}
	room := high - low
	if !isNumber(room) {
		return low, high
	}
	if room == 0 {
		room = math.Abs(high) / 10
	}
	if c.sum.bandLow <= c.sum.bandHigh {
		low = min(low, max(c.sum.bandLow, low-room))
		high = max(high, min(c.sum.bandHigh, high+room))
	}
	if room = high - low; low >= 0 && low < room/2 {
		low = 0
	}
	return low, min(high+room/20, math.MaxFloat64)
}

func isNumber(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// usual is the median of the distances between points, of a thousand of them.
func usual(points []Point) time.Duration {
	const most = 1001
	var all []time.Duration
	stride := max(1, len(points)/most)
	for i := 1; i < len(points); i += stride {
		if d := points[i].Time.Sub(points[i-1].Time); d > 0 {
			all = append(all, d)
		}
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return min(all[len(all)/2], math.MaxInt64/gapsAre)
}

// description is the picture in sentences.
func (c *chart) description() string {
	s := &c.sum
	if s.known+s.missing == 0 {
		return "There are no points."
	}
	var b strings.Builder
	at := func(t time.Time) string { return t.In(c.time.From.Location()).Format("2 Jan 2006 15:04:05") }
	fmt.Fprintf(&b, "Points: %d, from %s to %s (%s)", s.known, at(s.from), at(s.to), c.time.Zone)
	if s.known > 0 {
		fmt.Fprintf(&b, ", between %s and %s", svg.Number(s.low, c.Unit), svg.Number(s.high, c.Unit))
	}
	if s.missing > 0 {
		fmt.Fprintf(&b, "; %d without a value", s.missing)
	}
	b.WriteByte('.')
	if len(c.Scores) > 0 {
		switch {
		case s.learning == len(c.Scores):
			b.WriteString(" The detector was not ready.")
		case s.anomalous == 0:
			b.WriteString(" No anomaly.")
		default:
			worst := c.Points[s.worstAt]
			fmt.Fprintf(&b, " Anomalous points: %d, the most so at %s with %s, score %s.", s.anomalous, at(worst.Time), svg.Number(worst.Value, c.Unit), svg.Number(c.Scores[s.worstAt].Value, ""))
		}
	}
	if n := len(c.Windows); n > 0 {
		fmt.Fprintf(&b, " Windows: %d", n)
		for i, w := range c.Windows[:min(n, 10)] {
			b.WriteString([]string{": ", "; "}[min(i, 1)])
			if w.Label != "" {
				b.WriteString(svg.Line(w.Label, 80) + ", ")
			}
			b.WriteString(at(w.From) + " to " + at(w.To))
		}
		b.WriteByte('.')
	}
	return b.String()
}
