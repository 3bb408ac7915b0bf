package capacity_test

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/chronoretrace/chronomon/monitor"
)

var start = time.Date(2026, time.January, 5, 0, 0, 0, 0, time.UTC)

const (
	known  = 90 // days of history
	hidden = 60 // days that come after it
)

// grown is hourly usage that grows, and when it first reaches its limit.
type grown struct {
	kind    string
	history []monitor.Point
	limit   float64
	truth   float64 // days after the history
}

var kinds = []string{"linear", "weekly", "saw-tooth", "saturating", "jump"}

// grow makes usage that reaches its limit for the first time 20 to 40 days after
// its history. Noise is told in the growth of those 30 days: up to 15 % from hour
// to hour, 6 % from day to day, and half of it over the day.
func grow(r *rand.Rand, kind string) grown {
	for {
		if g, ok := tryGrow(r, kind); ok {
			return g
		}
	}
}

func between(r *rand.Rand, low, high float64) float64 { return low + (high-low)*r.Float64() }

func tryGrow(r *rand.Rand, kind string) (grown, bool) {
	const days = known + hidden
	level := trendOf(r, kind)
	month := level(known+30) - level(known)
	hourly, daily := between(r, 0.02, 0.15)*month, between(r, 0, 0.06)*month
	diurnal, weekend := between(r, 0, 0.5)*month, 0.0
	if kind == "weekly" {
		weekend = between(r, 0.1, 0.6) * month
	}
	tooth, full := toothOf(r, kind, month)
	base := between(r, 1, 4) * month
	usage := make([]float64, days*24)
	var drift float64
	for h := range usage {
		if h%24 == 0 {
			drift = 0.6*drift + 0.8*daily*r.NormFloat64()
		}
		d := float64(h) / 24
		usage[h] = base + level(d) + drift + hourly*r.NormFloat64() + diurnal*math.Sin(2*math.Pi*d) + tooth(d)
		if h/24%7 >= 5 {
			usage[h] -= weekend
		}
	}
	// A limit that is not told from the noise, where the highest hour of a day is
	// to be expected after 30 days.
	g := grown{kind: kind, limit: base + level(known+30) + diurnal + full + 2*hourly, truth: math.Inf(1)}
	last := known*24 - 1
	for h, v := range usage {
		if h <= last {
			g.history = append(g.history, monitor.Point{Time: start.Add(time.Duration(h) * time.Hour), Value: v})
		}
		if v >= g.limit {
			g.truth = float64(h-last) / 24
			break
		}
	}
	return g, g.truth >= 20 && g.truth <= 40
}

func trendOf(r *rand.Rand, kind string) func(d float64) float64 {
	switch kind {
	case "saturating":
		if r.IntN(2) == 0 {
			tau := between(r, 60, 150)
			return func(d float64) float64 { return 100 * -math.Expm1(-d/tau) }
		}
		middle, width := between(r, 30, 80), between(r, 20, 40)
		return func(d float64) float64 { return 100 / (1 + math.Exp((middle-d)/width)) }
	case "jump":
		at, size := between(r, 12, 80), between(r, -20, 60)
		return func(d float64) float64 {
			if d > at {
				return d + size
			}
			return d
		}
	}
	return func(d float64) float64 { return d }
}

// toothOf is what lies there since the last clean-up, of which half come when
// they should and half a third of the time earlier or later.
func toothOf(r *rand.Rand, kind string, month float64) (tooth func(d float64) float64, full float64) {
	if kind != "saw-tooth" {
		return func(float64) float64 { return 0 }, 0
	}
	every := float64(3 + r.IntN(10))
	late := 0.0
	if r.IntN(2) == 0 {
		late = 0.3
	}
	rate := between(r, 0.3, 1) * month / every
	last, next := 0.0, between(r, 1, every)
	return func(d float64) float64 {
		for d >= next {
			last, next = next, next+every*between(r, 1-late, 1+late)
		}
		return rate * (d - last)
	}, rate * every
}
