package forecast

import (
	"cmp"
	"math"
	"slices"

	"github.com/chronoretrace/chronomon/internal/series"
)

// Least is how many values a forecast needs.
const Least = 8

const (
	mostOrigins = 10
	// sharpness is the power of the inverse error that weighs a method. On held-back
	// ends of series 4 to 8 did equally well; plain means are far worse.
	sharpness = 5
	// mostHistory is how many values are looked at, unless the seasons need more.
	mostHistory = 1500
)

// A Result is a forecast by several methods, each weighed by how well it did
// before.
type Result struct {
	Mean    []float64
	Spread  []float64 // standard deviations of the errors at each step
	Freedom float64   // degrees of freedom of Spread
	Methods []Weighed // by weight, falling
	Tests   []Test    // rolling origins, oldest first
	Naive   float64   // MAE of the best naive method
}

// Weighed is a method's part in a [Result].
type Weighed struct {
	Name   string
	Weight float64 // of all methods together 1
	MAE    float64 // of the tests
}

// A Test is what would have been forecast at an earlier time. Neither the weights
// nor the spread of the other tests know its values.
type Test struct {
	At     int // how many values were known
	Mean   []float64
	Spread []float64
}

// Forecast returns the next h values of y, which has at least [Least] values, not
// all the same. The periods are those of its seasons, in rising order, as
// [series.Seasons] finds them.
func Forecast(y []float64, periods []int, h int) Result {
	if keep := history(periods); len(y) > keep {
		res := Forecast(y[len(y)-keep:], periods, h)
		for i := range res.Tests {
			res.Tests[i].At += len(y) - keep
		}
		return res
	}
	unit := largest(y)
	scaled := make([]float64, len(y))
	for i, v := range y {
		scaled[i] = v / unit
	}
	season := 1
	if len(periods) > 0 {
		season = periods[len(periods)-1]
	}
	c := newContest(scaled, season, h)
	for _, m := range pool(scaled, periods) {
		c.enter(m)
	}
	res := c.result()
	res.scale(unit)
	return res
}

func history(periods []int) int {
	if len(periods) == 0 {
		return mostHistory
	}
	return max(mostHistory, 5*periods[len(periods)-1])
}

func largest(y []float64) float64 {
	var most float64
	for _, v := range y {
		most = max(most, math.Abs(v))
	}
	return most
}

// pool is which methods enter. Those that know no season are left out where it is
// strong.
func pool(y []float64, periods []int) []method {
	if len(periods) == 0 {
		return plain()
	}
	var strength float64
	parts := series.MSTL(y, periods...)
	for _, s := range parts.Seasonal {
		strength = max(strength, series.Strength(s, parts.Rest))
	}
	if strength > series.SeasonalEnough {
		return append(seasonal(periods), naive(1))
	}
	return append(plain(), seasonal(periods)...)
}

// A contest lets methods forecast from earlier origins.
type contest struct {
	y       []float64
	h, test int // steps that are wanted, and that are tested
	origins []int
	low     float64 // what forecasts are held to
	high    float64
	entries []entry
}

type entry struct {
	name   string
	naive  bool
	tests  [][]float64 // by origin
	errors []float64   // MAE by origin
	mean   []float64
}

func newContest(y []float64, season, h int) *contest {
	n := len(y)
	c := &contest{y: y, h: h, test: min(h, max(1, n/4))}
	stride := max(1, c.test/2)
	k := min(mostOrigins, 1+(n-c.test-(n+1)/2)/stride)
	if k > 4 { // four tests are worth less than a season to learn from
		k = max(4, min(k, 1+(n-c.test-5*season/2)/stride))
	}
	for o := range k {
		c.origins = append(c.origins, n-c.test-(k-1-o)*stride)
	}
	lo, hi := slices.Min(y), slices.Max(y)
	room := (hi - lo) * max(1, 2*float64(h)/float64(n))
	c.low, c.high = lo-room, hi+room
	if lo >= 0 {
		c.low = 0
	}
	return c
}

// enter has a method forecast from every origin with what it learns before the
// first one, and from the end with what it learns of all. Methods that cannot,
// or whose values are not finite, do not take part.
func (c *contest) enter(m method) {
	p, ok := m.fit(c.y[:c.origins[0]])
	if !ok {
		return
	}
	e := entry{name: m.name, naive: m.naive}
	for _, at := range c.origins {
		f, ok := c.held(p(c.y[:at], c.test), c.test)
		if !ok {
			return
		}
		e.tests = append(e.tests, f)
		e.errors = append(e.errors, series.MAE(c.y[at:at+c.test], f))
	}
	if p, ok = m.fit(c.y); !ok {
		return
	}
	if e.mean, ok = c.held(p(c.y, c.h), c.h); ok {
		c.entries = append(c.entries, e)
	}
}

// held keeps a forecast within what the series makes plausible: no method runs
// away.
func (c *contest) held(f []float64, h int) ([]float64, bool) {
	if len(f) != h || !series.Finite(f) {
		return nil, false
	}
	for i, v := range f {
		f[i] = min(max(v, c.low), c.high)
	}
	return f, true
}

// weights are those of the entries by all tests but one; -1 leaves out none.
func (c *contest) weights(without int) (w, mae []float64) {
	w, mae = make([]float64, len(c.entries)), make([]float64, len(c.entries))
	best := math.Inf(1)
	for i, e := range c.entries {
		var count float64
		for o, v := range e.errors {
			if o != without {
				mae[i] += v
				count++
			}
		}
		mae[i] /= max(count, 1)
		best = min(best, mae[i])
	}
	const nothing = 1e-12 // of values of at most 1
	var sum float64
	for i, v := range mae {
		w[i] = math.Pow((best+nothing)/(v+nothing), sharpness)
		sum += w[i]
	}
	for i := range w {
		w[i] /= sum
	}
	return w, mae
}

func (c *contest) result() Result {
	var res Result
	w, mae := c.weights(-1)
	res.Mean = make([]float64, c.h)
	for i, e := range c.entries {
		res.Methods = append(res.Methods, Weighed{Name: e.name, MAE: mae[i], Weight: w[i]})
		addScaled(res.Mean, w[i], e.mean)
		if e.naive && (res.Naive == 0 || mae[i] < res.Naive) {
			res.Naive = mae[i]
		}
	}
	slices.SortStableFunc(res.Methods, func(a, b Weighed) int { return cmp.Compare(b.Weight, a.Weight) })
	errors := make([][]float64, len(c.origins))
	for o, at := range c.origins {
		w, _ := c.weights(o)
		mean := make([]float64, c.test)
		for i, e := range c.entries {
			addScaled(mean, w[i], e.tests[o])
		}
		errors[o] = make([]float64, c.test)
		for j, f := range mean {
			errors[o][j] = c.y[at+j] - f
		}
		res.Tests = append(res.Tests, Test{At: at, Mean: mean})
	}
	for o := range res.Tests {
		others := slices.Delete(slices.Clone(errors), o, o+1)
		if len(others) == 0 {
			others = errors
		}
		res.Tests[o].Spread = spread(others, c.test)
	}
	res.Spread = spread(errors, c.h)
	res.Freedom = max(1, float64(len(errors)-1))
	return res
}

func addScaled(to []float64, by float64, v []float64) {
	for i := range to {
		to[i] += by * v[i]
	}
}

// spread is the root mean square of the errors at each step, those of the steps
// nearby with it. Beyond what was tested it grows as that of a random walk.
func spread(errors [][]float64, h int) []float64 {
	const width = 3 // steps
	tested := len(errors[0])
	squares := make([]float64, tested)
	for _, e := range errors {
		for j, v := range e {
			squares[j] += v * v / float64(len(errors))
		}
	}
	out := make([]float64, h)
	for j := range out {
		if j >= tested {
			out[j] = out[tested-1] * math.Sqrt(float64(j+1)/float64(tested))
			continue
		}
		var sum, weight float64
		for i := max(0, j-3*width); i < min(tested, j+3*width+1); i++ {
			d := float64(i-j) / width
			k := math.Exp(-d * d / 2)
			sum += k * squares[i]
			weight += k
		}
		out[j] = math.Sqrt(sum / weight)
	}
	return out
}

func (r *Result) scale(unit float64) {
	times := func(v []float64) {
		for i := range v {
			v[i] *= unit
		}
	}
	times(r.Mean)
	times(r.Spread)
	for i := range r.Methods {
		r.Methods[i].MAE *= unit
	}
	r.Naive *= unit
	for _, t := range r.Tests {
		times(t.Mean)
		times(t.Spread)
	}
}
