package capacity

import "math"

// cell is a candidate and what the days say of it.
type cell struct {
	shape shape
	phi   float64
	p     int
	gram
	posterior
}

// gram is the whitened data in sums, until they are solved.
type gram struct {
	xx    []float64 // p by p, lower triangle
	xy    []float64
	yy    float64
	count float64
	logs  float64 // of the standard deviations of the errors, in those of one day
	prior []float64
}

// posterior is that of the coefficients and of the variance, which are a normal
// and an inverse gamma.
type posterior struct {
	chol  []float64 // of the precision, lower triangle
	mean  []float64
	alpha float64 // shape and rate of that of the precision, a gamma
	beta  float64
	lik   float64 // logarithm of the marginal likelihood
	log   float64 // of it with caution, and of the prior
}

const (
	leastVariance = 1e-12 // in squares of the scale
	priorShape    = 0.5
	// The prior of a coefficient counts as much as this part of a day where
	// candidates are compared, and for next to nothing where it is estimated: what
	// is far from 0 is not to look like noise.
	vague = 0.1
	ridge = 1e-6
)

// accumulate whitens the rows x into w and sums them up in space, of which it
// returns the rest. What is known at each origin is solved and added to its
// snapshots.
func (d design) accumulate(c *cell, x, w, space []float64, known, origins []int, snapshots [][]cell) (rest []float64) {
	p := c.p
	w, wy := w[:len(known)*p], w[len(known)*p:len(known)*(p+1)]
	sums, rest := space[:p*(p+2)], space[p*(p+2):]
	c.xx, c.xy, c.prior = sums[:p*p], sums[p*p:p*(p+1)], sums[p*(p+1):]
	for i, t := range known {
		row := w[i*p : (i+1)*p]
		var back, scale float64 // what is left of the error before, and 1 / deviation of what is new
		switch {
		case i == 0:
			scale = math.Sqrt(1 - min(c.phi, 0.99)*min(c.phi, 0.99))
		case t == known[i-1]+1:
			back, scale = c.phi, 1
		default:
			var variance float64
			back, variance = decay(c.phi, t-known[i-1])
			scale = 1 / math.Sqrt(variance)
		}
		if scale != 1 {
			c.logs += math.Log(scale)
		}
		now := x[t*p : (t+1)*p]
		if i == 0 {
			for j := range row {
				row[j] = now[j] * scale
			}
			wy[i] = d.y[t] * scale
		} else {
			before := x[known[i-1]*p : (known[i-1]+1)*p]
			for j := range row {
				row[j] = (now[j] - back*before[j]) * scale
			}
			wy[i] = (d.y[t] - back*d.y[known[i-1]]) * scale
		}
		for j, v := range row {
			c.prior[j] += v * v
		}
	}
	for j := range c.prior {
		c.prior[j] = max(c.prior[j]*ridge/float64(len(known)), 1e-12)
	}
	next := 0
	for i, t := range known {
		for next < len(origins) && origins[next] < t {
			k := *c
			copy(rest, sums[:p*(p+1)])
			k.xx, k.xy, rest = rest[:p*p], rest[p*p:p*(p+1)], rest[p*(p+1):]
			k.solve()
			snapshots[next] = append(snapshots[next], k)
			next++
		}
		row := w[i*p : (i+1)*p]
		for a, va := range row {
			if va == 0 {
				continue
			}
			line := c.xx[a*p : a*p+a+1]
			for b, vb := range row[:len(line)] {
				line[b] += va * vb
			}
			c.xy[a] += va * wy[i]
		}
		c.yy += wy[i] * wy[i]
		c.count++
	}
	return rest
}

// caution is how much of its logarithm a likelihood counts: none of the candidates
// is how usage really grows, and a likelihood that is believed as it is soon takes
// the least wrong one for the truth (Grünwald and van Ommen, 2017; Miller and
// Dunson, 2019). It was chosen on generated series so that Limit's dates hold what
// they say, and is tested on others.
const caution = 0.25

// solve finds the posterior, in the place of the sums.
func (c *cell) solve() {
	p := c.p
	l, z := c.xx, c.xy
	logDet := 0.0
	for i := range p {
		l[i*p+i] += c.prior[i]
		logDet += math.Log(c.prior[i] * vague / ridge)
	}
	for i := range p {
		for j := range i + 1 {
			sum := l[i*p+j]
			other := l[j*p : j*p+j]
			for k, v := range l[i*p : i*p+len(other)] {
				sum -= v * other[k]
			}
			if i == j {
				l[i*p+i] = math.Sqrt(max(sum, 1e-12*c.prior[i]))
				logDet -= 2 * math.Log(l[i*p+i])
			} else {
				l[i*p+j] = sum / l[j*p+j]
			}
		}
	}
	forward(l, z)
	left := c.yy
	for _, v := range z {
		left -= v * v
	}
	backward(l, z)
	c.chol, c.mean = l, z
	c.alpha = priorShape + c.count/2
	c.beta = priorShape*leastVariance + max(left, 0)/2
	c.lik = logDet/2 - c.alpha*math.Log(c.beta) + c.logs
	c.log = caution*c.lik + c.shape.log
}

// forward solves L z = z.
func forward(l, z []float64) {
	p := len(z)
	for i := range z {
		for k := range i {
			z[i] -= l[i*p+k] * z[k]
		}
		z[i] /= l[i*p+i]
	}
}

// backward solves L' z = z.
func backward(l, z []float64) {
	p := len(z)
	for i := p - 1; i >= 0; i-- {
		for k := i + 1; k < p; k++ {
			z[i] -= l[k*p+i] * z[k]
		}
		z[i] /= l[i*p+i]
	}
}

// predict is the mean and the variance of a day, given those up to a known one.
func (d design) predict(c *cell, from, to int, x, z []float64) (mean, variance float64) {
	left, noise := decay(c.phi, to-from)
	x, z = x[:c.p], z[:c.p]
	d.row(c.shape, to, d.ageAt(to), x)
	d.row(c.shape, from, d.ageAt(from), z)
	mean = left * d.y[from]
	for i := range x {
		x[i] -= left * z[i]
		mean += x[i] * c.mean[i]
	}
	forward(c.chol, x)
	for _, v := range x {
		noise += v * v
	}
	return mean, noise * c.beta / (c.alpha - 1)
}

// decay is what is left of an error after some days, and the variance of what has
// come to it in those of one day.
func decay(phi float64, days int) (left, variance float64) {
	if phi == 1 {
		return 1, float64(days)
	}
	left = math.Pow(phi, float64(days))
	return left, (1 - left*left) / (1 - phi*phi)
}
