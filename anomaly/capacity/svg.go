package capacity

import (
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strings"
	"time"
)

// The picture, in its own units.
const (
	svgWidth, svgHeight = 720, 320
	svgLeft, svgRight   = 72, 16
	svgTop, svgBottom   = 40, 40
)

// WriteSVG draws the plan: the daily peaks, the demand with its limits of 80 and
// 95 %, the limit and its dates. The picture is a document of its own without
// scripts and without anything to load, and tells screen readers what it shows.
func (a Analysis) WriteSVG(w io.Writer) error {
	p := newPlot(a)
	var b strings.Builder
	add := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	add(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-labelledby="title desc" font-family="sans-serif" font-size="11">`, svgWidth, svgHeight)
	add(`<title id="title">%s</title>`, escaped("Capacity of "+a.Name))
	add(`<desc id="desc">%s</desc>`, escaped(a.description()))
	add(`<rect width="%d" height="%d" fill="#fff"/>`, svgWidth, svgHeight)
	add(`<text x="%d" y="20" font-size="14" fill="#222">%s</text>`, svgLeft, escaped(cut(printable(a.Name), 80)))
	p.axes(add)
	add(`<path d="%s" fill="#cfe0f5"/>`, p.band(a.Demand, func(d Demand) (float64, float64) { return d.Low95, d.High95 }))
	add(`<path d="%s" fill="#9dbfe8"/>`, p.band(a.Demand, func(d Demand) (float64, float64) { return d.Low80, d.High80 }))
	add(`<path d="%s" fill="none" stroke="#222" stroke-width="1.5"/>`, p.peaks(a))
	middle := make([]float64, len(a.Demand))
	for i, d := range a.Demand {
		middle[i] = d.P50
	}
	add(`<path d="%s" fill="none" stroke="#1f5fa8" stroke-width="1.5" stroke-dasharray="5 3"/>`, p.line(middle, 1))
	if p.shows(a.Limit.Value) {
		y := p.y(a.Limit.Value)
		add(`<path d="M%d %.1fH%d" stroke="#b3261e" stroke-width="1.5"/>`, svgLeft, y, svgWidth-svgRight)
		add(`<text x="%d" y="%.1f" text-anchor="end" fill="#b3261e">limit %s</text>`, svgWidth-svgRight, y-4, number(a.Limit.Value))
		for _, d := range []Date{a.Limit.P10, a.Limit.P50, a.Limit.P90} {
			if d.Within {
				x := p.x(float64(d.Time.Sub(a.From)) / float64(a.unit))
				add(`<circle cx="%.1f" cy="%.1f" r="3.5" fill="#b3261e"/>`, x, y)
			}
		}
	}
	add(`</svg>`)
	_, err := io.WriteString(w, b.String())
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
	from      time.Time
	unit      time.Duration
	first     float64 // day of the first peak, 0 being the last
	last      float64
	low, high float64
}

func newPlot(a Analysis) plot {
	p := plot{from: a.From, unit: a.unit, first: float64(1 - len(a.peaks)), last: float64(len(a.Demand)), low: math.Inf(1), high: math.Inf(-1)}
	see := func(v float64) {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			p.low, p.high = min(p.low, v), max(p.high, v)
		}
	}
	for _, v := range a.peaks {
		see(v)
	}
	// what may explode is cut off, so that the rest can be seen
	most := p.high + 4*(p.high/2-p.low/2)
	least := p.low - 4*(p.high/2-p.low/2)
	if l := a.Limit.Value; !math.IsInf(l, 0) && l < p.high+8*math.Abs(p.high) {
		most = max(most, l)
		see(l)
	}
	for _, d := range a.Demand {
		see(min(d.High95, max(most, d.P50*1.05)))
		see(max(d.Low95, least))
	}
	if p.low >= 0 {
		p.low = 0
	}
	if !(p.high > p.low) {
		p.high = p.low + max(1, math.Abs(p.low))
	}
	return p
}

func (p plot) shows(v float64) bool { return v >= p.low && v <= p.high }

func (p plot) x(day float64) float64 {
	return svgLeft + (day-p.first)/(p.last-p.first)*(svgWidth-svgLeft-svgRight)
}

func (p plot) y(v float64) float64 {
	share := (v/2 - p.low/2) / (p.high/2 - p.low/2) // halves do not overflow
	return svgHeight - svgBottom - min(max(share, 0), 1)*(svgHeight-svgTop-svgBottom)
}

func (p plot) axes(add func(string, ...any)) {
	for i := range 5 {
		share := float64(i) / 4
		v := p.low*(1-share) + p.high*share
		add(`<path d="M%d %.1fH%d" stroke="#e3e3e3"/>`, svgLeft, p.y(v), svgWidth-svgRight)
		add(`<text x="%d" y="%.1f" text-anchor="end" fill="#555">%s</text>`, svgLeft-6, p.y(v)+4, number(v))
	}
	for _, d := range []float64{p.first, 0, p.last} {
		anchor := map[float64]string{p.first: "start", p.last: "end"}[d]
		if anchor == "" {
			anchor = "middle"
		}
		at := p.from.Add(time.Duration(d) * p.unit).UTC().Format(time.DateOnly)
		add(`<text x="%.1f" y="%d" text-anchor="%s" fill="#555">%s</text>`, p.x(d), svgHeight-svgBottom+18, anchor, at)
	}
	add(`<path d="M%.1f %dV%d" stroke="#999" stroke-dasharray="2 3"/>`, p.x(0), svgTop, svgHeight-svgBottom)
}

// peaks is the path of the history; it begins anew after a gap.
func (p plot) peaks(a Analysis) string { return p.line(a.peaks, p.first) }

func (p plot) line(values []float64, first float64) string {
	var b strings.Builder
	draw := byte('M')
	for i, v := range values {
		if math.IsNaN(v) {
			draw = 'M'
			continue
		}
		fmt.Fprintf(&b, "%c%.1f %.1f", draw, p.x(first+float64(i)), p.y(v))
		draw = 'L'
	}
	return b.String()
}

func (p plot) band(demand []Demand, limits func(Demand) (low, high float64)) string {
	var up, down strings.Builder
	draw := byte('M')
	for i := range demand {
		_, high := limits(demand[i])
		fmt.Fprintf(&up, "%c%.1f %.1f", draw, p.x(float64(i+1)), p.y(high))
		draw = 'L'
		j := len(demand) - 1 - i
		low, _ := limits(demand[j])
		fmt.Fprintf(&down, "L%.1f %.1f", p.x(float64(j+1)), p.y(low))
	}
	return up.String() + down.String() + "Z"
}

// escaped is text of XML; what XML has no character for is replaced.
func escaped(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a builder takes everything
	return b.String()
}
