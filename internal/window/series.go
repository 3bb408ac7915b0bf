package window

import "time"

// maxPoints bounds a series: with one reading a second it holds a minute
// whole, and thins out what is older.
const maxPoints = 128

// A Series is a sliding window over totals that somebody else keeps, known
// only when they are read. It is not safe for concurrent use.
type Series struct {
	span   time.Duration
	points []point
}

type point struct {
	at time.Duration
	t  Totals
}

// NewSeries returns a series over the span.
func NewSeries(span time.Duration) *Series { return &Series{span: span} }

// Read takes totals that were read now and returns by how much they have grown
// since the beginning of the span: since the newest reading that is at least as
// old as the span, or the oldest there is. ok is false at the first reading,
// and after totals went down, as they do when their keeper was replaced: from
// there on a new series begins.
func (s *Series) Read(now time.Duration, t Totals) (grown Totals, ok bool) {
	if n := len(s.points); n > 0 && less(t, s.points[n-1].t) {
		s.points = s.points[:0]
	}
	if len(s.points) == 0 {
		s.points = append(s.points, point{now, t})
		return grown, false
	}
	start := 0
	for start+1 < len(s.points) && now-s.points[start+1].at >= s.span {
		start++
	}
	s.points = append(s.points[:0], s.points[start:]...)
	for i, was := range s.points[0].t {
		grown[i] = t[i] - was
	}
	s.add(now, t)
	return grown, true
}

// add keeps a reading unless there is one that is nearly as new.
func (s *Series) add(now time.Duration, t Totals) {
	last := &s.points[len(s.points)-1]
	if len(s.points) > 1 && now-s.points[len(s.points)-2].at < s.span/maxPoints {
		*last = point{now, t}
		return
	}
	if len(s.points) >= 2*maxPoints {
		s.points = append(s.points[:1], s.points[2:]...)
	}
	s.points = append(s.points, point{now, t})
}

func less(a, b Totals) bool {
	for i := range a {
		if a[i] < b[i] {
			return true
		}
	}
	return false
}
