package anomaly

import (
	"math"
	"slices"
)

// The sizes of Neighbours: pieces that are remembered, and neighbours that count.
const (
	pieces     = 256
	neighbours = 8
)

// Neighbours finds pieces of the series, some values one after another, that are
// unlike all those before: what counts is the distance to the nearest ones, and how
// few of the distances before were as great, a conformal p-value. That share is at
// most 1 in 257, which is Threshold; what is farther out than all distances before
// scores above, by how much farther it is.
//
// Source: E. Burnaev, V. Ishimtsev: Conformalized density- and distance-based
// anomaly detection in time-series data, 2016 (KNN-CAD).
type Neighbours struct {
	clock  clock
	piece  piece
	store  [pieces][pieceLen]float64
	next   int
	stored int
	past   []float64 // distances, in the order of time
	at     int
	sorted []float64
}

var _ Detector = (*Neighbours)(nil)

// NewNeighbours returns a Neighbours. It is ready after some 330 points, and takes
// 20 KiB.
func NewNeighbours() *Neighbours {
	return &Neighbours{past: make([]float64, 0, pieces), sorted: make([]float64, 0, pieces)}
}

// Observe implements [Detector]. There is no expected value.
func (d *Neighbours) Observe(p Point) Score {
	if !d.clock.takes(p) || !d.piece.push(p.Value) {
		return unready()
	}
	s := unready()
	if d.stored >= pieces/4 {
		far := d.distance()
		if len(d.past) == pieces {
			s.Ready = true
			s.Value = d.value(far)
		}
		d.remember(far)
	}
	// The pieces of the last few points overlap this one: they come in later.
	d.store[d.next] = d.piece.values
	d.next = (d.next + 1) % pieces
	d.stored = min(d.stored+1, pieces)
	return s
}

// distance is the mean distance to the nearest pieces that do not overlap this one.
func (d *Neighbours) distance() float64 {
	var nearest [neighbours]float64
	for i := range nearest {
		nearest[i] = math.Inf(1)
	}
	for back := pieceLen; back <= d.stored; back++ {
		q := &d.store[(d.next-back+pieces)%pieces]
		worst := nearest[neighbours-1]
		var sum float64
		for i := range q {
			off := q[i] - d.piece.values[i]
			if sum += off * off; sum >= worst {
				break
			}
		}
		if sum >= worst {
			continue
		}
		at := neighbours - 1
		for ; at > 0 && nearest[at-1] > sum; at-- {
			nearest[at] = nearest[at-1]
		}
		nearest[at] = sum
	}
	var total float64
	for _, v := range nearest {
		total += math.Sqrt(v)
	}
	return min(total/neighbours, math.MaxFloat64)
}

// value makes a score of a distance: the share of distances before that are less,
// halved, and beyond all of them how far.
func (d *Neighbours) value(far float64) float64 {
	i, _ := slices.BinarySearch(d.sorted, far)
	if i < len(d.sorted) {
		return Threshold * float64(i) / float64(len(d.sorted)+1)
	}
	return value(far, d.sorted[len(d.sorted)-1])
}

func (d *Neighbours) remember(far float64) {
	if len(d.past) < pieces {
		d.past = append(d.past, far)
	} else {
		i, _ := slices.BinarySearch(d.sorted, d.past[d.at])
		d.sorted = slices.Delete(d.sorted, i, i+1)
		d.past[d.at] = far
		d.at = (d.at + 1) % pieces
	}
	i, _ := slices.BinarySearch(d.sorted, far)
	d.sorted = slices.Insert(d.sorted, i, far)
}
