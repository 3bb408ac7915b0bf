package series

// Classical takes y apart by a centred moving average of one period and the
// means of what is left at each place in the season: additive, or multiplicative
// where the season is a factor. index is one season, of the first value on; trend
// has no value, and is shorter by one period or one less, at the ends. y has to
// hold two periods; index is nil otherwise.
func Classical(y []float64, period int, multiplicative bool) (index, trend []float64) {
	n := len(y)
	if period < 2 || n < 2*period {
		return nil, nil
	}
	trend = centredAverage(y, period)
	half := period / 2
	index, count := make([]float64, period), make([]float64, period)
	for i, t := range trend {
		v := y[half+i] - t
		if multiplicative {
			v = y[half+i] / t
		}
		index[(half+i)%period] += v
		count[(half+i)%period]++
	}
	var mean float64
	for i := range index {
		index[i] /= count[i]
		mean += index[i] / float64(period)
	}
	for i := range index {
		if multiplicative {
			index[i] /= mean
		} else {
			index[i] -= mean
		}
	}
	return index, trend
}

// centredAverage is the moving average of one period about each value that has
// half a period on both sides; of even periods the two ends count half.
func centredAverage(y []float64, period int) []float64 {
	half := period / 2
	out := make([]float64, len(y)-2*half)
	const long = 512 // from which on a sum is moved along, and made anew once a period against rounding
	var all float64
	for i := range out {
		w := y[i : i+2*half+1]
		if period >= long && i%period > 0 {
			all += w[len(w)-1] - y[i-1]
		} else {
			all = 0
			for _, v := range w {
				all += v
			}
		}
		sum := all
		if period%2 == 0 {
			sum -= (w[0] + w[len(w)-1]) / 2
		}
		out[i] = sum / float64(period)
	}
	return out
}
