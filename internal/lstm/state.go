package lstm

// A State is a model and where it is in a series. It is for one goroutine at a time.
type State struct {
	model         *Model
	hidden, cells []float64
	gates, inputs []float64 // what a step works with
}

// Begin returns the state before a series.
func (m *Model) Begin() *State {
	h := m.hidden
	all := make([]float64, 6*h+m.inputs())
	return &State{model: m, hidden: all[:h], cells: all[h : 2*h], gates: all[2*h : 6*h], inputs: all[6*h:]}
}

// Model returns the state's model.
func (s *State) Model() *Model { return s.model }

// Reset brings the state before a series.
func (s *State) Reset() {
	clear(s.hidden)
	clear(s.cells)
}

// Step takes the value that was last and returns the one that is expected at a
// time. The value has to be finite; what is expected then is, save near the largest
// number there is.
func (s *State) Step(value float64, at int64) float64 {
	m := s.model
	m.see(s.inputs, value, at)
	m.weights.gates(s.gates, s.inputs, s.hidden)
	cell(s.gates, s.hidden, s.cells, s.cells)
	return m.changed(value, m.weights.answer(s.hidden))
}
