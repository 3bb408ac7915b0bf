package trend

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/chronoretrace/chronomon/internal/series"
	"github.com/chronoretrace/chronomon/internal/series/forecast"
	"github.com/chronoretrace/chronomon/monitor"
)

// Why a series cannot be read.
var (
	ErrShort     = series.ErrShort
	ErrIrregular = series.ErrIrregular
	// ErrLong is returned for more than 262,144 steps; a longer step takes more time in.
	ErrLong = series.ErrLong
	// ErrRange is returned for values so large that their squares are no numbers.
	ErrRange = errors.New("values out of range")
	// ErrClosed is returned where a calendar leaves nothing: no point in trading
	// hours, or none to come.
	ErrClosed = errors.New("the calendar is closed")
)

const (
	day  = 24 * time.Hour
	week = 7 * day
	year = 52 * week
)

// largest is the most that a value may be.
const largest = 1e100

// timeline is a series at even steps, complete, and the times of its values.
type timeline struct {
	config
	values  []float64
	filled  []bool // values that were not there
	times   []time.Time
	step    time.Duration
	seasons []Season
	parts   series.Parts
	events  []effect
	notes   []string

	closed *compression // of a calendar; nil without
}

// read makes an even series of points.
func read(points []monitor.Point, opts []Option) (*timeline, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	times, values := make([]time.Time, len(points)), make([]float64, len(points))
	for i, p := range points {
		times[i], values[i] = p.Time, p.Value
		if v := math.Abs(p.Value); v > largest && !math.IsInf(v, 0) {
			return nil, fmt.Errorf("trend: %w: %g at %v", ErrRange, p.Value, p.Time)
		}
	}
	grid, err := series.Regularise(times, values, c.step)
	if err != nil {
		return nil, fmt.Errorf("trend: %w", err)
	}
	t := &timeline{config: c, values: grid.Values, step: grid.Step, times: make([]time.Time, len(grid.Values))}
	at := grid.Start
	for i := range t.times {
		t.times[i], at = at, at.Add(grid.Step) // a product would not hold some centuries
	}
	if c.calendar != nil {
		if t.step == day {
			if err := t.date(times, values); err != nil {
				return nil, fmt.Errorf("trend: %w", err)
			}
		}
		if err := t.compress(); err != nil {
			return nil, fmt.Errorf("trend: %w", err)
		}
	}
	actual := slices.Clone(t.values)
	t.hide()
	if err := series.Dense(t.values); err != nil {
		return nil, fmt.Errorf("trend: %w at a step of %v", err, t.step)
	}
	known := len(t.values) - missing(t.values)
	if known < forecast.Least {
		return nil, fmt.Errorf("trend: %w: %d, of at least %d", ErrShort, known, forecast.Least)
	}
	if m := len(t.values) - known; m > 0 {
		t.note("%d of %d values were missing or set aside, and are filled in", m, len(t.values))
	}
	t.fill(actual)
	return t, nil
}

func missing(y []float64) (n int) {
	for _, v := range y {
		if math.IsNaN(v) {
			n++
		}
	}
	return n
}

func (t *timeline) note(format string, args ...any) {
	t.notes = append(t.notes, fmt.Sprintf(format, args...))
}

// fill finds the seasons and fills the gaps by them.
func (t *timeline) fill(actual []float64) {
	gaps := t.values
	t.filled = make([]bool, len(gaps))
	for i, v := range gaps {
		t.filled[i] = math.IsNaN(v)
	}
	t.values = series.Filled(gaps)
	t.findSeasons()
	t.values = series.Filled(gaps, t.seasonSteps()...)
	t.parts = series.MSTL(t.values, t.seasonSteps()...)
	for i := range t.seasons {
		t.seasons[i].Strength = series.Strength(t.parts.Seasonal[i], t.parts.Rest)
	}
	t.learn(actual)
}

// periods are the lengths to look for, in steps.
func (t *timeline) periods() (periods []int) {
	lengths := t.config.seasons
	if !t.named {
		lengths = []time.Duration{day, week}
		if t.step >= week {
			lengths = append(lengths, year)
		}
		if t.closed != nil {
			return t.closed.periods()
		}
	}
	for _, l := range lengths {
		if n := int(l / t.step); n >= 2 && l%t.step == 0 {
			periods = append(periods, n)
		}
	}
	return periods
}

func (t *timeline) findSeasons() {
	found := series.Seasons(t.values, t.periods()...)
	if len(found) == 0 && !t.named {
		found = series.Periods(t.values)
	}
	for _, s := range found {
		t.seasons = append(t.seasons, Season{Length: time.Duration(s.Period) * t.step, steps: s.Period})
	}
}

func (t *timeline) seasonSteps() (steps []int) {
	for _, s := range t.seasons {
		steps = append(steps, s.steps)
	}
	return steps
}

// scaleSteps is the period that errors are measured in.
func (t *timeline) scaleSteps() int {
	if len(t.seasons) > 0 {
		return t.seasons[0].steps
	}
	return 1
}

// adjusted is the series without its seasons.
func (t *timeline) adjusted() []float64 {
	y := make([]float64, len(t.values))
	for i, v := range t.parts.Rest {
		y[i] = t.parts.Trend[i] + v
	}
	return y
}

// rounding is what values as large as those of the series are off by, and no noise.
func (t *timeline) rounding() float64 {
	return 1e-12 * max(-slices.Min(t.values), slices.Max(t.values))
}

func constant(y []float64) bool { return slices.Min(y) == slices.Max(y) }
