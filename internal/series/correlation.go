package series

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Correlation is how two series move together.
type Correlation struct {
	Lag   int     // steps by which the second follows the first; below 0 it leads
	R     float64 // of what their own pasts do not explain, by ranks, -1 to 1
	Raw   float64 // Pearson's, of the values as they are, at that lag
	P     float64 // the chance of an R as far from 0 at any of the lags, were they unrelated
	Pairs int     // of values that R is of
}

// minOverlap is the fewest pairs that a correlation is judged by.
const minOverlap = 20

// Moves are what the past of a series does not explain of it.
type Moves struct {
	values []float64 // as they are, but for their unit; NaN where there is none
	scores []float64 // normal scores of the moves
	used   int       // numbers that were estimated before
	sparse bool      // more than half of the moves are alike
}

// NewMoves makes them of values, of which used numbers were estimated before, as
// the places of a season are. What is not finite is a gap.
//
// Two series that each go on as they went are alike at some lag by nothing but
// chance, and one step or spike in both makes any coefficient great. So the series
// is whitened by an autoregressive model of its own, of the order that Akaike's
// criterion chooses (Haugh, Journal of the American Statistical Association 71,
// 1976), and what is left is put into normal scores, of which a cubic is taken out:
// growth that bends is not all explained. The value after a gap has no past, and no
// move.
func NewMoves(x []float64, used int) Moves {
	m := Moves{values: slices.Clone(x)}
	most := 0.0
	for i, v := range x {
		if math.IsInf(v, 0) || math.IsNaN(v) {
			m.values[i] = math.NaN()
			continue
		}
		most = max(most, math.Abs(v))
	}
	if most > 0 {
		for i := range m.values {
			m.values[i] /= most
		}
	}
	m.scores = innovations(m.values)
	if m.sparse = normalScores(m.scores); !m.sparse {
		m.used = used + withoutGrowth(m.scores)
	}
	return m
}

// Correlate finds the lag, of at most most steps either way, at which two series
// move together the most, and how likely that is by chance: P is Šidák's, for all
// of the lags together. Of moves that are mostly alike, as those of what seldom
// happens, it is counted in shuffles instead, where one coincidence is little.
func Correlate(x, y Moves, most int) (Correlation, error) {
	n := len(x.values)
	switch {
	case n != len(y.values):
		return Correlation{}, fmt.Errorf("series: correlation of %d values with %d", n, len(y.values))
	case most < 0:
		return Correlation{}, fmt.Errorf("series: correlation at lags up to %d: want 0 or more", most)
	}
	best, z := Correlation{P: 1}, 0.0
	fewest := n
	for lag := -most; lag <= most; lag++ {
		r, pairs := pearson(x.scores, y.scores, lag)
		fewest = min(fewest, pairs)
		if s := math.Abs(r) * math.Sqrt(float64(pairs-1)); s > z || best.Pairs == 0 {
			best, z = Correlation{Lag: lag, R: r, P: 1, Pairs: pairs}, s
		}
	}
	if fewest < minOverlap {
		return Correlation{}, fmt.Errorf("%w: %d pairs of moves at lags up to %d, of at least %d", ErrShort, fewest, most, minOverlap)
	}
	best.Raw, _ = pearson(x.values, y.values, best.Lag)
	if best.R == 0 { // one of them never moves
		return Correlation{P: 1, Pairs: best.Pairs}, nil
	}
	if x.sparse || y.sparse {
		best.P = shuffled(x.scores, y.scores, most, z)
		return best, nil
	}
	free := max(0, 1-float64(max(x.used, y.used))/float64(best.Pairs-1))
	one := math.Erfc(z * math.Sqrt(free/2))
	best.P = -math.Expm1(float64(2*most+1) * math.Log1p(-one))
	return best, nil
}

const (
	mostShuffles = 9999
	enoughChance = 20 // shuffles that did as well end the count
)

// shuffled is the share of shuffles of x that do as well as z at one of the lags, by
// sequential counting (Besag and Clifford, Biometrika 78, 1991).
func shuffled(x, y []float64, most int, z float64) float64 {
	r := rand.New(rand.NewPCG(1, 2)) // the same values give the same answer
	var known []int
	for i, v := range x {
		if !math.IsNaN(v) {
			known = append(known, i)
		}
	}
	x = slices.Clone(x)
	well := 0
	for done := 1; done <= mostShuffles; done++ {
		r.Shuffle(len(known), func(i, j int) { x[known[i]], x[known[j]] = x[known[j]], x[known[i]] })
		for lag := -most; lag <= most; lag++ {
			if c, pairs := pearson(x, y, lag); math.Abs(c)*math.Sqrt(float64(pairs-1)) >= z*(1-1e-9) {
				well++
				break
			}
		}
		if well == enoughChance {
			return float64(well) / float64(done)
		}
	}
	return float64(well+1) / (mostShuffles + 1)
}

// pearson is the correlation coefficient of the values of x and those of y that
// come lag steps later, as far as both are known, and how many these are; 0 where
// one of the two is constant.
func pearson(x, y []float64, lag int) (r float64, pairs int) {
	from, to := max(0, -lag), min(len(x), len(x)-lag)
	if from >= to {
		return 0, 0
	}
	u, v := x[from:to], y[from+lag:to+lag]
	var n, sx, sy float64
	for i, a := range u {
		if b := v[i]; a == a && b == b { // neither is NaN
			n++
			sx += a
			sy += b
		}
	}
	mx, my := sx/n, sy/n
	var xx, yy, xy float64
	for i, a := range u {
		if b := v[i]; a == a && b == b {
			xx += (a - mx) * (a - mx)
			yy += (b - my) * (b - my)
			xy += (a - mx) * (b - my)
		}
	}
	least := 1e-24 * n
	if d := math.Sqrt(xx * yy); xx > least*mx*mx && yy > least*my*my && d > 0 {
		r = min(max(xy/d, -1), 1)
	}
	return r, int(n)
}

// normalScores puts quantiles of the normal distribution for the ranks of what is
// known (van der Waerden), and says whether more than half of it is alike.
func normalScores(x []float64) (sparse bool) {
	var known []float64
	for _, v := range x {
		if !math.IsNaN(v) {
			known = append(known, v)
		}
	}
	scores := ranks(known)
	alike := map[float64]int{}
	for _, r := range scores {
		alike[r]++
		sparse = sparse || 2*alike[r] > len(known)
	}
	next := 0
	for i, v := range x {
		if !math.IsNaN(v) {
			x[i] = NormalQuantile(scores[next] / float64(len(known)+1))
			next++
		}
	}
	return sparse
}

// withoutGrowth takes the cubic out that fits values best, NaN where there is none,
// and says how many numbers it has.
func withoutGrowth(x []float64) (used int) {
	const degree = 3
	var known []int
	for t, v := range x {
		if !math.IsNaN(v) {
			known = append(known, t)
		}
	}
	var before [][]float64 // curves, each of them orthogonal to the others
	for power := range degree + 1 {
		curve := make([]float64, len(known))
		for i, t := range known {
			curve[i] = math.Pow(2*float64(t)/float64(len(x))-1, float64(power))
		}
		for range 2 { // rounding
			for _, b := range before {
				along := dot(curve, b)
				for i, v := range b {
					curve[i] -= along * v
				}
			}
		}
		size := math.Sqrt(sumSquares(curve))
		if !(size > 1e-9) {
			break
		}
		along := 0.0
		for i, t := range known {
			curve[i] /= size
			along += curve[i] * x[t]
		}
		for i, t := range known {
			x[t] -= along * curve[i]
		}
		before = append(before, curve)
	}
	return max(0, len(before)-1)
}

// mostPast is how many values before it a value is explained by.
const mostPast = 10

// innovations returns what the values before do not explain of each; NaN where
// they are too few.
func innovations(x []float64) []float64 {
	out := make([]float64, len(x))
	d := interpolated(x)
	if len(d) == 0 || math.IsNaN(d[0]) {
		return slices.Clone(x)
	}
	d = centred(d)
	phi := regression(d, min(mostPast, len(x)/8))
	size := 0.0
	for t := range out {
		size = max(size, math.Abs(d[t]))
		if past := len(phi) - 1; t < past || math.IsNaN(x[t]) || t > 0 && past > 0 && math.IsNaN(x[t-1]) {
			out[t] = math.NaN()
			continue
		}
		out[t] = d[t] - phi[0]
		for j, p := range phi[1:] {
			out[t] -= p * d[t-1-j]
		}
	}
	const rounding = 1e-9
	for t, v := range out {
		if math.Abs(v) < rounding*size {
			out[t] = 0
		}
	}
	return out
}

// FalseDiscovery returns, for each of several probabilities, the least share of
// chance finds at which it would still be among the findings (Benjamini and
// Hochberg, Journal of the Royal Statistical Society B 57, 1995).
func FalseDiscovery(ps []float64) []float64 {
	order := make([]int, len(ps))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(ps[b], ps[a]) })
	out, least := make([]float64, len(ps)), 1.0
	for i, at := range order {
		least = min(least, ps[at]*float64(len(ps))/float64(len(ps)-i))
		out[at] = least
	}
	return out
}
