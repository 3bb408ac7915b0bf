package trend_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/anomaly/trend"
	"github.com/chronoretrace/chronomon/monitor"
)

// growth rises, has a day, changes once and has one spike.
func growth(seed uint64) []monitor.Point {
	r := rand.New(rand.NewPCG(seed, seed))
	return series(500, time.Hour, func(i int) float64 {
		v := 100 + daily(i) + r.NormFloat64()
		if i >= 250 {
			v += 15
		}
		if i == 400 {
			v += 40
		}
		return v
	})
}

func TestAnalyse(t *testing.T) {
	t.Parallel()
	points := growth(3)
	got, err := trend.Analyse(points, 12)
	require.NoError(t, err)
	require.Equal(t, trend.Rising, got.Trend.Direction)
	require.Len(t, got.Seasons, 1)
	require.Len(t, got.Changes, 1)
	require.WithinDuration(t, points[250].Time, got.Changes[0].Time, 5*time.Hour)
	require.Len(t, got.Outliers, 1)
	require.Equal(t, points[400].Time, got.Outliers[0].Time)
	require.InDelta(t, 40, got.Outliers[0].Value-got.Outliers[0].Expected, 8)
	require.Greater(t, got.Outliers[0].Size, 20.)
	require.Len(t, got.Forecast.Points, 12)

	_, err = trend.Analyse(points, 0)
	require.ErrorIs(t, err, monitor.ErrInvalidOption)
	_, err = trend.Analyse(points[:3], 1)
	require.ErrorIs(t, err, trend.ErrShort)
	got, err = trend.Analyse(series(20, time.Hour, func(int) float64 { return 1 }), 1)
	require.NoError(t, err)
	require.Empty(t, got.Outliers)
}

type querier struct {
	series []monitor.Series
	err    error
}

func (querier) Query(context.Context, string, time.Time) ([]monitor.Sample, error) { return nil, nil }

func (q querier) QueryRange(context.Context, string, monitor.Range) ([]monitor.Series, error) {
	return q.series, q.err
}

func TestQuery(t *testing.T) {
	t.Parallel()
	q := querier{series: []monitor.Series{
		{Labels: monitor.Labels{"a": "1"}, Points: growth(1)},
		{Labels: monitor.Labels{"a": "2"}, Points: growth(2)[:4]},
	}}
	r := monitor.Range{From: monday, To: monday.Add(500 * time.Hour), Step: time.Hour}
	got, err := trend.Query(t.Context(), q, "x", r, 5)
	require.NoError(t, err)
	require.Len(t, got, 2)
	require.NoError(t, got[0].Err)
	require.Equal(t, "1", got[0].Labels["a"])
	require.Len(t, got[0].Forecast.Points, 5)
	require.ErrorIs(t, got[1].Err, trend.ErrShort, "one bad series does not spoil the others")

	broken := errors.New("broken")
	_, err = trend.Query(t.Context(), querier{err: broken}, "x", r, 5)
	require.ErrorIs(t, err, broken)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got, err = trend.Query(ctx, q, "x", r, 5)
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, got)
}

// Of few days the median of each hour is one of its own values: noise about it is no
// outlier for that.
func TestNoOutliersOfFewSeasons(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	found := 0
	for _, days := range []int{3, 4, 5, 6, 7} {
		a, err := trend.Analyse(series(days*288, 5*time.Minute, func(i int) float64 {
			return 30*math.Sin(2*math.Pi*float64(i)/288) + r.NormFloat64()
		}), 1)
		require.NoError(t, err)
		require.NotEmpty(t, a.Seasons)
		found += len(a.Outliers)
	}
	require.LessOrEqual(t, found, 2, "of 7,200 values")
}
