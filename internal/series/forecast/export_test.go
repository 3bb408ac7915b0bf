package forecast

// Theta and DynamicTheta are the methods alone.
func Theta(y []float64, h int) []float64        { return alone(theta(), y, h) }
func DynamicTheta(y []float64, h int) []float64 { return alone(dynamicTheta(), y, h) }

func alone(m method, y []float64, h int) []float64 {
	p, ok := m.fit(y)
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
