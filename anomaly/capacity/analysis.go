package capacity

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/chronoretrace/chronomon/internal/series"
	"github.com/chronoretrace/chronomon/monitor"
)

// An Analysis is a plan for one resource: what it is used for, how that grows,
// when its limit is reached and what to do. Usage has the unit of the points, days
// are the 24 hours up to From and before it. Where points are further apart than a
// day, each period of so many whole days is what a day is elsewhere, and seven of
// them what a week is.
type Analysis struct {
	Name           string
	From           time.Time     // the last point: what is told is told from here
	Days           int           // that have a peak
	Horizon        time.Duration // looked ahead
	Usage          Usage
	Growth         Growth
	Demand         []Demand // of the horizon, day by day
	Limit          Limit
	Recommendation Recommendation
	Confidence     Confidence
	Detected       Detected
	Notes          []string // what was decided about the data

	peaks []float64
	unit  time.Duration
}

// Usage is what a resource is used for now.
type Usage struct {
	// Of the values of the last seven days.
	P50, P95, Peak float64
	// Recent has quantiles of all values of which those of a day before weigh half,
	// as the Kubernetes vertical pod autoscaler has them; nil if usage was negative.
	Recent *Recent
}

// Recent are quantiles in which old values weigh less: the ends of buckets, up to
// 5 % above the value. See [Histogram].
type Recent struct{ P50, P90, P95 float64 }

// Demand is what the peak of a day may be.
type Demand struct {
	Time          time.Time // end of the day
	P50           float64
	Low80, High80 float64
	Low95, High95 float64
}

// Limit is when a resource is full: when a daily peak first reaches the limit,
// which for usage that varies from day to day is before its mean does.
type Limit struct {
	Value   float64 // +Inf for none
	Reached bool    // by the last peak; the dates are From then
	// P10 to P90 are the earliest, the likely and the latest date. They are
	// calibrated so that P10 to P90 hold the date nine times out of ten, not eight:
	// the earliest is the 5 % quantile of the dates that were simulated, the latest
	// the 95 % quantile. Their names are those of the tables that plans go to.
	P10, P50, P90 Date
	Within        []Chance // that it is reached within 7, 30 and 90 days, as far as the horizon goes
}

// A Date is when a limit is reached.
type Date struct {
	Time   time.Time
	Within bool // the horizon; Time is zero otherwise
}

// String returns the day, or "not within the horizon".
func (d Date) String() string {
	if !d.Within {
		return "not within the horizon"
	}
	return d.Time.UTC().Format(time.DateOnly)
}

// Chance is a probability up to a day.
type Chance struct {
	Days        int
	Probability float64
}

// Detected is what was found in the daily peaks.
type Detected struct {
	Season   time.Duration // 0 for none
	Month    Month         // days of each month that stand out, of three months or more
	Steps    []time.Time   // days from which the level was another one at once
	CleanUps []time.Time   // when a saw-tooth fell; they are expected to go on
	Spikes   []time.Time   // days that stood out, and that growth was not learned from
	// Curves are the weights of what growth was taken for: "flat", "straight",
	// "bent" (it saturates, or accelerates), or "a new slope" within the history.
	Curves map[string]float64
}

// paths are drawn for each resource.
const pathCount = 500

// Analyse makes a plan of the usage that points tell of, in any order, for a limit,
// +Inf for none. Fewer than two weeks of days are refused with [ErrShort], days of
// which more than half are gaps with [ErrIrregular]; options can wrap
// monitor.ErrInvalidOption. The same points give the same plan.
func Analyse(points []monitor.Point, limit float64, opts ...Option) (Analysis, error) {
	c, err := newConfig(opts)
	if err != nil {
		return Analysis{}, err
	}
	return c.analyse(points, limit)
}

func (c config) analyse(points []monitor.Point, limit float64) (Analysis, error) {
	if math.IsNaN(limit) || math.IsInf(limit, -1) {
		return Analysis{}, fmt.Errorf("capacity: %s: the limit is %v: want a number, or +Inf for none", c.name, limit)
	}
	h, err := newHistory(points, c.peak)
	if err != nil {
		return Analysis{}, fmt.Errorf("capacity: %s: %w", c.name, err)
	}
	a := Analysis{Name: c.name, From: h.end, Horizon: c.horizon, peaks: h.peaks, unit: h.unit}
	for _, v := range h.peaks {
		if !math.IsNaN(v) {
			a.Days++
		}
	}
	a.Usage = usageOf(points, h)
	floor := math.Inf(-1)
	if a.Usage.Recent != nil { // usage was never negative
		floor = 0
	}
	units := int((c.horizon + h.unit - 1) / h.unit)
	o := newOutlook(h, units, pathCount, floor)
	a.Detected = detectedOf(&o, h)
	if a.Growth, err = growthOf(&o, h); err != nil {
		return Analysis{}, fmt.Errorf("capacity: %s: %w", c.name, err)
	}
	a.Demand = demandOf(&o, h)
	a.Limit = limitOf(&o, h, limit, c.horizon)
	a.Recommendation = c.recommend(&o, a)
	a.Confidence = confidenceOf(&o, a)
	a.Notes = append(a.Notes, h.notes...)
	return a, nil
}

func usageOf(points []monitor.Point, h *history) Usage {
	var week []float64
	most, least := math.Inf(-1), math.Inf(1)
	finite := make([]monitor.Point, 0, len(points))
	for _, p := range points {
		if math.IsNaN(p.Value) || math.IsInf(p.Value, 0) {
			continue
		}
		finite = append(finite, p)
		most, least = max(most, p.Value), min(least, p.Value)
		if h.end.Sub(p.Time) < 7*h.unit {
			week = append(week, p.Value)
		}
	}
	slices.Sort(week)
	u := Usage{P50: series.Quantile(week, 0.5), P95: series.Quantile(week, 0.95), Peak: week[len(week)-1]}
	switch {
	case least < 0:
	case most == 0:
		u.Recent = &Recent{}
	default:
		u.Recent = recentOf(finite, most)
	}
	return u
}

// recentOf fills a histogram; a value that overflows it cannot be.
func recentOf(points []monitor.Point, most float64) *Recent {
	hist, err := NewHistogram(HistogramSpec{Max: most})
	if err != nil { // values as small as floating point goes
		return &Recent{P50: most, P90: most, P95: most}
	}
	for _, p := range points {
		_ = hist.Add(p.Value, 1, p.Time) // neither negative nor NaN
	}
	q := func(p float64) float64 { return min(hist.Quantile(p), most) }
	return &Recent{P50: q(0.5), P90: q(0.9), P95: q(0.95)}
}

func detectedOf(o *outlook, h *history) Detected {
	times := func(days []int) (out []time.Time) {
		for _, d := range days {
			out = append(out, h.time(float64(d-len(h.peaks))).UTC())
		}
		return out
	}
	out := Detected{
		Season: time.Duration(o.pattern.season) * h.unit,
		Steps:  times(o.pattern.steps), Spikes: times(o.pattern.spikes),
		Curves: map[string]float64{},
	}
	out.Month = o.pattern.month
	out.Month.By = o.month
	for _, f := range o.pattern.cleanup {
		out.CleanUps = append(out.CleanUps, h.time(f-float64(len(h.peaks))).UTC())
	}
	for kind, w := range o.shapes {
		out.Curves[kind.String()] = w
	}
	return out
}

func demandOf(o *outlook, h *history) []Demand {
	out := make([]Demand, o.horizon)
	values := make([]float64, o.count)
	for t := range out {
		copy(values, o.paths[t*o.count:(t+1)*o.count])
		q := quantiles(values, 0.025, 0.1, 0.5, 0.9, 0.975)
		out[t] = Demand{Time: h.time(float64(t + 1)), Low95: q[0], Low80: q[1], P50: q[2], High80: q[3], High95: q[4]}
	}
	return out
}

func limitOf(o *outlook, h *history, limit float64, horizon time.Duration) Limit {
	out := Limit{Value: limit}
	reaches := o.reaches(limit, h.place)
	for i, at := range reaches { // periods of several days may go on beyond
		if at*float64(h.unit) > float64(horizon)*(1+1e-9) {
			reaches[i] = math.Inf(1)
		}
	}
	if out.Reached = o.start >= limit; out.Reached {
		clear(reaches)
	}
	date := func(p float64) Date {
		at := reaches[min(int(p*float64(len(reaches))), len(reaches)-1)]
		if math.IsInf(at, 1) {
			return Date{}
		}
		return Date{h.time(at), true}
	}
	out.P10, out.P50, out.P90 = date(0.05), date(0.5), date(0.95)
	for _, days := range []int{7, 30, 90} {
		if time.Duration(days)*day > horizon {
			break
		}
		n, _ := slices.BinarySearch(reaches, float64(days)*float64(day)/float64(h.unit)+1e-9)
		out.Within = append(out.Within, Chance{days, float64(n) / float64(len(reaches))})
	}
	return out
}
