package forecast

import (
	"math"
	"slices"

	"github.com/chronoretrace/chronomon/internal/series"
)

// autoregression is an AR of the order that AICc takes, by Burg's method, about
// the mean or about zero.
func autoregression(most int, mean bool) method {
	name := "AR"
	if !mean {
		name = "AR about zero"
	}
	return method{name: name, fit: func(y []float64) (predictor, bool) {
		most := min(most, len(y)/4)
		if most < 1 {
			return nil, false
		}
		var mu float64
		if mean {
			mu = series.Mean(y)
		}
		d := make([]float64, len(y))
		for i, v := range y {
			d[i] = v - mu
		}
		phi := burg(d, most)
		return func(y []float64, h int) []float64 {
			n := len(y)
			past := make([]float64, n+h)
			for i, v := range y {
				past[i] = v - mu
			}
			out := make([]float64, h)
			for i := range out {
				var v float64
				for j, c := range phi {
					v += c * past[n+i-1-j]
				}
				past[n+i] = v
				out[i] = v + mu
			}
			return out
		}, true
	}}
}

// burg returns the coefficients of the order up to most with the least AICc.
func burg(x []float64, most int) []float64 {
	n := len(x)
	f, b := slices.Clone(x), slices.Clone(x)
	var e float64
	for _, v := range x {
		e += v * v / float64(n)
	}
	if !(e > 0) {
		return nil
	}
	var phi, best []float64
	criterion := func(k int) float64 {
		p := float64(k + 1)
		return float64(n)*math.Log(e) + 2*p + 2*p*(p+1)/(float64(n)-p-1)
	}
	least := criterion(0)
	for m := 1; m <= most; m++ {
		var num, den float64
		for i := m; i < n; i++ {
			num += f[i] * b[i-1]
			den += f[i]*f[i] + b[i-1]*b[i-1]
		}
		if !(den > 0) {
			break
		}
		k := 2 * num / den
		next := make([]float64, m)
		for i := range m - 1 {
			next[i] = phi[i] - k*phi[m-2-i]
		}
		next[m-1] = k
		phi = next
		e *= 1 - k*k
		if !(e > 0) {
			return phi
		}
		for i := n - 1; i >= m; i-- {
			f[i], b[i] = f[i]-k*b[i-1], b[i-1]-k*f[i]
		}
		if c := criterion(m); c < least {
			least, best = c, slices.Clone(phi)
		}
	}
	return best
}
