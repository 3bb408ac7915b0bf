package series

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/mathext"
)

// A Season is a period found in a series.
type Season struct {
	Period   int
	Strength float64 // share of the variance, trend and dependence taken out, 0 to 1
	P        float64 // probability of as much in a series without it
}

// seasonLevel is the probability at which a season is believed.
const seasonLevel = 0.01

// Seasons tests periods, in rising order, each on what the shorter ones leave, and
// returns those that are there. Periods of which y does not hold two are not.
// Trend and dependence on the value before are taken out first, so that neither
// pass for a season; then the places in the season differ by analysis of
// variance. A multiple of a season is also looked for in the means of the shorter
// one: weeks in days; and a long one in means of a twenty-fourth of it or less, since
// from one value to the next hardly anything is left of what turns slowly.
func Seasons(y []float64, periods ...int) []Season {
	rest := prewhitened(y)
	if rest == nil {
		return nil
	}
	var out []Season
	known := 1
	for _, period := range slices.Compact(slices.Sorted(slices.Values(periods))) {
		if period < 2 || len(rest) < 2*period {
			continue
		}
		nested := period%known == 0
		less := 1
		if nested {
			less = known
		}
		p, strength, left := places(rest, period, less)
		if block := coarse(period); block > 1 && known == 1 {
			p2, strength2, _ := places(prewhitened(blockMeans(y, block)), period/block, 1)
			p, strength = min(1, 2*min(p, p2)), max(strength, strength2)
		}
		if nested && known > 1 {
			p2, strength2, _ := places(prewhitened(blockMeans(y, known)), period/known, 1)
			p, strength = min(1, 2*min(p, p2)), max(strength, strength2)
		}
		if p > seasonLevel {
			continue
		}
		out = append(out, Season{Period: period, Strength: strength, P: p})
		rest, known = left, period
	}
	return out
}

// coarse is how many values of a long period are looked at as one, by which what is
// left has at least 24 places.
func coarse(period int) int {
	const least, long = 24, 240
	if period < long {
		return 1
	}
	block := period / least
	for period%block != 0 {
		block--
	}
	return block
}

// places tests whether the means of the places in the season differ by more than
// chance; less of their freedom is gone already.
func places(x []float64, period, less int) (p, strength float64, rest []float64) {
	between, within := float64(period-less), float64(len(x)-period)
	before := sumSquares(x)
	if !(before > 0) || between <= 0 || len(x) < 2*period {
		return 1, 0, x
	}
	rest = withoutMeans(x, period)
	after := sumSquares(rest)
	if after <= 1e-20*before {
		return 0, 1, rest
	}
	f := (before - after) / between / (after / within)
	p = mathext.RegIncBeta(within/2, between/2, within/(within+between*f))
	return p, max(0, 1-(after/within)/(before/(within+between))), rest
}

// blockMeans are the means of stretches of one period.
func blockMeans(y []float64, period int) []float64 {
	out := make([]float64, len(y)/period)
	for i := range out {
		out[i] = Mean(y[i*period : (i+1)*period])
	}
	return out
}

// prewhitened is what y, about its straight line, does not owe to the value
// before; nil for fewer than eight values, or where nothing moves.
func prewhitened(y []float64) []float64 {
	if len(y) < 8 {
		return nil
	}
	d := aboutLine(y)
	if !(sumSquares(d) > 1e-24*float64(len(y))*Mean(y)*Mean(y)) {
		return nil
	}
	phi := ACF(d, 1)[1]
	out := make([]float64, len(d)-1)
	for i := range out {
		out[i] = d[i+1] - phi*d[i]
	}
	return centred(out)
}

func sumSquares(x []float64) float64 { return dot(x, x) }

// withoutMeans takes the mean of each place in the season out.
func withoutMeans(x []float64, period int) []float64 {
	mean, count := make([]float64, period), make([]float64, period)
	for i, v := range x {
		mean[i%period] += v
		count[i%period]++
	}
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = v - mean[i%period]/count[i%period]
	}
	return out
}

// Periods looks for periods that nobody named: peaks of the periodogram that
// stand out of noise, moved to the peak of the autocorrelation beside them
// (Vlachos, Yu and Castelli, 2005), and the [DominantPeriod], as far as [Seasons]
// confirms them. Periods of which y does not hold three are not found. Longer
// seasons are looked for in the means of a season that is there.
func Periods(y []float64) []Season {
	found := peaks(y)
	if p := DominantPeriod(y); p > 1 && 3*p <= len(y) {
		found = append(found, p)
		slices.Sort(found)
		found = slices.Compact(found)
	}
	if base := fundamental(y, found); len(base) > 0 {
		p := strongest(base).Period
		if q := echo(blockMeans(y, p)); q > 0 {
			found = append(found, p*q)
		}
	}
	slices.Sort(found)
	return fundamental(y, slices.Compact(found))
}

func strongest(seasons []Season) Season {
	return slices.MaxFunc(seasons, func(a, b Season) int { return cmp.Compare(a.Strength, b.Strength) })
}

// echo is the lag beyond which y is most like itself again; 0 if it never is.
func echo(y []float64) int {
	r := ACF(aboutLine(y), len(y)/3+1)
	best := 0
	for lag := 2; lag < len(r)-1; lag++ {
		if r[lag] > 0 && r[lag] >= r[lag-1] && r[lag] >= r[lag+1] && (best == 0 || r[lag] > r[best]) {
			best = lag
		}
	}
	return best
}

func peaks(y []float64) (periods []int) {
	white := prewhitened(y)
	if white == nil {
		return nil
	}
	n := len(white)
	power := Periodogram(white)
	// of n/2 independent exponentials one in a hundred tops this
	bar := Mean(power) * math.Log(float64(len(power))/seasonLevel)
	r := ACF(aboutLine(y), n/2)
	for k := 3; k < len(power)-1; k++ {
		if power[k] < bar || power[k] < power[k-1] || power[k] < power[k+1] {
			continue
		}
		low, high := int(float64(n)/(float64(k)+1)), int(math.Ceil(float64(n)/(float64(k)-1)))
		best := 0
		for lag := max(2, low); lag <= min(high, len(r)-2); lag++ {
			if r[lag] >= r[lag-1] && r[lag] >= r[lag+1] && (best == 0 || r[lag] > r[best]) {
				best = lag
			}
		}
		if best > 0 && r[best] > 2/math.Sqrt(float64(n)) && 3*best <= len(y) {
			periods = append(periods, best)
		}
	}
	return periods
}

// fundamental leaves out harmonics: periods that divide another one, unless they
// hold most of what it explains; and of two that are nearly the same the weaker one.
func fundamental(y []float64, periods []int) []Season {
	strength := map[int]float64{}
	for _, p := range periods {
		if s := Seasons(y, p); len(s) > 0 {
			strength[p] = s[0].Strength
		}
	}
	var keep []int
	for _, p := range periods {
		own, ok := strength[p]
		if !ok {
			continue
		}
		harmonic := slices.ContainsFunc(periods, func(q int) bool {
			return q > p && q%p == 0 && strength[q] > 0 && own < 0.6*strength[q]
		})
		twin := slices.ContainsFunc(periods, func(q int) bool {
			return q != p && 10*max(p-q, q-p) <= max(p, q) && (strength[q] > own || strength[q] == own && q < p)
		})
		if !harmonic && !twin {
			keep = append(keep, p)
		}
	}
	return Seasons(y, keep...)
}

// aboutLine is y about its straight line.
func aboutLine(y []float64) []float64 {
	n := float64(len(y))
	d := centred(y)
	var xy, xx float64
	for i, v := range d {
		x := float64(i) - (n-1)/2
		xy += x * v
		xx += x * x
	}
	for i := range d {
		d[i] -= xy / xx * (float64(i) - (n-1)/2)
	}
	return d
}
