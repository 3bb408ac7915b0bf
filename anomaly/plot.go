package anomaly

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/chronoretrace/chronomon/internal/svg"
)

// A Picture is what [Plot] draws: a series and what a detector made of it.
type Picture struct {
	// Title is the series' name. Of a long one the beginning is drawn.
	Title string

	// Unit is the values', in UCUM as the metrics have it: "s", "By", "%"; empty or
	// "1" for none. Values get prefixes of the SI.
	Unit string

	// Points are the series, oldest first. Those without a value are a gap, and so
	// is a time without points more than four times as long as most are apart. A
	// point that is not later than the last is left out.
	Points []Point

	// Scores are the detector's, one for each point; none draws the series alone.
	Scores []Score

	// Windows are shaded: labelled anomalies, maintenance, what is talked about.
	Windows []Window

	// Zone is that of the time axis. Default: UTC.
	Zone *time.Location
}

// A Window is a time with a name, which may be empty. From and To are part of it.
type Window struct {
	From, To time.Time
	Label    string
}

// Plot writes a picture as SVG: the series over the band in which it was expected,
// with the anomalies marked; below it, on an axis of their own, the scores with the
// line of [Threshold]; the windows shaded through both. The document stands alone,
// has no script, is told by screen readers as a title and a description, and has
// colours for light and dark.
//
// Its size is bounded: of many points those are drawn that stand out in their
// column of the picture, so that no peak and no anomaly is lost, and a million take
// no more than some hundred KiB. A picture without points says so. An infinite limit
// of a band is drawn to the edge, and what leaves the picture by far is cut off.
//
// It is an error if there are scores, but not one for each point, or if w has one.
func Plot(w io.Writer, p Picture) error {
	if len(p.Scores) > 0 && len(p.Scores) != len(p.Points) {
		return fmt.Errorf("anomaly: plot: %d scores of %d points", len(p.Scores), len(p.Points))
	}
	if w == nil {
		return errors.New("anomaly: plot: no writer")
	}
	c := newChart(&p)
	d := svg.New(chartWidth, int(c.height), p.title(), c.description())
	c.draw(d)
	if _, err := d.WriteTo(w); err != nil {
		return fmt.Errorf("anomaly: plot: %w", err)
	}
	return nil
}

func (p *Picture) title() string {
	if p.Title == "" {
		return "Series"
	}
	return svg.Line(p.Title, 1000)
}

// The picture, in its own units.
const (
	chartWidth  = 960
	chartRight  = chartWidth - 16
	chartTop    = 72  // the names of windows are above
	seriesDown  = 300 // the lower end of the series' panel
	scoresUp    = 322
	scoresDown  = 402
	chartUnder  = 48 // for the labels of the time
	gapsAre     = 4  // times the usual distance
	mostWindows = 2000
)

// chart places a picture.
type chart struct {
	*Picture
	sum    summary
	left   float64
	height float64
	bottom float64 // the lower end of the panels
	time   svg.TimeAxis
	value  svg.Axis
	gap    time.Duration
}

func newChart(p *Picture) *chart {
	c := &chart{Picture: p, bottom: seriesDown}
	if len(p.Scores) > 0 {
		c.bottom = scoresDown
	}
	c.height = c.bottom + chartUnder
	c.sum = c.summarise()
	c.gap = gapsAre * usual(p.Points)
	low, high := c.valueRange()
	c.value = svg.NewAxis(low, high, 5, p.Unit)
	c.left = 44
	for _, v := range c.value.Ticks {
		c.left = min(max(c.left, 18+svg.TextWidth(c.value.Label(v), 11)), 200)
	}
	c.time = svg.NewTimeAxis(c.sum.from, c.sum.to, p.Zone, int(chartRight-c.left)/100)
	return c
}

func (c *chart) x(t time.Time) float64 { return c.left + c.time.At(t)*(chartRight-c.left) }

func (c *chart) y(v float64) float64 { return seriesDown - c.value.At(v)*(seriesDown-chartTop) }

func scoreY(v float64) float64 {
	if math.IsNaN(v) {
		v = 0
	}
	return scoresDown - min(max(v, 0), 1)*(scoresDown-scoresUp)
}

func (c *chart) draw(d *svg.Drawing) {
	c.windows(d)
	c.axes(d)
	c.keys(d)
	if c.sum.known == 0 {
		d.Write(svg.Muted, svg.Middle, 13, (c.left+chartRight)/2, (chartTop+seriesDown)/2, "no points")
	}
	if len(c.Scores) > 0 {
		c.model(d)
		c.scores(d)
	}
	var line svg.Curve
	var dots svg.Dots
	c.pieces(line.Gap, func(i int, p Point, x float64) {
		y := c.y(p.Value)
		line.Add(x, y)
		if len(c.Scores) > 0 && c.Scores[i].Anomalous() {
			dots.Add(x, y, c.Scores[i].Value)
		}
	})
	d.Stroke(svg.Series, 1.3, "", line.Path())
	d.Stroke(svg.Alarm, 6, "", dots.Path())
}

// pieces goes through the points that have a value, with a gap where there is one.
func (c *chart) pieces(gap func(), point func(i int, p Point, x float64)) {
	var last time.Time
	for i, p := range c.inOrder {
		if !isNumber(p.Value) {
			gap()
			continue
		}
		if !last.IsZero() && p.Time.Sub(last) > c.gap {
			gap()
		}
		last = p.Time
		point(i, p, c.x(p.Time))
	}
}

// model draws what was expected, and the band.
func (c *chart) model(d *svg.Drawing) {
	var band svg.Area
	var expected svg.Curve
	gap := func() { band.Gap(); expected.Gap() }
	c.pieces(gap, func(i int, _ Point, x float64) {
		s := &c.Scores[i]
		if math.IsNaN(s.Low) || math.IsNaN(s.High) {
			band.Gap()
		} else {
			band.Add(x, c.y(s.High), c.y(s.Low))
		}
		if isNumber(s.Expected) {
			expected.Add(x, c.y(s.Expected))
		} else {
			expected.Gap()
		}
	})
	d.Fill(svg.Band, .55, band.Path())
	d.Stroke(svg.Model, 1.2, "5 3", expected.Path())
}

// scores draws the lower panel.
func (c *chart) scores(d *svg.Drawing) {
	var under svg.Area
	var line svg.Curve
	gap := func() { under.Gap(); line.Gap() }
	c.pieces(gap, func(i int, _ Point, x float64) {
		y := scoreY(c.Scores[i].Value)
		under.Add(x, y, scoresDown)
		line.Add(x, y)
	})
	d.Fill(svg.Band, .55, under.Path())
	d.Stroke(svg.Model, 1, "", line.Path())
	d.Level(svg.Alarm, 1, "4 3", c.left, chartRight, scoreY(Threshold))
}

// windows shades them. Of those that fall into the same column one is drawn.
func (c *chart) windows(d *svg.Drawing) {
	if c.sum.known+c.sum.missing == 0 {
		return
	}
	all := slices.Clone(c.Windows)
	slices.SortStableFunc(all, func(a, b Window) int { return a.From.Compare(b.From) })
	shaded, named, drawn := c.left-1, c.left-1, 0
	for _, w := range all {
		if w.To.Before(w.From) || w.To.Before(c.time.From) || w.From.After(c.time.To) || drawn == mostWindows {
			continue
		}
		from, to := c.x(w.From), c.x(w.To)
		if to = max(to, from+1); to > shaded {
			from := max(from, shaded)
			shaded = max(to, from+.5)
			d.Rect(svg.Window, from, chartTop, shaded-from, c.bottom-chartTop)
			drawn++
		}
		label := svg.Line(w.Label, 40)
		width := svg.TextWidth(label, 11)
		if at := min(from, chartRight-width); label != "" && at > named {
			d.Write(svg.Text, svg.Start, 11, at, chartTop-5, label)
			named = at + width + 6
		}
	}
}

func (c *chart) axes(d *svg.Drawing) {
	d.Write(svg.Text, svg.Start, 14, c.left, 22, svg.Line(c.title(), 110))
	d.Values(c.value, c.left, chartRight, c.y)
	if len(c.Scores) > 0 {
		for _, v := range []float64{0, Threshold, 1} {
			d.Level(svg.Grid, 1, "", c.left, chartRight, scoreY(v))
			d.Write(svg.Muted, svg.End, 11, c.left-6, scoreY(v)+4, fmt.Sprint(v))
		}
	}
	if c.sum.known+c.sum.missing == 0 {
		return
	}
	d.Times(c.time, c.left, chartRight, chartTop, c.bottom)
	d.Write(svg.Muted, svg.End, 11, chartRight, 22, c.time.Zone)
}

// keys explains what is drawn.
func (c *chart) keys(d *svg.Drawing) {
	x := c.left
	key := func(text string, piece func(from, to, y float64)) { x = d.Key(x, 44, text, piece) }
	box := func(ink svg.Ink) func(from, to, y float64) {
		return func(from, to, y float64) { d.Rect(ink, from, y-5, to-from, 10) }
	}
	key("observed", func(from, to, y float64) { d.Level(svg.Series, 1.3, "", from, to, y) })
	if c.sum.bandLow <= c.sum.bandHigh {
		key("expected", func(from, to, y float64) { d.Level(svg.Model, 1.2, "5 3", from, to, y) })
		key("band", box(svg.Band))
	}
	if len(c.Scores) > 0 {
		key(fmt.Sprintf("anomaly (score %v and more)", Threshold), func(from, to, y float64) { d.Dot(svg.Alarm, from/2+to/2, y, 3) })
	}
	if len(c.Windows) > 0 {
		key("window", box(svg.Window))
	}
}
