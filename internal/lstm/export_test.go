package lstm

// Loss sets all weights of a new network to numbers of about 1 and returns the
// gradient at the batch of windows that end before the steps, and the loss as a
// function of a weight and what is added to it.
func Loss(c Config, times []int64, values []float64, ends []int, weight func() float64) (gradient []float64, at func(i int, d float64) float64, err error) {
	t, err := NewTrainer(c, times, values)
	if err != nil {
		return nil, nil, err
	}
	w := t.model.weights.all
	for i := range w {
		w[i] = weight()
	}
	t.pass.gradient(t.model, &t.lesson, ends)
	gradient = append(gradient, t.pass.grad.all...)
	return gradient, func(i int, d float64) float64 {
		was := w[i]
		w[i] += d
		loss := t.pass.gradient(t.model, &t.lesson, ends)
		w[i] = was
		return loss
	}, nil
}

// Parts are the model's numbers: centre and scale, then the weights of the inputs
// and of the layer's last output, a row each, of the bias, the output and its shift.
func (m *Model) Parts() [6][]float64 {
	w := m.weights
	return [6][]float64{{m.centre, m.scale}, w.input, w.recurrent, w.bias, w.output, w.shift}
}

// Adam takes a step for each gradient, from weights of 0.
func Adam(gradients [][]float64, rate float64) []float64 {
	a, w := newAdam(len(gradients[0])), make([]float64, len(gradients[0]))
	for _, g := range gradients {
		a.step(w, g, rate)
	}
	return w
}
