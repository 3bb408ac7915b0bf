// Package lstm forecasts the next value of a series with a small recurrent network:
// one layer of long short-term memory and a linear output, trained on the CPU in
// steps that a caller can pay for one at a time.
//
//	t, err := lstm.NewTrainer(lstm.Config{}, times, values)
//	for done := false; !done; {
//		done = t.Train(ctx, 10*time.Millisecond).Done()
//	}
//	s := t.Model().Begin()
//	next := s.Step(value, at) // what is expected at that time, after the value
//
// The network learns the change from one value to the next: before it has learnt
// anything the forecast is the last value, and so it stays where nothing changes.
// Times are milliseconds since 1970, in UTC.
//
// Sources: S. Hochreiter, J. Schmidhuber: Long Short-Term Memory, Neural Computation
// 9(8), 1997; F. Gers, J. Schmidhuber, F. Cummins: Learning to Forget, Neural
// Computation 12(10), 2000, for the forget gate; R. Williams, J. Peng: An Efficient
// Gradient-Based Algorithm for On-Line Training of Recurrent Network Trajectories,
// Neural Computation 2(4), 1990, for back-propagation that is truncated; D. Kingma,
// J. Ba: Adam, ICLR 2015; R. Pascanu, T. Mikolov, Y. Bengio: On the Difficulty of
// Training Recurrent Neural Networks, ICML 2013, for the clipping.
package lstm
