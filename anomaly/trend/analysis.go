package trend

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/chronoretrace/chronomon/internal/series"
	"github.com/chronoretrace/chronomon/monitor"
)

// An Analysis is all that there is to say of a series.
type Analysis struct {
	Trend    Trend
	Seasons  []Season
	Changes  []Change
	Outliers []Outlier
	Forecast Forecast
	Notes    []string // what was decided about the data
}

// An Outlier is a value that is far from those about it.
type Outlier struct {
	Time            time.Time
	Value, Expected float64
	Size            float64 // in standard deviations of the noise
}

// outlierSize is how many deviations make an outlier: of a million normal values
// seven.
const outlierSize = 4.5

// Analyse says of a series where it is going, what repeats in it, when it changed,
// which values stand out, and what its next horizon values are. Errors are those
// of [Predict].
func Analyse(points []monitor.Point, horizon int, opts ...Option) (Analysis, error) {
	if err := checkHorizon(horizon); err != nil {
		return Analysis{}, err
	}
	t, err := read(points, opts)
	if err != nil {
		return Analysis{}, err
	}
	out := Analysis{Trend: t.trend(), Seasons: t.seasons, Changes: t.changes(), Outliers: t.outliers()}
	out.Forecast, err = t.predict(horizon)
	out.Notes = t.notes
	return out, err
}

// A Result is the [Analysis] of one of the series that a query answers with.
type Result struct {
	Labels monitor.Labels
	Analysis
	Err error // why there is none
}

// Query analyses each series that an expression answers with over a range, in the
// order of the answer. The step of the series is the range's. The error is the
// query's.
func Query(ctx context.Context, q monitor.Querier, promql string, r monitor.Range, horizon int, opts ...Option) ([]Result, error) {
	all, err := q.QueryRange(ctx, promql, r)
	if err != nil {
		return nil, fmt.Errorf("trend: query %q: %w", promql, err)
	}
	opts = append([]Option{WithStep(r.Step)}, opts...)
	out := make([]Result, 0, len(all))
	for _, s := range all {
		if err := ctx.Err(); err != nil {
			return out, err
		}
		res := Result{Labels: s.Labels}
		res.Analysis, res.Err = Analyse(s.Points, horizon, opts...)
		out = append(out, res)
	}
	return out, nil
}

// outliers are values far from the running median and the season, which is the
// median at each of its places here: one spike moves neither.
func (t *timeline) outliers() (out []Outlier) {
	y := slices.Clone(t.values)
	for _, s := range t.seasons {
		rest := aboutMedian(y, min(max(leastHalf, s.steps/2), mostHalf))
		for place := range s.steps {
			var at []float64
			for i := place; i < len(y); i += s.steps {
				at = append(at, rest[i])
			}
			index := series.Median(at)
			for i := place; i < len(y); i += s.steps {
				y[i] -= index
			}
		}
	}
	rest := aboutMedian(y, leastHalf)
	deviation := series.NormalMAD * series.MAD(rest)
	if len(t.seasons) > 0 { // of few seasons a value is its own median, and the middle of the rest too close to 0
		size := make([]float64, len(rest))
		for i, v := range rest {
			size[i] = math.Abs(v)
		}
		slices.Sort(size)
		deviation = max(deviation, series.Quantile(size, 0.9)/series.NormalQuantile(0.95))
	}
	if !(deviation > t.rounding()) {
		return nil // but for rounding half of the values are the same: what differs is no outlier of noise
	}
	for i, r := range rest {
		if size := r / deviation; math.Abs(size) > outlierSize && !t.filled[i] {
			out = append(out, Outlier{Time: t.times[i], Value: t.values[i], Expected: t.values[i] - r, Size: size})
		}
	}
	return out
}
