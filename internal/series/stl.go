package series

import (
	"math"
	"slices"
)

// STL says how a series is taken apart by loess. The zero value of each field
// but Period stands for what R's stl takes.
type STL struct {
	Period   int // values to a season, at least 2
	Seasonal int // window of one place in the season over the seasons, odd; default 7
	Trend    int // window of the trend, odd; default 1.5 periods / (1 - 1.5/Seasonal)
	LowPass  int // window that takes the trend out of the season, odd; default the period

	SeasonalDegree, TrendDegree, LowPassDegree int // 0 or 1
	SeasonalJump, TrendJump, LowPassJump       int // points from one fit to the next; default 1

	Inner int // passes; default 2
	Outer int // robust passes, each of which weighs down what fits badly; default 0
}

// Parts is a series taken apart: their sum is the series.
type Parts struct {
	Trend    []float64
	Seasonal [][]float64 // one for each period
	Rest     []float64
	Weights  []float64 // of robust passes, 0 to 1; nil without
}

func (s STL) withDefaults() STL {
	odd := func(v int) int { return v | 1 }
	if s.Seasonal == 0 {
		s.Seasonal = 7
	}
	if s.Trend == 0 {
		s.Trend = odd(int(math.Ceil(1.5 * float64(s.Period) / (1 - 1.5/float64(s.Seasonal)))))
	}
	if s.LowPass == 0 {
		s.LowPass = odd(s.Period)
	}
	if s.Inner == 0 {
		s.Inner = 2
	}
	return s
}

// Decompose takes y apart. y has to hold two periods; of less than that, all is
// trend.
func (s STL) Decompose(y []float64) Parts {
	n := len(y)
	p := Parts{Trend: make([]float64, n), Seasonal: [][]float64{make([]float64, n)}, Rest: make([]float64, n)}
	if s.Period < 2 || n < 2*s.Period {
		copy(p.Trend, y)
		return p
	}
	s = s.withDefaults()
	w := newSTLWork(s, n)
	for outer := 0; ; outer++ {
		w.pass(y, p.Trend, p.Seasonal[0], p.Weights)
		for i, v := range y {
			p.Rest[i] = v - p.Trend[i] - p.Seasonal[0][i]
		}
		if outer >= s.Outer {
			return p
		}
		if p.Weights == nil {
			p.Weights = make([]float64, n)
		}
		bisquare(p.Weights, p.Rest)
	}
}

// bisquare sets the weights of residuals: none beyond six median absolute ones.
func bisquare(weights, rest []float64) {
	abs := make([]float64, len(rest))
	for i, r := range rest {
		abs[i] = math.Abs(r)
	}
	c := 6 * Median(abs)
	for i, r := range abs {
		switch {
		case r <= 0.001*c:
			weights[i] = 1
		case r <= 0.999*c:
			q := 1 - r/c*(r/c)
			weights[i] = q * q
		default:
			weights[i] = 0
		}
	}
}

// stlWork holds the smoothers and buffers of one decomposition.
type stlWork struct {
	STL
	seasonal, trend, lowPass *loess
	detrended, smooth        []float64
	cycle, a, b              []float64 // with one period more at both ends
	sub, subWeights, subOut  []float64
}

func newSTLWork(s STL, n int) *stlWork {
	long := n + 2*s.Period
	per := n/s.Period + 3
	return &stlWork{
		STL:       s,
		seasonal:  newLoess(s.Seasonal, s.SeasonalDegree, s.SeasonalJump),
		trend:     newLoess(s.Trend, s.TrendDegree, s.TrendJump),
		lowPass:   newLoess(s.LowPass, s.LowPassDegree, s.LowPassJump),
		detrended: make([]float64, n), smooth: make([]float64, n),
		cycle: make([]float64, long), a: make([]float64, long), b: make([]float64, long),
		sub: make([]float64, per), subWeights: make([]float64, per), subOut: make([]float64, per),
	}
}

// pass is the inner loop of the paper; trend is read and written.
func (w *stlWork) pass(y, trend, seasonal, weights []float64) {
	n := len(y)
	for range w.Inner {
		for i, v := range y {
			w.detrended[i] = v - trend[i]
		}
		w.cycles(weights)
		// three moving averages leave the trend of what the cycles hold
		a := movingAverage(w.a, w.cycle, w.Period)
		b := movingAverage(w.b, a, w.Period)
		a = movingAverage(w.a, b, 3)
		w.lowPass.smooth(w.smooth, a[:n], nil)
		for i := range y {
			seasonal[i] = w.cycle[w.Period+i] - w.smooth[i]
			w.detrended[i] = y[i] - seasonal[i]
		}
		w.trend.smooth(trend, w.detrended, weights)
	}
}

// cycles smooths each place in the season over the seasons, and carries it on by
// one season at both ends.
func (w *stlWork) cycles(weights []float64) {
	n := len(w.detrended)
	for place := range w.Period {
		k := (n-1-place)/w.Period + 1
		sub, out := w.sub[:k], w.subOut[:k]
		var rw []float64
		for i := range k {
			sub[i] = w.detrended[i*w.Period+place]
		}
		if weights != nil {
			rw = w.subWeights[:k]
			for i := range k {
				rw[i] = weights[i*w.Period+place]
			}
		}
		w.seasonal.smooth(out, sub, rw)
		first, ok := w.seasonal.at(sub, rw, -1, 0, min(w.Seasonal, k)-1)
		if !ok {
			first = out[0]
		}
		last, ok := w.seasonal.at(sub, rw, float64(k), max(0, k-w.Seasonal), k-1)
		if !ok {
			last = out[k-1]
		}
		w.cycle[place] = first
		for i, v := range out {
			w.cycle[(i+1)*w.Period+place] = v
		}
		w.cycle[(k+1)*w.Period+place] = last
	}
}

// movingAverage writes the means of window values to out and returns its filled part.
func movingAverage(out, x []float64, window int) []float64 {
	n := len(x) - window + 1
	var sum float64
	for _, v := range x[:window] {
		sum += v
	}
	out = out[:n]
	out[0] = sum / float64(window)
	for i := 1; i < n; i++ {
		sum += x[i+window-1] - x[i-1]
		out[i] = sum / float64(window)
	}
	return out
}

// MSTL takes y apart into a trend and a season for each period, which are taken
// in rising order; those of which y does not hold two are left out (Bandara,
// Hyndman and Bergmeir, 2021). Settings are those of R's mstl. Without any
// period all is trend.
func MSTL(y []float64, periods ...int) Parts {
	const iterations = 2
	periods = slices.DeleteFunc(slices.Sorted(slices.Values(periods)), func(p int) bool { return p < 2 || 2*p > len(y) })
	if len(periods) == 0 {
		return Parts{Trend: slices.Clone(y), Rest: make([]float64, len(y))}
	}
	out := Parts{Seasonal: make([][]float64, len(periods))}
	rest := slices.Clone(y)
	rounds := iterations
	if len(periods) == 1 {
		rounds = 1
	}
	for range rounds {
		for i, period := range periods {
			if s := out.Seasonal[i]; s != nil {
				for j := range rest {
					rest[j] += s[j]
				}
			}
			s := mstlSettings(period, 11+4*i)
			parts := s.Decompose(rest)
			out.Seasonal[i], out.Trend = parts.Seasonal[0], parts.Trend
			for j := range rest {
				rest[j] -= out.Seasonal[i][j]
			}
		}
	}
	for j := range rest {
		rest[j] -= out.Trend[j]
	}
	out.Rest = rest
	return out
}

func mstlSettings(period, window int) STL {
	s := STL{Period: period, Seasonal: window, SeasonalDegree: 0, TrendDegree: 1, LowPassDegree: 1}.withDefaults()
	s.SeasonalJump, s.TrendJump, s.LowPassJump = (s.Seasonal+9)/10, (s.Trend+9)/10, (s.LowPass+9)/10
	return s
}

// Strength returns how much of the variance of part and rest together is the
// part's, 0 to 1: Wang, Smith and Hyndman's (2006) strength of a trend or a
// season.
func Strength(part, rest []float64) float64 {
	both := make([]float64, len(part))
	for i, v := range part {
		both[i] = v + rest[i]
	}
	all := Variance(both)
	if !(all > 0) {
		return 0
	}
	return max(0, 1-Variance(rest)/all)
}
