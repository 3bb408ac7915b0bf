package anomaly_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/anomaly"
	"github.com/chronoretrace/chronomon/internal/journal"
	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/history"
	"github.com/chronoretrace/chronomon/monitor/monitortest"
)

const step = 10 * time.Second

var noon = time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)

// world answers range queries from functions of time, step by step.
type world struct {
	mu     sync.Mutex
	series []seriesOf // guarded by mu
	err    error      // guarded by mu
	asked  []monitor.Range
}

type seriesOf struct {
	labels monitor.Labels
	at     func(t time.Time) (v float64, ok bool)
}

func (w *world) Query(context.Context, string, time.Time) ([]monitor.Sample, error) {
	return nil, errors.New("nobody asks this")
}

func (w *world) QueryRange(_ context.Context, _ string, r monitor.Range) (out []monitor.Series, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, r)
	if w.err != nil {
		return nil, w.err
	}
	for _, s := range w.series {
		var points []monitor.Point
		for t := r.From; !t.After(r.To); t = t.Add(r.Step) {
			if v, ok := s.at(t); ok {
				points = append(points, monitor.Point{Time: t, Value: v})
			}
		}
		if len(points) > 0 {
			out = append(out, monitor.Series{Labels: maps.Clone(s.labels), Points: points})
		}
	}
	return out, nil
}

func (w *world) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err = err
}

// calm is a series that goes up and down a little, and is bad in some times.
func calm(bad ...[2]time.Duration) func(time.Time) (float64, bool) {
	return func(t time.Time) (float64, bool) {
		for _, b := range bad {
			if d := t.Sub(noon); d >= b[0] && d < b[1] {
				return 1000, true
			}
		}
		return 100 + float64(t.Unix()/10%5), true
	}
}

func bounds() (anomaly.Detector, error) { return anomaly.NewBounds(0, 500) }

func ewma() (anomaly.Detector, error) { return anomaly.NewEWMA() }

func only(at func(time.Time) (float64, bool)) *world {
	return &world{series: []seriesOf{{monitor.Labels{"endpoint": "/quotes"}, at}}}
}

// watchOf is a watch of the whole world.
func watchOf(newDetector func() (anomaly.Detector, error)) anomaly.Watch {
	return anomaly.Watch{Name: "requests", Expr: "x", Step: step, Lookback: time.Hour, New: newDetector}
}

// detect calls Detect at every step of a time.
func detect(t testing.TB, e *anomaly.Engine, from, until time.Duration) {
	t.Helper()
	for d := from; d <= until; d += step {
		require.NoError(t, e.Detect(t.Context(), noon.Add(d)))
	}
}

// shown is what a registry has, as name{labels} to value.
func shown(t testing.TB, m *monitor.Monitor) map[string]float64 {
	t.Helper()
	families, err := m.Gatherer().Gather()
	require.NoError(t, err)
	out := map[string]float64{}
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "anomaly_") {
			continue
		}
		for _, metric := range f.GetMetric() {
			out[labelsOf(f.GetName(), metric).String()] = metric.GetGauge().GetValue() + metric.GetCounter().GetValue()
		}
	}
	return out
}

func labelsOf(name string, metric *dto.Metric) monitor.Labels {
	l := monitor.Labels{monitor.MetricName: name}
	for _, p := range metric.GetLabel() {
		l[p.GetName()] = p.GetValue()
	}
	return l
}

func newEngine(t testing.TB, m *monitor.Monitor, q monitor.Querier, opts ...anomaly.EngineOption) *anomaly.Engine {
	t.Helper()
	e, err := anomaly.New(m, q, opts...)
	require.NoError(t, err)
	return e
}

func TestAnomalyOpensAndCloses(t *testing.T) {
	t.Parallel()
	var events monitortest.Sink
	m := monitortest.New(t, monitor.WithSink("s", &events, monitor.WithKinds(monitor.KindAnomaly)))
	w := only(calm([2]time.Duration{2 * time.Minute, 3 * time.Minute}))
	e := newEngine(t, m, w, anomaly.WithWatch(watchOf(ewma)), anomaly.WithQuiet(time.Minute))

	detect(t, e, 0, time.Minute)
	require.Empty(t, e.Active())
	got := shown(t, m)
	require.Contains(t, got, `anomaly_score{endpoint="/quotes",watch="requests"}`)
	require.Less(t, got[`anomaly_score{endpoint="/quotes",watch="requests"}`], anomaly.Threshold)
	require.Zero(t, got[`anomaly_active{endpoint="/quotes",watch="requests"}`])
	require.Equal(t, 360.0+7, got[`anomaly_points_total{watch="requests"}`], "an hour to warm up, and seven steps")

	detect(t, e, 70*time.Second, 130*time.Second)
	active := e.Active()
	require.Len(t, active, 1)
	a := active[0]
	require.Equal(t, noon.Add(2*time.Minute).UnixMilli(), a.Started.UnixMilli())
	require.Equal(t, "ewma", a.Method)
	require.True(t, a.Open)
	require.GreaterOrEqual(t, a.Score, anomaly.Threshold)
	require.Equal(t, 1000.0, a.Explanation.Observed)
	require.InDelta(t, 102, a.Explanation.Expected, 1)
	require.Greater(t, a.Explanation.Deviation, 10.0)
	got = shown(t, m)
	require.Equal(t, 1.0, got[`anomaly_active{endpoint="/quotes",watch="requests"}`])
	require.GreaterOrEqual(t, got[`anomaly_score{endpoint="/quotes",watch="requests"}`], anomaly.Threshold)
	require.Equal(t, 1.0, got[`anomaly_detections_total{method="ewma",watch="requests"}`])

	detect(t, e, 140*time.Second, 5*time.Minute)
	require.Empty(t, e.Active())
	recent := e.Recent()
	require.Len(t, recent, 1)
	require.False(t, recent[0].Open)
	require.Equal(t, a.ID, recent[0].ID)
	require.Zero(t, shown(t, m)[`anomaly_active{endpoint="/quotes",watch="requests"}`])

	require.Eventually(t, func() bool { return len(events.Events()) == 2 }, 10*time.Second, 10*time.Millisecond)
	opened, closed := events.Events()[0], events.Events()[1]
	require.Equal(t, "requests", opened.Name)
	require.Equal(t, "open", attr(opened, "state"))
	require.Equal(t, "closed", attr(closed, "state"))
	require.Equal(t, a.ID, attr(closed, "id"))
}

func attr(e monitor.Event, name string) string {
	v, _ := e.Attr(name)
	return v.String()
}

// Every step is asked for once, whatever Detect is called at.
func TestStepsAreNeitherLostNorRepeated(t *testing.T) {
	t.Parallel()
	m := monitortest.New(t)
	var seen []time.Time
	w := only(calm())
	one := watchOf(func() (anomaly.Detector, error) {
		return observer(func(p anomaly.Point) { seen = append(seen, p.Time) }), nil
	})
	one.Lookback = time.Minute
	e := newEngine(t, m, w, anomaly.WithWatch(one))
	boom := errors.New("away")
	for i, seconds := range []int{0, 3, 9, 10, 11, 25, 300, 301, 305, 299, 330, 400} {
		err := error(nil)
		if i == 5 || i == 10 {
			err = boom
		}
		w.fail(err)
		require.ErrorIs(t, e.Detect(t.Context(), noon.Add(time.Duration(seconds)*time.Second)), err)
	}
	require.Len(t, seen, 6+41)
	for i, at := range seen {
		require.Equal(t, noon.Add(-time.Minute+time.Duration(i)*step).UnixMilli(), at.UnixMilli())
	}
	require.Equal(t, 2.0, shown(t, m)[`anomaly_errors_total{watch="requests"}`])

	require.NoError(t, e.Detect(t.Context(), noon.Add(400*time.Second+1500*step)))
	require.Len(t, seen, 47+1000, "what is later than a thousand steps is given up")
	require.Equal(t, 500.0, shown(t, m)[`anomaly_shed_points_total{reason="late",watch="requests"}`])
}

// observer is a detector that looks on.
type observer func(p anomaly.Point)

func (o observer) Observe(p anomaly.Point) anomaly.Score {
	o(p)
	return anomaly.Score{Expected: p.Value, Low: p.Value, High: p.Value, Ready: true}
}

func TestOneBadWatchStopsNoOther(t *testing.T) {
	t.Parallel()
	m := monitortest.New(t)
	q := &monitortest.Querier{}
	boom := errors.New("boom")
	q.Fail("bad", boom)
	q.AnswerRange("good", monitor.Series{Labels: monitor.Labels{"a": "1"}, Points: []monitor.Point{{Time: noon, Value: 1}}})
	q.AnswerRange("panics", monitor.Series{Labels: monitor.Labels{"a": "1"}, Points: []monitor.Point{{Time: noon, Value: 1}}})
	calls := 0
	e := newEngine(t, m, q,
		anomaly.WithWatch(anomaly.Watch{Name: "bad", Expr: "bad", Step: step, New: bounds}),
		anomaly.WithWatch(anomaly.Watch{Name: "panics", Expr: "panics", Step: step, New: func() (anomaly.Detector, error) {
			return observer(func(anomaly.Point) { panic("no") }), nil
		}}),
		anomaly.WithWatch(anomaly.Watch{Name: "none", Expr: "good", Step: step, New: func() (anomaly.Detector, error) {
			if calls++; calls > 1 {
				return nil, boom
			}
			return bounds()
		}}),
		anomaly.WithWatch(anomaly.Watch{Name: "good", Expr: "good", Step: step, New: bounds}))
	err := e.Detect(t.Context(), noon)
	require.ErrorIs(t, err, boom)
	require.ErrorContains(t, err, `"bad"`)
	require.ErrorContains(t, err, `"none"`)
	require.ErrorContains(t, err, `"panics"`)
	got := shown(t, m)
	require.Contains(t, got, `anomaly_score{a="1",watch="good"}`)
	require.NotContains(t, got, `anomaly_score{a="1",watch="panics"}`)
	for _, name := range []string{"bad", "none", "panics"} {
		require.Equal(t, 1.0, got[fmt.Sprintf(`anomaly_errors_total{watch=%q}`, name)], name)
	}
	require.ErrorIs(t, e.Detect(t.Context(), noon.Add(step)), boom)
}

func TestAnomalyRate(t *testing.T) {
	t.Parallel()
	m := monitortest.New(t)
	w := only(calm([2]time.Duration{20 * time.Second, 30 * time.Second}, [2]time.Duration{100 * time.Second, 130 * time.Second}))
	e := newEngine(t, m, w, anomaly.WithWatch(watchOf(bounds)), anomaly.WithAnomalyRate(3, 4))
	detect(t, e, 0, 110*time.Second)
	require.Empty(t, e.Active(), "one of four, then two of four")
	detect(t, e, 120*time.Second, 120*time.Second)
	require.Len(t, e.Active(), 1)
}

// The names of the series' labels are kept, whatever they are.
func TestLabelsOfSeries(t *testing.T) {
	t.Parallel()
	m := monitortest.New(t)
	w := &world{}
	for _, l := range []monitor.Labels{
		{monitor.MetricName: "up", "job": "api"},
		{"watch": "own", "exported_watch": "taken"},
		{"bad\xff": "v\xff", "__secret": "x", "": "nameless", "empty": ""},
		{"a": strings.Repeat("x", 20_000)},
		{},
		{monitor.MetricName: "down", "job": "api"}, // the same without its name
	} {
		w.series = append(w.series, seriesOf{l, calm()})
	}
	e := newEngine(t, m, w, anomaly.WithWatch(watchOf(bounds)))
	require.NoError(t, e.Detect(t.Context(), noon))
	got := shown(t, m)
	for _, want := range []string{
		`anomaly_score{job="api",watch="requests"}`,
		`anomaly_score{exported_exported_watch="own",exported_watch="taken",watch="requests"}`,
		"anomaly_score{bad\uFFFD=\"v\uFFFD\",watch=\"requests\"}",
		`anomaly_score{watch="requests"}`,
	} {
		require.Contains(t, got, want)
	}
	require.Equal(t, 4.0, got[`anomaly_series{watch="requests"}`])
	require.Equal(t, 361.0, got[`anomaly_shed_points_total{reason="duplicate",watch="requests"}`])
	require.Equal(t, 361.0, got[`anomaly_shed_points_total{reason="labels",watch="requests"}`])
}

// A detector that panics is given up, and so is its anomaly.
func TestDetectorThatPanics(t *testing.T) {
	t.Parallel()
	m := monitortest.New(t)
	e := newEngine(t, m, only(calm([2]time.Duration{0, 2 * step})), anomaly.WithWatch(watchOf(func() (anomaly.Detector, error) {
		d, err := bounds()
		return panicking{d, noon.Add(step)}, err
	})))
	detect(t, e, 0, 0)
	require.Len(t, e.Active(), 1)
	require.ErrorContains(t, e.Detect(t.Context(), noon.Add(step)), "panicked")
	require.Empty(t, e.Active())
	detect(t, e, 2*step, 3*step)
	got := shown(t, m)
	require.NotContains(t, got, `anomaly_score{endpoint="/quotes",watch="requests"}`)
	require.Equal(t, 2.0, got[`anomaly_shed_points_total{reason="panicked",watch="requests"}`])
}

// panicking is a detector that panics at a time.
type panicking struct {
	anomaly.Detector

	at time.Time
}

func (d panicking) Observe(p anomaly.Point) anomaly.Score {
	if p.Time.Equal(d.at) {
		panic("no")
	}
	return d.Detector.Observe(p)
}

// A thousand series at ten seconds take a hundredth of a core at most.
func TestThousandSeries(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector's time is not ours")
	}
	m := monitortest.New(t)
	gauge := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "orders", Help: "Orders."}, []string{"i"})
	require.NoError(t, m.Registerer().Register(gauge))
	for i := range 1000 {
		gauge.WithLabelValues(strconv.Itoa(i))
	}
	db, err := history.New(m, history.WithInterval(step))
	require.NoError(t, err)
	one := watchOf(ewma)
	one.Expr, one.Lookback = "orders", -1
	e := newEngine(t, m, db, anomaly.WithWatch(one))
	best := time.Hour
	for i := range 20 {
		now := noon.Add(time.Duration(i) * step)
		require.NoError(t, db.Sample(t.Context(), now))
		began := time.Now()
		require.NoError(t, e.Detect(t.Context(), now))
		best = min(best, time.Since(began))
	}
	require.Equal(t, 20_000.0, shown(t, m)[`anomaly_points_total{watch="requests"}`])
	require.Less(t, best, step/100)
	t.Logf("%v a step, %.3f %% of a core", best, 100*float64(best)/float64(step))
}

// A series that goes away takes its metrics with it, but not before its anomaly is
// over; its detector is there when it comes back.
func TestSeriesThatVanishes(t *testing.T) {
	t.Parallel()
	m := monitortest.New(t)
	there := calm([2]time.Duration{50 * time.Second, time.Minute})
	w := only(func(at time.Time) (float64, bool) {
		v, _ := there(at)
		d := at.Sub(noon)
		return v, d < time.Minute || d > 20*time.Minute && d < 21*time.Minute
	})
	e := newEngine(t, m, w, anomaly.WithWatch(watchOf(ewma)))
	const active, score = `anomaly_active{endpoint="/quotes",watch="requests"}`, `anomaly_score{endpoint="/quotes",watch="requests"}`
	detect(t, e, 0, 2*time.Minute)
	require.Equal(t, 1.0, shown(t, m)[active])
	detect(t, e, 130*time.Second, 6*time.Minute)
	require.NotContains(t, shown(t, m), active)
	require.NotContains(t, shown(t, m), score)
	require.Len(t, e.Recent(), 1)
	detect(t, e, 370*time.Second, 1220*time.Second)
	require.Contains(t, shown(t, m), score, "it is ready at once")
	require.Equal(t, 1.0, shown(t, m)[`anomaly_series{watch="requests"}`])
	detect(t, e, 1230*time.Second, 2*time.Hour)
	require.NotContains(t, shown(t, m), score)
	require.Zero(t, shown(t, m)[`anomaly_series{watch="requests"}`], "an hour is what is remembered")
}

// A rule for missing data sees the steps that have none.
func TestMissing(t *testing.T) {
	t.Parallel()
	m := monitortest.New(t)
	w := only(func(at time.Time) (float64, bool) { return 1, at.Before(noon.Add(time.Minute)) })
	e := newEngine(t, m, w, anomaly.WithWatch(watchOf(func() (anomaly.Detector, error) { return anomaly.NewMissing(time.Minute) })))
	detect(t, e, 0, 2*time.Minute)
	require.Len(t, e.Active(), 1)
	require.True(t, math.IsNaN(e.Active()[0].Explanation.Observed))
	require.Equal(t, 1.0, shown(t, m)[`anomaly_active{endpoint="/quotes",watch="requests"}`])
}

func TestHostileAnswers(t *testing.T) {
	t.Parallel()
	m := monitortest.New(t)
	q := &monitortest.Querier{}
	l := func(v string) monitor.Labels { return monitor.Labels{"s": v} }
	at := func(d time.Duration, v float64) monitor.Point { return monitor.Point{Time: noon.Add(d), Value: v} }
	points := func(values ...float64) (out []monitor.Point) {
		for i, v := range values {
			out = append(out, at(time.Duration(i)*step, v))
		}
		return out
	}
	q.AnswerRange("x",
		monitor.Series{Labels: l("nan"), Points: points(1, math.NaN(), math.Inf(1), 2, math.Inf(-1), math.NaN())},
		monitor.Series{Labels: l("huge"), Points: points(math.MaxFloat64, -math.MaxFloat64, math.MaxFloat64, 0, 1, 5e-324)},
		monitor.Series{Labels: l("backward"), Points: []monitor.Point{at(step, 1), at(0, 2), at(step, 3), at(3*time.Second, 4)}},
		monitor.Series{Labels: l("often"), Points: []monitor.Point{at(0, 1), at(time.Millisecond, 2), at(time.Second, 3), at(step, 4)}},
		monitor.Series{Labels: nil, Points: points(1)},
	)
	e := newEngine(t, m, q, anomaly.WithWatch(anomaly.Watch{Name: "x", Expr: "x", Step: step, Lookback: -1}),
		anomaly.WithWatch(anomaly.Watch{Name: "y", Expr: "x", Step: step, Lookback: -1, New: func() (anomaly.Detector, error) {
			return observer(func(anomaly.Point) {}), nil
		}}))
	for d := time.Duration(0); d < time.Minute; d += 7 * time.Second {
		require.NoError(t, e.Detect(t.Context(), noon.Add(d)))
		_ = shown(t, m)
	}
	require.NoError(t, e.Detect(t.Context(), time.Time{}), "backwards")
	require.NoError(t, e.Detect(t.Context(), noon.AddDate(100, 0, 0)))
	require.Empty(t, e.Active())
}

func TestSeriesLimit(t *testing.T) {
	t.Parallel()
	m := monitortest.New(t)
	w := &world{}
	for i := range 10_000 {
		w.series = append(w.series, seriesOf{monitor.Labels{"i": strconv.Itoa(i)}, calm()})
	}
	one := watchOf(ewma)
	one.Lookback = -1
	e := newEngine(t, m, w, anomaly.WithWatch(one), anomaly.WithSeriesLimit(100), anomaly.WithBudget(1))
	require.NoError(t, e.Detect(t.Context(), noon))
	got := shown(t, m)
	require.Equal(t, 100.0, got[`anomaly_series{watch="requests"}`])
	require.Equal(t, 9900.0, got[`anomaly_shed_points_total{reason="series_limit",watch="requests"}`])

	w.mu.Lock()
	w.series = w.series[50:200] // fifty go, and a hundred are new
	w.mu.Unlock()
	require.NoError(t, e.Detect(t.Context(), noon.Add(step)))
	got = shown(t, m)
	require.Equal(t, 100.0, got[`anomaly_series{watch="requests"}`])
	require.Equal(t, 9950.0, got[`anomaly_shed_points_total{reason="series_limit",watch="requests"}`])
}

// The budget is kept over time, by points that are shed: in turn, and counted.
func TestBudgetSheds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, err := monitor.New()
		require.NoError(t, err)
		w := &world{}
		fed := map[int]int{}
		for i := range 100 {
			w.series = append(w.series, seriesOf{monitor.Labels{"i": strconv.Itoa(i)}, func(time.Time) (float64, bool) { return float64(i), true }})
		}
		one := watchOf(func() (anomaly.Detector, error) {
			return observer(func(p anomaly.Point) { // takes 20 ms
				time.Sleep(20 * time.Millisecond)
				if !math.IsNaN(p.Value) {
					fed[int(p.Value)]++
				}
			}), nil
		})
		one.Lookback = -1
		e := newEngine(t, m, w, anomaly.WithWatch(one), anomaly.WithBudget(0.05))
		const rounds = 200
		start, worked := time.Now(), time.Duration(0)
		for range rounds {
			began := time.Now()
			require.NoError(t, e.Detect(t.Context(), began))
			worked += time.Since(began)
			time.Sleep(step - time.Since(began))
		}
		share := float64(worked) / float64(time.Since(start))
		require.InDelta(t, 0.05, share, 0.005)
		all := 0
		least, most := math.MaxInt, 0
		for i := range 100 {
			all += fed[i]
			least, most = min(least, fed[i]), max(most, fed[i])
		}
		require.LessOrEqual(t, most-least, 2, "in turn")
		got := shown(t, m)
		require.Equal(t, float64(all), got[`anomaly_points_total{watch="requests"}`])
		require.Equal(t, float64(rounds*100-all), got[`anomaly_shed_points_total{reason="budget",watch="requests"}`])
	})
}

// Warming up waits for the budget, and loses nothing.
func TestWarmingUpWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, err := monitor.New()
		require.NoError(t, err)
		var seen []time.Time
		w := only(calm())
		one := watchOf(func() (anomaly.Detector, error) {
			return observer(func(p anomaly.Point) {
				time.Sleep(50 * time.Millisecond)
				seen = append(seen, p.Time)
			}), nil
		})
		e := newEngine(t, m, w, anomaly.WithWatch(one), anomaly.WithBudget(0.05))
		rounds, start, worked := 0, time.Now(), time.Duration(0)
		for len(seen) == 0 || time.Since(seen[len(seen)-1]) > step {
			require.Less(t, rounds, 100)
			rounds++
			now := time.Now()
			require.NoError(t, e.Detect(t.Context(), now))
			worked += time.Since(now)
			time.Sleep(step - time.Since(start)%step)
		}
		require.Less(t, worked, time.Since(start)/20+4*time.Second, "what a minute saves, and a query's worth")
		require.Greater(t, rounds, 10)
		for i := range seen[1:] {
			require.Equal(t, step, seen[i+1].Sub(seen[i]))
		}
		require.NotContains(t, shown(t, m), `anomaly_shed_points_total{reason="budget",watch="requests"}`)
	})
}

// trainee is a detector that is trained.
type trainee struct {
	observer
	trained func(ctx context.Context) error
}

func (d trainee) Train(ctx context.Context) error { return d.trained(ctx) }

func TestRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, err := monitor.New()
		require.NoError(t, err)
		w := only(calm())
		var mu sync.Mutex
		points, trained := 0, 0
		one := watchOf(func() (anomaly.Detector, error) {
			return trainee{observer(func(anomaly.Point) { mu.Lock(); points++; mu.Unlock() }), func(ctx context.Context) error {
				mu.Lock()
				trained++
				first := trained == 1
				mu.Unlock()
				if first {
					return nil
				}
				<-ctx.Done() // a long training does not hold up detection
				return ctx.Err()
			}}, nil
		})
		one.Lookback = -1
		e := newEngine(t, m, w, anomaly.WithWatch(one))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- m.Run(ctx, e) }()
		time.Sleep(10*step + step/2)
		mu.Lock()
		require.Equal(t, 11, points)
		require.Equal(t, 2, trained)
		mu.Unlock()
		w.fail(errors.New("away"))
		time.Sleep(3 * step)
		w.fail(nil)
		time.Sleep(2 * step)
		mu.Lock()
		require.Equal(t, 16, points)
		mu.Unlock()
		cancel()
		require.NoError(t, <-ended)
	})
}

func TestOff(t *testing.T) {
	t.Parallel()
	m := monitortest.New(t, monitor.WithDisabled())
	e := newEngine(t, m, only(calm()), anomaly.WithWatch(watchOf(bounds)))
	require.NoError(t, e.Detect(t.Context(), noon))
	require.ErrorIs(t, e.Confirm(t.Context(), "x", "me"), anomaly.ErrUnknown)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, e.Run(ctx))
}

func TestEngineOptions(t *testing.T) {
	t.Parallel()
	m := monitortest.New(t)
	_, err := anomaly.New(nil, nil,
		anomaly.WithWatch(anomaly.Watch{Sensitivity: -1, Step: time.Microsecond, Lookback: 1e18, Method: "\x00"}),
		anomaly.WithWatch(anomaly.Watch{Name: "a", Expr: "x", New: func() (anomaly.Detector, error) { panic("no") }}),
		anomaly.WithWatch(anomaly.Watch{Name: "a", Expr: "x", New: func() (anomaly.Detector, error) { return nil, nil }}),
		anomaly.WithSeriesLimit(0), anomaly.WithBudget(math.NaN()), anomaly.WithAnomalyRate(3, 2), anomaly.WithQuiet(-1),
		anomaly.WithStream(nil), anomaly.WithDetector(nil), nil)
	require.ErrorIs(t, err, monitor.ErrInvalidOption)
	for _, part := range []string{
		"Name =", "Expr =", "Step =", "Lookback =", "Sensitivity =", "Method =", "panicked", "there is none", "no other watch",
		"WithSeriesLimit", "WithBudget", "WithAnomalyRate", "WithQuiet", "WithStream", "WithDetector", "monitor = nil", "querier = nil",
	} {
		require.ErrorContains(t, err, part)
	}
	_, err = anomaly.New(m, only(calm()))
	require.ErrorContains(t, err, "at least one")

	newEngine(t, m, only(calm()), anomaly.WithWatch(watchOf(nil)))
	_, err = anomaly.New(m, only(calm()), anomaly.WithWatch(watchOf(nil)))
	require.ErrorContains(t, err, "the registry has an engine already")
}

// mostPerSeries is what the documentation says of the memory of a series with an EWMA.
const mostPerSeries = 2 << 10

func TestMemoryOfSeries(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector's memory is not ours")
	}
	const n = 2000
	m := monitortest.New(t)
	w := &world{}
	one := watchOf(ewma)
	one.Lookback = 10 * time.Minute
	e := newEngine(t, m, w, anomaly.WithWatch(one), anomaly.WithSeriesLimit(n), anomaly.WithBudget(1))
	for i := range n {
		w.series = append(w.series, seriesOf{monitor.Labels{"endpoint": fmt.Sprintf("/quotes/%d", i), "method": "GET"}, calm()})
	}
	before := heap()
	detect(t, e, 0, time.Minute)
	used := (heap() - before) / n
	t.Logf("%d bytes a series", used)
	require.Less(t, used, int64(mostPerSeries))
	runtime.KeepAlive(e)
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}

// Through the history of the process: what is detected is a metric, and can be asked
// for.
func TestHistoryOfTheProcess(t *testing.T) {
	t.Parallel()
	m := monitortest.New(t)
	orders := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "orders", Help: "Orders."}, []string{"side"})
	require.NoError(t, m.Registerer().Register(orders))
	db, err := history.New(m, history.WithInterval(step))
	require.NoError(t, err)
	one := watchOf(ewma)
	one.Expr = `sum by (side) (orders)`
	e := newEngine(t, m, db, anomaly.WithWatch(one))
	now := noon
	for i := range 400 {
		now = noon.Add(time.Duration(i) * step)
		buy := 100 + float64(i%7)
		if i == 398 {
			buy = 300
		}
		orders.WithLabelValues("buy").Set(buy)
		orders.WithLabelValues("sell").Set(50 + float64(i%5))
		require.NoError(t, db.Sample(t.Context(), now))
		if i >= 200 {
			require.NoError(t, e.Detect(t.Context(), now))
		}
	}
	active := e.Active()
	require.Len(t, active, 1)
	require.Equal(t, monitor.Labels{"side": "buy"}, active[0].Labels)
	samples, err := db.Query(t.Context(), `anomaly_active == 1`, now)
	require.NoError(t, err)
	require.Len(t, samples, 1)
	require.Equal(t, "buy", samples[0].Labels["side"])
	require.Equal(t, "requests", samples[0].Labels["watch"])
}

// A thousand series at ten seconds: what a Detect costs, query and all, as a share of
// a core.
func BenchmarkDetect(b *testing.B) {
	m, err := monitor.New()
	require.NoError(b, err)
	gauge := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "orders", Help: "Orders."}, []string{"i"})
	require.NoError(b, m.Registerer().Register(gauge))
	for i := range 1000 {
		gauge.WithLabelValues(strconv.Itoa(i))
	}
	db, err := history.New(m, history.WithInterval(step))
	require.NoError(b, err)
	one := watchOf(ewma)
	one.Expr, one.Lookback = "orders", -1
	e := newEngine(b, m, db, anomaly.WithWatch(one))
	now := noon
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		now = now.Add(step)
		require.NoError(b, db.Sample(b.Context(), now))
		b.StartTimer()
		require.NoError(b, e.Detect(b.Context(), now))
	}
	b.ReportMetric(100*float64(b.Elapsed())/float64(b.N)/float64(step), "%core")
}

// Scrapes, feedback and backups go on while it works.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	m := monitortest.New(t)
	w := &world{}
	for i := range 20 {
		w.series = append(w.series, seriesOf{monitor.Labels{"i": strconv.Itoa(i)}, calm([2]time.Duration{time.Minute, 2 * time.Minute})})
	}
	state, err := journal.Open(journal.Config{})
	require.NoError(t, err)
	e := newEngine(t, m, w, anomaly.WithWatch(watchOf(bounds)), anomaly.WithState(state), anomaly.WithQuiet(0))
	done := make(chan struct{})
	var others sync.WaitGroup
	for _, f := range []func(){
		func() { _, _ = m.Gatherer().Gather() },
		func() {
			for _, a := range append(e.Active(), e.Recent()...) {
				_ = e.Dismiss(t.Context(), a.ID, "me")
				_ = e.Confirm(t.Context(), a.ID, "me")
			}
		},
		func() {
			var b bytes.Buffer
			if e.Snapshot(t.Context(), &b) == nil {
				_ = e.Restore(t.Context(), &b)
			}
		},
	} {
		others.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					f()
				}
			}
		})
	}
	for range 3 {
		detect(t, e, 0, 4*time.Minute)
	}
	close(done)
	others.Wait()
}
