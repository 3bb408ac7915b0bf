package capacity_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chronoretrace/chronomon/anomaly/capacity"
	"github.com/chronoretrace/chronomon/monitor"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// querier answers with what it has.
type querier struct {
	samples []monitor.Sample
	series  []monitor.Series
	asked   monitor.Range
	err     error
}

func (q *querier) Query(context.Context, string, time.Time) ([]monitor.Sample, error) {
	return q.samples, q.err
}

func (q *querier) QueryRange(_ context.Context, _ string, r monitor.Range) ([]monitor.Series, error) {
	q.asked = r
	return q.series, q.err
}

func TestQuery(t *testing.T) {
	t.Parallel()
	labels := func(disk string) monitor.Labels { return monitor.Labels{monitor.MetricName: "used", "disk": disk} }
	limit := func(disk string, v float64) monitor.Sample {
		return monitor.Sample{Labels: monitor.Labels{monitor.MetricName: "size", "disk": disk}, Point: monitor.Point{Value: v}}
	}
	now := start.AddDate(0, 0, 90)
	q := &querier{
		samples: []monitor.Sample{limit("a", 220), limit("b", 90)},
		series: []monitor.Series{
			{Labels: labels("a"), Points: hourly(90, func(h int) float64 { return 100 + float64(h)/24 })},
			{Labels: labels("b"), Points: hourly(90, func(int) float64 { return 90 })},
			{Labels: labels("c"), Points: hourly(90, func(int) float64 { return 90 })},
			{Labels: labels("b"), Points: hourly(3, func(int) float64 { return 90 })},
		},
	}
	all, err := capacity.Query(t.Context(), q, capacity.Resource{Usage: "used", Limit: "size"}, now)
	require.NoError(t, err)
	require.Equal(t, monitor.Range{From: start, To: now, Step: time.Hour}, q.asked)
	require.Len(t, all, 4)
	require.InDelta(t, 30, daysTo(all[0].Analysis, all[0].Limit.P50), 1)
	require.Contains(t, all[0].Name, `disk="a"`)
	require.True(t, all[1].Limit.Reached)
	require.ErrorContains(t, all[2].Err, `"size" has no limit for it`)
	require.ErrorIs(t, all[3].Err, capacity.ErrShort)

	for promql, want := range map[string]float64{"": math.Inf(1), "150e2": 15000} {
		all, err = capacity.Query(t.Context(), q, capacity.Resource{Usage: "used", Limit: promql}, now)
		require.NoError(t, err)
		require.InDelta(t, want, all[2].Limit.Value, 0, promql)
	}
	q.samples = q.samples[:1]
	all, err = capacity.Query(t.Context(), q, capacity.Resource{Usage: "used", Limit: "max(size)"}, now)
	require.NoError(t, err)
	require.InDelta(t, 220., all[2].Limit.Value, 0)

	q.err = errors.New("down")
	_, err = capacity.Query(t.Context(), q, capacity.Resource{Usage: "used"}, now)
	require.ErrorContains(t, err, `capacity: query "used": down`)
	_, err = capacity.Query(t.Context(), q, capacity.Resource{Usage: "used", Limit: "size"}, now)
	require.ErrorContains(t, err, `query of the limit "size": down`)
	_, err = capacity.Query(t.Context(), q, capacity.Resource{}, now, capacity.WithHorizon(0))
	require.ErrorIs(t, err, monitor.ErrInvalidOption)
}
