package capacity

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Histogram is a distribution of usage in which old samples weigh less: half
// after each half-life. Its buckets grow by a ratio. It is the histogram by
// which the Kubernetes vertical pod autoscaler recommends, and gives the same
// percentiles (pkg/recommender/util). The zero value is empty and takes nothing: see
// [NewHistogram]. It is not safe for concurrent use.
type Histogram struct {
	spec      HistogramSpec
	weights   []float64
	total     float64
	low, high int       // buckets that have weight
	reference time.Time // when a sample has its own weight
}

// HistogramSpec is what a [Histogram] is made of. The zero value of a field is
// its default.
type HistogramSpec struct {
	Max      float64       // the highest value told apart; 1000, as cores
	First    float64       // width of the first bucket; Max/100,000
	Ratio    float64       // each bucket is this much wider than the one before; 1.05
	HalfLife time.Duration // 24 h
	Epsilon  float64       // a bucket of less weight does not count; 0.0001
}

// maxHistogram bounds the buckets.
const maxHistogram = 10_000

// NewHistogram returns an empty histogram.
func NewHistogram(spec HistogramSpec) (*Histogram, error) {
	set := func(v *float64, otherwise float64) {
		if *v == 0 {
			*v = otherwise
		}
	}
	set(&spec.Max, 1000)
	set(&spec.First, spec.Max/100_000)
	set(&spec.Ratio, 1.05)
	set(&spec.Epsilon, 0.0001)
	if spec.HalfLife == 0 {
		spec.HalfLife = 24 * time.Hour
	}
	n := math.Ceil(spec.place(spec.Max)) + 1
	var errs []error
	check := func(what string, value any, good bool, want string) {
		if !good {
			errs = append(errs, fmt.Errorf("capacity: histogram: %s %v: want %s", what, value, want))
		}
	}
	check("maximum", spec.Max, spec.Max > 0 && !math.IsInf(spec.Max, 1), "a finite number above 0")
	check("first bucket", spec.First, spec.First > 0 && spec.First <= spec.Max, "above 0, not above the maximum")
	check("ratio", spec.Ratio, spec.Ratio > 1 && !math.IsInf(spec.Ratio, 1), "a finite number above 1")
	check("half-life", spec.HalfLife, spec.HalfLife > 0, "more than 0")
	check("epsilon", spec.Epsilon, spec.Epsilon > 0, "a number above 0")
	if errs == nil {
		check("number of buckets", n, n <= maxHistogram, fmt.Sprintf("at most %d", maxHistogram))
	}
	if errs != nil {
		return nil, errors.Join(errs...)
	}
	return &Histogram{spec: spec, weights: make([]float64, int(n)), low: int(n) - 1}, nil
}

// place is where a value lies among the buckets.
func (s HistogramSpec) place(v float64) float64 {
	return math.Log(v*(s.Ratio-1)/s.First+1) / math.Log(s.Ratio)
}

// start is where a bucket begins.
func (s HistogramSpec) start(i int) float64 {
	return s.First * (math.Pow(s.Ratio, float64(i)) - 1) / (s.Ratio - 1)
}

// Add adds a sample with a weight, 1 if all are alike. A value below 0, or one
// that is no number, is an error.
func (h *Histogram) Add(v, weight float64, at time.Time) error {
	if len(h.weights) == 0 {
		return errors.New("capacity: histogram: it was not made by NewHistogram")
	}
	if !(v >= 0) || !(weight >= 0) || math.IsInf(weight, 1) {
		return fmt.Errorf("capacity: histogram: value %v of weight %v: want numbers, 0 or more", v, weight)
	}
	weight *= h.decay(at)
	i := h.bucket(v)
	h.weights[i] += weight
	h.total += weight
	if h.weights[i] >= h.spec.Epsilon {
		h.low, h.high = min(h.low, i), max(h.high, i)
	}
	return nil
}

func (h *Histogram) bucket(v float64) int {
	if v < h.spec.First {
		return 0
	}
	return int(min(h.spec.place(v), float64(len(h.weights)-1)))
}

// maxDecay is how many half-lives the reference may lie back: weights grow by
// two to that power.
const maxDecay = 100

// decay is the weight of a sample in those of the reference.
func (h *Histogram) decay(at time.Time) float64 {
	if h.reference.IsZero() || at.Sub(h.reference) > maxDecay*h.spec.HalfLife {
		h.shift(at.Round(h.spec.HalfLife))
	}
	return math.Exp2(float64(at.Sub(h.reference)) / float64(h.spec.HalfLife))
}

// shift moves the reference.
func (h *Histogram) shift(to time.Time) {
	if !h.reference.IsZero() {
		h.scale(int(math.Round(float64(h.reference.Sub(to)) / float64(h.spec.HalfLife))))
	}
	h.reference = to
}

// scale multiplies all weights by a power of two.
func (h *Histogram) scale(exponent int) {
	h.total = 0
	n := len(h.weights) - 1
	h.low, h.high = n, 0
	for i := range h.weights {
		w := math.Ldexp(h.weights[i], exponent)
		h.weights[i] = w
		h.total += w
		if w >= h.spec.Epsilon {
			h.low, h.high = min(h.low, i), i
		}
	}
}

// Empty reports whether nothing in the histogram has weight.
func (h *Histogram) Empty() bool { return len(h.weights) == 0 || h.weights[h.low] < h.spec.Epsilon }

// Quantile returns the end of the bucket that the q-th part of the weight lies
// in, q from 0 to 1; 0 if the histogram is empty.
func (h *Histogram) Quantile(q float64) float64 {
	if h.Empty() {
		return 0
	}
	i := h.low
	for sum := 0.0; i < h.high; i++ {
		if sum += h.weights[i]; sum >= q*h.total {
			break
		}
	}
	return h.spec.start(min(i+1, len(h.weights)-1))
}
