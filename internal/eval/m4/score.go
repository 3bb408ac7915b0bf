package m4

import (
	"fmt"
	"math"

	"github.com/chronoretrace/chronomon/internal/series"
)

// Scores are means over all series.
type Scores struct {
	Series                int
	SMAPE, MASE, OWA      float64
	Coverage, MSIS        float64
	NaiveSMAPE, NaiveMASE float64 // of Naive2
	MuchWorse             float64 // share of series with a MAE more than 20 % above seasonal naive's
}

// Score compares forecasts with what came. Every series of test needs one that is
// finite, with bounds that do not cross.
func Score(f Frequency, train, test []Series, forecasts []Forecast) (Scores, error) {
	known, said := map[string][]float64{}, map[string]Forecast{}
	for _, s := range train {
		known[s.ID] = s.Values
	}
	for _, s := range forecasts {
		said[s.ID] = s
	}
	var out Scores
	n := float64(len(test))
	for _, s := range test {
		y, ok := known[s.ID]
		if !ok {
			return Scores{}, fmt.Errorf("m4: series %s has no training data", s.ID)
		}
		p, ok := said[s.ID]
		actual := s.Values[:f.Horizon]
		if !ok || len(p.Mean) != f.Horizon || !series.Finite(p.Mean) || !series.Finite(p.Low) || !series.Finite(p.High) {
			return Scores{}, fmt.Errorf("m4: series %s has no finite forecast", s.ID)
		}
		for i := range p.Low {
			if p.Low[i] > p.High[i] {
				return Scores{}, fmt.Errorf("m4: series %s: bounds cross at step %d", s.ID, i+1)
			}
		}
		scale := series.NaiveError(y, f.Period)
		naive := Naive2(y, f.Period, f.Horizon)
		out.SMAPE += series.SMAPE(actual, p.Mean) / n
		out.MASE += series.MAE(actual, p.Mean) / scale / n
		out.NaiveSMAPE += series.SMAPE(actual, naive) / n
		out.NaiveMASE += series.MAE(actual, naive) / scale / n
		out.Coverage += series.Coverage(actual, p.Low, p.High) / n
		out.MSIS += series.IntervalScore(actual, p.Low, p.High, 0.05) / scale / n
		if series.MAE(actual, p.Mean) > 1.2*series.MAE(actual, seasonalNaive(y, f.Period, f.Horizon)) {
			out.MuchWorse += 1 / n
		}
	}
	out.Series = len(test)
	out.OWA = (out.SMAPE/out.NaiveSMAPE + out.MASE/out.NaiveMASE) / 2
	return out, nil
}

func seasonalNaive(y []float64, period, horizon int) []float64 {
	out := make([]float64, horizon)
	for i := range out {
		out[i] = y[len(y)-period+i%period]
	}
	return out
}

// Naive2 is the competition's benchmark: the last value, seasonally adjusted by a
// classical multiplicative decomposition where the autocorrelation at the period
// is significant at 90 %.
func Naive2(y []float64, period, horizon int) []float64 {
	if !isSeasonal(y, period) {
		return seasonalNaive(y, 1, horizon)
	}
	index, _ := series.Classical(y, period, true)
	n := len(y)
	out := make([]float64, horizon)
	for i := range out {
		out[i] = y[n-1] / index[(n-1)%period] * index[(n+i)%period]
	}
	return out
}

func isSeasonal(y []float64, period int) bool {
	if period <= 1 || len(y) < 3*period {
		return false
	}
	r := series.ACF(y, period)
	sum := 1.0
	for _, v := range r[1:period] {
		sum += 2 * v * v
	}
	return math.Abs(r[period]) > 1.645*math.Sqrt(sum/float64(len(y)))
}
