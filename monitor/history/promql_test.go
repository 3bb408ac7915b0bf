package history_test

import (
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/history"
)

// load writes series as Prometheus's rule tests notate them: a value, a+bxn for
// n further values that grow by b, _ for none, stale for an end. The values are
// step apart and begin at start.
func load(t testing.TB, db *history.DB, step time.Duration, series map[string]string) {
	t.Helper()
	byTime := map[int][]monitor.Sample{}
	last := 0
	for name, notation := range series {
		for i, v := range notated(t, notation) {
			if math.IsNaN(v) && !isStale(v) {
				continue
			}
			byTime[i] = append(byTime[i], monitor.Sample{
				Labels: parsed(t, name), Point: monitor.Point{Time: start.Add(time.Duration(i) * step), Value: v},
			})
			last = max(last, i)
		}
	}
	for i := range last + 1 {
		require.NoError(t, db.Append(byTime[i]...))
	}
}

func notated(t testing.TB, notation string) (out []float64) {
	t.Helper()
	number := func(s string) float64 {
		v, err := strconv.ParseFloat(s, 64)
		require.NoError(t, err)
		return v
	}
	for field := range strings.FieldsSeq(notation) {
		switch {
		case field == "_":
			out = append(out, math.NaN())
		case field == "stale":
			out = append(out, history.Stale)
		case strings.Contains(field, "x"):
			head, times, _ := strings.Cut(field, "x")
			at := strings.LastIndexAny(head, "+-")
			v, by, n := number(head[:at]), number(head[at:]), int(number(times))
			for i := range n + 1 {
				out = append(out, v+by*float64(i))
			}
		default:
			out = append(out, number(field))
		}
	}
	return out
}

// parsed reads name{a="b"}.
func parsed(t testing.TB, series string) monitor.Labels {
	t.Helper()
	name, rest, _ := strings.Cut(strings.TrimSuffix(series, "}"), "{")
	l := monitor.Labels{monitor.MetricName: name}
	for pair := range strings.SplitSeq(rest, ",") {
		if k, v, ok := strings.Cut(pair, "="); ok {
			l[k] = strings.Trim(v, `"`)
		}
	}
	return l
}

// TestPromQL: answers that can be worked out by hand. Samples are a minute
// apart and instants in minutes.
func TestPromQL(t *testing.T) {
	t.Parallel()
	r := setup(t)
	load(t, r.db, time.Minute, map[string]string{
		`requests_total{job="a",code="200"}`: "0+60x30",
		`requests_total{job="a",code="500"}`: "0+6x30",
		`requests_total{job="b",code="200"}`: "0+120x15 0+120x14",
		`temperature`:                        "20+1x10 30-1x10 _ _ _ _ _ _ _ 7",
		`flapping`:                           "1 1 stale _ 1 stale",
		`le_bucket{le="1.0"}`:                "0+30x30",
		`le_bucket{le="2.0"}`:                "0+60x30",
		`le_bucket{le="+Inf"}`:               "0+60x30",
		`state{of="x"}`:                      "0 0 1 1 0 1",
		`info{version="1"}`:                  "1+0x30",
	})
	for _, c := range []struct {
		promql string
		at     float64 // minutes
		want   map[string]float64
	}{
		{`temperature`, 5, map[string]float64{"temperature": 25}},
		{`temperature`, 5.5, map[string]float64{"temperature": 25}},
		{`temperature`, 25.99, map[string]float64{"temperature": 20}},
		{`temperature`, 26, nil}, // the last sample is 5 min old
		{`temperature`, 29, map[string]float64{"temperature": 7}},
		{`temperature offset 5m`, 10, map[string]float64{"temperature": 25}},
		{`temperature @ 1700000300`, 10, map[string]float64{"temperature": 25}},
		{`temperature @ end()`, 7, map[string]float64{"temperature": 27}},
		{`count_over_time(temperature[5m])`, 10, map[string]float64{"{}": 5}}, // (5m, 10m]
		{`count_over_time(temperature[5m])`, 10.5, map[string]float64{"{}": 5}},
		{`sum_over_time(temperature[3m])`, 3, map[string]float64{"{}": 21 + 22 + 23}},
		{`flapping`, 1.9, map[string]float64{"flapping": 1}},
		{`flapping`, 2, nil},
		{`flapping`, 4, map[string]float64{"flapping": 1}},
		{`absent(flapping)`, 5, map[string]float64{"{}": 1}},
		{`count_over_time(flapping[10m])`, 6, map[string]float64{"{}": 3}},
		{`rate(requests_total{job="a"}[5m])`, 20, map[string]float64{`{code="200",job="a"}`: 1, `{code="500",job="a"}`: .1}},
		{`increase(requests_total{job="b"}[10m])`, 20, map[string]float64{`{code="200",job="b"}`: 960 * 10. / 9}}, // eight steps of nine, extrapolated
		{`resets(requests_total{job="b"}[20m])`, 20, map[string]float64{`{code="200",job="b"}`: 1}},
		{`sum by (job) (rate(requests_total[5m]))`, 10, map[string]float64{`{job="a"}`: 1.1, `{job="b"}`: 2}},
		{`sum by (job) (rate(requests_total{code=~"5.."}[5m])) / sum by (job) (rate(requests_total[5m]))`, 10, map[string]float64{`{job="a"}`: .1 / 1.1}},
		{`requests_total{code="500"} / on (job) group_left sum by (job) (requests_total)`, 10, map[string]float64{`{code="500",job="a"}`: 60. / 660}},
		{`histogram_quantile(0.5, rate(le_bucket[5m]))`, 10, map[string]float64{"{}": 1}},
		{`histogram_quantile(0.75, rate(le_bucket[5m]))`, 10, map[string]float64{"{}": 1.5}},
		{`changes(state[10m])`, 6, map[string]float64{`{of="x"}`: 3}},
		{`max_over_time(temperature[20m:5m])`, 20, map[string]float64{"{}": 30}},
		{`deriv(temperature[5m])`, 9, map[string]float64{"{}": 1. / 60}},
		{`predict_linear(temperature[5m], 600)`, 9, map[string]float64{"{}": 39}},
		{`topk(1, requests_total)`, 10, map[string]float64{`requests_total{code="200",job="b"}`: 1200}},
		{`count(requests_total) by (job)`, 10, map[string]float64{`{job="a"}`: 2, `{job="b"}`: 1}},
		{`requests_total{job="a"} unless requests_total{code="500"}`, 10, map[string]float64{`requests_total{code="200",job="a"}`: 600}},
		{`temperature > bool 24`, 5, map[string]float64{"{}": 1}},
		{`temperature > 25`, 5, nil},
		{`label_replace(info, "v", "$1.0", "version", "(.*)")`, 5, map[string]float64{`info{v="1.0",version="1"}`: 1}},
		{`vector(1) and on () (temperature > 20)`, 5, map[string]float64{"{}": 1}},
		{`scalar(temperature) + 1`, 5, map[string]float64{"{}": 26}},
		{`time()`, 5, map[string]float64{"{}": 1_700_000_300}},
	} {
		got := r.query(t, c.promql, start.Add(time.Duration(c.at*float64(time.Minute))))
		require.Len(t, got, len(c.want), "%s at %v: %v", c.promql, c.at, got)
		for k, v := range c.want {
			require.Contains(t, got, k, c.promql)
			require.InDelta(t, v, got[k], 1e-9, "%s at %v", c.promql, c.at)
		}
	}
}

// TestRangesAreInstants: a range query gives at each step what an instant query
// gives there, though the one decodes everything and the other, where it can,
// only the newest sample.
func TestRangesAreInstants(t *testing.T) {
	t.Parallel()
	r := setup(t)
	load(t, r.db, 10*time.Second, map[string]string{
		`g{a="1"}`: "1+1x300 stale _ _ 5-3x200",
		`g{a="2"}`: "_ _ _ 7+0x100 stale",
		`g{a="3"}`: strings.Repeat("1 _ stale _ _ 3 ", 50),
	})
	for _, q := range []string{"g", "g > 3", "sum(g)", "-g", "timestamp(g)", "g offset 1m", "absent(g)", "max_over_time(g[1m])", "rate(g[2m:20s])", "g @ 1700000500", "topk(1, g)"} {
		all, err := r.db.QueryRange(t.Context(), q, monitor.Range{From: start, To: start.Add(90 * time.Minute), Step: 7 * time.Second})
		require.NoError(t, err)
		points := map[string]float64{}
		for _, s := range all {
			for _, p := range s.Points {
				points[s.Labels.String()+p.Time.String()] = p.Value
			}
		}
		n := 0
		for at := start; !at.After(start.Add(90 * time.Minute)); at = at.Add(7 * time.Second) {
			for k, v := range r.query(t, q, at) {
				n++
				require.Equal(t, v, points[k+at.Local().String()], "%s: %s at %s", q, k, at)
			}
		}
		require.Len(t, points, n, q)
	}
}
