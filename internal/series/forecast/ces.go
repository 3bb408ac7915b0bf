package forecast

import (
	"math"

	"github.com/chronoretrace/chronomon/internal/series"
)

// complexSmoothing is Svetunkov, Kourentzes and Ord's (2022) complex exponential
// smoothing without season: level and trend in one complex parameter.
func complexSmoothing() method {
	return method{name: "CES", fit: func(y []float64) (predictor, bool) {
		if len(y) < 5 {
			return nil, false
		}
		unit := series.MAD(y)
		if !(unit > 0) {
			unit = 1
		}
		level := series.Mean(y[:min(10, len(y))])
		load := func(x []float64) (m cesModel, ok bool) {
			m = cesModel{a0: x[0], a1: x[1], level: level + unit*x[2], rest: level/1.1 + unit*x[3]}
			return m, m.stable()
		}
		x, sse := minimise(func(x []float64) float64 {
			m, ok := load(x)
			if !ok {
				return math.Inf(1)
			}
			return math.Log(max(m.errors(y), 1e-300)) * float64(len(y))
		}, []float64{1.3, 1, 0, 0}, []float64{0.3, 0.05, 0.5, 0.5}, 300, 1e-7)
		m, _ := load(x)
		return m.predict, !math.IsInf(sse, 0)
	}}
}

type cesModel struct{ a0, a1, level, rest float64 }

// stable is the condition of the paper's equation 25.
func (m cesModel) stable() bool {
	a, b := m.a0, m.a1
	return (a-2.5)*(a-2.5)+b*b > 1.25 && (a-0.5)*(a-0.5)+(b-1)*(b-1) > 0.25 && (a-1.5)*(a-1.5)+(b-0.5)*(b-0.5) < 1.5
}

func (m *cesModel) next(e float64) {
	l, c := m.level, m.rest
	m.level = l - (1-m.a1)*c + (m.a0-m.a1)*e
	m.rest = l + (1-m.a0)*c + (m.a0+m.a1)*e
}

func (m cesModel) errors(y []float64) (sse float64) {
	for _, v := range y {
		e := v - m.level
		sse += e * e
		m.next(e)
	}
	return sse
}

func (m cesModel) predict(y []float64, h int) []float64 {
	for _, v := range y {
		m.next(v - m.level)
	}
	out := make([]float64, h)
	for i := range out {
		out[i] = m.level
		m.next(0)
	}
	return out
}
