package capacity_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/anomaly/capacity"
	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/pgstore"
)

// wellFormed requires the picture to be XML that has a title and a description, no
// script, nothing to load and no number that is none.
func wellFormed(t *testing.T, a capacity.Analysis) (text string) {
	t.Helper()
	var b strings.Builder
	require.NoError(t, a.WriteSVG(&b))
	require.NotContains(t, b.String(), "NaN")
	require.NotContains(t, b.String(), "Inf")
	d := xml.NewDecoder(strings.NewReader(b.String()))
	seen := map[string]int{}
	for {
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
				require.False(t, strings.HasPrefix(attr.Name.Local, "on"))
			}
		case xml.CharData:
			text += string(e)
		}
	}
	require.Equal(t, 1, seen["svg"])
	require.Equal(t, 1, seen["title"])
	require.Equal(t, 1, seen["desc"])
	require.Zero(t, seen["script"])
	return text
}

func growing(t *testing.T, name string) capacity.Analysis {
	t.Helper()
	r := rand.New(rand.NewPCG(2, 5))
	a, err := capacity.Analyse(hourly(90, func(h int) float64 { return 100 + float64(h)/24 + r.NormFloat64() }), 220, capacity.WithName(name))
	require.NoError(t, err)
	return a
}

func TestSVGEscapes(t *testing.T) {
	t.Parallel()
	const name = `<script>alert("&")</script>` + "\x00\xff\n"
	text := wellFormed(t, growing(t, name))
	require.Contains(t, text, `<script>alert("&")</script>`)
	require.Contains(t, text, "likely 2026-")
}

func TestText(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	require.NoError(t, growing(t, "disk\x1b[2J /data").WriteText(&b))
	for _, want := range []string{"disk [2J /data, 2026-04-04 23:00:00: 90 days known", "growth     rising: 1", "limit      220: earliest 2026-", "within 30 days: ", "demand     day 90", "recommend  the highest", "order by 2026-", "confidence 0.", "calibration"} {
		require.Contains(t, b.String(), want)
	}
}

// A row is what the store takes.
func TestRow(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 4, 5, 0, 0, 0, 0, time.UTC)
	row, err := growing(t, strings.Repeat("é", 60)).Row(at)
	require.NoError(t, err)
	plan := pgstore.Plan(row)
	require.Regexp(t, "^é{41}…[0-9a-f]{8}$", plan.Resource)
	other, err := growing(t, strings.Repeat("é", 59)+"e").Row(at)
	require.NoError(t, err)
	require.NotEqual(t, plan.Resource, other.Resource)
	odd, err := growing(t, "disk\x00").Row(at)
	require.NoError(t, err)
	require.Equal(t, "disk ", odd.Resource, "PostgreSQL has no such character")
	require.Equal(t, "90d", plan.Period)
	require.Equal(t, at, plan.CreatedAt)
	require.InDelta(t, 0.8, plan.Confidence, 0.2)
	var current struct {
		Name   string
		Usage  struct{ P50, P95, Peak float64 }
		Limit  float64
		Growth struct{ Direction string }
	}
	require.NoError(t, json.Unmarshal(plan.Current, &current))
	require.Equal(t, strings.Repeat("é", 60), current.Name)
	require.Equal(t, "rising", current.Growth.Direction)
	require.InDelta(t, 220, current.Limit, 0)
	require.Greater(t, current.Usage.P95, current.Usage.P50)
	var predicted struct {
		Demand        []struct{ P50, Low80, High95 float64 }
		P10, P50, P90 *time.Time
		Within        map[string]float64 `json:"within_days"`
	}
	require.NoError(t, json.Unmarshal(plan.Predicted, &predicted))
	require.Len(t, predicted.Demand, 13)
	require.True(t, predicted.P10.Before(*predicted.P50) && predicted.P50.Before(*predicted.P90))
	require.InDelta(t, 1, predicted.Within["90"], 0.01)
	var rec struct {
		Size       float64
		Order      *time.Time
		Why        []string
		Confidence map[string]struct{ Score float64 }
	}
	require.NoError(t, json.Unmarshal(plan.Recommendations, &rec))
	require.Len(t, rec.Confidence, 4)
	require.True(t, rec.Order.Before(*predicted.P10))
}

// What takes longer to come than the plan looks ahead is not told to be unneeded, and
// shares are not rounded to certainty.
func TestLeadBeyondHorizon(t *testing.T) {
	t.Parallel()
	points := hourly(60, func(h int) float64 { return 50 + float64(h)/240 })
	a, err := capacity.Analyse(points, 70, capacity.WithHorizon(60*24*time.Hour), capacity.WithLeadTime(200*24*time.Hour),
		capacity.WithDemand(0.999), capacity.WithHeadroom(0.125))
	require.NoError(t, err)
	why := strings.Join(a.Recommendation.Why, "\n")
	require.Contains(t, why, "whether more is to be ordered is not known: it takes 200 days, and the plan looks 60 ahead")
	require.NotContains(t, why, "nothing is to be ordered")
	require.Contains(t, why, "99.9 %")
	require.Contains(t, why, "12.5 %")

	a, err = capacity.Analyse(points, 60, capacity.WithLeadTime(12*time.Hour))
	require.NoError(t, err)
	require.Contains(t, strings.Join(a.Recommendation.Why, "\n"), "more takes 0.5 days")
}

// Usage of every four weeks: what lies beyond the horizon is not within it, though
// the last period is.
func TestPeriodsBeyondTheHorizon(t *testing.T) {
	t.Parallel()
	points := make([]monitor.Point, 40)
	for i := range points {
		points[i] = monitor.Point{Time: start.AddDate(0, 0, 28*i), Value: 50 + float64(i)}
	}
	a, err := capacity.Analyse(points, 89.9, capacity.WithHorizon(10*24*time.Hour))
	require.NoError(t, err)
	require.False(t, a.Limit.P50.Within, "%v", a.Limit.P50.Time)
	var b strings.Builder
	require.NoError(t, a.WriteText(&b))
	require.Contains(t, b.String(), "in the last 7 periods of 28 days")
}

// Zero values are empty, not a panic.
func TestZeroValues(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	require.NoError(t, capacity.Analysis{}.WriteText(&b))
	var h capacity.Histogram
	require.True(t, h.Empty())
	require.Zero(t, h.Quantile(0.5))
	require.Error(t, h.Add(1, 1, start))
	line, err := capacity.FitLine([]float64{1, 2, 3, 4}, []float64{1, 2.1, 2.9, 4})
	require.NoError(t, err)
	for _, level := range []float64{0, 95, math.NaN()} {
		low, high := line.Limits(1, level)
		require.True(t, math.IsNaN(low) && math.IsNaN(high))
		earliest, likely, latest := line.Reach(10, level)
		require.True(t, math.IsNaN(earliest) && math.IsNaN(latest))
		require.InDelta(t, 6, likely, 0.5)
	}
	low, _ := capacity.Line{}.SlopeLimits(0.95)
	require.True(t, math.IsNaN(low))
	for _, s := range []capacity.Scalability{{Lambda: math.Inf(1)}, {Lambda: 1, Sigma: -1}, {Lambda: 1, Kappa: math.NaN()}} {
		_, err := capacity.Analyse(nil, 1, capacity.WithScalability(s))
		require.ErrorIs(t, err, monitor.ErrInvalidOption)
	}
}
