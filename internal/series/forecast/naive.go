package forecast

import "fmt"

// fixed is a method without parameters.
func fixed(name string, least int, p predictor) method {
	return method{name: name, fit: func(y []float64) (predictor, bool) { return p, len(y) >= least }}
}

// naive repeats the last season.
func naive(period int) method {
	name := "naive"
	if period > 1 {
		name = fmt.Sprintf("seasonal naive %d", period)
	}
	m := fixed(name, period, func(y []float64, h int) []float64 { return repeat(y[len(y)-period:], h) })
	m.naive = true
	return m
}

func repeat(season []float64, h int) []float64 {
	out := make([]float64, h)
	for i := range out {
		out[i] = season[i%len(season)]
	}
	return out
}

// drift goes on as from the first value to the last.
func drift() method {
	return fixed("drift", 2, func(y []float64, h int) []float64 {
		out := make([]float64, h)
		last := y[len(y)-1]
		slope := (last - y[0]) / float64(len(y)-1)
		for i := range out {
			out[i] = last + slope*float64(i+1)
		}
		return out
	})
}

// seasonMean repeats the mean of the last seasons.
func seasonMean(period, seasons int) method {
	return fixed(fmt.Sprintf("seasonal mean %d", period), period*seasons, func(y []float64, h int) []float64 {
		tail := y[len(y)-period*seasons:]
		mean := make([]float64, period)
		for i, v := range tail {
			mean[i%period] += v / float64(seasons)
		}
		return repeat(mean, h)
	})
}
