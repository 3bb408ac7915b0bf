package anomaly

import "math"

// centres is how many kinds of pieces a Clusters knows.
const centres = 8

// Clusters finds pieces of the series, some values one after another, that belong to
// none of the kinds of pieces that there were: the distance from the nearest kind's
// middle, in what is usual for the kind. The kinds are found as the points come, each
// piece moving the one that it is nearest to; one that no piece came to for long is
// put where an unusual piece is.
//
// Source: J. MacQueen: Some Methods for Classification and Analysis of Multivariate
// Observations, 1967 (k-means, one by one); the placing of new centres as in D.
// Arthur, S. Vassilvitskii: k-means++, SODA 2007.
type Clusters struct {
	clock clock
	piece piece
	kinds []kind
	limit float64
	// what is learnt from is a window of so many points, by weights that fall
	share float64
}

// kind is one of the clusters.
type kind struct {
	middle   [pieceLen]float64
	distance float64 // usual one of its pieces
	visits   int
	last     int // when it was last visited
}

var _ Detector = (*Clusters)(nil)

// NewClusters returns a Clusters. It is ready after an eighth of the window, and
// takes less than 1 KiB. The error wraps monitor.ErrInvalidOption.
func NewClusters(opts ...Option) (*Clusters, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	return &Clusters{limit: c.limit, share: 2 / float64(c.window+1), kinds: make([]kind, 0, centres)}, nil
}

// Observe implements [Detector]. There is no expected value.
func (d *Clusters) Observe(p Point) Score {
	if !d.clock.takes(p) || !d.piece.push(p.Value) {
		return unready()
	}
	n := d.piece.n
	if len(d.kinds) == 0 {
		d.kinds = append(d.kinds, kind{middle: d.piece.values, last: n})
	}
	k, far := d.nearest()
	s := unready()
	window := int(2 / d.share)
	if n >= pieceLen+learning(window) {
		s.Ready = true
		s.Value = value(far, d.limit*d.usual(k))
	}
	switch unusual := far > 2*d.usual(k); {
	case unusual && len(d.kinds) < centres:
		d.kinds = append(d.kinds, kind{middle: d.piece.values, distance: d.usual(k), visits: 1, last: n})
		return s
	case unusual:
		for i := range d.kinds {
			if n-d.kinds[i].last > window {
				d.kinds[i] = kind{middle: d.piece.values, distance: d.usual(k), visits: 1, last: n}
				return s
			}
		}
	}
	k.visits++
	k.last = n
	share := max(d.share, 1/float64(k.visits))
	for i, v := range d.piece.values {
		k.middle[i] += share * (v - k.middle[i])
	}
	k.distance += share * (min(far, d.limit*max(d.usual(k), far/2)) - k.distance)
	return s
}

// nearest returns the kind that the piece is nearest to, and its distance.
func (d *Clusters) nearest() (*kind, float64) {
	best, least := 0, math.Inf(1)
	for i := range d.kinds {
		var sum float64
		for j, v := range d.piece.values {
			off := v - d.kinds[i].middle[j]
			sum += off * off
		}
		if sum < least {
			best, least = i, sum
		}
	}
	return &d.kinds[best], min(math.Sqrt(least), math.MaxFloat64)
}

// usual is what distances of a kind are like; of one with few visits, what those of
// all are.
func (d *Clusters) usual(k *kind) float64 {
	if k.visits >= pieceLen {
		return k.distance
	}
	var sum, n float64
	for i := range d.kinds {
		sum += d.kinds[i].distance * float64(d.kinds[i].visits)
		n += float64(d.kinds[i].visits)
	}
	return sum / max(1, n)
}
