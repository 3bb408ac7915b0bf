package anomaly

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/chronoretrace/chronomon/monitor"
)

// A Season says where in its season a time is, from 0 up, and whether it is in it at
// all. Times of one place are compared with each other: all Mondays at nine, for
// instance, or each tenth minute after a market's opening.
type Season interface {
	Place(t time.Time) (place int, ok bool)
	Places() int // how many there are
}

// HourOfWeek is the season of a week, hour by hour, in the given zone; nil is UTC.
func HourOfWeek(zone *time.Location) Season { return week{zone} }

type week struct{ zone *time.Location }

func (week) Places() int { return 7 * 24 }

func (w week) Place(t time.Time) (int, bool) {
	t = in(t, w.zone)
	return int(t.Weekday())*24 + t.Hour(), true
}

// TimeOfDay is the season of a day in steps of a length, in the given zone; nil is
// UTC. A step that is not from a minute to a day counts as an hour.
func TimeOfDay(step time.Duration, zone *time.Location) Season {
	if step < time.Minute || step > 24*time.Hour {
		step = time.Hour
	}
	return day{step, zone}
}

type day struct {
	step time.Duration
	zone *time.Location
}

func (d day) Places() int { return int((24*time.Hour + d.step - 1) / d.step) }

func (d day) Place(t time.Time) (int, bool) {
	t = in(t, d.zone)
	at := time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second
	return int(at / d.step), true
}

func in(t time.Time, zone *time.Location) time.Time {
	if zone == nil {
		zone = time.UTC
	}
	return t.In(zone)
}

// Seasonal finds points that lie far from what is usual at their place in a season.
// The series is taken apart as it comes: a level that follows all points, for each
// place how far from the level it lies, and what is left. Points that lie far out
// are learnt from only as far as the limit.
//
// Source: P. R. Winters: Forecasting Sales by Exponentially Weighted Moving
// Averages, Management Science 1960, without a trend; the bound on what is learnt as
// in S. Gelper, R. Fried, C. Croux: Robust Forecasting with Exponential and
// Holt–Winters Smoothing, Journal of Forecasting 2010.
type Seasonal struct {
	clock  clock
	season Season
	limit  float64
	share  float64 // of a new point in the level
	level  float64
	usual  float64 // deviation of all places
	n      int
	places []place
}

// place is what is usual at one place of the season.
type place struct {
	n         int // visits
	last      int // point of the last one
	mean, dev float64
}

var _ Detector = (*Seasonal)(nil)

// NewSeasonal returns a Seasonal; nil is HourOfWeek in UTC. It is ready at a place
// that was visited in three seasons. The window is the span of the level. The error
// wraps monitor.ErrInvalidOption.
func NewSeasonal(season Season, opts ...Option) (*Seasonal, error) {
	if season == nil {
		season = HourOfWeek(nil)
	}
	c, err := newConfig(opts)
	if n := season.Places(); n < 2 || n > 1<<16 {
		err = errors.Join(err, fmt.Errorf("anomaly: %w: a season of %d places: want 2 to 65536", monitor.ErrInvalidOption, n))
	}
	if err != nil {
		return nil, err
	}
	return &Seasonal{season: season, limit: c.limit, share: 2 / float64(c.window+1), places: make([]place, season.Places())}, nil
}

// visits is how many seasons a place has to be known from, and slow the share of the
// last one after that.
const (
	visits = 3
	slow   = 0.15
)

// Observe implements [Detector]. A time that is not in the season is missing.
func (d *Seasonal) Observe(p Point) Score {
	at, ok := d.season.Place(p.Time)
	if !ok || at < 0 || at >= len(d.places) || !d.clock.takes(p) {
		return unready()
	}
	v := bounded(p.Value)
	if d.n == 0 {
		d.level = v
	}
	d.n++
	pl := &d.places[at]
	s := unready()
	off := v - d.level - pl.mean
	if pl.n >= visits {
		// A place is seldom visited: half of what is said is what all places say, and
		// what the mean of few visits may be off by is added.
		dev := math.Sqrt((pl.dev*pl.dev+d.usual*d.usual)/2) * (1 + 1/float64(pl.n))
		s = around(v, d.level+pl.mean, dev, d.limit)
		if most := d.limit * dev; math.Abs(off) > most && most > 0 {
			off = math.Copysign(most, off)
		}
		share := max(d.share, 1/float64(d.n))
		d.usual = math.Sqrt((1-share)*d.usual*d.usual + share*off*off)
	}
	// Points of one visit, an hour with many, count as one.
	if pl.n == 0 || d.n-pl.last > 1 {
		pl.n++
	}
	pl.last = d.n
	share := max(slow, 1/float64(pl.n))
	pl.mean += share * off
	pl.dev = math.Sqrt((1 - share) * (pl.dev*pl.dev + share*off*off))
	d.level += max(d.share, 1/float64(d.n)) * off
	return s
}
