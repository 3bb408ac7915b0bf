package forecast

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/chronoretrace/chronomon/internal/series"
)

// regression is least squares on the values at a few lags about the seasons,
// shrunk a little: an autoregression with holes, which takes in how one season
// moves with the other.
func regression(periods []int, ridge float64) method {
	lags := []int{1, 2, 3}
	for _, p := range periods {
		lags = append(lags, p-1, p, p+1)
	}
	lags = append(lags, 2*periods[0])
	slices.Sort(lags)
	lags = slices.Compact(lags)
	most := lags[len(lags)-1]
	return method{name: "lag regression", fit: func(y []float64) (predictor, bool) {
		k := len(lags)
		if len(y)-most < 4*(k+1) {
			return nil, false
		}
		mean := series.Mean(y)
		scale := math.Sqrt(series.Variance(y))
		if !(scale > 0) {
			return nil, false
		}
		z := make([]float64, len(y))
		for i, v := range y {
			z[i] = (v - mean) / scale
		}
		coef, ok := leastSquares(z, lags, most, ridge)
		if !ok {
			return nil, false
		}
		return func(y []float64, h int) []float64 {
			n := len(y)
			past := make([]float64, most+h)
			for i, v := range y[n-most:] {
				past[i] = (v - mean) / scale
			}
			out := make([]float64, h)
			for i := range out {
				v := coef[k]
				for j, lag := range lags {
					v += coef[j] * past[most+i-lag]
				}
				past[most+i] = v
				out[i] = mean + scale*v
			}
			return out
		}, true
	}}
}

func leastSquares(z []float64, lags []int, most int, ridge float64) ([]float64, bool) {
	k := len(lags)
	gram := mat.NewSymDense(k+1, nil)
	right := mat.NewVecDense(k+1, nil)
	target := z[most:]
	n := len(target)
	for a, la := range lags {
		x := z[most-la : most-la+n]
		for b := a; b < k; b++ {
			x2 := z[most-lags[b] : most-lags[b]+n]
			var s float64
			for i, v := range x {
				s += v * x2[i]
			}
			if a == b {
				s += ridge * float64(n)
			}
			gram.SetSym(a, b, s)
		}
		var s, t float64
		for i, v := range x {
			s += v
			t += v * target[i]
		}
		gram.SetSym(a, k, s)
		right.SetVec(a, t)
	}
	gram.SetSym(k, k, float64(n))
	var t float64
	for _, v := range target {
		t += v
	}
	right.SetVec(k, t)
	var chol mat.Cholesky
	if !chol.Factorize(gram) {
		return nil, false
	}
	var beta mat.VecDense
	if err := chol.SolveVecTo(&beta, right); err != nil {
		return nil, false
	}
	return beta.RawVector().Data, true
}
