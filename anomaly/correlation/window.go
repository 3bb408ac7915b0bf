package correlation

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/chronoretrace/chronomon/internal/series"
	"github.com/chronoretrace/chronomon/monitor"
)

const (
	day         = 24 * time.Hour
	mostSlots   = 20_000
	leastSeason = 3 // of one that is taken out
	rounding    = 1e-12
)

// frame is the window with what it leaves open, and how many steps it has.
func frame(target []monitor.Point, w monitor.Range) (monitor.Range, int, error) {
	if w.Step < 0 {
		return w, 0, fmt.Errorf("%w: a step of %v", monitor.ErrQueryInvalid, w.Step)
	}
	var times []time.Time
	for _, p := range target {
		if !math.IsNaN(p.Value) && !math.IsInf(p.Value, 0) {
			times = append(times, p.Time)
		}
	}
	if len(times) == 0 {
		return w, 0, fmt.Errorf("%w: no point with a finite value", ErrShort)
	}
	slices.SortFunc(times, time.Time.Compare)
	if w.From.IsZero() {
		w.From = times[0]
	}
	if w.To.IsZero() {
		w.To = times[len(times)-1]
	}
	if w.To.Before(w.From) {
		return w, 0, fmt.Errorf("%w: a window from %v to %v", monitor.ErrQueryInvalid, w.From.UTC(), w.To.UTC())
	}
	if w.Step == 0 {
		var apart []float64
		for i, t := range times[1:] {
			if d := t.Sub(times[i]); d > 0 {
				apart = append(apart, float64(d))
			}
		}
		if len(apart) == 0 {
			return w, 0, fmt.Errorf("%w: all at the same time", ErrShort)
		}
		w.Step = time.Duration(series.Median(apart))
	}
	steps := int64(w.To.Sub(w.From) / w.Step)
	if steps >= mostSlots {
		return w, 0, fmt.Errorf("%w: %d steps of %v, of at most %d", monitor.ErrQueryLimit, steps, w.Step, mostSlots)
	}
	return w, int(steps) + 1, nil
}

// movesOf are what neither its seasons nor its past explain of a series.
func movesOf(points []monitor.Point, w monitor.Range, slots int) (series.Moves, error) {
	y, err := placed(points, w, slots)
	if err != nil {
		return series.Moves{}, err
	}
	known := slices.DeleteFunc(slices.Clone(y), math.IsNaN)
	if spread(known) == 0 {
		return series.Moves{}, ErrConstant
	}
	rest, used := withoutSeasons(y, w.Step)
	if left := slices.DeleteFunc(slices.Clone(rest), math.IsNaN); spread(left) <= rounding*spread(known) {
		return series.Moves{}, fmt.Errorf("%w but for its season", ErrConstant)
	}
	return series.NewMoves(rest, used), nil
}

// spread is how far values differ, halved against overflow.
func spread(values []float64) float64 { return slices.Max(values)/2 - slices.Min(values)/2 }

// placed puts points into the steps of the window. NaN is a gap.
func placed(points []monitor.Point, w monitor.Range, slots int) ([]float64, error) {
	y, count := make([]float64, slots), make([]float64, slots)
	for _, p := range points {
		at := p.Time.Sub(w.From) + w.Step/2
		if math.IsNaN(p.Value) || math.IsInf(p.Value, 0) || at < 0 || at/w.Step >= time.Duration(slots) {
			continue
		}
		i := at / w.Step
		count[i]++
		y[i] += p.Value/count[i] - y[i]/count[i] // does not overflow as a sum does
	}
	known := 0
	for i, c := range count {
		if c == 0 {
			y[i] = math.NaN()
			continue
		}
		known++
	}
	if known == 0 {
		return nil, fmt.Errorf("%w: none in the window", ErrShort)
	}
	return y, series.Dense(y)
}

// withoutSeasons takes out the mean of each hour of the day and of the week, as
// far as the window has such seasons, and says how many numbers that were.
func withoutSeasons(y []float64, step time.Duration) (out []float64, used int) {
	var periods []int
	for _, length := range []time.Duration{day, 7 * day} {
		if n := int(length / step); length%step == 0 && n > 1 && leastSeason*n <= len(y) {
			periods = append(periods, n)
		}
	}
	out = slices.Clone(y)
	for _, s := range series.Seasons(series.Filled(y), periods...) {
		for place := range s.Period {
			var mean, count float64
			for i := place; i < len(out); i += s.Period {
				if !math.IsNaN(out[i]) {
					count++
					mean += out[i]/count - mean/count
				}
			}
			for i := place; i < len(out); i += s.Period {
				out[i] -= mean
			}
		}
		used = s.Period // a longer one has the places of the shorter
	}
	return out, used
}
