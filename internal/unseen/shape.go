package unseen

import "math"

const (
	shapeWidth = 8   // samples of a shape
	shapeKept  = 512 // samples that shapes are looked for among
	perSpan    = 40  // samples of a span
	outOfRange = 1.3 // how far a sample may be out of the warm-up's range, in ranges
)

// A shape tells how far the last samples are from any as many before. A sample is the
// mean of some points.
type shape struct {
	state   shapeState
	samples []float32 // the last ones, at most twice those kept
}

// A shapeState is exported to encoding/binary.
type shapeState struct {
	Points     int64 // of a sample
	Low, Range float64
	Sum        float64
	N          int64   // points in Sum
	Distance   float64 // of the last shape
}

func newShape(span, low, high, middle float64) shape {
	s := shape{samples: make([]float32, 0, 2*shapeKept)}
	s.state.Points = max(1, int64(span)/perSpan)
	s.state.Low, s.state.Range = low, high-low
	if s.state.Range == 0 {
		s.state.Range = max(0.1*math.Abs(middle), 1e-9)
	}
	return s
}

// observe returns the distance of the shape that ended last: the greatest of its
// samples' distances, in ranges of the warm-up.
func (s *shape) observe(v float64) float64 {
	st := &s.state
	st.Sum += max(-outOfRange, min(1+outOfRange, v/st.Range-st.Low/st.Range))
	if st.N++; st.N < st.Points {
		return st.Distance
	}
	if len(s.samples) == cap(s.samples) {
		s.samples = s.samples[:copy(s.samples, s.samples[len(s.samples)-shapeKept:])]
	}
	s.samples = append(s.samples, float32(st.Sum/float64(st.N)))
	st.Sum, st.N = 0, 0
	st.Distance = s.nearest()
	return st.Distance
}

// nearest is the distance of the last shape to the nearest that it has no sample in
// common with; 0 if there is none.
func (s *shape) nearest() float64 {
	n := len(s.samples)
	if n < 2*shapeWidth {
		return 0
	}
	last := (*[shapeWidth]float32)(s.samples[n-shapeWidth:])
	best := float32(math.MaxFloat32)
	for from := max(0, n-shapeKept); from <= n-2*shapeWidth; from++ {
		var far float32
		for i, x := range (*[shapeWidth]float32)(s.samples[from:]) {
			d := x - last[i]
			if d < 0 {
				d = -d
			}
			if d > far {
				if far = d; far >= best {
					break
				}
			}
		}
		best = min(best, far)
	}
	return float64(best)
}
