package bizmon_test

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/bizmon"
	"github.com/chronoretrace/chronomon/bizmon/probe"
	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/calendar"
)

var errAway = errors.New("connection refused")

func source(t testing.TB, s site, name string, opts ...bizmon.SourceOption) *bizmon.Source {
	t.Helper()
	src, err := s.Sources.Add(name, opts...)
	require.NoError(t, err)
	return src
}

func TestSourceUp(t *testing.T) {
	t.Parallel()
	s := setup(t, nil)
	src := source(t, s, "akshare")
	require.Empty(t, s.exposition("data_source_up{", "data_source_health_score{"), "nothing is known yet")
	src.Observe(t.Context(), bizmon.Fetch{Err: errAway})
	src.Observe(t.Context(), bizmon.Fetch{Err: errAway})
	require.Empty(t, s.exposition("data_source_up{"), "two failures may be bad luck")
	src.Observe(t.Context(), bizmon.Fetch{Err: errAway})
	require.Zero(t, s.value(t, `data_source_up{data_source="akshare"}`))
	require.Zero(t, s.value(t, `data_source_health_score{data_source="akshare"}`))
	src.Observe(t.Context(), bizmon.Fetch{Took: 100 * time.Millisecond})
	require.InDelta(t, 1, s.value(t, `data_source_up{data_source="akshare"}`), 0)
	for range 2 {
		src.Probed(false)
	}
	require.InDelta(t, 1, s.value(t, `data_source_up{data_source="akshare"}`), 0)
	src.Probed(false)
	require.Zero(t, s.value(t, `data_source_up{data_source="akshare"}`))
	src.Probed(true)
	require.InDelta(t, 1, s.value(t, `data_source_up{data_source="akshare"}`), 0)
	require.InDelta(t, 3, s.value(t, `data_source_requests_total{data_source="akshare",outcome="error"}`), 0)
	require.InDelta(t, 1, s.value(t, `data_source_requests_total{data_source="akshare",outcome="ok"}`), 0)
	require.InDelta(t, 4, s.value(t, `data_source_response_seconds_count{data_source="akshare"}`), 0)
}

// TestProbesDoNotOutweighRequests: a status page may answer when nothing else does.
func TestProbesDoNotOutweighRequests(t *testing.T) {
	t.Parallel()
	s := setup(t, nil)
	src := source(t, s, "akshare")
	up := func() float64 { return s.value(t, `data_source_up{data_source="akshare"}`) }
	for range 3 {
		src.Observe(t.Context(), bizmon.Fetch{Err: errAway})
		src.Probed(true)
	}
	require.Zero(t, up())
	h := src.Health()
	require.Equal(t, "3 of 3 requests and 0 of 3 checks failed", h.Parts[0].Why)
	require.InDelta(t, 0.5, h.Parts[0].Score, 0)
	s.clock.Add(6 * time.Minute)
	require.Zero(t, up(), "silence is no answer")
	src.Probed(true)
	require.InDelta(t, 1, up(), 0, "nobody asks it any more: a check is all there is")
	for range 3 {
		src.Probed(false)
	}
	require.Zero(t, up())
	require.Equal(t, "3 of 4 checks failed", src.Health().Parts[0].Why)
	src.Observe(t.Context(), bizmon.Fetch{})
	require.InDelta(t, 1, up(), 0, "it has answered, whatever checks find")
}

// TestSourcesObserveProbes: a check is one event, and news of its source.
func TestSourcesObserveProbes(t *testing.T) {
	t.Parallel()
	sink := &collect{}
	s := setup(t, []monitor.Option{monitor.WithSink("test", sink, monitor.WithKinds(monitor.KindSource))})
	stop := run(t, s.m)
	var result error
	p, err := probe.New(s.m, []probe.Target{{
		Name: "quotes-api", Source: "akshare", Interval: time.Minute,
		Check: probe.Func(func(context.Context) error { return result }),
	}}, probe.WithObserver(s.Sources), probe.WithJitter(0))
	require.NoError(t, err)
	p.Probe(t.Context(), s.clock.Now())
	require.InDelta(t, 1, s.value(t, `data_source_up{data_source="akshare"}`), 0)
	result = errAway
	for range 3 {
		s.clock.Add(time.Minute)
		p.Probe(t.Context(), s.clock.Now())
	}
	require.Zero(t, s.value(t, `data_source_up{data_source="akshare"}`))
	require.Zero(t, s.value(t, `data_source_requests_total{data_source="akshare",outcome="error"}`))
	stop()
	require.Len(t, sink.events, 4)
}

func TestSourceDo(t *testing.T) {
	t.Parallel()
	s := setup(t, nil)
	src := source(t, s, "akshare")
	ctx := monitor.ContextWithCaller(t.Context(), monitor.CallerName("/stocks/{symbol}"))
	require.NoError(t, src.Do(ctx, func(context.Context) error { return nil }))
	require.ErrorIs(t, src.Do(ctx, func(context.Context) error { return errAway }), errAway)
	require.Panics(t, func() { _ = src.Do(ctx, func(context.Context) error { panic("x") }) })
	gone, cancel := context.WithCancel(ctx)
	cancel()
	require.ErrorIs(t, src.Do(gone, func(ctx context.Context) error { return ctx.Err() }), context.Canceled)
	require.Equal(t, []string{
		`data_source_requests_total{data_source="akshare",outcome="error"} 2`,
		`data_source_requests_total{data_source="akshare",outcome="ok"} 1`,
	}, s.exposition("data_source_requests_total{"), "that we hung up is not the source's failure")
	edges := s.m.Edges()
	require.Len(t, edges, 1)
	require.Equal(t, []any{"/stocks/{symbol}", "source", "akshare", uint64(4)}, []any{edges[0].Caller, edges[0].Kind, edges[0].Name, edges[0].Count})
}

// TestFreshness: the age of data is measured in trading time.
func TestFreshness(t *testing.T) {
	t.Parallel()
	s := setup(t, nil)
	src := source(t, s, "akshare", bizmon.WithMaxLag(5*time.Minute))
	require.Empty(t, s.exposition("stock_data_lag_seconds{"))
	day := func(d, h, m int) time.Time { return time.Date(2026, 2, d, h, m, 0, 0, shanghai) }
	for _, c := range []struct {
		data, now time.Time
		lag       float64
		fresh     float64
	}{
		{day(12, 10, 0), day(12, 10, 5), 300, 1},
		{day(12, 11, 29), day(12, 12, 59), 60, 1}, // lunch
		{day(12, 14, 59), day(13, 9, 30), 60, 1},  // the night
		{day(13, 15, 0), day(24, 9, 30), 0, 1},    // Spring Festival
		{day(24, 9, 30), day(24, 9, 40), 600, 0.5},
		{day(24, 9, 30), day(24, 9, 45), 900, 0},
		{day(24, 9, 30), day(25, 9, 45), 900 + 4*3600, 0},
	} {
		s.clock.Set(c.now)
		src.Data("600519", c.data)
		require.InDelta(t, c.lag, s.value(t, `stock_data_lag_seconds{data_source="akshare"}`), 0, "%v at %v", c.data, c.now)
		require.InDelta(t, c.fresh, s.value(t, `data_source_health_part{data_source="akshare",part="freshness"}`), 1e-9)
	}
	require.InDelta(t, 1, s.value(t, `market_open{exchange="SSE"}`), 0)
	left := s.value(t, `market_calendar_remaining_seconds{exchange="SSE"}`)
	require.Equal(t, calendar.SSE().DaysLeft(s.m.Now()), int(left/86400))
	s.clock.Set(day(24, 12, 0))
	require.Zero(t, s.value(t, `market_open{exchange="SSE"}`))

	// A year without known holidays is said so, once.
	s.clock.Set(time.Date(2031, 1, 6, 10, 0, 0, 0, shanghai))
	src.Data("600519", s.clock.Now().Add(-time.Minute))
	src.Data("600519", s.clock.Now())
	require.Empty(t, s.exposition("market_open{"), "no answer is better than a guess")
	require.Equal(t, 1, strings.Count(s.log.String(), "holidays are not known"))
	// A point from the far future is not the newest, nor what others are held against.
	src.Data("600519", s.clock.Now().AddDate(1, 0, 0))
	require.InDelta(t, 1, s.value(t, `data_source_out_of_order_points_total{data_source="akshare"}`), 0)
	src.Data("600519", s.clock.Now().Add(time.Second))
	require.InDelta(t, 1, s.value(t, `data_source_out_of_order_points_total{data_source="akshare"}`), 0)
	s.clock.Add(time.Minute) // of which the point is no younger than when it came
	require.InDelta(t, 60, s.value(t, `stock_data_lag_seconds{data_source="akshare"}`), 0)
}

// TestFutureHidesNoOutage: neither a wrong point nor a wrong clock makes data
// fresh that does not come.
func TestFutureHidesNoOutage(t *testing.T) {
	t.Parallel()
	s := setup(t, nil)
	src := source(t, s, "akshare", bizmon.WithSpacing(time.Minute))
	lag := func() float64 { return s.value(t, `stock_data_lag_seconds{data_source="akshare"}`) }
	disorder := func() float64 { return s.value(t, `data_source_out_of_order_points_total{data_source="akshare"}`) }
	minutes := func(n int) {
		for range n {
			s.clock.Add(time.Minute)
			src.Data("600519", s.clock.Now())
		}
	}
	src.Data("600519", monday.Add(23*time.Hour))
	require.InDelta(t, 1, disorder(), 0)
	minutes(30)
	require.InDelta(t, 1, disorder(), 0, "the others are in order")
	src.Data("600519", s.clock.Now().Add(time.Minute)) // a bar named by its end
	require.InDelta(t, 1, disorder(), 0)
	require.Zero(t, lag())
	s.clock.Add(20 * time.Minute)
	require.InDelta(t, 20*60, lag(), 0)

	right := s.clock.Now()
	s.clock.Set(right.Add(24 * time.Hour))
	src.Data("600519", s.clock.Now())
	s.clock.Set(right)
	require.Zero(t, lag())
	s.clock.Add(2 * time.Minute)
	require.InDelta(t, 120, lag(), 0, "from when the clock was set right")
	src.Data("600519", s.clock.Now())
	minutes(5)
	require.InDelta(t, 2, disorder(), 0, "one, until it is known that the clock was wrong")

	daily := source(t, s, "daily", bizmon.WithSpacing(4*time.Hour), bizmon.WithMaxLag(8*time.Hour))
	daily.Data("600519", time.Date(2026, 3, 3, 0, 0, 0, 0, shanghai)) // today's bar, by its end
	require.Zero(t, s.value(t, `data_source_out_of_order_points_total{data_source="daily"}`))
}

// TestTimesThatAreNone are held against nothing.
func TestTimesThatAreNone(t *testing.T) {
	t.Parallel()
	s := setup(t, nil)
	src := source(t, s, "akshare", bizmon.WithSpacing(time.Minute))
	for _, at := range []time.Time{{}, time.Unix(0, 0), time.Unix(-1<<62, 0)} {
		src.Data("600519", at)
	}
	require.Empty(t, s.exposition("stock_data_lag_seconds{"))
	src.Data("600519", s.clock.Now())
	require.InDelta(t, 3, s.value(t, `data_source_out_of_order_points_total{data_source="akshare"}`), 0)
	require.Zero(t, s.value(t, `data_source_missing_points_total{data_source="akshare"}`))
	require.Zero(t, s.value(t, `data_source_late_points_total{data_source="akshare"}`))
}

// TestMissingDoesNotWrap: five thousand keys that each miss a million points.
func TestMissingDoesNotWrap(t *testing.T) {
	t.Parallel()
	s := setup(t, nil)
	src := source(t, s, "akshare", bizmon.WithSpacing(time.Second))
	for _, at := range []time.Time{monday.AddDate(0, -6, 0), monday} {
		for i := range 5000 {
			src.Data(strconv.Itoa(i), at)
		}
	}
	require.Equal(t, "5000000000 points are missing beside 10000", src.Health().Parts[1].Why)
}

func TestGapsDuplicatesOrder(t *testing.T) {
	t.Parallel()
	s := setup(t, nil)
	src := source(t, s, "akshare", bizmon.WithSpacing(time.Minute), bizmon.WithMaxLag(10*time.Minute))
	at := func(h, m int) time.Time { return time.Date(2026, 3, 2, h, m, 0, 0, shanghai) }
	send := func(key string, h, m int) {
		s.clock.Set(at(h, m).Add(time.Second))
		src.Data(key, at(h, m))
	}
	counts := func() []float64 {
		var out []float64
		for _, n := range []string{"points", "gaps", "missing_points", "duplicate_points", "out_of_order_points", "late_points"} {
			out = append(out, s.value(t, "data_source_"+n+`_total{data_source="akshare"}`))
		}
		return out
	}
	send("a", 11, 28)
	send("a", 11, 29)
	send("b", 11, 29)
	send("a", 13, 0) // the bar after lunch, named by its begin
	send("a", 13, 1)
	require.Equal(t, []float64{5, 0, 0, 0, 0, 0}, counts(), "lunch is no gap")
	send("a", 13, 5)
	require.Equal(t, []float64{6, 1, 3, 0, 0, 0}, counts())
	src.Data("a", at(13, 5))
	require.Equal(t, []float64{7, 1, 3, 1, 0, 0}, counts())
	src.Data("a", at(13, 4))
	require.Equal(t, []float64{8, 1, 3, 1, 1, 0}, counts())
	s.clock.Set(at(13, 30))
	src.Data("b", at(13, 1)) // 29 minutes late, and two points after the last one
	require.Equal(t, []float64{9, 2, 4, 1, 1, 1}, counts())

	s.clock.Set(at(13, 5).Add(90 * time.Second))
	require.InDelta(t, float64(9-2)/(9+4), mustQuality(t, s, 9, 4, 2), 1e-9)
}

// mustQuality sends so many points within five minutes and returns the score.
func mustQuality(t testing.TB, s site, points, missing, bad int) float64 {
	t.Helper()
	src := source(t, s, "quality", bizmon.WithSpacing(time.Minute), bizmon.WithMaxLag(time.Hour))
	start := s.clock.Now().Truncate(time.Minute)
	src.Data("x", start)
	for i := range points - bad - 2 {
		src.Data("x", start.Add(time.Duration(i+1)*time.Minute))
	}
	src.Data("x", start.Add(time.Duration(points-bad-1+missing)*time.Minute))
	for range bad {
		src.Data("x", start)
	}
	return s.value(t, `data_quality_score{data_source="quality"}`)
}

func TestHealthIsExplained(t *testing.T) {
	t.Parallel()
	s := setup(t, nil)
	src := source(t, s, "akshare", bizmon.WithResponseTarget(time.Second), bizmon.WithSpacing(time.Minute))
	require.False(t, src.Health().Known)
	for i := range 10 {
		f := bizmon.Fetch{Took: 2 * time.Second}
		if i == 4 {
			f = bizmon.Fetch{Took: time.Hour, Err: errAway}
		}
		src.Observe(t.Context(), f)
	}
	src.Data("a", monday.Add(-4*time.Minute))
	src.Data("a", monday)
	src.Data("a", monday)
	h := src.Health()
	require.True(t, h.Known)
	require.True(t, h.Up)
	three := 3.
	require.Equal(t, []bizmon.Part{
		{Name: "availability", Score: 0.9, Weight: 0.35, Why: "1 of 10 requests failed"},
		{Name: "response", Score: 0.5, Weight: 0.15, Why: "2s on average, wanted 1s"},
		{Name: "freshness", Score: 1, Weight: 0.25, Why: "the newest data is 0s of trading old, wanted 5m0s"},
		{Name: "completeness", Score: 0.5, Weight: 0.15, Why: "3 points are missing beside 3"},
		{Name: "order", Score: 1 - 1/three, Weight: 0.1, Why: "1 of 3 points are doubled or out of order"},
	}, h.Parts)
	want := 0.9*0.35 + 0.5*0.15 + 1*0.25 + 0.5*0.15 + (1-1./3)*0.1
	require.InDelta(t, want, h.Score, 1e-9)
	require.InDelta(t, want, s.value(t, `data_source_health_score{data_source="akshare"}`), 1e-9)
	s.clock.Add(6 * time.Minute)
	h = src.Health()
	require.Len(t, h.Parts, 1, "only the age of the data is known after five quiet minutes")
	require.InDelta(t, 0.9, h.Score, 1e-9)
	require.Len(t, s.Sources.Health(), 1)
}

// TestHealthProperties: scores are within 0 and 1, and no part that gets better
// makes the whole worse.
func TestHealthProperties(t *testing.T) {
	t.Parallel()
	s := setup(t, nil)
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range 300 {
		src := source(t, s, strconv.Itoa(i), bizmon.WithSpacing(time.Minute))
		for range rng.IntN(50) {
			f := bizmon.Fetch{Took: time.Duration(rng.Int64N(int64(5*time.Second)) - int64(time.Second))}
			if rng.IntN(3) == 0 {
				f.Err = errAway
			}
			src.Observe(t.Context(), f)
			src.Data(strconv.Itoa(rng.IntN(3)), monday.Add(time.Duration(rng.IntN(200)-180)*time.Minute))
		}
		h := src.Health()
		require.GreaterOrEqual(t, h.Score, 0.)
		require.LessOrEqual(t, h.Score, 1.)
		lowest, highest := 1., 0.
		for _, p := range h.Parts {
			require.GreaterOrEqual(t, p.Score, 0.)
			require.LessOrEqual(t, p.Score, 1.)
			lowest, highest = min(lowest, p.Score), max(highest, p.Score)
		}
		if h.Up && len(h.Parts) > 0 {
			require.GreaterOrEqual(t, h.Score, lowest-1e-9)
			require.LessOrEqual(t, h.Score, highest+1e-9)
		}
	}
}

func TestHealthReports(t *testing.T) {
	t.Parallel()
	sink := &collect{}
	var said []bizmon.Health
	s := setup(t, []monitor.Option{monitor.WithSink("test", sink, monitor.WithKinds(monitor.KindSource), monitor.WithQueue(1000))},
		bizmon.WithOnHealth(func(h bizmon.Health) {
			said = append(said, h)
			panic("a callback that panics")
		}))
	stop := run(t, s.m)
	src := source(t, s, "akshare")
	fetch := func(n int, err error) {
		for range n {
			src.Observe(t.Context(), bizmon.Fetch{Took: time.Millisecond, Err: err})
		}
	}
	fetch(10, nil)
	s.Check(s.clock.Now())
	require.Empty(t, said)
	fetch(3, errAway)
	for range 3 {
		s.Check(s.clock.Now())
	}
	require.Len(t, said, 1, "once")
	require.False(t, said[0].Healthy)
	require.False(t, said[0].Up)
	fetch(1, nil)
	s.Check(s.clock.Now())
	require.Len(t, said, 2)
	require.True(t, said[1].Healthy)
	stop()
	var states []string
	for _, e := range sink.events {
		if st := attrs(e)["state"]; st != "request" {
			states = append(states, st+strconv.FormatBool(e.Failed))
		}
	}
	require.Equal(t, []string{"unhealthytrue", "healthyfalse"}, states)
	require.Len(t, sink.events, 14+2)
	require.Contains(t, s.log.String(), "3 of 13 requests failed")
	require.InDelta(t, 2, s.value(t, `monitor_callback_panics_total{callback="bizmon.WithOnHealth"}`), 0)
}

// TestHealthyAgainNeedsEvidence: that nobody asks a source any more is none.
func TestHealthyAgainNeedsEvidence(t *testing.T) {
	t.Parallel()
	var said []bool
	s := setup(t, nil, bizmon.WithOnHealth(func(h bizmon.Health) { said = append(said, h.Healthy) }))
	src := source(t, s, "akshare")
	src.Data("600519", monday)
	for _, err := range []error{nil, errAway, errAway} {
		src.Observe(t.Context(), bizmon.Fetch{Took: time.Minute, Err: err})
		s.Check(s.clock.Now())
	}
	require.Equal(t, []bool{false}, said)
	s.clock.Set(monday.Add(6 * time.Hour)) // after hours
	src.Data("600519", s.clock.Now())
	s.clock.Add(6 * time.Minute)
	require.InDelta(t, 1, src.Health().Score, 0, "its data is fresh")
	s.Check(s.clock.Now())
	require.Equal(t, []bool{false}, said)
	src.Observe(t.Context(), bizmon.Fetch{})
	s.Check(s.clock.Now())
	require.Equal(t, []bool{false, true}, said)

	quiet := source(t, s, "quiet")
	quiet.Observe(t.Context(), bizmon.Fetch{})
	s.clock.Add(6 * time.Minute)
	require.False(t, quiet.Health().Known)
	require.Empty(t, s.exposition(`data_source_health_score{data_source="quiet"`))
}

// TestRunChecks: Run judges by itself, on time.
func TestRunChecks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var reports, stuck atomic.Int32
		m, err := monitor.New(monitor.WithLogger(slog.New(slog.DiscardHandler)))
		require.NoError(t, err)
		b, err := bizmon.New(m, bizmon.WithInterval(10*time.Second), bizmon.WithStuckAfter(time.Minute),
			bizmon.WithOnHealth(func(bizmon.Health) { reports.Add(1) }), bizmon.WithOnStuck(func(bizmon.Job) { stuck.Add(1) }))
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- m.Run(ctx, b) }()
		src, err := b.Sources.Add("akshare")
		require.NoError(t, err)
		for range 3 {
			src.Probed(false)
		}
		job := b.Backtests.Queue("1")
		job.Start()
		time.Sleep(11 * time.Second)
		synctest.Wait()
		require.Equal(t, []int32{1, 0}, []int32{reports.Load(), stuck.Load()})
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, []int32{1, 1}, []int32{reports.Load(), stuck.Load()})
		job.Done(nil)
		cancel()
		require.NoError(t, <-done)
	})
}

func TestSourcesAreBounded(t *testing.T) {
	t.Parallel()
	s := setup(t, []monitor.Option{monitor.WithLabelLimit(10)})
	for i := range 1000 {
		s.Sources.Get(strconv.Itoa(i)).Observe(t.Context(), bizmon.Fetch{})
	}
	s.Sources.Get("").Probed(true)
	require.Len(t, s.exposition("data_source_up{"), 11)
	require.InDelta(t, 990, s.value(t, `data_source_requests_total{data_source="other",outcome="ok"}`), 0)
	_, err := s.Sources.Add("one more")
	require.ErrorIs(t, err, bizmon.ErrTooManySources)
	require.Same(t, s.Sources.Get("3"), source(t, s, "3"))
	require.InDelta(t, 990, s.value(t, `monitor_label_overflow_total{metric="data_source_requests_total",label="data_source"}`), 0)

	big := setup(t, nil)
	src := source(t, big, "x", bizmon.WithSpacing(time.Second))
	for range 100_000 {
		src.Data(strconv.FormatUint(rand.Uint64(), 36), monday.Add(time.Duration(rand.Int64())))
	}
	require.InDelta(t, 100_000, big.value(t, `data_source_points_total{data_source="x"}`), 0)
}

// TestAddAfterGet: what was used before it was described keeps its past, and
// takes the options.
func TestAddAfterGet(t *testing.T) {
	t.Parallel()
	s := setup(t, nil)
	s.Sources.Get("akshare").Probed(false)
	src := source(t, s, "akshare", bizmon.WithDownAfter(2))
	require.Same(t, src, source(t, s, "akshare", bizmon.WithDownAfter(100)), "the first Add decides")
	src.Probed(false)
	require.Zero(t, s.value(t, `data_source_up{data_source="akshare"}`))
}

// TestSourceExtremes: options and calls at the ends of what they may be.
func TestSourceExtremes(t *testing.T) {
	t.Parallel()
	s := setup(t, nil)
	src := source(t, s, "akshare", bizmon.WithMaxLag(math.MaxInt64), bizmon.WithSpacing(math.MaxInt64), bizmon.WithResponseTarget(math.MaxInt64))
	var none context.Context
	for range 3 {
		src.Observe(none, bizmon.Fetch{Took: math.MaxInt64})
	}
	src.Observe(none, bizmon.Fetch{Err: context.Canceled})
	src.Data("600519", monday)
	src.Data("600519", monday.Add(time.Minute))
	for _, p := range src.Health().Parts[1:] {
		require.InDelta(t, 1, p.Score, 0, p.Name)
	}
}

func TestSourceOptions(t *testing.T) {
	t.Parallel()
	s := setup(t, nil)
	for want, o := range map[string]bizmon.SourceOption{
		"WithSourceCalendar = <nil>":      bizmon.WithSourceCalendar(nil),
		"WithSourceCalendar = Calendar{}": bizmon.WithSourceCalendar(&calendar.Calendar{}),
		"WithResponseTarget = 0s":         bizmon.WithResponseTarget(0),
		"WithMaxLag = -1s":                bizmon.WithMaxLag(-time.Second),
		"WithSpacing = -1s":               bizmon.WithSpacing(-time.Second),
		"WithDownAfter = 0":               bizmon.WithDownAfter(0),
		"WithThreshold = 1.5":             bizmon.WithThreshold(1.5),
	} {
		_, err := s.Sources.Add("akshare", o)
		require.ErrorIs(t, err, monitor.ErrInvalidOption)
		require.ErrorContains(t, err, `bizmon: invalid option: source "akshare" `+want)
	}
	_, err := s.Sources.Add("")
	require.ErrorContains(t, err, "want a name")
	_, err = s.Sources.Add("\xff")
	require.ErrorContains(t, err, "want valid UTF-8")
	require.Equal(t, "other", s.Sources.Get("\xff").Name())
	_, err = s.Sources.Add(strings.Repeat("x", 201), bizmon.WithDownAfter(-1))
	require.ErrorContains(t, err, "201 bytes")
	require.ErrorContains(t, err, "WithDownAfter = -1")
	src := source(t, s, "akshare", nil, bizmon.WithSourceCalendar(calendar.SZSE()), bizmon.WithThreshold(0), bizmon.WithDownAfter(1))
	require.Equal(t, "akshare", src.Name())
	require.Len(t, s.exposition("market_open{"), 2)
	src.Probed(false)
	s.Check(s.clock.Now())
	require.Empty(t, s.log.String(), "a threshold of 0 reports nothing")
}
