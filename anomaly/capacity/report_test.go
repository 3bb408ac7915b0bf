package capacity_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/anomaly/capacity"
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
