package trend

import (
	"math"
	"slices"
	"time"

	"github.com/chronoretrace/chronomon/internal/series"
	"github.com/chronoretrace/chronomon/monitor"
)

// A Direction is where a series is going.
type Direction int8

// The directions.
const (
	Falling Direction = iota - 1
	Steady            // no trend that could not be chance
	Rising
)

// String returns the direction's name.
func (d Direction) String() string {
	switch d {
	case Falling:
		return "falling"
	case Rising:
		return "rising"
	}
	return "steady"
}

// A Trend is the verdict on a series.
type Trend struct {
	Direction Direction
	// P is the probability of as much in a series without a trend: Mann and
	// Kendall's test, the season taken out, with the variance and the degrees of
	// freedom that it has if a value depends on the one before.
	P float64
	// HamedRao is P by the correction of Hamed and Rao (1998), for comparison: it
	// sees a trend in one of six autoregressions that have none.
	HamedRao float64
	// Plain is P without any correction: it sees one in one of three.
	Plain float64
	Tau   float64 // how much in order, -1 to 1: Kendall's tau-b with time
	// Slope is Theil and Sen's, the change in the time Per, and Low to High its 95 %
	// interval, wider where values depend on each other. Per is the step: that of a
	// day is Slope * float64(24*time.Hour) / float64(Per).
	Slope, Low, High float64
	Per              time.Duration
	Strength         float64 // share of the variance that is the trend's, 0 to 1
	Seasons          []Season
	Notes            []string // what was decided about the data
}

const (
	trendLevel = 0.05
	mostPaired = 1000 // values of which all pairs are looked at; longer series are averaged in blocks
)

// Test says whether a series goes anywhere, at a level of 5 %. A level that changed
// once is a trend to it: [Changes] tells the two apart. Errors are those of
// [Predict].
func Test(points []monitor.Point, opts ...Option) (Trend, error) {
	t, err := read(points, opts)
	if err != nil {
		return Trend{}, err
	}
	out := t.trend()
	out.Notes = t.notes
	return out, nil
}

func (t *timeline) trend() Trend {
	out := Trend{Per: t.step, Seasons: t.seasons, P: 1, HamedRao: 1, Plain: 1}
	if constant(t.values) {
		return out
	}
	level, taken := t.levelled()
	if slices.Max(level)-slices.Min(level) <= t.rounding() {
		return out // all of it is season
	}
	y, block := blocks(level, mostPaired)
	plain := series.NewMannKendall(y)
	line := series.TheilSen(y)
	m := plain.Autoregressive(y, line.Slope)
	// what the season took was noise in part, and it took none of a trend's
	m.Variance *= 1 + taken/(float64(len(level))-taken)
	low, high := line.Interval(m.Variance)
	// as many degrees of freedom as values that would be independent
	freedom := max(1, float64(len(y))*plain.Variance/m.Variance-2)
	out.P, out.Plain, out.Tau = m.StudentP(freedom), plain.P(), plain.Tau
	out.HamedRao = plain.Correlated(y, line.Slope).P()
	per := float64(block)
	out.Slope, out.Low, out.High = line.Slope/per, low/per, high/per
	if len(t.seasons) > 0 {
		out.Strength = series.Strength(t.parts.Trend, t.parts.Rest)
	} else {
		out.Strength = straightness(y, line)
	}
	if out.P <= trendLevel {
		out.Direction = Rising
		if plain.S < 0 {
			out.Direction = Falling
		}
		lags := int(math.Cbrt(float64(len(y) - 1))) // as Said and Dickey (1984) let them grow
		if _, p := series.DickeyFuller(y, lags, series.AboutLine); p > trendLevel {
			t.note("a random walk, which goes nowhere, could look like the trend: by Dickey and Fuller's test p is %.2f", p)
		}
	}
	return out
}

// levelled is the series without the mean season, and how many values were
// estimated for that. One that may change, as a decomposition has it, would take
// more.
func (t *timeline) levelled() (y []float64, taken float64) {
	y = slices.Clone(t.values)
	for _, s := range t.seasons {
		index, _ := series.Classical(y, s.steps, false)
		for i := range y {
			y[i] -= index[i%s.steps]
		}
		taken += float64(s.steps - 1)
	}
	return y, min(taken, float64(len(y))/2)
}

// blocks averages y to at most the number of values, of block steps each.
func blocks(y []float64, most int) (out []float64, block int) {
	block = (len(y) + most - 1) / most
	if block <= 1 {
		return y, 1
	}
	for at := len(y) % block; at < len(y); at += block {
		out = append(out, series.Mean(y[at:at+block]))
	}
	return out, block
}

// straightness is how much of the variance a straight line explains.
func straightness(y []float64, l series.Line) float64 {
	line, rest := make([]float64, len(y)), make([]float64, len(y))
	for i, v := range y {
		line[i] = l.Slope * float64(i)
		rest[i] = v - line[i]
	}
	return series.Strength(line, rest)
}
