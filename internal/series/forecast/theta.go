package forecast

import (
	"math"

	"github.com/chronoretrace/chronomon/internal/series"
)

// ThetaFit is Assimakopoulos and Nikolopoulos's (2000) method as Hyndman and
// Billah (2003) have it: simple exponential smoothing with half the slope of a
// straight line as drift.
type ThetaFit struct{ ses ETSFit }

// FitTheta estimates it; ok is false for too few values.
func FitTheta(y []float64) (fit ThetaFit, ok bool) {
	fit.ses, ok = FitETS(y, simple)
	return fit, ok
}

// Forecast runs over y, which begins with what was fitted, and returns the h values
// that come next.
func (f ThetaFit) Forecast(y []float64, h int) []float64 {
	s := f.ses.First
	s.Filter(y, nil)
	slope, _ := line(y)
	out := make([]float64, h)
	past := (1 - math.Pow(1-s.Alpha, float64(len(y)))) / s.Alpha
	for i := range out {
		out[i] = s.Level + slope/2*(float64(i)+past)
	}
	return out
}

// Variance returns the variances of the next h values: those of the smoothing.
func (f ThetaFit) Variance(h int) []float64 { return f.ses.Last.Variance(h, f.ses.Sigma2) }

func theta() method {
	return method{name: "Theta", fit: func(y []float64) (predictor, bool) {
		fit, ok := FitTheta(y)
		return fit.Forecast, ok
	}}
}

// dynamicTheta is Fiorucci and others' (2016) dynamic optimised Theta model.
func dynamicTheta() method {
	return method{name: "dynamic Theta", fit: func(y []float64) (predictor, bool) {
		if len(y) < 5 {
			return nil, false
		}
		unit := series.MAD(y)
		if !(unit > 0) {
			unit = 1
		}
		load := func(x []float64) (m thetaModel, ok bool) {
			m = thetaModel{alpha: x[0], theta: x[1] * 4, level: y[0] + unit*x[2]}
			return m, m.alpha >= 0.01 && m.alpha <= 0.99 && m.theta >= 1 && m.theta <= 50
		}
		x, sse := minimise(func(x []float64) float64 {
			m, ok := load(x)
			if !ok {
				return math.Inf(1)
			}
			return math.Log(max(m.errors(y), 1e-300)) * float64(len(y))
		}, []float64{0.5, 0.5, 0}, []float64{0.2, 0.5, 0.5}, 200, 1e-7)
		m, _ := load(x)
		return m.predict, !math.IsInf(sse, 0)
	}}
}

// thetaModel holds the parameters, and the states behind t values: the level, and
// mean, slope and intercept of the line through them.
type thetaModel struct {
	alpha, theta, level float64
	t                   float64
	mean, slope, start  float64
	rest                float64 // (1-alpha)^t
}

func (m *thetaModel) forecast() float64 {
	return m.level + (1-1/m.theta)*(m.rest*m.start+(1-m.rest*(1-m.alpha))/m.alpha*m.slope)
}

func (m *thetaModel) next(y float64) {
	m.t++
	t := m.t
	m.slope = ((t-2)*m.slope + 6*(y-m.mean)/t) / (t + 1)
	if t == 1 {
		m.slope = 0
	}
	m.mean += (y - m.mean) / t
	m.start = m.mean - m.slope*(t+1)/2
	m.level += m.alpha * (y - m.level)
	m.rest *= 1 - m.alpha
}

func (m thetaModel) errors(y []float64) (sse float64) {
	m.rest = 1
	for i, v := range y {
		if i > 2 {
			e := v - m.forecast()
			sse += e * e
		}
		m.next(v)
	}
	return sse
}

func (m thetaModel) predict(y []float64, h int) []float64 {
	m.rest = 1
	for _, v := range y {
		m.next(v)
	}
	out := make([]float64, h)
	for i := range out {
		out[i] = m.forecast()
		m.next(out[i])
	}
	return out
}
