package series

import "math"

// loess smooths evenly spaced values by local polynomials of degree 0 or 1 over
// a window of an odd number of points, as STL's Fortran does (Cleveland and
// others, 1990): at every jump-th point, straight lines in between.
type loess struct {
	window, degree, jump int

	kernel []float64 // of a whole window about its middle point, without weights
	w      []float64
}

func newLoess(window, degree, jump int) *loess {
	l := &loess{window: window, degree: degree, jump: max(jump, 1), w: make([]float64, 0, window)}
	l.kernel = make([]float64, window)
	h := float64(window / 2)
	var sum float64
	for i := range l.kernel {
		l.kernel[i] = tricube(math.Abs(float64(i)-h), h)
		sum += l.kernel[i]
	}
	for i := range l.kernel {
		l.kernel[i] /= sum
	}
	return l
}

func tricube(r, h float64) float64 {
	switch {
	case r > 0.999*h:
		return 0
	case r <= 0.001*h:
		return 1
	}
	q := r / h
	q = 1 - q*q*q
	return q * q * q
}

// smooth writes the smoothed y to out, which has to be as long. weights may be nil.
func (l *loess) smooth(out, y, weights []float64) {
	n := len(y)
	if n < 2 {
		copy(out, y)
		return
	}
	jump := min(l.jump, n-1)
	half := (l.window + 1) / 2
	left, right := 0, n-1
	fit := func(i int) {
		v, ok := l.at(y, weights, float64(i), left, right)
		if !ok {
			v = y[i]
		}
		out[i] = v
	}
	last := 0
	for i := 0; i < n; i += jump {
		last = i
		switch {
		case l.window >= n:
		case i+1 < half:
			left, right = 0, l.window-1
		case i+1 >= n-half+1:
			left, right = n-l.window, n-1
		default:
			left, right = i+1-half, i+l.window-half
			if weights == nil { // the weights are the same at every point
				out[i] = dot(l.kernel, y[left:right+1])
				continue
			}
		}
		fit(i)
	}
	if jump == 1 {
		return
	}
	for i := 0; i+jump <= last; i += jump {
		line(out, i, i+jump)
	}
	if last != n-1 {
		fit(n - 1)
		line(out, last, n-1)
	}
}

// line fills in what lies between two points.
func line(out []float64, from, to int) {
	step := (out[to] - out[from]) / float64(to-from)
	for i := from + 1; i < to; i++ {
		out[i] = out[from] + step*float64(i-from)
	}
}

// at fits y[left:right+1] and returns its value at x; ok is false where no point
// has weight.
func (l *loess) at(y, weights []float64, x float64, left, right int) (v float64, ok bool) {
	n := len(y)
	h := max(x-float64(left), float64(right)-x)
	if l.window > n {
		h += float64((l.window - n) / 2)
	}
	w := l.w[:0]
	var sum float64
	for j := left; j <= right; j++ {
		k := tricube(math.Abs(float64(j)-x), h)
		if weights != nil {
			k *= weights[j]
		}
		w = append(w, k)
		sum += k
	}
	l.w = w
	if !(sum > 0) {
		return 0, false
	}
	if l.degree == 0 || !(h > 0) {
		return dot(w, y[left:right+1]) / sum, true
	}
	var mean float64
	for i, k := range w {
		w[i] = k / sum
		mean += w[i] * float64(left+i)
	}
	var spread float64
	for i, k := range w {
		d := float64(left+i) - mean
		spread += k * d * d
	}
	if math.Sqrt(spread) <= 0.001*float64(n-1) {
		return dot(w, y[left:right+1]), true
	}
	slope := (x - mean) / spread
	for i, k := range w {
		v += k * (slope*(float64(left+i)-mean) + 1) * y[left+i]
	}
	return v, true
}
