package history_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/testenv"
	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/history"
)

// subject is a process that does the same things every time: what it has
// measured depends on the number of steps alone.
type subject struct {
	rig
	tr    *traffic
	shown *shownSet
	step  int
}

func newSubject(t *testing.T, opts ...history.Option) *subject {
	t.Helper()
	r := setup(t, opts...)
	s := &subject{rig: r, tr: newTraffic(t, r.m, 4), shown: newShownSet(t, r.m, "t_shown")}
	// Far from zero, where versions extrapolate rates in different ways.
	for _, c := range s.tr.cells {
		for range before {
			c.Observe(&s.tr.home, 0, 0)
		}
		c.Add(&s.tr.home, 0, before)
		c.Add(&s.tr.home, 1, before)
	}
	return s
}

// before is what every counter has at least when the first step is made.
const before = 1000

func (s *subject) next() {
	s.step++
	s.tr.step()
	s.shown.set([]string{"a", "ab", "ab", "bc", "c", "", "abc", "bc"}[s.step/4%8])
}

// reply is the body of the API's answer.
type reply struct {
	Status string
	Data   struct {
		ResultType string
		Result     json.RawMessage
	}
}

// ask asks a server of the Prometheus API.
func ask(t *testing.T, base, path string, form url.Values) reply {
	t.Helper()
	res, err := http.Get(base + "/api/v1/" + path + "?" + form.Encode())
	require.NoError(t, err)
	defer res.Body.Close()
	var out reply
	require.NoError(t, json.NewDecoder(res.Body).Decode(&out))
	require.Equal(t, "success", out.Status, form)
	return out
}

// points returns what the answer has: times and values by series.
func (r reply) points(t *testing.T) map[string][][2]float64 {
	t.Helper()
	var list []struct {
		Metric monitor.Labels
		Value  []any
		Values [][]any
	}
	if r.Data.ResultType == "scalar" {
		list = append(list, struct {
			Metric monitor.Labels
			Value  []any
			Values [][]any
		}{})
		require.NoError(t, json.Unmarshal(r.Data.Result, &list[0].Value))
	} else {
		require.NoError(t, json.Unmarshal(r.Data.Result, &list))
	}
	out := map[string][][2]float64{}
	for _, s := range list {
		if s.Value != nil {
			s.Values = append(s.Values, s.Value)
		}
		for _, p := range s.Values {
			v, err := strconv.ParseFloat(p[1].(string), 64)
			require.NoError(t, err)
			key := s.Metric.String()
			out[key] = append(out[key], [2]float64{p[0].(float64), v})
		}
	}
	return out
}

// expressions are asked of both. Ranges hold whole seconds of samples that are
// 200 ms apart. No quantile falls between two buckets, where the last bit of a
// sum decides, which versions add up in different ways.
var expressions = []string{
	`t_requests_total`,
	`rate(t_requests_total[2s])`,
	`sum by (endpoint) (rate(t_errors_total[3s])) / sum by (endpoint) (rate(t_requests_total[3s]))`,
	`histogram_quantile(0.937, sum by (le, endpoint) (rate(t_duration_seconds_bucket[3s])))`,
	`histogram_quantile(0.487, sum by (le) (t_duration_seconds_bucket))`,
	`rate(t_duration_seconds_sum[2s]) / rate(t_duration_seconds_count[2s])`,
	`t_duration_seconds_bucket{le=~"0.1|1.0|\\+Inf"}`,
	`increase(t_slow_total[4s])`,
	`irate(t_requests_total[1s])`,
	`t_gauge_0 > 0 or t_gauge_1 < 0`,
	`avg_over_time(t_gauge_2[2s])`,
	`max_over_time(t_gauge_2[2s]) - min_over_time(t_gauge_2[2s])`,
	`stddev_over_time(t_gauge_1[3s])`,
	`quantile_over_time(0.9, t_gauge_1[3s])`,
	`deriv(t_gauge_0[3s])`,
	`delta(t_gauge_0[2s])`,
	`predict_linear(t_gauge_0[3s], 60)`,
	`changes(t_gauge_1[3s])`,
	`resets(t_gauge_1[3s])`,
	`t_shown`,
	`count(t_shown)`,
	`absent(t_shown{endpoint="a"})`,
	`absent_over_time(t_shown{endpoint="b"}[1s])`,
	`count_over_time(t_shown[4s])`,
	`present_over_time(t_shown[1s])`,
	`topk(2, t_duration_seconds_sum)`, // the gauges are small whole numbers: of equal ones topk may pick either
	`t_gauge_0 offset 1s`,
	`max_over_time(rate(t_requests_total[1s])[3s:500ms])`,
	`t_gauge_0 * on (endpoint) group_left () t_gauge_1`,
	`t_shown unless on (endpoint) t_gauge_0`,
	`label_replace(t_gauge_0, "n", "$1", "endpoint", ".*/(\\d+)/.*")`,
	`count_values("v", t_shown)`,
	`time() - timestamp(t_gauge_0)`,
	`scalar(sum(t_gauge_0))`,
	`{__name__=~"t_gauge_[01]",endpoint!~".*0001.*"}`,
}

// TestAgreesWithPrometheus: a real server that scrapes the process and our
// history of the same moments answer alike.
func TestAgreesWithPrometheus(t *testing.T) {
	t.Parallel()
	const scrapes = 45
	live := newSubject(t)
	var mu sync.Mutex
	enough := make(chan struct{})
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		live.next()
		live.m.Handler().ServeHTTP(w, r)
		if live.step == scrapes {
			close(enough)
		}
	}))
	t.Cleanup(target.Close)
	address := strings.TrimPrefix(target.URL, "http://")
	server := testenv.Prometheus(t, fmt.Sprintf(`
global: {scrape_interval: 200ms, scrape_timeout: 200ms}
scrape_configs:
  - job_name: chronomon
    static_configs: [{targets: ["%s"]}]
`, address))
	select {
	case <-enough:
	case <-time.After(60 * time.Second):
		require.Fail(t, "the server does not scrape")
	}
	taken := scrapeTimes(t, server.URL())
	maps.DeleteFunc(taken, func(step int, _ int64) bool { return step > scrapes }) // it goes on
	require.Greater(t, len(taken), scrapes/2)
	times := slices.Sorted(maps.Values(taken))
	from, to := times[0]+5037, times[len(times)-1] // no range begins before the first sample

	ours := newSubject(t, history.WithLabels(monitor.Labels{"job": "chronomon", "instance": address}))
	failed := failedScrapes(t, server.URL())
	for ours.step < scrapes {
		ours.next()
		at, ok := taken[ours.step]
		if !ok {
			continue
		}
		for len(failed) > 0 && failed[0] < at {
			ours.endAll(t, failed[0])
			failed = failed[1:]
		}
		ours.sample(t, time.UnixMilli(at))
	}
	api := httptest.NewServer(ours.db.Handler())
	t.Cleanup(api.Close)

	compared := 0
	for _, q := range expressions {
		if strings.Contains(q, ":500ms]") && slices.ContainsFunc(times, func(t int64) bool { return t%500 == 0 }) { // the steps of a subquery are at full multiples
			continue
		}
		for at := from; at < to; at += 611 {
			if onBoundary(times, at) {
				continue
			}
			form := url.Values{"query": {q}, "time": {seconds(at)}}
			compared += same(t, q, times, ask(t, server.URL(), "query", form), ask(t, api.URL, "query", form))
		}
		form := url.Values{"query": {q}, "start": {seconds(from)}, "end": {seconds(to)}, "step": {"0.4"}}
		compared += same(t, q, times, ask(t, server.URL(), "query_range", form), ask(t, api.URL, "query_range", form))
	}
	t.Logf("%d points of %d expressions compared", compared, len(expressions))
	require.Greater(t, compared, 1000)
}

// scrapeTimes returns when the server took each step, in milliseconds. The
// number of the step is what t_gauge_0 and its like do not say: it is found by
// the counter of the first endpoint, which makes one request a step.
func scrapeTimes(t *testing.T, server string) map[int]int64 {
	t.Helper()
	form := url.Values{"query": {fmt.Sprintf(`t_requests_total{endpoint=%q}[10m]`, endpoint(0))}}
	all := ask(t, server, "query", form).points(t)
	require.Len(t, all, 1)
	out := map[int]int64{}
	for _, points := range all {
		for _, p := range points {
			out[int(p[1])-before-1] = int64(math.Round(p[0] * 1000)) // newTraffic makes one
		}
	}
	return out
}

// failedScrapes returns when the server scraped in vain: every series ends then.
func failedScrapes(t *testing.T, server string) (out []int64) {
	t.Helper()
	for _, points := range ask(t, server, "query", url.Values{"query": {"up[10m]"}}).points(t) {
		for _, p := range points {
			if p[1] == 0 {
				out = append(out, int64(math.Round(p[0]*1000)))
			}
		}
	}
	return out
}

// endAll does in our history what a failed scrape does in the server's.
func (s *subject) endAll(t *testing.T, at int64) {
	t.Helper()
	when := time.UnixMilli(at)
	all, err := s.db.Query(t.Context(), `{__name__=~"t_.+"}`, when)
	require.NoError(t, err)
	for i := range all {
		all[i].Time, all[i].Value = when, history.Stale
	}
	require.NoError(t, s.db.Append(all...))
}

// onBoundary reports whether a range of whole seconds that ends at a time could
// begin or end on a sample, where versions differ in what belongs to it.
func onBoundary(times []int64, at int64) bool {
	return at%500 == 0 || slices.ContainsFunc(times, func(t int64) bool { return (at-t)%500 == 0 })
}

func seconds(ms int64) string { return strconv.FormatFloat(float64(ms)/1000, 'f', 3, 64) }

// same requires two answers to be alike, but for points on a boundary, and
// returns how many they have.
func same(t *testing.T, q string, times []int64, want, got reply) int {
	t.Helper()
	require.Equal(t, want.Data.ResultType, got.Data.ResultType, q)
	w, g := want.points(t), got.points(t)
	for _, all := range []map[string][][2]float64{w, g} {
		for k := range all {
			all[k] = slices.DeleteFunc(all[k], func(p [2]float64) bool { return onBoundary(times, int64(math.Round(p[0]*1000))) })
			if len(all[k]) == 0 {
				delete(all, k)
			}
		}
	}
	require.Equal(t, slices.Sorted(maps.Keys(w)), slices.Sorted(maps.Keys(g)), q)
	n := 0
	for k := range w {
		require.Len(t, g[k], len(w[k]), "%s: %s", q, k)
		for i := range w[k] {
			require.Equal(t, w[k][i][0], g[k][i][0], "%s: %s", q, k)
			a, b := w[k][i][1], g[k][i][1]
			if a != b && !(math.IsNaN(a) && math.IsNaN(b)) {
				require.InDelta(t, a, b, 1e-9*max(1, math.Abs(a)), "%s: %s at %v", q, k, w[k][i][0])
			}
			n++
		}
	}
	return n
}
