package series

import (
	"math"
	"slices"
)

// Deterministic is what a series is stationary about.
type Deterministic uint8

// What a test of stationarity takes out.
const (
	AboutMean Deterministic = iota
	AboutLine
)

// DickeyFuller is the augmented test against a unit root (Said and Dickey, 1984),
// with a number of lagged differences: t is the statistic, the more negative the
// surer that there is none, and p the probability of as much in a random walk, by
// MacKinnon's (1994) approximation. Of too few values, or such that need no chance to be as they are,
// t is 0 and p 1.
func DickeyFuller(y []float64, lags int, about Deterministic) (t, p float64) {
	lags = max(lags, 0)
	n := len(y) - 1 - lags
	regressors := lags + 2
	if about == AboutLine {
		regressors++
	}
	if n <= regressors {
		return 0, 1
	}
	change := make([]float64, len(y)-1)
	for i := range change {
		change[i] = y[i+1] - y[i]
	}
	columns := [][]float64{make([]float64, n)}
	for i := range n {
		columns[0][i] = 1
	}
	if about == AboutLine {
		line := make([]float64, n)
		for i := range line {
			line[i] = float64(i+1) / float64(n)
		}
		columns = append(columns, line)
	}
	for k := 1; k <= lags; k++ {
		columns = append(columns, change[lags-k:lags-k+n])
	}
	// The level before comes last: of what nothing else explains, its coefficient
	// is that of a regression with it alone (Frisch and Waugh, 1933).
	q := orthogonal(columns)
	level, rest := q.without(y[lags:lags+n]), q.without(change[lags:])
	ll := sumSquares(level)
	if !(ll > 1e-20*sumSquares(y[lags:lags+n]) && sumSquares(rest) > 1e-20*sumSquares(change)) {
		return 0, 1
	}
	slope := dot(level, rest) / ll
	for i := range rest {
		rest[i] -= slope * level[i]
	}
	t = slope * math.Sqrt(ll*float64(n-regressors)/sumSquares(rest))
	if math.IsNaN(t) {
		return 0, 1
	}
	return t, mackinnon(t, about)
}

// basis is what columns span, each of length one and orthogonal to the others.
type basis [][]float64

func orthogonal(columns [][]float64) (q basis) {
	for _, c := range columns {
		v := q.without(c)
		if d := math.Sqrt(sumSquares(v)); d > 1e-10*math.Sqrt(sumSquares(c)) {
			for i := range v {
				v[i] /= d
			}
			q = append(q, v)
		}
	}
	return q
}

// without is what the basis does not explain of x. It goes twice over it, which
// takes back what rounding leaves.
func (q basis) without(x []float64) []float64 {
	out := slices.Clone(x)
	for range 2 {
		for _, v := range q {
			by := dot(v, out)
			for i := range out {
				out[i] -= by * v[i]
			}
		}
	}
	return out
}

// response is MacKinnon's (1994) table of how the statistic of one series is
// distributed: the normal quantile of p is a polynomial of it, one below the
// boundary and one above.
type response struct {
	least, boundary, most float64
	below                 [3]float64
	above                 [4]float64
}

var responses = [...]response{
	AboutMean: {-18.83, -1.61, 2.74, [3]float64{2.1659, 1.4412, 0.038269}, [4]float64{1.7339, 0.93202, -0.12745, -0.010368}},
	AboutLine: {-16.18, -2.89, 0.7, [3]float64{3.2512, 1.6047, 0.049588}, [4]float64{2.5261, 0.61654, -0.37956, -0.060285}},
}

func mackinnon(t float64, about Deterministic) float64 {
	r := responses[about]
	switch {
	case t > r.most:
		return 1
	case t < r.least:
		return 0
	}
	coefficients := r.above[:]
	if t <= r.boundary {
		coefficients = r.below[:]
	}
	var z float64
	for _, c := range slices.Backward(coefficients) {
		z = z*t + c
	}
	return math.Erfc(-z/math.Sqrt2) / 2
}

// KPSS is the statistic of the test for stationarity (Kwiatkowski, Phillips,
// Schmidt and Shin, 1992), the long-run variance from a number of lags: the
// greater the surer that there is a unit root. It is 0 of a series that never
// leaves its mean or line.
func KPSS(y []float64, lags int, about Deterministic) float64 {
	n := len(y)
	if n < 3 {
		return 0
	}
	e := centred(y)
	if about == AboutLine {
		e = aboutLine(y)
	}
	variance := sumSquares(e)
	if !(variance > 1e-20*sumSquares(y)) {
		return 0
	}
	for k := 1; k <= min(lags, n-1); k++ {
		variance += 2 * (1 - float64(k)/float64(lags+1)) * dot(e[k:], e[:n-k])
	}
	if !(variance > 0) {
		return 0
	}
	var at, sum float64
	for _, v := range e {
		at += v
		sum += at * at
	}
	return sum / float64(n) / variance
}

// A UnitRootTest decides how often a series is to be differenced.
type UnitRootTest uint8

// The tests.
const (
	ByKPSS         UnitRootTest = iota // takes the series for stationary unless that is refuted
	ByDickeyFuller                     // takes it for a random walk unless that is refuted
)

const (
	mostDifferences = 2
	kpssLevel       = 0.463 // Kwiatkowski and others (1992), table 1, at 5 %
	rootLevel       = 0.05
)

// Differences returns how many differences, at most 2, make y stationary about its
// mean at a level of 5 %: what R's ndiffs does (Hyndman and Khandakar, 2008).
func Differences(y []float64, by UnitRootTest) int {
	for d := 0; ; d++ {
		if d == mostDifferences || !(sumSquares(centred(y)) > 0) || stationary(y, by) {
			return d
		}
		next := make([]float64, len(y)-1)
		for i := range next {
			next[i] = y[i+1] - y[i]
		}
		y = next
	}
}

func stationary(y []float64, by UnitRootTest) bool {
	if by == ByDickeyFuller {
		_, p := DickeyFuller(y, 1, AboutMean)
		return p <= rootLevel
	}
	return KPSS(y, int(3*math.Sqrt(float64(len(y)))/13), AboutMean) <= kpssLevel
}

// SeasonalEnough is how strong a season has to be for a difference over it to be
// taken: the threshold of R's nsdiffs.
const SeasonalEnough = 0.64
