package capacity

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/chronoretrace/chronomon/internal/series"
)

// fallsOf are when the peaks fell much further than they ever rise.
func fallsOf(y []float64, drops []drop) (falls []float64) {
	d := make([]float64, len(y)-1)
	for i := range d {
		d[i] = y[i+1] - y[i]
	}
	middle := series.Median(d)
	deviation := series.NormalMAD * series.MAD(d)
	deepest := slices.Min(d) - middle
	for i, v := range d {
		if v-middle < min(-4*deviation, deepest/3) && v < 0 {
			falls = append(falls, fallAt(i+1, drops))
		}
	}
	return ordered(falls)
}

// suddenFalls are the drops from one point to the next that are not like those of
// other days. Of short cycles the peaks do not tell.
func suddenFalls(drops []drop) (falls []float64) {
	sizes := make([]float64, len(drops))
	for i, d := range drops {
		sizes[i] = d.size
	}
	slices.Sort(sizes)
	least := max(series.Quantile(sizes, 0.98)/2, 3*series.Quantile(sizes, 0.5))
	for _, d := range drops {
		if d.size > least {
			falls = append(falls, d.at)
		}
	}
	return falls
}

// fallAt is when it fell if a day is the first whose peak is low: at the greatest
// drop of it and the day before.
func fallAt(t int, drops []drop) float64 {
	d := drops[t]
	if drops[t-1].size > d.size {
		d = drops[t-1]
	}
	if d.size <= 0 {
		return float64(t)
	}
	return d.at
}

// ordered sorts falls; one that was found from two days is one.
func ordered(falls []float64) []float64 {
	slices.Sort(falls)
	return slices.Compact(falls)
}

// regularFalls are those of the saw-tooth with even cycles that correlates best
// with what a curve leaves.
func (d design) regularFalls(filled []float64) (falls []float64) {
	rest := d.residuals(filled)
	best, period, phase := 0.0, 0, 0
	for p := 2; p <= min(mostCycle, len(rest)/(leastCycles+1)); p++ {
		middle := float64(p-1) / 2
		scale := math.Sqrt(float64(p*p-1) / 12) // deviation of 0 to p-1
		sums := make([]float64, p)
		for t, v := range rest {
			sums[t%p] += v
		}
		for first := range p {
			sum := 0.0
			for place, v := range sums {
				sum += v * (float64((place-first+p)%p) - middle)
			}
			if sum /= scale; sum > best {
				best, period, phase = sum, p, first
			}
		}
	}
	for t := phase; period > 0 && t < len(rest); t += period {
		if t > 0 {
			falls = append(falls, float64(t))
		}
	}
	return falls
}

// moreFalls adds the steepest other days to the falls as long as they are worth
// it.
func moreFalls(d design, best float64, falls, filled []float64, drops []drop) ([]float64, design, float64) {
	const tries = 12
	days := make([]int, len(filled)-1)
	for i := range days {
		days[i] = i + 1
	}
	slices.SortFunc(days, func(a, b int) int { return cmp.Compare(filled[a]-filled[a-1], filled[b]-filled[b-1]) })
	for _, t := range days[:min(tries+len(falls), len(days))] {
		at := fallAt(t, drops)
		if slices.ContainsFunc(falls, func(f float64) bool { return math.Abs(f-at) < 1 }) {
			continue
		}
		more := ordered(append(slices.Clone(falls), at))
		other := d
		other.age = agesOf(more, len(filled))
		if e := other.evidence(); e > best+1 {
			falls, d, best = more, other, e
		}
	}
	return falls, d, best
}

// agesOf are how long ago it last fell, in days, where that is the longest in each
// day. Before the first fall it is told from the usual length of a cycle.
func agesOf(falls []float64, n int) []float64 {
	out := make([]float64, n)
	last := falls[0] - series.Median(cyclesOf(falls))
	for t := range out {
		out[t] = max(0, ageOf(t, &last, func() float64 {
			if len(falls) == 0 {
				return math.Inf(1)
			}
			return falls[0]
		}, func() { falls = falls[1:] }))
	}
	return out
}

// ageOf is the age of a day: of its end, or of its falls when they come. last is
// the fall before the day, and then that before the next.
func ageOf(t int, last *float64, next func() float64, fall func()) (age float64) {
	end := float64(t + 1)
	for f := next(); f <= end; f = next() {
		age = max(age, f-*last)
		*last = f
		fall()
	}
	return max(age, end-*last)
}

func cyclesOf(falls []float64) (days []float64) {
	for i, f := range falls[1:] {
		days = append(days, f-falls[i])
	}
	return days
}

// futureAges draws the ages of the days to come: cycles as long as those that were,
// the present one not shorter than it is.
func futureAges(falls []float64, n int) func(*rand.Rand, []float64) {
	cycles := cyclesOf(falls)
	slices.Sort(cycles)
	now := float64(n) - falls[len(falls)-1]
	longer, _ := slices.BinarySearch(cycles, now)
	return func(r *rand.Rand, out []float64) {
		last := -now
		next := r.Float64() // it is overdue
		if longer < len(cycles) {
			next = last + cycles[longer+r.IntN(len(cycles)-longer)]
		}
		for t := range out {
			out[t] = ageOf(t, &last, func() float64 { return next }, func() { next += cycles[r.IntN(len(cycles))] })
		}
	}
}
