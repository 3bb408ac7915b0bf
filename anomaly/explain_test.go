package anomaly_test

import (
	"context"
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/anomaly"
	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/monitortest"
)

// details answers one expression from one world and all others from another.
type details struct {
	*world

	expr string
	of   *world
}

func (d details) QueryRange(ctx context.Context, promql string, r monitor.Range) ([]monitor.Series, error) {
	if promql == d.expr {
		return d.of.QueryRange(ctx, promql, r)
	}
	return d.world.QueryRange(ctx, promql, r)
}

// voter is a detector of two.
type voter struct{ fixed }

func (voter) Votes() []anomaly.Vote {
	return []anomaly.Vote{{Method: "a", Value: 0.2}, {Method: "b", Value: 0.9}, {Method: "nan", Value: math.NaN()}}
}

func (voter) SeasonAt(t time.Time) string { return t.Weekday().String() }

func TestExplanation(t *testing.T) {
	t.Parallel()
	m := monitortest.New(t, monitor.WithClock(func() time.Time { return noon.Add(30 * step) }))
	m.Mark(t.Context(), monitor.MarkConfig, "new pool size")
	jump := func(by, noise float64) func(time.Time) (float64, bool) {
		return func(at time.Time) (float64, bool) {
			v := noise * math.Sin(float64(at.Unix()*at.Unix()))
			if !at.Before(noon.Add(32 * step)) {
				v += by
			}
			return v, true
		}
	}
	l := func(method, endpoint string) monitor.Labels {
		out := monitor.Labels{"method": method}
		if endpoint != "" {
			out["endpoint"] = endpoint
		}
		return out
	}
	w := &world{series: []seriesOf{{l("GET", ""), jump(9, 0.1)}, {l("POST", ""), jump(-0.9, 0.1)}, {l("PUT", ""), jump(0, 0.1)}}}
	parts := &world{series: []seriesOf{
		{l("GET", "/a"), jump(1, 0)}, {l("GET", "/b"), jump(9, 0)}, {l("GET", "/c"), jump(-1, 0)}, {l("POST", "/b"), jump(100, 0)},
	}}
	one := watchOf(func() (anomaly.Detector, error) { return voter{}, nil })
	one.Detail = "detail"
	e := newEngine(t, m, details{w, "detail", parts}, anomaly.WithWatch(one))
	detect(t, e, 0, 32*step)
	active := e.Active()
	require.Len(t, active, 1)
	x := active[0].Explanation
	require.Equal(t, "voter", active[0].Method)
	require.InDelta(t, 9, x.Observed, 0.1)
	require.InDelta(t, 9, x.Deviation, 0.1)
	require.Equal(t, "Monday", x.Season)
	require.Equal(t, []anomaly.Vote{{Method: "b", Value: 0.9}, {Method: "a", Value: 0.2}}, x.Votes)
	require.Len(t, x.Together, 1)
	require.Equal(t, l("POST", ""), x.Together[0].Labels)
	require.Less(t, x.Together[0].Correlation, -0.8)
	require.Contains(t, x.Changes, monitor.Mark{Time: noon.Add(30 * step), Kind: monitor.MarkConfig, Text: "new pool size"})
	require.Len(t, x.Detail, 3)
	require.Equal(t, l("GET", "/b"), x.Detail[0].Labels)
	require.InDelta(t, 1, x.Detail[0].Share, 1e-9)
	require.Zero(t, x.Detail[0].Before)
	require.InDelta(t, 9, x.Detail[0].Now, 1e-9)

	text, err := json.Marshal(active[0])
	require.NoError(t, err)
	var back anomaly.Anomaly
	require.NoError(t, json.Unmarshal(text, &back))
	again, err := json.Marshal(back)
	require.NoError(t, err)
	require.JSONEq(t, string(text), string(again))
}

func TestExplanationOfNothing(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(anomaly.Explanation{Observed: math.NaN(), Expected: math.Inf(1), Low: math.Inf(-1)})
	require.NoError(t, err)
	require.JSONEq(t, `{"observed":null,"expected":null,"low":null,"high":0,"deviation":0}`, string(text))
	var back anomaly.Explanation
	require.NoError(t, json.Unmarshal(text, &back))
	require.True(t, math.IsNaN(back.Observed) && math.IsNaN(back.Low))
}

func TestSeasonOfSeasonal(t *testing.T) {
	t.Parallel()
	d, err := anomaly.NewSeasonal(anomaly.HourOfWeek(nil))
	require.NoError(t, err)
	require.Equal(t, "37 of 168", d.SeasonAt(noon), "noon of a Monday")
}
