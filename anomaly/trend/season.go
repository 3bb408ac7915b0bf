package trend

import (
	"time"

	"github.com/chronoretrace/chronomon/internal/series"
	"github.com/chronoretrace/chronomon/monitor"
)

// A Season is what repeats in a series.
type Season struct {
	Length   time.Duration // of trading hours with a calendar
	Strength float64       // share of the variance about the trend that is the season's, 0 to 1

	steps int
}

// Parts is a series taken apart: at each time they add up to the value.
type Parts struct {
	Times  []time.Time // of a gap within trading hours that of the value after it
	Values []float64   // the even series, gaps filled
	Trend  []float64
	Season [][]float64 // one for each of Seasons
	Rest   []float64
	// Seasons are those that were found, in rising order.
	Seasons []Season
	// Strength is the share of the variance, seasons taken out, that is the
	// trend's, 0 to 1.
	Strength float64
	Notes    []string // what was decided about the data
}

// Decompose takes a series apart into trend, seasons and what is left, by loess:
// STL, or MSTL for several seasons (Cleveland and others, 1990; Bandara, Hyndman
// and Bergmeir, 2021). A series without season is all trend. Errors are those of
// [Predict].
func Decompose(points []monitor.Point, opts ...Option) (Parts, error) {
	t, err := read(points, opts)
	if err != nil {
		return Parts{}, err
	}
	p := t.parts
	out := Parts{Times: t.times, Values: t.values, Trend: p.Trend, Season: p.Seasonal, Rest: p.Rest, Seasons: t.seasons, Notes: t.notes}
	out.Strength = series.Strength(p.Trend, p.Rest)
	return out, nil
}
