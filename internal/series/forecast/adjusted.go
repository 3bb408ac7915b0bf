package forecast

import "github.com/chronoretrace/chronomon/internal/series"

// A decomposition takes one series and its beginnings apart, for several methods:
// each length once.
type decomposition struct {
	periods []int
	done    map[int]series.Parts // by length
}

func newDecomposition(periods []int) *decomposition {
	return &decomposition{periods: periods, done: map[int]series.Parts{}}
}

// of returns the parts of y, which are not to be written to; ok is false where y
// does not hold two of each season.
func (d *decomposition) of(y []float64) (parts series.Parts, ok bool) {
	if len(y) < 2*d.periods[len(d.periods)-1] {
		return series.Parts{}, false
	}
	parts, ok = d.done[len(y)]
	if !ok {
		parts = series.MSTL(y, d.periods...)
		d.done[len(y)] = parts
	}
	return parts, true
}

// adjusted runs a method on what a decomposition leaves without the seasons.
func adjusted(m method, d *decomposition) method {
	return method{name: "MSTL + " + m.name, fit: func(y []float64) (predictor, bool) {
		parts, ok := d.of(y)
		if !ok {
			return nil, false
		}
		p, ok := m.fit(without(parts))
		if !ok {
			return nil, false
		}
		return func(y []float64, h int) []float64 {
			parts, _ := d.of(y)
			out := p(without(parts), h)
			for k, s := range parts.Seasonal {
				for i := range out {
					out[i] += s[len(s)-d.periods[k]+i%d.periods[k]]
				}
			}
			return out
		}, true
	}}
}

// without is the series less its seasons.
func without(parts series.Parts) []float64 {
	out := make([]float64, len(parts.Rest))
	for i, v := range parts.Rest {
		out[i] = parts.Trend[i] + v
	}
	return out
}
