package anomaly_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/anomaly"
)

// plotted draws the picture and requires it to be XML that is told as an image, has
// no script, nothing to load and no number that is none. It returns the document and
// its text.
func plotted(t testing.TB, p anomaly.Picture) (doc, text string) {
	t.Helper()
	var b strings.Builder
	require.NoError(t, anomaly.Plot(&b, p))
	doc = b.String()
	require.NotRegexp(t, `(NaN|Inf)[ ."]`, doc)
	require.NotRegexp(t, `url\(|@import|javascript:`, regexp.MustCompile(`>[^<]*<`).ReplaceAllString(doc, "><"))
	seen := map[string]int{}
	for d := xml.NewDecoder(strings.NewReader(doc)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		switch e := token.(type) {
		case xml.StartElement:
			seen[e.Name.Local]++
			for _, attr := range e.Attr {
				require.NotContains(t, attr.Name.Local, "href")
				require.False(t, strings.HasPrefix(attr.Name.Local, "on"), attr.Name.Local)
			}
		case xml.CharData:
			text += string(e)
		}
	}
	for name := range seen {
		require.Contains(t, []string{"svg", "title", "desc", "style", "rect", "path", "text", "circle"}, name)
	}
	require.Equal(t, []int{1, 1, 1}, []int{seen["svg"], seen["title"], seen["desc"]})
	require.Contains(t, doc, `role="img"`)
	return doc, text
}

// faultyWeek ends three weeks of a daily season with an hour of a fault and half a day that
// is missing, as a detector saw it.
func faultyWeek(t testing.TB) anomaly.Picture {
	t.Helper()
	p := anomaly.Picture{Title: `api_request_duration_seconds{endpoint="/quotes"}`, Unit: "s", Points: days(3024, 4)}
	for i := range p.Points {
		p.Points[i].Value /= 1000
		if i >= 2700 && i < 2706 {
			p.Points[i].Value *= 2.5
		}
	}
	p.Windows = []anomaly.Window{{From: p.Points[2694].Time, To: p.Points[2712].Time, Label: "deploy <v2> & rollback"}}
	p.Points = append(p.Points[:2400], p.Points[2470:]...)
	p.Points[1800].Value = math.NaN()
	detector := made[*anomaly.EWMA](t)(anomaly.NewEWMA())
	for _, point := range p.Points {
		p.Scores = append(p.Scores, detector.Observe(point))
	}
	return p
}

func TestPlot(t *testing.T) {
	t.Parallel()
	doc, text := plotted(t, faultyWeek(t))
	require.Contains(t, text, `api_request_duration_seconds{endpoint="/quotes"}`)
	require.Contains(t, text, "deploy <v2> & rollback, 20 Mar 2026 17:00:00 to 20 Mar 2026 20:00:00")
	require.Contains(t, text, "Points: 2953, from 2 Mar 2026 00:00:00 to 22 Mar 2026 23:50:00 (UTC), between 8")
	require.Contains(t, text, "; 1 without a value.")
	require.Regexp(t, `Anomalous points: \d+, the most so at 20 Mar 2026 1\d:`, text)
	require.Contains(t, text, "150 ms")
	require.Contains(t, doc, "prefers-color-scheme:dark")
	if dir := os.Getenv("PLOT_DIR"); dir != "" { // to look at
		require.NoError(t, os.WriteFile(filepath.Join(dir, "plot.svg"), []byte(doc), 0o600))
	}
}

// linePieces are the pieces of the series.
func linePieces(doc string) int {
	path := regexp.MustCompile(`class="cm-s-series"[^>]* stroke-width="1.3"[^>]* d="(M[^"H]*)"`).FindStringSubmatch(doc)
	if path == nil {
		return 0
	}
	return strings.Count(path[1], "M")
}

// A gap is not drawn over, whether it is points without a value or none.
func TestPlotGaps(t *testing.T) {
	t.Parallel()
	whole := anomaly.Picture{Points: days(300, 1)}
	doc, _ := plotted(t, whole)
	require.Equal(t, 1, linePieces(doc))

	missing := anomaly.Picture{Points: days(300, 1)}
	for i := 100; i < 110; i++ {
		missing.Points[i].Value = []float64{math.NaN(), math.Inf(1)}[i%2]
	}
	doc, text := plotted(t, missing)
	require.Equal(t, 2, linePieces(doc))
	require.Contains(t, text, "Points: 290, from")
	require.Contains(t, text, "10 without a value")

	absent := anomaly.Picture{Points: append(days(300, 1)[:100], days(300, 1)[110:]...)}
	doc, _ = plotted(t, absent)
	require.Equal(t, 2, linePieces(doc))
}

// What has hardly anything in it is drawn, and says so.
func TestPlotOfLittle(t *testing.T) {
	t.Parallel()
	at := func(n int, v float64) []anomaly.Point {
		out := make([]anomaly.Point, n)
		for i := range out {
			out[i] = anomaly.Point{Time: start.Add(time.Duration(i) * time.Minute), Value: v}
		}
		return out
	}
	unordered := append(at(3, 1), at(2, 2)...)
	for name, c := range map[string]struct {
		p    anomaly.Picture
		want string
	}{
		"nothing":         {anomaly.Picture{}, "There are no points."},
		"only windows":    {anomaly.Picture{Windows: []anomaly.Window{{From: start, To: start}}}, "There are no points."},
		"no values":       {anomaly.Picture{Points: at(5, math.NaN())}, "Points: 0, from 2 Mar 2026"},
		"one":             {anomaly.Picture{Points: at(1, 7)}, "Points: 1, from 2 Mar 2026 00:00:00 to 2 Mar 2026 00:00:00 (UTC), between 7 and 7."},
		"constant":        {anomaly.Picture{Points: at(9, -3)}, "between -3 and -3."},
		"zero":            {anomaly.Picture{Points: at(9, 0)}, "between 0 and 0."},
		"huge":            {anomaly.Picture{Points: append(at(1, math.MaxFloat64), anomaly.Point{Time: start.Add(time.Hour), Value: -math.MaxFloat64})}, "between -1.798e+308 and 1.798e+308."},
		"tiny":            {anomaly.Picture{Unit: "s", Points: append(at(1, 0), anomaly.Point{Time: start.Add(time.Hour), Value: 5e-324})}, "between 0 s and "},
		"far apart":       {anomaly.Picture{Points: []anomaly.Point{{Time: time.Unix(-1<<40, 0)}, {Time: time.Unix(1<<40, 0), Value: 1}}}, "Points: 2, from"},
		"out of order":    {anomaly.Picture{Points: unordered}, "Points: 3, from"},
		"not ready":       {anomaly.Picture{Points: at(2, 1), Scores: make([]anomaly.Score, 2)}, "The detector was not ready."},
		"infinite bounds": {anomaly.Picture{Points: at(2, 1), Scores: []anomaly.Score{{Low: math.Inf(-1), High: math.Inf(1), Expected: 1, Ready: true}, {Low: math.NaN(), Value: math.NaN(), Ready: true}}}, "No anomaly."},
		"turned window":   {anomaly.Picture{Points: at(2, 1), Windows: []anomaly.Window{{From: start.Add(time.Hour), To: start, Label: "x"}}}, "Windows: 1: x"},
		"hostile": {
			anomaly.Picture{Title: "<script>alert(1)</script>\x00\xff\n", Unit: `"><x`, Points: at(2, 1), Windows: []anomaly.Window{{From: start, To: start, Label: "]]></desc><script>"}}},
			"<script>alert(1)</script>",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, text := plotted(t, c.p)
			require.Contains(t, text, c.want)
		})
	}
	require.ErrorContains(t, anomaly.Plot(io.Discard, anomaly.Picture{Points: at(2, 1), Scores: make([]anomaly.Score, 1)}), "1 scores of 2 points")
	require.ErrorContains(t, anomaly.Plot(nil, anomaly.Picture{}), "no writer")
	reader, writer := io.Pipe()
	require.NoError(t, reader.Close())
	require.ErrorIs(t, anomaly.Plot(writer, anomaly.Picture{}), io.ErrClosedPipe)
}

// Of a million points one peak, one anomaly, is still to be seen.
func TestPlotOfMany(t *testing.T) {
	t.Parallel()
	const n = 1_000_000
	r := rand.New(rand.NewPCG(1, 2))
	p := anomaly.Picture{Points: make([]anomaly.Point, n), Scores: make([]anomaly.Score, n)}
	for i := range n {
		v := r.Float64()
		p.Points[i] = anomaly.Point{Time: start.Add(time.Duration(i) * time.Second), Value: v}
		p.Scores[i] = anomaly.Score{Value: v / 10, Expected: .5, Low: r.Float64() - 1, High: 1 + r.Float64(), Ready: true}
		if i%10 == 0 {
			p.Windows = append(p.Windows, anomaly.Window{From: p.Points[i].Time, To: p.Points[i].Time.Add(2 * time.Second), Label: "w"})
		}
	}
	p.Points[654_321].Value = 10
	p.Scores[654_321].Value = .9
	doc, text := plotted(t, p)
	require.Less(t, len(doc), 512<<10)
	require.Contains(t, text, "Anomalous points: 1, the most so at 9 Mar 2026 13:45:21 with 10, score 0.9.")
	require.Equal(t, 1, linePieces(doc))
	dot := regexp.MustCompile(`stroke-width="6"[^>]* d="M([0-9.]+) ([0-9.]+)h0"`).FindStringSubmatch(doc)
	require.NotNil(t, dot)
	require.Contains(t, doc, dot[1]+" "+dot[2], "the peak is a place of the line")
	require.Equal(t, 2, strings.Count(doc, dot[1]+" "+dot[2]))
	if dir := os.Getenv("PLOT_DIR"); dir != "" {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "many.svg"), []byte(doc), 0o600))
	}
}

// The same picture is the same bytes.
func TestPlotIsTheSame(t *testing.T) {
	t.Parallel()
	var a, b bytes.Buffer
	require.NoError(t, anomaly.Plot(&a, faultyWeek(t)))
	require.NoError(t, anomaly.Plot(&b, faultyWeek(t)))
	require.Equal(t, a.String(), b.String())
}

func FuzzPlot(f *testing.F) {
	f.Add("x", "By", int64(0), int64(60), 1.0, 2.0, "w")
	f.Add("", "s", int64(math.MinInt64), int64(math.MaxInt64), math.Inf(1), 5e-324, "\x00")
	f.Add("", "%", int64(-1)<<60, int64(1)<<60, -math.MaxFloat64, math.MaxFloat64, "")
	f.Fuzz(func(t *testing.T, title, unit string, from, to int64, one, other float64, label string) {
		at := []time.Time{time.Unix(from, 0), time.Unix(to, 0)}
		plotted(t, anomaly.Picture{
			Title: title, Unit: unit,
			Points:  []anomaly.Point{{Time: at[0], Value: one}, {Time: at[1], Value: other}},
			Scores:  []anomaly.Score{{Value: one, Low: other, High: one, Ready: true}, {Value: other, Expected: one, Low: one, High: other}},
			Windows: []anomaly.Window{{From: at[0], To: at[1], Label: label}, {From: at[1], To: at[1]}},
		})
	})
}
