package series

import (
	"math"
	"slices"
)

// autoregression fits a model by Yule and Walker's equations, of the order up to
// most with the least AIC.
func autoregression(x []float64, most int) (best []float64) {
	r := ACF(x, max(most, 0))
	n, v, least := float64(len(x)), 1.0, 0.0 // of no model, up to a constant
	phi := make([]float64, 0, len(r))
	for k := 1; k < len(r); k++ {
		next := r[k]
		for j, p := range phi {
			next -= p * r[k-1-j]
		}
		next /= v
		before := slices.Clone(phi)
		for j := range phi {
			phi[j] -= next * before[len(before)-1-j]
		}
		phi = append(phi, next)
		if v *= 1 - next*next; !(v > 0) {
			break
		}
		if aic := n*math.Log(v) + 2*float64(k); aic < least {
			best, least = slices.Clone(phi), aic
		}
	}
	return best
}

// regression fits values to those before, as many of them, up to most, as have the
// least AIC: a constant and then the weights, that of the last value first. It is
// by least squares, since Yule and Walker's equations leave growth in the errors.
func regression(d []float64, most int) []float64 {
	n, p := float64(len(d)-most), most+1
	var rows [][]float64 // of Cholesky's factor of the normal equations
	var solved []float64 // their right side, by that factor
	column := func(j, t int) float64 {
		if j == 0 {
			return 1
		}
		return d[t-j]
	}
	left := 0.0
	for _, v := range d[most:] {
		left += v * v
	}
	all, least, order := left, math.Inf(1), 0
	for i := range p {
		row, right := make([]float64, i+1), 0.0
		for t := most; t < len(d); t++ {
			v := column(i, t)
			for j := range row {
				row[j] += v * column(j, t)
			}
			right += v * d[t]
		}
		own := row[i]
		for j := range row {
			for k := range j {
				if j < i {
					row[j] -= row[k] * rows[j][k]
				} else {
					row[j] -= row[k] * row[k]
				}
			}
			if j < i {
				row[j] /= rows[j][j]
				right -= row[j] * solved[j]
			}
		}
		const singular = 1e-12
		if !(row[i] > singular*own) {
			break // says nothing more
		}
		row[i] = math.Sqrt(row[i])
		right /= row[i]
		rows, solved = append(rows, row), append(solved, right)
		left -= right * right
		if !(left > singular*all) {
			order = i
			break // nothing is left to explain
		}
		// factors of lower orders stand within this one
		if aic := n*math.Log(left) + 2*float64(i); aic < least {
			least, order = aic, i
		}
	}
	phi := slices.Clone(solved[:min(order+1, len(solved))])
	for i := len(phi) - 1; i >= 0; i-- {
		for k := i + 1; k < len(phi); k++ {
			phi[i] -= rows[k][i] * phi[k]
		}
		phi[i] /= rows[i][i]
	}
	return phi
}
