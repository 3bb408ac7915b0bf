package anomaly

import (
	"errors"
	"fmt"
	"math"

	"github.com/chronoretrace/chronomon/internal/iforest"
	"github.com/chronoretrace/chronomon/monitor"
)

// A ForestOption changes a [Forest] or [HalfSpaceTrees].
type ForestOption interface{ applyForest(*forestConfig) }

type forestOptionFunc func(*forestConfig)

func (f forestOptionFunc) applyForest(c *forestConfig) { f(c) }

type forestConfig struct {
	trees, window, shingle int
	seed                   uint64
	contamination          float64
	day                    bool
}

// WithTrees sets how many trees there are, from 1 to 256. The default is 32 of a
// [Forest] and 25 of [HalfSpaceTrees].
func WithTrees(n int) ForestOption {
	return forestOptionFunc(func(c *forestConfig) { c.trees = n })
}

// WithForestWindow sets of how many points the trees are, from 128 to 65,535. The
// default is 1,024 of a [Forest] and 512 of [HalfSpaceTrees].
func WithForestWindow(points int) ForestOption {
	return forestOptionFunc(func(c *forestConfig) { c.window = points })
}

// WithShingle sets how many values one after another are looked at together, with
// their differences, from 1 to 32. The default is 8.
func WithShingle(points int) ForestOption {
	return forestOptionFunc(func(c *forestConfig) { c.shingle = points })
}

// WithTimeOfDay looks at the time of day, in UTC, beside the values: what is common
// at noon can be rare at night. By default it is not looked at.
func WithTimeOfDay() ForestOption {
	return forestOptionFunc(func(c *forestConfig) { c.day = true })
}

// WithContamination sets the share of points that are taken for anomalies: [Threshold]
// is what that share of the scores so far exceeds. The default is 0.001, a point in
// sixteen hours of minutes; it has to be above 0 and no more than 0.5.
func WithContamination(share float64) ForestOption {
	return forestOptionFunc(func(c *forestConfig) { c.contamination = share })
}

// WithForestSeed sets what all that is drawn depends on. The default is 1; any will do.
func WithForestSeed(seed uint64) ForestOption {
	return forestOptionFunc(func(c *forestConfig) { c.seed = seed })
}

func newForestConfig(trees, window int, opts []ForestOption) (forestConfig, error) {
	c := forestConfig{trees: trees, window: window, shingle: 8, seed: 1, contamination: 0.001}
	for _, o := range opts {
		if o != nil {
			o.applyForest(&c)
		}
	}
	var errs []error
	invalid := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("anomaly: %w: "+format, append([]any{monitor.ErrInvalidOption}, args...)...))
	}
	if c.trees < 1 || c.trees > 256 {
		invalid("WithTrees(%d) is not from 1 to 256", c.trees)
	}
	if c.window < 128 || c.window > math.MaxUint16 {
		invalid("WithForestWindow(%d) is not from 128 to %d", c.window, math.MaxUint16)
	}
	if c.shingle < 1 || c.shingle > 32 {
		invalid("WithShingle(%d) is not from 1 to 32", c.shingle)
	}
	if !(c.contamination > 0 && c.contamination <= 0.5) {
		invalid("WithContamination(%v) is not above 0 and up to 0.5", c.contamination)
	}
	return c, errors.Join(errs...)
}

// forestSample is how many of the window's shingles a tree is grown from. Few are
// enough, and show outliers that come in numbers better (Liu 2008, 2.1: swamping and
// masking).
const forestSample = 32

// Forest is an isolation forest over the last points of a series. What it looks at is a
// shingle: the last values, their differences and, by option, the time of day. Each
// tree parts a sample of the window's shingles by random cuts. A new one takes the
// place of the oldest every so many points, so that all are new once a window has
// gone, and a point costs one tree at most.
//
// What lies beyond all of the window is parted by the first cut that falls between,
// which is the likelier the farther out it is, as in a random cut forest; an isolation
// forest by itself takes it for the outermost that it knows.
//
// A score is measured by those before. There is no expected value.
//
// Sources: F. T. Liu, K. M. Ting, Z.-H. Zhou: Isolation Forest, ICDM 2008. Z. Ding, M.
// Fei: An Anomaly Detection Approach Based on Isolation Forest Algorithm for Streaming
// Data using Sliding Window, IFAC 2013. S. Guha, N. Mishra, G. Roy, O. Schrijvers:
// Robust Random Cut Forest Based Anomaly Detection On Streams, ICML 2016.
type Forest struct {
	clock  clock
	recent shingles
	forest *iforest.Forest
	grow   func(to []float64, i int) []float64
	every  int // points from one tree to the next
	since  int // the last tree
	past   pastScores
}

var _ Detector = (*Forest)(nil)

// NewForest returns a Forest. With the defaults it is ready after 170 points. The
// error wraps monitor.ErrInvalidOption.
func NewForest(opts ...ForestOption) (*Forest, error) {
	c, err := newForestConfig(32, 1024, opts)
	if err != nil {
		return nil, err
	}
	f := &Forest{recent: newShingles(c), every: max(1, c.window/c.trees), past: newPastScores(c.contamination)}
	f.grow = f.recent.row
	f.forest, err = iforest.New(f.recent.columns(), iforest.Config{Trees: c.trees, Sample: forestSample, Seed: c.seed})
	if err != nil {
		return nil, fmt.Errorf("anomaly: %w", err)
	}
	return f, nil
}

// Observe implements [Detector].
func (f *Forest) Observe(p Point) Score {
	out := unready()
	if !f.clock.takes(p) || !f.recent.push(p) {
		return out
	}
	if f.forest.Full() {
		out.Value, out.Ready = f.past.judge(math.Exp2(-f.depth()))
	}
	f.recent.reach()
	if f.since++; f.recent.rows() >= forestSample && (!f.forest.Full() || f.since >= f.every) {
		f.since = 0
		f.forest.Grow(f.recent.rows(), f.grow)
		f.recent.reachAgain()
	}
	return out
}

// depth is how deep the last shingle lies, as a multiple of what is to be expected.
func (f *Forest) depth() float64 {
	deep, beyond := f.forest.Depth(f.recent.last), f.recent.beyond()
	if beyond == 0 {
		return deep
	}
	// At each level the next cut falls between with that chance, if none has before:
	// the mean of the geometric distribution, up to the depth without.
	chance := 1.0
	if !math.IsInf(beyond, 1) {
		chance = beyond / (1 + beyond)
	}
	unit := iforest.Average(forestSample)
	return (1 - math.Pow(1-chance, deep*unit)) / chance / unit
}

// shingles keeps the last points of a series and gives its shingles: the values, the
// halves of their differences, which are never too much for a float, and the place of
// the time of day on a circle.
type shingles struct {
	k      int
	values []float64 // a ring
	days   []float64 // the part of the day that has gone, if that is looked at
	next   int
	n      int
	last   []float64

	// The reach of the window's values and differences, halved once more, so that
	// there is a distance of any two.
	low, high [2]float64
}

func newShingles(c forestConfig) shingles {
	s := shingles{k: c.shingle, values: make([]float64, c.window+c.shingle-1)}
	if c.day {
		s.days = make([]float64, len(s.values))
	}
	s.last = make([]float64, 0, s.columns())
	s.nothing()
	return s
}

func (s *shingles) columns() int {
	if s.days != nil {
		return 2*s.k + 1
	}
	return 2*s.k - 1
}

// push takes a point and reports whether there is a shingle, which is in last then.
func (s *shingles) push(p Point) bool {
	s.values[s.next] = p.Value
	if s.days != nil {
		const day = 24 * 60 * 60
		s.days[s.next] = float64((p.Time.Unix()%day+day)%day) / day
	}
	if s.next++; s.next == len(s.values) {
		s.next = 0
	}
	s.n = min(s.n+1, len(s.values))
	if s.n < s.k {
		return false
	}
	s.last = s.row(s.last[:0], s.rows()-1)
	return true
}

// rows is how many shingles there are.
func (s *shingles) rows() int { return s.n - s.k + 1 }

// place is where point i is, the oldest of which is 0.
func (s *shingles) place(i int) int {
	at := s.next - s.n + i
	if at < 0 {
		at += len(s.values)
	}
	return at
}

// row appends shingle i, the oldest of which is 0.
func (s *shingles) row(to []float64, i int) []float64 {
	from := len(to)
	for j := range s.k {
		to = append(to, s.values[s.place(i+j)])
	}
	for j := range s.k - 1 {
		to = append(to, to[from+j+1]/2-to[from+j]/2)
	}
	if s.days != nil {
		sin, cos := math.Sincos(2 * math.Pi * s.days[s.place(i+s.k-1)])
		to = append(to, sin, cos)
	}
	return to
}

// newest are the parts of the last shingle that no shingle before has.
func (s *shingles) newest() [2]float64 {
	out := [2]float64{s.last[s.k-1] / 2}
	if s.k > 1 {
		out[1] = s.last[2*s.k-2] / 2
	}
	return out
}

// beyond is how far the last shingle is out of the reach of those before, in lengths
// of it, the value's distance and the difference's together.
func (s *shingles) beyond() (sum float64) {
	for i, v := range s.newest() {
		if d := max(v-s.high[i], s.low[i]-v); d > 0 {
			sum += d / (s.high[i] - s.low[i])
		}
	}
	return sum
}

func (s *shingles) nothing() {
	s.low = [2]float64{math.Inf(1), math.Inf(1)}
	s.high = [2]float64{math.Inf(-1), math.Inf(-1)}
}

// reach takes the last shingle into the reach.
func (s *shingles) reach() {
	for i, v := range s.newest() {
		s.low[i], s.high[i] = min(s.low[i], v), max(s.high[i], v)
	}
}

// reachAgain finds the reach of the window, out of which points have gone.
func (s *shingles) reachAgain() {
	s.nothing()
	before := s.values[s.place(0)]
	for i := range s.n {
		v := s.values[s.place(i)]
		of := [2]float64{v / 2}
		if s.k > 1 {
			of[1] = (v/2 - before/2) / 2
		}
		for j, v := range of {
			s.low[j], s.high[j] = min(s.low[j], v), max(s.high[j], v)
		}
		before = v
	}
}

// pastScores tells how a score, from 0 to 1, compares with all that there were, which
// it counts in bins.
type pastScores struct {
	bins        []uint32
	total       uint32
	middle, top mark
}

const (
	scoreBins    = 1024
	enoughScores = 100
	leastMargin  = 1.0 / 64 // below which scores differ by the chance of the trees
)

// A mark is a quantile: the bin that has it, and how many scores are in bins below.
type mark struct {
	q     float64
	bin   int
	below uint32
}

func newPastScores(share float64) pastScores {
	return pastScores{bins: make([]uint32, scoreBins), middle: mark{q: 0.5}, top: mark{q: 1 - share}}
}

// judge gives a score's [Score.Value], once there are enough, and counts it. The
// distance is that from the median, and the limit that of the quantile.
func (s *pastScores) judge(score float64) (v float64, ok bool) {
	if ok = s.total >= enoughScores; ok {
		middle := s.middle.end()
		v = value(score-middle, max(s.top.end()-middle, leastMargin))
	}
	bin := min(int(score*scoreBins), scoreBins-1)
	if s.total < math.MaxUint32 {
		s.bins[bin]++
		s.total++
		s.middle.move(s, bin)
		s.top.move(s, bin)
	}
	return v, ok
}

// end is the upper end of the mark's bin: no more than the share is above.
func (m *mark) end() float64 { return float64(m.bin+1) / scoreBins }

// move follows the quantile after a score was counted.
func (m *mark) move(s *pastScores, bin int) {
	if bin < m.bin {
		m.below++
	}
	rank := uint32(m.q * float64(s.total))
	for m.below > rank {
		m.bin--
		m.below -= s.bins[m.bin]
	}
	for m.below+s.bins[m.bin] <= rank {
		m.below += s.bins[m.bin]
		m.bin++
	}
}
