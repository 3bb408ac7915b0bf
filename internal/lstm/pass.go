package lstm

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

// A pass goes through a window, forward and back. It makes what it needs once.
type pass struct {
	window, stride int
	hidden, cells  []float64 // after each step, with the zeros before the first
	gates          []float64 // of each step; on the way back, what the loss changes with
	errors         []float64 // of each step: what the loss changes with at the output
	dh, dc         []float64 // the same at the layer's output and its cells
	grad           weights
}

func newPass(c *Config, m *Model) *pass {
	h := m.hidden
	return &pass{
		window: c.Window, stride: c.Stride, grad: newWeights(m.inputs(), h),
		hidden: make([]float64, (c.Window+1)*h), cells: make([]float64, (c.Window+1)*h), gates: make([]float64, c.Window*4*h),
		errors: make([]float64, c.Window), dh: make([]float64, h), dc: make([]float64, h),
	}
}

// A lesson is what a series teaches: the inputs of its steps, one after another,
// and what each is to answer.
type lesson struct{ inputs, answers []float64 }

// gradient sets grad to that of the mean loss in the windows that end before the
// steps, and returns the loss.
func (p *pass) gradient(m *Model, l *lesson, ends []int) (loss float64) {
	clear(p.grad.all)
	for _, end := range ends {
		loss += p.forward(m, l, end)
		p.back(m, l, end)
	}
	n := 1 / float64(len(ends)*p.stride)
	floats.Scale(n, p.grad.all)
	return n * loss
}

// forward returns the sum of the losses.
func (p *pass) forward(m *Model, l *lesson, end int) (loss float64) {
	h, n := m.hidden, m.inputs()
	for t := range p.window {
		at := end - p.window + t
		gates, hidden := p.gates[4*t*h:4*(t+1)*h], p.hidden[(t+1)*h:(t+2)*h]
		m.weights.gates(gates, l.inputs[at*n:(at+1)*n], p.hidden[t*h:(t+1)*h])
		cell(gates, hidden, p.cells[(t+1)*h:(t+2)*h], p.cells[t*h:(t+1)*h])
		if t >= p.window-p.stride {
			of, slope := huber(m.weights.answer(hidden) - l.answers[at])
			loss += of
			p.errors[t] = slope
		}
	}
	return loss
}

// back adds to grad.
func (p *pass) back(m *Model, l *lesson, end int) {
	h, n, w, g := m.hidden, m.inputs(), &m.weights, &p.grad
	clear(p.dh)
	clear(p.dc)
	for t := p.window - 1; t >= 0; t-- {
		if t >= p.window-p.stride {
			floats.AddScaled(p.dh, p.errors[t], w.output)
			floats.AddScaled(g.output, p.errors[t], p.hidden[(t+1)*h:(t+2)*h])
			g.shift[0] += p.errors[t]
		}
		z := p.gates[4*t*h : 4*(t+1)*h]
		uncell(z, p.dh, p.dc, p.cells[(t+1)*h:(t+2)*h], p.cells[t*h:(t+1)*h])
		floats.Add(g.bias, z)
		at := end - p.window + t
		for i, v := range l.inputs[at*n : (at+1)*n] {
			floats.AddScaled(g.input[i*len(z):(i+1)*len(z)], v, z)
		}
		for i, v := range p.hidden[t*h : (t+1)*h] {
			floats.AddScaled(g.recurrent[i*len(z):(i+1)*len(z)], v, z)
			p.dh[i] = floats.Dot(w.recurrent[i*len(z):(i+1)*len(z)], z)
		}
	}
}

// bend is from where on an error counts for its size rather than its square, in
// scales.
const bend = 0.5

// huber is the loss of an error, and its slope: the pseudo-Huber loss.
func huber(e float64) (loss, slope float64) {
	root := math.Sqrt(1 + e*e/(bend*bend))
	return bend * (root - 1), e / (bend * root)
}
