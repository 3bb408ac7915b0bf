package svg_test

import (
	"encoding/xml"
	"math"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/svg"
)

// document is what was drawn.
func document(t *testing.T, d *svg.Drawing) string {
	t.Helper()
	var b strings.Builder
	n, err := d.WriteTo(&b)
	require.NoError(t, err)
	require.Equal(t, int64(b.Len()), n)
	require.NoError(t, xml.Unmarshal([]byte(b.String()), new(struct{})))
	return b.String()
}

func TestEscapes(t *testing.T) {
	t.Parallel()
	d := svg.New(10, 10, `</title><script>"&`, "a\x00b")
	d.Write(svg.Text, svg.Start, 11, 1, 2, "<b>\xff")
	doc := document(t, d)
	require.NotContains(t, doc, "<script")
	require.NotContains(t, doc, "<b>")
	require.Contains(t, doc, "&lt;/title&gt;&lt;script&gt;&#34;&amp;")
}

// Pictures in one page do not share an id.
func TestIDs(t *testing.T) {
	t.Parallel()
	labelled := func(title string) string {
		return regexp.MustCompile(`aria-labelledby="[^"]+"`).FindString(document(t, svg.New(1, 1, title, "")))
	}
	require.NotEmpty(t, labelled("a"))
	again := labelled("a")
	require.Equal(t, again, labelled("a"))
	require.NotEqual(t, labelled("a"), labelled("b"))
}

// luminance and contrast are those of WCAG 2.2.
func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	sum := 0.0
	for i, weight := range []float64{.2126, .7152, .0722} {
		n, err := strconv.ParseUint(colour[1+2*i:3+2*i], 16, 8)
		require.NoError(t, err)
		v := float64(n) / 255
		if v <= .04045 {
			v /= 12.92
		} else {
			v = math.Pow((v+.055)/1.055, 2.4)
		}
		sum += weight * v
	}
	return sum
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	one, other := luminance(t, a), luminance(t, b)
	return (max(one, other) + .05) / (min(one, other) + .05)
}

// What is read is read by light and by dark, also where a window is shaded.
func TestContrast(t *testing.T) {
	t.Parallel()
	require.InDelta(t, 21, contrast(t, "#000000", "#ffffff"), 1e-9)
	for mode := range 2 {
		paper, window := svg.Colours(svg.Paper)[mode], svg.Colours(svg.Window)[mode]
		for _, ink := range []svg.Ink{svg.Text, svg.Muted, svg.Alarm} {
			require.GreaterOrEqual(t, contrast(t, svg.Colours(ink)[mode], paper), 4.5, ink)
			require.GreaterOrEqual(t, contrast(t, svg.Colours(ink)[mode], window), 4.5, ink)
		}
		for _, ink := range []svg.Ink{svg.Series, svg.Model} {
			require.GreaterOrEqual(t, contrast(t, svg.Colours(ink)[mode], paper), 3.0, ink)
			require.GreaterOrEqual(t, contrast(t, svg.Colours(ink)[mode], window), 3.0, ink)
			require.GreaterOrEqual(t, contrast(t, svg.Colours(ink)[mode], svg.Colours(svg.Band)[mode]), 3.0, ink)
		}
	}
}

func TestCurve(t *testing.T) {
	t.Parallel()
	var c svg.Curve
	require.Empty(t, c.Path())
	c.Add(1, 1)
	c.Gap()
	c.Gap()
	c.Add(2, 2)
	c.Add(3, 3)
	require.Equal(t, "M1 1h0M2 2L3 3", c.Path())

	// in a column: first, both ends in their order, last
	var of svg.Curve
	for i, y := range []float64{5, 6, 9, 4, 1, 5, 7} {
		of.Add(10+float64(i)/10, y)
	}
	require.Equal(t, "M10 5L10.2 9L10.4 1L10.6 7", of.Path())
}

// However many places there are, every column keeps its lowest and highest.
func TestCurveKeepsPeaks(t *testing.T) {
	t.Parallel()
	const columns, each = 100, 500
	r := rand.New(rand.NewPCG(1, 1))
	low, high := make([]float64, columns), make([]float64, columns)
	var c svg.Curve
	for i := range columns {
		low[i], high[i] = math.Inf(1), math.Inf(-1)
		for j := range each {
			y := math.Round(r.Float64()*1e4) / 10
			low[i], high[i] = min(low[i], y), max(high[i], y)
			c.Add(float64(i)+float64(j)/each, y)
		}
	}
	seenLow, seenHigh := make([]float64, columns+1), make([]float64, columns+1)
	for i := range seenLow {
		seenLow[i], seenHigh[i] = math.Inf(1), math.Inf(-1)
	}
	places := regexp.MustCompile(`[ML]([0-9.]+) ([0-9.]+)`).FindAllStringSubmatch(c.Path(), -1)
	require.LessOrEqual(t, len(places), 4*columns)
	for _, p := range places {
		x, _ := strconv.ParseFloat(p[1], 64)
		y, _ := strconv.ParseFloat(p[2], 64)
		for i := max(0, int(x)-1); i <= int(x); i++ { // places are to a tenth: the end of a column may be the next one's
			seenLow[i], seenHigh[i] = min(seenLow[i], y), max(seenHigh[i], y)
		}
	}
	for i := range columns {
		require.LessOrEqual(t, seenLow[i], low[i])
		require.GreaterOrEqual(t, seenHigh[i], high[i])
	}
}

func TestArea(t *testing.T) {
	t.Parallel()
	var a svg.Area
	require.Empty(t, a.Path())
	a.Add(1, 4, 2)
	a.Gap()
	a.Add(3, 1, 2)
	a.Add(4, 1, 3)
	require.Equal(t, "M0.5 4L1.5 4L1.5 2L0.5 2ZM3 2L4 3L4 1L3 1Z", a.Path())
	var of svg.Area // of a column
	of.Add(5, 2, 3)
	of.Add(5.5, 1, 2)
	require.Equal(t, "M5 3L5.5 3L5.5 1L5 1Z", of.Path())
}

func TestDots(t *testing.T) {
	t.Parallel()
	var d svg.Dots
	require.Empty(t, d.Path())
	d.Add(1, 1, .6)
	d.Add(1.5, 2, .9)
	d.Add(1.7, 3, .7)
	d.Add(2, 4, .5)
	require.Equal(t, "M1.5 2h0M2 4h0", d.Path())
}

func TestAxis(t *testing.T) {
	t.Parallel()
	labels := func(low, high float64, unit string) (out []string) {
		a := svg.NewAxis(low, high, 5, unit)
		for _, v := range a.Ticks {
			require.True(t, a.Holds(v))
			out = append(out, a.Label(v))
		}
		return out
	}
	require.Equal(t, []string{"0", "20", "40", "60", "80", "100"}, labels(0, 100, ""))
	require.Equal(t, []string{"0 ms", "50 ms", "100 ms", "150 ms"}, labels(0, .15, "s"))
	require.Equal(t, []string{"1000 s", "1200 s", "1400 s", "1600 s", "1800 s", "2000 s"}, labels(1000, 2000, "s"))
	require.Equal(t, []string{"0.0 GB", "0.5 GB", "1.0 GB", "1.5 GB"}, labels(0, 1.7e9, "By"))
	require.Equal(t, []string{"-2k", "-1k", "0k", "1k", "2k"}, labels(-2500, 2500, "{request}"))
	require.Equal(t, []string{"0.40%", "0.45%", "0.50%", "0.55%", "0.60%"}, labels(.4, .6, "%"))
	require.Equal(t, []string{"1.00000010G", "1.00000020G"}, []string{svg.NewAxis(1e9+100, 1e9+200, 5, "").Label(1e9 + 100), svg.NewAxis(1e9+100, 1e9+200, 5, "").Label(1e9 + 200)})
}

// Whatever the ends are, ticks ascend, are few, and every place is one.
func FuzzAxis(f *testing.F) {
	for _, v := range []float64{0, 1, -1, 1e-300, 5e-324, math.MaxFloat64, -math.MaxFloat64, 1e16} {
		f.Add(v, v)
		f.Add(v, math.Nextafter(v, math.Inf(1)))
		f.Add(-v, v)
	}
	f.Fuzz(func(t *testing.T, low, high float64) {
		if math.IsNaN(low-low) || math.IsNaN(high-high) {
			return
		}
		a := svg.NewAxis(low, high, 5, "s")
		require.LessOrEqual(t, len(a.Ticks), 6)
		for i, v := range a.Ticks {
			require.True(t, a.Holds(v), "%v in %v to %v", v, a.Low, a.High)
			require.True(t, i == 0 || v > a.Ticks[i-1])
			require.NotEmpty(t, a.Label(v))
		}
		for _, v := range []float64{low, high, 0, math.Inf(1), math.Inf(-1)} {
			require.True(t, a.At(v) >= 0 && a.At(v) <= 1, "%v is at %v", v, a.At(v))
		}
	})
}

func TestNumber(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]string{
		"1.5 ms": svg.Number(.0015, "s"), "90 s": svg.Number(90, "s"), "86400 s": svg.Number(86400, "s"),
		"20 µs": svg.Number(2e-5, "s"), "1.2 kB": svg.Number(1200, "By"), "3 GB/s": svg.Number(3e9, "By/s"),
		"0.001": svg.Number(.001, ""), "1e-07": svg.Number(1e-7, "1"), "1M": svg.Number(999_999, ""), "12%": svg.Number(12, "%"),
		"none": svg.Number(math.NaN(), "s"), "∞": svg.Number(math.Inf(1), "s"), "-∞": svg.Number(math.Inf(-1), ""), "0 B": svg.Number(0, "By"),
	} {
		require.Equal(t, want, got)
	}
}

func TestTimeAxis(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	kolkata := time.FixedZone("IST", 19800)
	begin := time.Date(2026, 3, 28, 22, 10, 0, 0, time.UTC)
	ticks := func(d time.Duration, zone *time.Location) (out []string) {
		a := svg.NewTimeAxis(begin, begin.Add(d), zone, 8)
		for i, tick := range a.Ticks {
			require.False(t, tick.Time.Before(a.From) || tick.Time.After(a.To))
			require.True(t, i == 0 || tick.Time.After(a.Ticks[i-1].Time))
			out = append(out, strings.TrimSuffix(tick.Label+"|"+tick.Context, "|"))
		}
		return out
	}
	require.Equal(t, []string{"23:10|28 Mar 2026", "23:20", "23:30", "23:40", "23:50", "00:00|29 Mar 2026", "00:10"}, ticks(time.Hour, berlin))
	// the clock is put forward: there is no hour from 2 to 3
	require.Equal(t, []string{"00:00|29 Mar 2026", "01:00", "03:00", "04:00", "05:00", "06:00"}, ticks(6*time.Hour, berlin))
	require.Equal(t, []string{"22:10:00.000|28 Mar 2026", "22:10:00.001"}, ticks(5*time.Millisecond, nil)[:2])
	require.Equal(t, []string{"22:10:00|28 Mar 2026", "22:10:15"}, ticks(90*time.Second, nil)[:2])
	require.Equal(t, []string{"29 Mar|2026", "30 Mar", "31 Mar", "1 Apr"}, ticks(5*24*time.Hour, berlin)[:4])
	require.Equal(t, []string{"29 Mar|2026", "1 Apr", "5 Apr"}, ticks(30*24*time.Hour, berlin)[:3])
	require.Equal(t, []string{"Apr|2026", "May", "Jun"}, ticks(200*24*time.Hour, berlin)[:3])
	require.Equal(t, []string{"2030", "2035", "2040"}, ticks(40*365*24*time.Hour, berlin)[:3])
	require.Equal(t, []string{"04:00|29 Mar 2026", "05:00"}, ticks(6*time.Hour, kolkata)[:2], "on the zone's hours, not UTC's")

	require.Equal(t, "UTC", svg.NewTimeAxis(begin, begin, nil, 8).Zone)
	require.Equal(t, "CEST, UTC+2", svg.NewTimeAxis(begin, begin.Add(48*time.Hour), berlin, 8).Zone)
	require.Equal(t, "IST, UTC+5:30", svg.NewTimeAxis(begin, begin, kolkata, 8).Zone)
}

// The hour that comes twice is passed twice.
func TestTimeAxisOfALongDay(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	begin := time.Date(2026, 10, 25, 0, 0, 0, 0, berlin)
	a := svg.NewTimeAxis(begin, begin.Add(6*time.Hour), nil, 8)
	require.Len(t, a.Ticks, 7)
	local := svg.NewTimeAxis(begin, begin.Add(6*time.Hour), berlin, 8)
	for i := 1; i < len(local.Ticks); i++ {
		require.True(t, local.Ticks[i].Time.After(local.Ticks[i-1].Time))
	}
	require.Equal(t, "05:00", local.Ticks[len(local.Ticks)-1].Label)
}

func FuzzTimeAxis(f *testing.F) {
	f.Add(int64(0), int64(0), 8)
	f.Add(int64(math.MinInt64), int64(math.MaxInt64), 9)
	f.Add(int64(-1)<<40, int64(1)<<40, 5)
	f.Add(int64(1)<<50, int64(1)<<51, 5)
	f.Fuzz(func(t *testing.T, from, to int64, most int) {
		most = min(max(most, -1), 100)
		a := svg.NewTimeAxis(time.Unix(from, 0), time.Unix(to, 0), nil, most)
		require.LessOrEqual(t, len(a.Ticks), 2*max(most, 2)+64)
		for _, at := range []time.Time{a.From, a.To, time.Unix(0, 0), {}} {
			require.True(t, a.At(at) >= 0 && a.At(at) <= 1)
		}
	})
}

func TestLine(t *testing.T) {
	t.Parallel()
	require.Equal(t, "a b�", svg.Line("a\nb\xff", 9))
	require.Equal(t, "äö…", svg.Line("äöüß", 3))
	require.Greater(t, svg.TextWidth("行情", 10), svg.TextWidth("ab", 10))
}
