package capacity

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/chronoretrace/chronomon/anomaly/trend"
	"github.com/chronoretrace/chronomon/internal/series"
	"github.com/chronoretrace/chronomon/monitor"
)

// Growth is where daily peaks have been going, steps of the level and the season
// taken out; of a saw-tooth, where the peaks of its full cycles have.
type Growth struct {
	Direction trend.Direction
	// PerDay is Theil and Sen's slope of the whole history, usage per day, and Low
	// to High its 95 % interval. It is not what Demand is made of, which knows
	// bends: see Detected.
	PerDay, Low, High float64
	// P is the probability of as much without growth: by Mann and Kendall's test,
	// see [trend.Trend], or by that of the steps from day to day, if at that it is
	// below 1 %: peaks that go on from where they were show Mann and Kendall little.
	P float64
}

// growthOf tests what the pattern leaves of the peaks.
func growthOf(o *outlook, h *history) (Growth, error) {
	points := make([]monitor.Point, len(o.level))
	for i, v := range o.level {
		points[i] = monitor.Point{Time: h.time(float64(i - len(o.level) + 1)), Value: v}
	}
	t, err := trend.Test(points, trend.WithStep(h.unit), trend.WithSeasons())
	if err != nil {
		return Growth{}, err
	}
	out := Growth{Direction: t.Direction, P: t.P}
	if mean, p := stepTest(o.level); p < stepLevel && p < t.P {
		out.P, out.Direction = p, trend.Rising
		if mean < 0 {
			out.Direction = trend.Falling
		}
	}
	per := o.scale * (float64(day) / float64(h.unit))
	out.PerDay, out.Low, out.High = t.Slope*per, t.Low*per, t.High*per
	return out, nil
}

// stepLevel is what the test of the steps has to be below.
const stepLevel = 0.01

// stepTest is the mean step from a value to the next, and the probability of as
// much where there is no growth: its t, with the variance that it has if steps
// depend on those of a week before (Newey and West, 1987).
func stepTest(y []float64) (mean, p float64) {
	steps := make([]float64, len(y)-1)
	for i := range steps {
		steps[i] = y[i+1] - y[i]
	}
	mean = series.Mean(steps)
	for i := range steps {
		steps[i] -= mean
	}
	n := float64(len(steps))
	variance := 0.0
	for lag := range week + 1 {
		sum := 0.0
		for i := lag; i < len(steps); i++ {
			sum += steps[i] * steps[i-lag]
		}
		if lag > 0 {
			sum *= 2 * (1 - float64(lag)/(week+1))
		}
		variance += sum / n
	}
	const rounding = 1e-12 // of the scale of the values
	if math.Abs(mean) <= rounding {
		return 0, 1
	}
	t := math.Abs(mean) / math.Sqrt(max(variance, rounding*rounding)/n)
	return mean, 2 * distuv.StudentsT{Mu: 0, Sigma: 1, Nu: max(1, n/(week+1))}.Survival(t)
}
