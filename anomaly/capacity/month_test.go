package capacity_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/anomaly/capacity"
)

// Batches at the end of a month are found, and the limit is reached with one.
func TestMonth(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 7))
	batch := func(first, last int) func(h int) float64 {
		return func(h int) float64 {
			at := start.Add(time.Duration(h) * time.Hour)
			day := at.Day()
			left := day - time.Date(at.Year(), at.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day() - 1
			v := 100 + 0.5*float64(h)/24 + r.NormFloat64()
			if first > 0 && day >= first && day <= last || first < 0 && (left >= first && left <= last || last > 0 && day <= last) {
				v += 40
			}
			return v
		}
	}
	for want, c := range map[string]struct {
		first, last int
		full        string
	}{
		"the last day of the month":                    {-1, -1, "2026-05-31"},
		"the last 3 days of the month":                 {-3, -1, "2026-05-29"},
		"the last 1 and the first 2 days of the month": {-1, 2, "2026-05-31"},
		"day 1 of the month":                           {1, 1, "2026-06-01"},
		"days 10 to 12 of the month":                   {10, 12, "2026-05-11"},
		"days 20 to 21 of the month":                   {20, 21, "2026-05-20"},
		"5 to 4 days before the next month":            {-5, -4, "2026-05-27"},
	} {
		a, err := capacity.Analyse(hourly(120, batch(c.first, c.last)), 205)
		require.NoError(t, err)
		require.Equal(t, want, a.Detected.Month.String())
		require.Equal(t, []int{c.first, c.last}, []int{a.Detected.Month.First, a.Detected.Month.Last})
		require.InDelta(t, 40, a.Detected.Month.By, 3)
		full, err := time.Parse(time.DateOnly, c.full)
		require.NoError(t, err)
		require.WithinDuration(t, full, a.Limit.P50.Time, 48*time.Hour, want)
		require.Empty(t, a.Detected.Steps)
		var text strings.Builder
		require.NoError(t, a.WriteText(&text))
		require.Contains(t, text.String(), want+" stand out by")
	}
}

// Nothing stands out where there is no batch, and a clean-up once a month is one.
func TestNoMonth(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(4, 4))
	for i := range 100 {
		g := grow(r, kinds[i%len(kinds)])
		a, err := capacity.Analyse(g.history, g.limit)
		require.NoError(t, err)
		require.Zero(t, a.Detected.Month, g.kind)
		if raceEnabled && i == 10 {
			break
		}
	}
	a, err := capacity.Analyse(hourly(200, func(h int) float64 {
		return 20 + 2*float64(start.Add(time.Duration(h)*time.Hour).Day()) + r.NormFloat64()
	}), 100)
	require.NoError(t, err)
	require.Zero(t, a.Detected.Month)
	require.Len(t, a.Detected.CleanUps, 6)
	require.False(t, a.Limit.P50.Within)
}
