package lstm

import (
	"math"
	"math/rand/v2"
	"slices"
)

// A Model is what a network has learnt, and of a series of what scale. It does not
// change, so that any number of states can share it.
type Model struct {
	hidden        int
	seasons       []int64 // in milliseconds
	centre, scale float64
	weights       weights
}

// newModel returns a model with random weights, by the seed, of the values' scale.
func newModel(c *Config, values []float64) *Model {
	m := &Model{hidden: c.Hidden}
	for _, s := range c.Seasons {
		m.seasons = append(m.seasons, s.Milliseconds())
	}
	m.centre, m.scale = standard(values)
	m.weights = newWeights(m.inputs(), m.hidden)
	random := rand.New(rand.NewPCG(c.Seed, 0))
	bound := 1 / math.Sqrt(float64(c.Hidden))
	for _, w := range [][]float64{m.weights.input, m.weights.recurrent} { // no output yet: the forecast is the last value
		for i := range w {
			w[i] = bound * (2*random.Float64() - 1)
		}
	}
	for i := range c.Hidden {
		m.weights.bias[c.Hidden+i] = 1 // of the forget gate: at first, remember
	}
	return m
}

// Scale is what the model takes for a large change of its series.
func (m *Model) Scale() float64 { return m.scale }

// clone returns a model whose weights can be changed.
func (m *Model) clone() *Model {
	out := *m
	out.weights = cut(slices.Clone(m.weights.all), m.inputs(), m.hidden)
	return &out
}

// inputs is how many numbers a step sees.
func (m *Model) inputs() int { return 1 + 2*len(m.seasons) }

// see sets the inputs of a step.
func (m *Model) see(x []float64, value float64, at int64) {
	x[0] = bounded((value - m.centre) / m.scale)
	for i, s := range m.seasons {
		x[2*i+1], x[2*i+2] = math.Sincos(2 * math.Pi * float64(at%s) / float64(s))
	}
}

// change returns what a step's output is to be.
func (m *Model) change(from, to float64) float64 { return bounded((to - from) / m.scale) }

// changed returns the value that an output means.
func (m *Model) changed(from, output float64) float64 { return from + output*m.scale }

// most is how many scales from the centre a value may seem to a network.
const most = 8

func bounded(v float64) float64 { return min(max(v, -most), most) }

// standard returns the centre of values, which is the median, and their scale: the
// standard deviation, in which none counts as more than ten times the range of the
// middle four fifths from the centre. One value that is far off does not make all
// others look the same.
func standard(values []float64) (centre, scale float64) {
	sorted := slices.DeleteFunc(slices.Clone(values), func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) })
	if len(sorted) == 0 {
		return 0, 1
	}
	slices.Sort(sorted)
	unit := max(math.Abs(sorted[0]), math.Abs(sorted[len(sorted)-1])) // so that no sum is infinite
	if unit < math.SmallestNonzeroFloat64*(1<<60) {
		return 0, 1
	}
	quantile := func(q float64) float64 { return sorted[int(q*float64(len(sorted)-1))] / unit }
	centre = quantile(0.5)
	reach := 10 * (quantile(0.9) - quantile(0.1))
	if reach == 0 {
		reach = 2
	}
	var sum float64
	for _, v := range sorted {
		d := min(max(v/unit-centre, -reach), reach)
		sum += d * d
	}
	scale = math.Sqrt(sum / float64(len(sorted)))
	if scale <= 1e-9*math.Abs(centre) { // it never changes, save by rounding
		scale = math.Abs(centre)
	}
	return centre * unit, scale * unit
}
