package series

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Correlation is how two series move together.
type Correlation struct {
	Lag int     // steps by which the second follows the first; below 0 it leads
	R   float64 // of what their own pasts do not explain, by ranks, -1 to 1
	Raw float64 // Pearson's, of the values as they are, at that lag
	P   float64 // the chance of an R as far from 0 at any of the lags, were they unrelated
}

// minOverlap is the fewest pairs that a correlation is judged by.
const minOverlap = 20

// Correlate finds the lag, of at most most steps either way, at which two series
// of one length move together the most, and how likely that is by chance.
//
// Two series that each go on as they went are alike at some lag by nothing but
// chance, and one step or spike in both makes any coefficient great. So each is
// first whitened by an autoregressive model of its own, of the order that Akaike's
// criterion chooses (Haugh, Journal of the American Statistical Association 71,
// 1976), what is left is put into normal scores, and P is Šidák's, for all of the
// lags together. A season that both have is not taken out here.
func Correlate(x, y []float64, most int) (Correlation, error) {
	n := len(x)
	switch {
	case n != len(y):
		return Correlation{}, fmt.Errorf("series: correlation of %d values with %d", n, len(y))
	case most < 0 || !Finite(x) || !Finite(y):
		return Correlation{}, fmt.Errorf("series: correlation at lags up to %d: want finite values, and 0 lags or more", most)
	}
	a, b := innovations(x), innovations(y)
	short := min(len(a), len(b))
	if short-most < minOverlap {
		return Correlation{}, fmt.Errorf("series: correlation of %d values at lags up to %d: want %d more", n, most, minOverlap-short+most)
	}
	a, b = normalScores(a[len(a)-short:]), normalScores(b[len(b)-short:])
	best, z := Correlation{P: 1}, 0.0
	for lag := -most; lag <= most; lag++ {
		u, v := overlap(a, b, lag)
		r := pearson(u, v)
		if s := math.Abs(r) * math.Sqrt(float64(len(u)-1)); s > z {
			best, z = Correlation{Lag: lag, R: r}, s
		}
	}
	u, v := overlap(x, y, best.Lag)
	best.Raw = pearson(u, v)
	one := math.Erfc(z / math.Sqrt2)
	best.P = -math.Expm1(float64(2*most+1) * math.Log1p(-one))
	return best, nil
}

// overlap returns the values of x and those of y that come lag steps later.
func overlap(x, y []float64, lag int) (u, v []float64) {
	if lag >= 0 {
		return x[:len(x)-lag], y[lag:]
	}
	return x[-lag:], y[:len(y)+lag]
}

// pearson is the correlation coefficient, 0 where one of the two is constant.
func pearson(x, y []float64) float64 {
	a, b := centred(x), centred(y)
	d := math.Sqrt(sumSquares(a) * sumSquares(b))
	if !(d > 0) {
		return 0
	}
	return dot(a, b) / d
}

// normalScores puts quantiles of the normal distribution for the ranks (van der
// Waerden).
func normalScores(x []float64) []float64 {
	out := ranks(x)
	for i, r := range out {
		out[i] = NormalQuantile(r / float64(len(x)+1))
	}
	return out
}

// innovations returns what an autoregressive model of the series does not
// explain, without the first values, which have too little of a past.
func innovations(x []float64) []float64 {
	phi := autoregression(x, min(10, len(x)/8))
	d := centred(x)
	out := make([]float64, len(d)-len(phi))
	for i := range out {
		t := i + len(phi)
		out[i] = d[t]
		for j, p := range phi {
			out[i] -= p * d[t-1-j]
		}
	}
	return out
}

// autoregression fits a model by Yule and Walker's equations, of the order up to
// most with the least AIC.
func autoregression(x []float64, most int) (best []float64) {
	r := ACF(x, max(most, 0))
	n, v, least := float64(len(x)), 1.0, 0.0 // of no model, up to a constant
	phi := make([]float64, 0, len(r))
	for k := 1; k < len(r); k++ {
		next := r[k]
		for j, p := range phi {
			next -= p * r[k-1-j]
		}
		next /= v
		before := slices.Clone(phi)
		for j := range phi {
			phi[j] -= next * before[len(before)-1-j]
		}
		phi = append(phi, next)
		if v *= 1 - next*next; !(v > 0) {
			break
		}
		if aic := n*math.Log(v) + 2*float64(k); aic < least {
			best, least = slices.Clone(phi), aic
		}
	}
	return best
}

// Relation is a series that moves with another one.
type Relation struct {
	Index int // in the list that was searched
	Correlation
}

// Related returns which of the others move with x, the surest first. At most the
// share rate of them, on average, is there by chance (Benjamini and Hochberg,
// Journal of the Royal Statistical Society B 57, 1995). Those that cannot be
// judged, for want of values or of any change, are left out.
func Related(x []float64, others [][]float64, most int, rate float64) []Relation {
	var all []Relation
	for i, y := range others {
		if c, err := Correlate(x, y, most); err == nil {
			all = append(all, Relation{i, c})
		}
	}
	slices.SortStableFunc(all, func(a, b Relation) int { return cmp.Compare(a.P, b.P) })
	keep := 0
	for i, r := range all {
		if r.P <= rate*float64(i+1)/float64(len(all)) {
			keep = i + 1
		}
	}
	return all[:keep]
}
