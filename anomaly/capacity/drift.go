package capacity

import (
	"math"
	"math/rand/v2"
)

// A drift is where daily peaks go: a mixture of curves about which they vary.
//
// Each candidate is a regression on a shape (flat, straight, straight with
// another slope since some day, or bent: what saturates and what explodes), on
// the place in the week, on steps of the level and on the days since a clean-up,
// with errors that are an autoregression of the first order or a random walk.
// Candidates are weighed by their marginal likelihood, which is the product of
// the densities that each gave to every next day (Zellner, 1986; Dawid, 1984:
// the prequential principle), so that the weights at any earlier day are those
// that would have been given then, and back-tests cost next to nothing.
type drift struct {
	cells  []cell
	weight []float64 // of the cells; sum 1
	design design
	shocks []float64 // standardised errors of the days
}

// fitDrift fits the candidates. At each of the days in origins, ascending, test is
// told what was known then.
func fitDrift(d design, shapes []shape, phis []float64, origins []int, test func(origin int, cells []cell)) *drift {
	out := &drift{design: d}
	known := make([]int, 0, d.n)
	for t, v := range d.y {
		if !math.IsNaN(v) {
			known = append(known, t)
		}
	}
	most, sums := 0, 0
	for _, s := range shapes {
		p := d.columns(s)
		most = max(most, p)
		sums += len(phis) * p * (p + 2 + len(origins)*(p+1))
	}
	space := make([]float64, sums) // one piece, for the collector's sake
	x, w := make([]float64, d.n*most), make([]float64, len(known)*(most+1))
	out.cells = make([]cell, 0, len(shapes)*len(phis))
	snapshots := make([][]cell, len(origins))
	for i := range snapshots {
		snapshots[i] = make([]cell, 0, cap(out.cells))
	}
	for _, s := range shapes {
		p := d.columns(s)
		for t := range d.n {
			d.row(s, t, d.ageAt(t), x[t*p:(t+1)*p])
		}
		for _, phi := range phis {
			c := cell{shape: s, phi: phi, p: p}
			space = d.accumulate(&c, x, w, space, known, origins, snapshots)
			c.solve()
			out.cells = append(out.cells, c)
		}
	}
	for i, cells := range snapshots {
		if test != nil {
			test(origins[i], cells)
		}
	}
	out.weight = weigh(out.cells)
	return out
}

// weigh turns the logarithms of likelihoods into weights.
func weigh(cells []cell) []float64 {
	most := math.Inf(-1)
	for _, c := range cells {
		most = max(most, c.log)
	}
	out, sum := make([]float64, len(cells)), 0.0
	for i, c := range cells {
		out[i] = math.Exp(c.log - most)
		sum += out[i]
	}
	for i := range out {
		out[i] /= sum
	}
	return out
}

// best is the candidate of most weight.
func (d *drift) best() *cell {
	i := 0
	for j, w := range d.weight {
		if w > d.weight[i] {
			i = j
		}
	}
	return &d.cells[i]
}

// setShocks takes the errors of the best candidate on values that were not
// clipped, in units of their standard deviation.
func (d *drift) setShocks(y []float64) {
	c := d.best()
	x := make([]float64, c.p)
	last, before, sigma := -1, 0.0, math.Sqrt(c.beta/c.alpha)
	for t, v := range y {
		if math.IsNaN(v) {
			continue
		}
		d.design.row(c.shape, t, d.design.ageAt(t), x)
		for i, m := range c.mean {
			v -= x[i] * m
		}
		if last >= 0 {
			left, noise := decay(c.phi, t-last)
			d.shocks = append(d.shocks, (v-left*before)/(sigma*math.Sqrt(noise)))
		}
		last, before = t, v
	}
	mean := 0.0
	for _, v := range d.shocks {
		mean += v
	}
	mean /= float64(len(d.shocks))
	for i := range d.shocks {
		d.shocks[i] -= mean
	}
}

// smoothing is how much of a normal error is mixed into one that was seen.
const smoothing = 0.3

// simulate draws paths of the days after the last one, values of a day beside
// each other: path i has day t at [t*count+i]. ages draws the days since a
// clean-up.
func (d *drift) simulate(r *rand.Rand, count, horizon int, ages func(*rand.Rand, []float64)) []float64 {
	out := make([]float64, count*horizon)
	from := d.design.n - 1
	for math.IsNaN(d.design.y[from]) {
		from--
	}
	most := 0
	for i := range d.cells {
		most = max(most, d.cells[i].p)
	}
	beta, x := make([]float64, most), make([]float64, most)
	age := make([]float64, horizon)
	cells := d.draw(r, count)
	rows := map[shape][]float64{}
	norm := 1 / math.Sqrt(1+smoothing*smoothing)
	for i, at := range cells {
		c := &d.cells[at]
		beta, x := beta[:c.p], x[:c.p]
		sigma := math.Sqrt(c.beta / gamma(r, c.alpha))
		for j := range beta {
			beta[j] = r.NormFloat64() * sigma
		}
		backward(c.chol, beta)
		for j := range beta {
			beta[j] += c.mean[j]
		}
		future, ok := rows[c.shape]
		if !ok {
			future = make([]float64, horizon*c.p)
			for h := range horizon {
				d.design.row(c.shape, d.design.n+h, 0, future[h*c.p:(h+1)*c.p])
			}
			rows[c.shape] = future
		}
		d.design.row(c.shape, from, d.design.ageAt(from), x)
		e := d.design.y[from]
		for j, b := range beta {
			e -= x[j] * b
		}
		for range d.design.n - 1 - from { // a gap at the end
			e = c.phi*e + sigma*r.NormFloat64()
		}
		if d.design.age != nil {
			ages(r, age)
		}
		for h := range horizon {
			shock := (d.shocks[r.IntN(len(d.shocks))] + smoothing*r.NormFloat64()) * norm
			e = c.phi*e + sigma*shock
			v := e
			for j, b := range beta {
				v += future[h*c.p+j] * b
			}
			if d.design.age != nil {
				v += age[h] * beta[c.p-1]
			}
			out[h*count+i] = v
		}
	}
	return out
}

// draw returns candidates in proportion to their weights, with the least of chance
// (systematic resampling; Kitagawa, 1996).
func (d *drift) draw(r *rand.Rand, count int) []int {
	out := make([]int, 0, count)
	u, sum := r.Float64(), 0.0
	for i, w := range d.weight {
		for sum += w * float64(count); u < sum && len(out) < count; u++ {
			out = append(out, i)
		}
	}
	for len(out) < count {
		out = append(out, len(d.weight)-1)
	}
	return out
}

// gamma draws from the gamma distribution of rate 1 (Marsaglia and Tsang, 2000).
func gamma(r *rand.Rand, shape float64) float64 {
	boost := 1.0
	if shape < 1 {
		boost = math.Pow(1-r.Float64(), 1/shape)
		shape++
	}
	d := shape - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		x := r.NormFloat64()
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v *= v * v
		if u := 1 - r.Float64(); math.Log(u) < x*x/2+d*(1-v+math.Log(v)) {
			return boost * d * v
		}
	}
}
