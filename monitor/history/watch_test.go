package history_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/history"
)

func TestWatch(t *testing.T) {
	t.Parallel()
	r := setup(t, history.WithWatch("g:sum", "sum by (a) (g)", time.Minute))
	g := r.gauge(t, "g", "a", "b")
	g.WithLabelValues("x", "1").Set(1)
	g.WithLabelValues("x", "2").Set(2)
	g.WithLabelValues("y", "1").Set(3)
	at := start.Truncate(time.Minute).Add(7 * time.Second)
	for i := range 30 {
		if i == 20 {
			g.DeleteLabelValues("y", "1")
		}
		at = at.Add(10 * time.Second)
		r.sample(t, at)
	}
	full := at.Truncate(time.Minute)
	require.Equal(t, map[string]float64{`g:sum{a="x"}`: 3}, r.query(t, "g:sum", at), "the other one ended")
	require.Equal(t, float64(full.Unix()), r.one(t, "timestamp(g:sum)", at), "at full steps")
	require.Equal(t, 5., r.one(t, `count_over_time(g:sum{a="x"}[1h])`, at))
	require.Equal(t, map[string]float64{`{a="x"}`: 5, `{a="y"}`: 3}, r.query(t, `count_over_time(g:sum[1h])`, at))

	require.NoError(t, r.db.Watch("g:sum", "vector(42)", time.Minute), "another expression")
	r.sample(t, at.Add(time.Minute))
	require.Equal(t, map[string]float64{"g:sum": 42}, r.query(t, "g:sum", at.Add(time.Minute)))
	r.db.Unwatch("g:sum")
	r.sample(t, at.Add(3*time.Minute))
	require.Equal(t, 1., r.one(t, `count_over_time(g:sum{a=""}[1h])`, at.Add(3*time.Minute)))
}

func TestWatchFails(t *testing.T) {
	t.Parallel()
	r := setup(t, history.WithWatch("w", `label_replace(g, "a", "same", "", "")`, time.Second))
	g := r.gauge(t, "g", "a")
	g.WithLabelValues("x").Set(1)
	r.sample(t, start)
	require.Equal(t, 1., r.one(t, "w", start))
	g.WithLabelValues("y").Set(1)
	require.ErrorContains(t, r.db.Sample(t.Context(), start.Add(time.Second)), `watch "w"`)
	g.DeleteLabelValues("x")
	r.sample(t, start.Add(2*time.Second))
	require.Equal(t, 1., r.one(t, `monitor_history_watch_failures_total{watch="w"}`, start.Add(2*time.Second)))
}

func TestWatchOptions(t *testing.T) {
	t.Parallel()
	r := setup(t)
	for _, w := range []struct {
		name, expr string
		step       time.Duration
	}{
		{"", "up", time.Minute},
		{"n", "rate(", time.Minute},
		{"n", "up[5m]", time.Minute},
		{"n", `"text"`, time.Minute},
		{"n", "up", 0},
		{"n", "up", 6 * time.Minute},
	} {
		require.ErrorIs(t, r.db.Watch(w.name, w.expr, w.step), monitor.ErrInvalidOption, w)
	}
}

// TestSlowWatch: an expression whose evaluation takes long holds up no collection;
// the steps that come meanwhile are counted.
//
//nolint:paralleltest // a bubble
func TestSlowWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := setup(t, history.WithWatch("w", "g", 20*time.Second), history.WithWatch("v", "g", time.Minute))
		r.gauge(t, "g").WithLabelValues().Set(1)
		release := r.db.HoldWatches()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.db.Run(ctx) }()
		time.Sleep(5*time.Minute + time.Second)
		require.Equal(t, 31., r.one(t, "count_over_time(g[10m])", time.Now().Add(10*time.Second)))
		require.Empty(t, r.query(t, "{__name__=~'v|w'}", time.Now()))
		release()
		time.Sleep(time.Minute)
		require.Equal(t, map[string]float64{"w": 1, "v": 1}, r.query(t, "{__name__=~'v|w'}", time.Now()))
		require.Equal(t, map[string]float64{
			`monitor_history_watch_missed_total{watch="w"}`: 15, `monitor_history_watch_missed_total{watch="v"}`: 5,
		}, r.query(t, "monitor_history_watch_missed_total", time.Now()))
		release = r.db.HoldWatches()
		sampling, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		require.ErrorIs(t, r.db.Sample(sampling, time.Now().Add(time.Second)), context.DeadlineExceeded)
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
		release()
	})
}

// TestAppendToWatched: an engine does not write into what is recorded.
func TestAppendToWatched(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := begin(t, dir, start, history.WithWatch("w", "vector(1)", time.Second))
	p.sample(t, start)
	at := start.Add(time.Second)
	require.ErrorIs(t, p.db.Append(sampleOf(at, 2, "__name__", "w")), history.ErrWatched)
	require.NoError(t, p.db.Append(sampleOf(at, 2, "__name__", "w", "other", "labels")))
	require.Equal(t, 1., p.one(t, `w{other=""}`, at))
	p.db.Unwatch("w")
	at = at.Add(10 * time.Minute)
	p.set(at)
	require.NoError(t, p.db.Append(sampleOf(at, 3, "__name__", "w")), "what is over is anybody's")
	require.Equal(t, 3., p.one(t, `w{other=""}`, at))
	require.NoError(t, p.db.Close())
	at = at.Add(25 * time.Hour)
	require.Empty(t, begin(t, dir, at).query(t, "last_over_time(w[30h])", at), "it is not of the long tier any more")
}

// TestCycleWaiters: who waits for another's answer may leave; an answer that was
// too large is not computed for each; expressions are parsed beside each other.
func TestCycleWaiters(t *testing.T) {
	t.Parallel()
	r := setup(t, history.WithQuerySamples(10))
	g := r.gauge(t, "g", "a")
	for i := range 20 {
		g.WithLabelValues(strconv.Itoa(i)).Set(1)
	}
	r.sample(t, start)
	c := r.db.At(start)
	for range 3 {
		_, err := c.Query(t.Context(), "g", start)
		require.ErrorIs(t, err, monitor.ErrQueryLimit)
	}
	r.sample(t, start.Add(time.Second))
	require.Equal(t, 1., r.one(t, `monitor_history_query_duration_seconds_count{result="limit"}`, start.Add(time.Second)))

	release := history.HoldAnswer(c, "vector(1)")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := c.Query(ctx, "vector(1)", start)
	require.ErrorIs(t, err, context.Canceled)
	release()
	_, err = c.Query(t.Context(), "vector(1)", start)
	require.NoError(t, err)
}

func TestCycle(t *testing.T) {
	t.Parallel()
	r := setup(t)
	g := r.gauge(t, "g", "a")
	g.WithLabelValues("x").Set(1)
	r.sample(t, start)
	c := r.db.At(start)
	require.Equal(t, start, c.Time())
	first, err := c.Query(t.Context(), "g", start)
	require.NoError(t, err)
	first[0].Labels["a"] = "changed by its owner"
	first[0].Value = 7
	for range 9 {
		again, err := c.Query(t.Context(), "g", start)
		require.NoError(t, err)
		require.Equal(t, []monitor.Sample{sampleOf(start.Local(), 1, "__name__", "g", "a", "x")}, again)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = c.Query(canceled, "g + 1", start)
	require.ErrorIs(t, err, context.Canceled)
	got, err := c.Query(t.Context(), "g + 1", start)
	require.NoError(t, err, "one caller's end is not another's")
	require.Equal(t, 2., got[0].Value)
	_, err = c.Query(t.Context(), "rate(", start)
	require.ErrorIs(t, err, monitor.ErrQueryInvalid)
	_, err = c.Query(t.Context(), "g", start.Add(time.Second))
	require.NoError(t, err)
	_, err = c.QueryRange(t.Context(), "g", monitor.Range{From: start, To: start, Step: time.Second})
	require.NoError(t, err)
	r.sample(t, start.Add(time.Second))
	require.Equal(t, 9., r.one(t, "monitor_history_queries_shared_total", start.Add(time.Second)))
	require.Equal(t, 4., r.one(t, `monitor_history_query_duration_seconds_count{result="ok"}`, start.Add(time.Second)))
}

// BenchmarkCycle is what 1,000 rules cost that ask 20 expressions over all
// endpoints and 100 over one.
func BenchmarkCycle(b *testing.B) {
	r, at := filled(b)
	rules := make([]string, 1000)
	for i := range rules {
		if i%50 == 0 {
			rules[i] = `histogram_quantile(0.95, sum by (le, endpoint) (rate(t_duration_seconds_bucket[5m]))) > 0.5`
			continue
		}
		rules[i] = fmt.Sprintf(`sum(rate(t_errors_total{endpoint=%q}[5m])) / sum(rate(t_requests_total{endpoint=%[1]q}[5m])) > 0.05`, endpoint(i))
	}
	var used time.Duration
	for b.Loop() {
		c := r.db.At(at)
		began := cpu()
		for _, rule := range rules {
			if _, err := c.Query(b.Context(), rule, at); err != nil {
				b.Fatal(err)
			}
		}
		used += cpu() - began
	}
	b.ReportMetric(float64(used.Microseconds())/1000/float64(b.N), "cpu-ms/op")
}

// BenchmarkQueryMonth is a chart of thirty days of ten series, a sample a minute
// as a watch may take them, in 720 points.
func BenchmarkQueryMonth(b *testing.B) {
	r := setupOwn(b)
	series := 10
	at := start
	for i := range 30 * 24 * 60 {
		at = at.Add(time.Minute)
		batch := make([]monitor.Sample, series)
		for j := range batch {
			batch[j] = sampleOf(at, float64((i*7+j*13)%1000)/10, "__name__", "month", "n", strconv.Itoa(j))
		}
		require.NoError(b, r.db.Append(batch...))
	}
	for _, q := range []string{"month", "avg_over_time(month[1h])"} {
		b.Run(q, func(b *testing.B) {
			for b.Loop() {
				got, err := r.db.QueryRange(b.Context(), q, monitor.Range{From: start.Add(time.Hour), To: at, Step: time.Hour})
				if err != nil || len(got) != series {
					b.Fatal(err, len(got))
				}
			}
		})
	}
}

// TestWatchEvicted: a series of a watch that was given up is made again.
func TestWatchEvicted(t *testing.T) {
	t.Parallel()
	r := setup(t, history.WithRetention(5*time.Minute, 5*time.Minute), history.WithWatch("w", "g", 5*time.Minute))
	r.gauge(t, "g").WithLabelValues().Set(1)
	for i := range 40 { // its last sample is past the retention when the next one comes
		at := start.Add(time.Duration(i) * 70 * time.Second)
		r.sample(t, at)
		if i > 5 {
			require.Len(t, r.query(t, "w", at.Truncate(5*time.Minute)), 1, at)
		}
	}
	at := start.Add(40 * 70 * time.Second)
	r.sample(t, at)
	require.Greater(t, r.one(t, `monitor_history_series_evicted_total{reason="retention"}`, at), 5.)
}
