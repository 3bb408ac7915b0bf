package anomaly

// pieceLen is how many values a piece has.
const pieceLen = 8

// piece is the last values of a series, the oldest first.
type piece struct {
	values [pieceLen]float64
	n      int // that there were in all
}

// push adds a value and reports whether the piece is whole.
func (p *piece) push(v float64) bool {
	copy(p.values[:], p.values[1:])
	p.values[pieceLen-1] = bounded(v)
	p.n++
	return p.n >= pieceLen
}
