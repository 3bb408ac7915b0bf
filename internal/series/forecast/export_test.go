package forecast

// DynamicTheta is the method alone.
func DynamicTheta(y []float64, h int) []float64 {
	p, ok := dynamicTheta().fit(y)
	if !ok {
		return nil
	}
	return p(y, h)
}

// Minimise is the search.
func Minimise(f func([]float64) float64, x, step []float64, evaluations int) ([]float64, float64) {
	return minimise(f, x, step, evaluations, 1e-12)
}

// Burg estimates an autoregression.
func Burg(x []float64, most int) []float64 { return burg(x, most) }
