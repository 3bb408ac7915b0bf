package lstm

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

// weights are parts of one slice, so that all can be walked at once. The gates are
// input, forget, candidate and output, each as wide as the layer.
type weights struct {
	all       []float64
	input     []float64 // a row of gates for each input
	recurrent []float64 // a row of gates for each unit
	bias      []float64 // one for each gate
	output    []float64 // one for each unit
	shift     []float64 // one, of the output
}

func size(inputs, hidden int) int { return 4*hidden*(inputs+hidden+1) + hidden + 1 }

func newWeights(inputs, hidden int) weights {
	return cut(make([]float64, size(inputs, hidden)), inputs, hidden)
}

func cut(all []float64, inputs, hidden int) weights {
	w := weights{all: all}
	take := func(n int) []float64 {
		head := all[:n:n]
		all = all[n:]
		return head
	}
	gates := 4 * hidden
	w.input, w.recurrent, w.bias = take(inputs*gates), take(hidden*gates), take(gates)
	w.output, w.shift = take(hidden), take(1)
	return w
}

// gates sets z to what goes into the gates, from the inputs and the layer's last
// output.
func (w *weights) gates(z, x, h []float64) {
	copy(z, w.bias)
	n := len(z)
	for i, v := range x {
		floats.AddScaled(z, v, w.input[i*n:(i+1)*n])
	}
	for i, v := range h {
		floats.AddScaled(z, v, w.recurrent[i*n:(i+1)*n])
	}
}

// answer is the network's output, from the layer's.
func (w *weights) answer(h []float64) float64 { return floats.Dot(w.output, h) + w.shift[0] }

// cell turns what goes into the gates into the gates, and moves the cells on and
// the layer's output. Where the cells go may be where they were.
func cell(z, h, c, before []float64) {
	n := len(h)
	in, forget, candidate, out := z[:n], z[n:2*n], z[2*n:3*n], z[3*n:4*n]
	c, before = c[:n], before[:n]
	for i := range h {
		in[i], forget[i], candidate[i], out[i] = sigmoid(in[i]), sigmoid(forget[i]), tanh(candidate[i]), sigmoid(out[i])
		c[i] = forget[i]*before[i] + in[i]*candidate[i]
		h[i] = out[i] * tanh(c[i])
	}
}

// uncell is the way back through [cell]: from how the loss changes with the layer's
// output and its cells to how it does with what goes into the gates, which takes
// the gates' place, and with the cells before.
func uncell(z, dh, dc, c, before []float64) {
	n := len(dh)
	in, forget, candidate, out := z[:n], z[n:2*n], z[2*n:3*n], z[3*n:4*n]
	dc, c, before = dc[:n], c[:n], before[:n]
	for i := range dh {
		y := tanh(c[i])
		d := dc[i] + dh[i]*out[i]*(1-y*y)
		dc[i] = d * forget[i]
		out[i] *= dh[i] * y * (1 - out[i])
		forget[i] *= d * before[i] * (1 - forget[i])
		in[i], candidate[i] = d*candidate[i]*in[i]*(1-in[i]), d*in[i]*(1-candidate[i]*candidate[i])
	}
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// tanh is faster than package math's. Near 0 it is exact to 1e-16, not to as many
// digits.
func tanh(x float64) float64 { return 1 - 2/(math.Exp(2*x)+1) }
