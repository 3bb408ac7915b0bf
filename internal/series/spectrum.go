package series

import "math"

const (
	spectrumPoints = 500
	// dominant is how many times as much as in noise of the same variance a
	// frequency has to carry.
	dominant = 10
)

// DominantPeriod returns the period that carries the most of y, its straight line
// taken out, in the spectrum of an autoregression whose order Akaike's criterion
// chooses: what R's findfrequency does, but whatever unit y is in. It is 1 where
// none stands out. Slow movement is no period: where the spectrum is greatest at
// its beginning, it is the greatest one after it has fallen that counts.
func DominantPeriod(y []float64) int {
	n := len(y)
	if n < 8 {
		return 1
	}
	d := aboutLine(y)
	if !(sumSquares(d) > 1e-24*sumSquares(y)) {
		return 1
	}
	phi := autoregression(d, min(n-1, int(10*math.Log10(float64(n)))))
	power := spectrum(phi)
	best := greatest(power, 0)
	if power[best] <= dominant {
		return 1
	}
	if best == 0 {
		rise := 1
		for rise < len(power) && power[rise] <= power[rise-1] {
			rise++
		}
		if rise == len(power) {
			return 1
		}
		best = greatest(power, rise)
	}
	return int(2*float64(spectrumPoints-1)/float64(best) + 0.5)
}

func greatest(x []float64, from int) int {
	best := from
	for i := from; i < len(x); i++ {
		if x[i] > x[best] {
			best = i
		}
	}
	return best
}

// spectrum is that of an autoregression at even frequencies from 0 to one half,
// relative to noise of the same variance.
func spectrum(phi []float64) []float64 {
	out := make([]float64, spectrumPoints)
	var mean float64
	for i := range out {
		re, im := 1.0, 0.0
		for k, c := range phi {
			sin, cos := math.Sincos(math.Pi * float64(i) / float64(spectrumPoints-1) * float64(k+1))
			re -= c * cos
			im += c * sin
		}
		out[i] = 1 / (re*re + im*im)
		mean += out[i] / spectrumPoints
	}
	for i := range out {
		out[i] /= mean
	}
	return out
}
