package series

import (
	"math"

	"gonum.org/v1/gonum/dsp/fourier"
	"gonum.org/v1/gonum/mathext"
)

// ACF returns the autocorrelation at lags 0 to most, the sums divided by the
// length and not by the number of pairs, which keeps it positive definite. Of a
// constant series it is 1 at lag 0 and 0 elsewhere.
func ACF(x []float64, most int) []float64 {
	n := len(x)
	out := make([]float64, most+1)
	out[0] = 1
	d := centred(x)
	var c0 float64
	for _, v := range d {
		c0 += v * v
	}
	if n == 0 || !(c0 > 0) {
		return out
	}
	most = min(most, n-1)
	if most*n < 1<<16 {
		for k := 1; k <= most; k++ {
			out[k] = dot(d[k:], d[:n-k]) / c0
		}
		return out
	}
	size := smooth235(n + most)
	fft := fourier.NewFFT(size)
	padded := make([]float64, size)
	copy(padded, d)
	coef := fft.Coefficients(nil, padded)
	for i, c := range coef {
		coef[i] = complex(real(c)*real(c)+imag(c)*imag(c), 0)
	}
	r := fft.Sequence(padded, coef)
	for k := 1; k <= most; k++ {
		out[k] = r[k] / float64(size) / c0
	}
	return out
}

// PACF returns the partial autocorrelation at lags 0 to most by Durbin and
// Levinson's recursion on [ACF].
func PACF(x []float64, most int) []float64 {
	r := ACF(x, most)
	out := make([]float64, most+1)
	out[0] = 1
	phi, before := make([]float64, most+1), make([]float64, most+1)
	v := 1.0
	for k := 1; k <= most && v > 0; k++ {
		a := r[k]
		for j := 1; j < k; j++ {
			a -= before[j] * r[k-j]
		}
		a /= v
		phi[k] = a
		for j := 1; j < k; j++ {
			phi[j] = before[j] - a*before[k-j]
		}
		v *= 1 - a*a
		out[k] = a
		copy(before, phi)
	}
	return out
}

// LjungBox tests the first lags autocorrelations together: q is the statistic, p
// its probability if the series were noise.
func LjungBox(x []float64, lags int) (q, p float64) {
	n := float64(len(x))
	for k, r := range ACF(x, lags)[1:] {
		q += r * r / (n - float64(k+1))
	}
	q *= n * (n + 2)
	return q, mathext.GammaIncRegComp(float64(lags)/2, q/2)
}

// Periodogram returns the power at the frequencies 0/n, 1/n, … up to one half,
// the mean removed: twice the squared amplitude over n, which sums to the
// variance over the frequencies.
func Periodogram(x []float64) []float64 {
	n := len(x)
	if n == 0 {
		return nil
	}
	coef := fourier.NewFFT(n).Coefficients(nil, centred(x))
	out := make([]float64, len(coef))
	for i, c := range coef {
		out[i] = 2 * (real(c)*real(c) + imag(c)*imag(c)) / float64(n)
	}
	out[0] /= 2
	if n%2 == 0 {
		out[len(out)-1] /= 2
	}
	return out
}

// smooth235 returns the smallest number of at least n that has no prime factors
// beyond 5, of which fast transforms are fast.
func smooth235(n int) int {
	for ; ; n++ {
		m := n
		for _, p := range [...]int{2, 3, 5} {
			for m%p == 0 {
				m /= p
			}
		}
		if m == 1 {
			return n
		}
	}
}

func centred(x []float64) []float64 {
	mean := Mean(x)
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = v - mean
	}
	return out
}

func dot(a, b []float64) float64 {
	var sum float64
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

// Finite reports whether all values are finite.
func Finite(x []float64) bool {
	for _, v := range x {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}
