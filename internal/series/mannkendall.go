package series

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mathext"
)

// MannKendall is the test of a series against a trend in one direction (Mann,
// 1945; Kendall, 1975).
type MannKendall struct {
	S        float64 // pairs that rise less those that fall
	Variance float64 // of S without a trend, ties counted
	Tau      float64 // S as a share of the pairs that are no ties: Kendall's tau-b with time
}

// NewMannKendall tests y, in time in proportion to the pairs.
func NewMannKendall(y []float64) MannKendall {
	n := len(y)
	var m MannKendall
	for i, a := range y {
		up, down := 0, 0
		for _, b := range y[i+1:] {
			if b > a {
				up++
			}
			if b < a {
				down++
			}
		}
		m.S += float64(up - down)
	}
	f := float64(n)
	m.Variance = f * (f - 1) * (2*f + 5)
	ties := 0.0
	sorted := slices.Sorted(slices.Values(y))
	for i := 0; i < n; {
		j := i
		for j < n && sorted[j] == sorted[i] {
			j++
		}
		t := float64(j - i)
		m.Variance -= t * (t - 1) * (2*t + 5)
		ties += t * (t - 1) / 2
		i = j
	}
	m.Variance /= 18
	pairs := f * (f - 1) / 2
	if d := math.Sqrt(pairs * (pairs - ties)); d > 0 {
		m.Tau = m.S / d
	}
	return m
}

// SeasonalMannKendall adds up the tests of each place in the season (Hirsch, Slack
// and Smith, 1982). Tau is not set.
func SeasonalMannKendall(y []float64, period int) MannKendall {
	var sum MannKendall
	for place := range period {
		var sub []float64
		for i := place; i < len(y); i += period {
			sub = append(sub, y[i])
		}
		m := NewMannKendall(sub)
		sum.S += m.S
		sum.Variance += m.Variance
	}
	return sum
}

// Z is the standardised statistic, corrected for continuity.
func (m MannKendall) Z() float64 {
	if !(m.Variance > 0) || m.S == 0 {
		return 0
	}
	return (m.S - math.Copysign(1, m.S)) / math.Sqrt(m.Variance)
}

// P is the two-sided probability of as much in a series without trend.
func (m MannKendall) P() float64 { return math.Erfc(math.Abs(m.Z()) / math.Sqrt2) }

// StudentP is P where the variance is an estimate with degrees of freedom.
func (m MannKendall) StudentP(freedom float64) float64 {
	z := m.Z()
	return mathext.RegIncBeta(freedom/2, 0.5, freedom/(freedom+z*z))
}

// Correlated returns the test with the variance that S has if the values of y
// depend on each other (Hamed and Rao, 1998): by the autocorrelations of the
// ranks about a trend of the slope, those that are significant at 5 %.
func (m MannKendall) Correlated(y []float64, slope float64) MannKendall {
	n := len(y)
	if n < 4 {
		return m
	}
	d := make([]float64, n)
	for i, v := range y {
		d[i] = v - slope*float64(i)
	}
	r := ACF(ranks(d), n-1)
	bound := NormalQuantile(0.975) / math.Sqrt(float64(n))
	f := float64(n)
	var sum float64
	for k := 1; k < n-2; k++ {
		if math.Abs(r[k]) > bound {
			l := f - float64(k)
			sum += l * (l - 1) * (l - 2) * r[k]
		}
	}
	m.Variance *= max(1+2*sum/(f*(f-1)*(f-2)), 1e-3)
	return m
}

// Autoregressive returns the test with the variance that S has if y is a
// first-order autoregression about a trend of the slope, never less than without one. The
// coefficient is corrected for the bias that it has in short series (Marriott and
// Pope, 1954; Kendall, 1954), which [MannKendall.Correlated] is not: that one
// finds trends in one of five autoregressions without.
func (m MannKendall) Autoregressive(y []float64, slope float64) MannKendall {
	n := len(y)
	if n < 8 {
		return m
	}
	d := make([]float64, n)
	for i, v := range y {
		d[i] = v - slope*float64(i)
	}
	f := float64(n)
	phi := min(max((ACF(d, 1)[1]+2/f)/(1-4/f), 0), 0.99)
	var sum float64
	power := 1.0
	for k := 1; k < n-2; k++ {
		power *= phi
		l := f - float64(k)
		// of ranks, if values are normal
		sum += l * (l - 1) * (l - 2) * 6 / math.Pi * math.Asin(power/2)
	}
	m.Variance *= 1 + 2*sum/(f*(f-1)*(f-2))
	return m
}

// ranks are from 1 on, those of ties their mean.
func ranks(x []float64) []float64 {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case x[a] < x[b]:
			return -1
		case x[a] > x[b]:
			return 1
		}
		return 0
	})
	out := make([]float64, len(x))
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && x[order[j]] == x[order[i]] {
			j++
		}
		for _, at := range order[i:j] {
			out[at] = float64(i+j+1) / 2
		}
		i = j
	}
	return out
}
