package capacity

import "github.com/chronoretrace/chronomon/internal/series"

// quantiles are those of series.Quantile, ps ascending, of finite values that need
// not be sorted: it puts only those in order that it needs (Hoare, 1961).
func quantiles(values []float64, ps ...float64) []float64 {
	places := make([]int, 0, 2*len(ps))
	for _, p := range ps {
		at := int(p * float64(len(values)-1))
		places = append(places, at, min(at+1, len(values)-1))
	}
	place(values, 0, places)
	out := make([]float64, len(ps))
	for i, p := range ps {
		out[i] = series.Quantile(values, p)
	}
	return out
}

// place moves to each of the places, ascending, what a sort would put there, where
// values begin at a first one.
func place(values []float64, first int, places []int) {
	for len(values) > 1 {
		for len(places) > 0 && places[0] < first {
			places = places[1:]
		}
		for len(places) > 0 && places[len(places)-1] >= first+len(values) {
			places = places[:len(places)-1]
		}
		if len(places) == 0 {
			return
		}
		i, j := split(values)
		place(values[:j+1], first, places)
		values, first = values[i:], first+i
	}
}

// split parts values: none before i is greater than any from there on, and those
// between j and i are in their place.
func split(values []float64) (i, j int) {
	a, b, c := values[0], values[len(values)/2], values[len(values)-1]
	pivot := max(min(a, b), min(max(a, b), c))
	i, j = 0, len(values)-1
	for i <= j {
		for values[i] < pivot {
			i++
		}
		for values[j] > pivot {
			j--
		}
		if i <= j {
			values[i], values[j] = values[j], values[i]
			i++
			j--
		}
	}
	return i, j
}
