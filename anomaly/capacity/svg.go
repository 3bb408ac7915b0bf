package capacity

import (
	"fmt"
	"io"
	"math"
	"time"

	"github.com/chronoretrace/chronomon/internal/svg"
)

// The picture, in its own units.
const (
	svgWidth, svgHeight = 720, 320
	svgLeft, svgRight   = 72, 16
	svgTop, svgBottom   = 40, 40
)

// WriteSVG draws the plan: the daily peaks, the demand with its limits of 80 and
// 95 %, the limit and its dates. The picture is a document of its own without
// scripts and without anything to load, tells screen readers what it shows, and
// has colours for light and dark.
func (a Analysis) WriteSVG(w io.Writer) error {
	p := newPlot(a)
	d := svg.New(svgWidth, svgHeight, "Capacity of "+a.Name, a.description())
	d.Write(svg.Text, svg.Start, 14, svgLeft, 20, svg.Line(a.Name, 80))
	d.Fill(svg.Wide, 1, p.band(a.Demand, func(d Demand) (float64, float64) { return d.Low95, d.High95 }))
	d.Fill(svg.Band, 1, p.band(a.Demand, func(d Demand) (float64, float64) { return d.Low80, d.High80 }))
	p.axes(d)
	d.Stroke(svg.Series, 1.5, "", p.line(a.peaks, p.first))
	middle := make([]float64, len(a.Demand))
	for i, d := range a.Demand {
		middle[i] = d.P50
	}
	d.Stroke(svg.Model, 1.5, "5 3", p.line(middle, 1))
	if p.values.Holds(a.Limit.Value) {
		y := p.y(a.Limit.Value)
		d.Level(svg.Alarm, 1.5, "", svgLeft, svgWidth-svgRight, y)
		d.Write(svg.Alarm, svg.End, 11, svgWidth-svgRight, y-4, "limit "+number(a.Limit.Value))
		for _, date := range []Date{a.Limit.P10, a.Limit.P50, a.Limit.P90} {
			if date.Within {
				d.Dot(svg.Alarm, p.x(date.Time), y, 3.5)
			}
		}
	}
	_, err := d.WriteTo(w)
	return err
}

// description is the picture in a sentence.
func (a Analysis) description() string {
	s := fmt.Sprintf("Peaks of %d %s, the last week up to %s, and the demand of the next %d days.", a.Days, periods(a.unit), number(a.Usage.Peak), a.Horizon/day)
	switch {
	case math.IsInf(a.Limit.Value, 1):
		return s + " There is no limit."
	case a.Limit.Reached:
		return s + fmt.Sprintf(" The limit of %s is reached.", number(a.Limit.Value))
	}
	return s + fmt.Sprintf(" The limit of %s: earliest %v, likely %v, latest %v.", number(a.Limit.Value), a.Limit.P10, a.Limit.P50, a.Limit.P90)
}

// plot places days and values.
type plot struct {
	from   time.Time
	unit   time.Duration
	first  float64 // day of the first peak, 0 being the last
	time   svg.TimeAxis
	values svg.Axis
}

func newPlot(a Analysis) plot {
	p := plot{from: a.From, unit: a.unit, first: float64(1 - len(a.peaks))}
	p.time = svg.NewTimeAxis(p.day(p.first), p.day(float64(len(a.Demand))), time.UTC, 6)
	low, high := math.Inf(1), math.Inf(-1)
	see := func(v float64) {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			low, high = min(low, v), max(high, v)
		}
	}
	for _, v := range a.peaks {
		see(v)
	}
	// what may explode is cut off, so that the rest can be seen
	most := high + 4*(high/2-low/2)
	least := low - 4*(high/2-low/2)
	if l := a.Limit.Value; !math.IsInf(l, 0) && l < high+8*math.Abs(high) {
		most = max(most, l)
		see(l)
	}
	for _, d := range a.Demand {
		see(min(d.High95, max(most, d.P50*1.05)))
		see(max(d.Low95, least))
	}
	if low >= 0 {
		low = 0
	}
	if !(high > low) {
		high = low + max(1, math.Abs(low))
	}
	p.values = svg.NewAxis(low, high, 5, "")
	return p
}

// day is when a day begins.
func (p plot) day(day float64) time.Time { return p.from.Add(time.Duration(day) * p.unit) }

func (p plot) x(t time.Time) float64 {
	return svgLeft + p.time.At(t)*(svgWidth-svgLeft-svgRight)
}

func (p plot) y(v float64) float64 {
	return svgHeight - svgBottom - p.values.At(v)*(svgHeight-svgTop-svgBottom)
}

func (p plot) axes(d *svg.Drawing) {
	d.Values(p.values, svgLeft, svgWidth-svgRight, p.y)
	d.Times(p.time, svgLeft, svgWidth-svgRight, svgTop, svgHeight-svgBottom)
	d.Upright(svg.Muted, 1, "2 3", p.x(p.from), svgTop, svgHeight-svgBottom)
}

// line is the path of values from a day on; it begins anew after a gap.
func (p plot) line(values []float64, first float64) string {
	var c svg.Curve
	for i, v := range values {
		if math.IsNaN(v) {
			c.Gap()
			continue
		}
		c.Add(p.x(p.day(first+float64(i))), p.y(v))
	}
	return c.Path()
}

func (p plot) band(demand []Demand, limits func(Demand) (low, high float64)) string {
	var a svg.Area
	for i, d := range demand {
		low, high := limits(d)
		a.Add(p.x(p.day(float64(i+1))), p.y(low), p.y(high))
	}
	return a.Path()
}
