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
	require.ErrorContains(t, all[2].Err, `limit "size" at 2026-04-05T00:00:00Z: no sample has labels of it`)
	require.ErrorIs(t, all[3].Err, capacity.ErrShort)

	for promql, want := range map[string]float64{"": math.Inf(1), "150e2": 15000} {
		all, err = capacity.Query(t.Context(), q, capacity.Resource{Usage: "used", Limit: promql}, now)
		require.NoError(t, err)
		require.InDelta(t, want, all[2].Limit.Value, 0, promql)
	}
	q.samples = []monitor.Sample{{Point: monitor.Point{Value: 220}}}
	all, err = capacity.Query(t.Context(), q, capacity.Resource{Usage: "used", Limit: "max(size)"}, now)
	require.NoError(t, err)
	require.InDelta(t, 220., all[2].Limit.Value, 0)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	all, err = capacity.Query(ctx, q, capacity.Resource{Usage: "used", Limit: "1"}, now)
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, all)
	q.err = errors.New("down")
	_, err = capacity.Query(t.Context(), q, capacity.Resource{Usage: "used"}, now)
	require.ErrorContains(t, err, `capacity: query "used": down`)
	_, err = capacity.Query(t.Context(), q, capacity.Resource{Usage: "used", Limit: "size"}, now)
	require.ErrorContains(t, err, `query of the limit "size": down`)
	_, err = capacity.Query(t.Context(), q, capacity.Resource{}, now, capacity.WithHorizon(0))
	require.ErrorIs(t, err, monitor.ErrInvalidOption)
}

// A limit belongs to the series that have its labels, and to no others.
func TestQueryLimits(t *testing.T) {
	t.Parallel()
	sample := func(v float64, labels monitor.Labels) monitor.Sample {
		return monitor.Sample{Labels: labels, Point: monitor.Point{Value: v}}
	}
	usage := hourly(20, func(int) float64 { return 1 })
	a := monitor.Series{Labels: monitor.Labels{"host": "a", "disk": "x"}, Points: usage}
	b := monitor.Series{Labels: monitor.Labels{"host": "b", "disk": "x"}, Points: usage}
	hostA, hostB := sample(10, monitor.Labels{"host": "a"}), sample(20, monitor.Labels{monitor.MetricName: "size", "host": "b"})
	diskX := sample(30, monitor.Labels{"disk": "x"})
	for name, c := range map[string]struct {
		series []monitor.Series
		limits []monitor.Sample
		want   []any // of the series
	}{
		"by a label":         {[]monitor.Series{a, b}, []monitor.Sample{hostA, hostB}, []any{10., 20.}},
		"one is gone":        {[]monitor.Series{a, b}, []monitor.Sample{hostA}, []any{10., "no sample has labels of it, and no others"}},
		"two alike":          {[]monitor.Series{a}, []monitor.Sample{hostA, diskX}, []any{"several samples have as many labels of it"}},
		"one for all":        {[]monitor.Series{a, b}, []monitor.Sample{sample(5, nil)}, []any{5., 5.}},
		"one with more":      {[]monitor.Series{a, b}, []monitor.Sample{sample(5, nil), hostA}, []any{10., 5.}},
		"one of each":        {[]monitor.Series{a}, []monitor.Sample{hostB}, []any{20.}},
		"nothing":            {[]monitor.Series{a}, nil, []any{`limit "size" at 2026-01-05T00:00:00Z: no sample`}},
		"no number":          {[]monitor.Series{a}, []monitor.Sample{sample(math.NaN(), nil)}, []any{"the limit is NaN"}},
		"nothing to analyse": {nil, []monitor.Sample{hostA}, nil},
	} {
		got, err := capacity.Query(t.Context(), &querier{samples: c.limits, series: c.series}, capacity.Resource{Usage: "used", Limit: "size"}, start)
		require.NoError(t, err, name)
		require.Len(t, got, len(c.want), name)
		for i, want := range c.want {
			if says, ok := want.(string); ok {
				require.ErrorContains(t, got[i].Err, says, name)
			} else {
				require.NoError(t, got[i].Err, name)
				require.Equal(t, want, got[i].Limit.Value, name)
			}
		}
	}
}

// A plan of a series that ended says so, and the zero time is now.
func TestQueryOfWhatEnded(t *testing.T) {
	t.Parallel()
	q := &querier{series: []monitor.Series{{Points: hourly(60, func(h int) float64 { return 50 + float64(h)/24 })}}}
	all, err := capacity.Query(t.Context(), q, capacity.Resource{Usage: "used", Limit: "120"}, start.AddDate(0, 0, 80))
	require.NoError(t, err)
	require.Contains(t, all[0].Notes, "the last value is 20.0 days old: nothing is known from then on")
	all, err = capacity.Query(t.Context(), q, capacity.Resource{Usage: "used", Limit: "120"}, start.AddDate(0, 0, 60))
	require.NoError(t, err)
	require.Empty(t, all[0].Notes)

	_, err = capacity.Query(t.Context(), q, capacity.Resource{Usage: "used"}, time.Time{})
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), q.asked.To, time.Minute)
}
