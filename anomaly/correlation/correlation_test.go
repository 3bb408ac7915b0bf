package correlation_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/anomaly/correlation"
	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/monitortest"
)

// What moved, with a correlation of 0.45, is found among thirty-six that did not, with
// its lag and its sign, and few of these are.
func TestCoMoving(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	const rounds = 50
	var right, wrong, found int
	for range rounds {
		x := load(r, 120)
		var all []monitor.Series
		lags := []int{0, 3, -4, 1}
		for i, lag := range lags {
			y := after(r, x, lag, 2)
			if i == 3 {
				for k := range y {
					y[k] = -y[k]
				}
			}
			all = append(all, named(fmt.Sprintf("with_%d", i), points(y)))
		}
		for i := range 36 {
			all = append(all, named(fmt.Sprintf("other_%d", i), points(load(r, 120))))
		}
		res, err := correlation.CoMoving(points(x), all, monitor.Range{})
		require.NoError(t, err)
		require.Equal(t, 40, res.Judged)
		require.Equal(t, 5*time.Minute, res.Lag)
		require.Equal(t, monitor.Range{From: start, To: start.Add(119 * time.Minute), Step: time.Minute}, res.Window)
		for i, rel := range res.Relations {
			require.LessOrEqual(t, rel.P, rel.Q)
			require.LessOrEqual(t, rel.Q, 0.05)
			if i > 0 {
				require.LessOrEqual(t, res.Relations[i-1].P, rel.P)
			}
			if rel.Index >= len(lags) {
				wrong++
				continue
			}
			found++
			if rel.Lag == time.Duration(lags[rel.Index])*time.Minute && (rel.R < 0) == (rel.Index == 3) && (rel.Raw < 0) == (rel.Index == 3) {
				right++
			}
		}
	}
	t.Logf("%d of %d found, %d of them with lag and sign, %d others", found, rounds*4, right, wrong)
	require.Greater(t, found, rounds*4*80/100)
	require.Greater(t, right, found*98/100)
	require.Less(t, float64(wrong)/float64(found+wrong), 0.06)
}

// How often what is unrelated is found at 5 %, by what it is like.
func TestUnrelated(t *testing.T) {
	t.Parallel()
	made := map[string]func(r *rand.Rand) []monitor.Point{
		"a day's season": func(r *rand.Rand) []monitor.Point {
			x := load(r, 240)
			for i := range x {
				x[i] += 10 * daily(i)
			}
			return every(time.Hour, x)
		},
		"three days of a season": func(r *rand.Rand) []monitor.Point {
			x := load(r, 72)
			for i := range x {
				x[i] += 10 * daily(i)
			}
			return every(time.Hour, x)
		},
		"growth": func(r *rand.Rand) []monitor.Point {
			x := load(r, 120)
			for i := range x {
				x[i] += 10 * math.Tanh(float64(i)/60)
			}
			return points(x)
		},
		"gaps and jitter": func(r *rand.Rand) []monitor.Point {
			all := points(load(r, 150))
			for i := range all {
				all[i].Time = all[i].Time.Add(time.Duration(r.IntN(10)) * time.Second)
				if r.IntN(10) == 0 {
					all[i].Value = math.NaN()
				}
			}
			return all
		},
		"counts": func(r *rand.Rand) []monitor.Point {
			x := make([]float64, 120)
			for i := range x {
				x[i] = max(0, float64(r.IntN(12)-8))
			}
			return points(x)
		},
	}
	for name, one := range made {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(3, 4))
			const pairs = 500
			found := 0
			for range pairs {
				res, err := correlation.CoMoving(one(r), []monitor.Series{named("y", one(r))}, monitor.Range{})
				require.NoError(t, err)
				require.Equal(t, 1, res.Judged)
				found += len(res.Relations)
			}
			t.Logf("%s: %.1f %%", name, 100*float64(found)/pairs)
			require.LessOrEqual(t, float64(found)/pairs, 0.07, "5 %% are due, give or take 2 in so many")
		})
	}
}

func TestQuery(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(15, 6))
	x := load(r, 180)
	q := new(monitortest.Querier)
	q.AnswerRange("target", named("target", points(x)))
	q.AnswerRange(`{job="api"}`, named("target", points(x)), named("cause", points(after(r, x, -2, 0.3))))
	q.AnswerRange("sum(other)", monitor.Series{Points: points(load(r, 180))}, named("flat", points(make([]float64, 180))),
		named("short", points(x[:30])), named("few", points(x[:100])[80:]))
	window := monitor.Range{From: start, To: start.Add(179 * time.Minute), Step: time.Minute}
	res, err := correlation.Query(t.Context(), q, "target", []string{"sum(other)", `{job="api"}`}, window)
	require.NoError(t, err)
	require.Len(t, res.Relations, 1)
	require.Equal(t, 1, res.Relations[0].Index)
	require.Equal(t, -2*time.Minute, res.Relations[0].Lag)
	require.Contains(t, res.Relations[0].String(), "cause leads by 2m0s: R 0.")
	require.Equal(t, 2, res.Judged)
	require.Len(t, res.Skipped, 3)
	require.ErrorIs(t, res.Skipped[0].Err, correlation.ErrConstant)
	require.EqualError(t, res.Skipped[0].Err, "correlation: flat: the series never changes")
	require.ErrorIs(t, res.Skipped[1].Err, correlation.ErrIrregular)
	require.ErrorIs(t, res.Skipped[2].Err, correlation.ErrIrregular)

	_, err = correlation.Query(t.Context(), q, `{job="api"}`, nil, window)
	require.ErrorIs(t, err, monitor.ErrQueryInvalid)
	require.EqualError(t, err, `correlation: target "{job=\"api\"}": invalid query: 2 series, want 1`)
	_, err = correlation.Query(t.Context(), q, "target", []string{"sum(other)"}, window, correlation.WithCandidates(3))
	require.ErrorIs(t, err, monitor.ErrQueryLimit)
	down := errors.New("down")
	q.Fail("target", down)
	_, err = correlation.Query(t.Context(), q, "target", nil, window)
	require.ErrorIs(t, err, down)
	require.ErrorContains(t, err, `correlation: query of the target "target": `)
	q.Fail("target", nil)
	q.Fail("sum(other)", down)
	_, err = correlation.Query(t.Context(), q, "target", []string{"sum(other)"}, window)
	require.ErrorContains(t, err, `correlation: query "sum(other)": `)
	q.Fail("sum(other)", nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = correlation.Query(ctx, late{q}, "target", []string{"sum(other)"}, window)
	require.ErrorIs(t, err, context.Canceled)
}

// late answers whether or not anybody waits.
type late struct{ q *monitortest.Querier }

func (l late) Query(_ context.Context, promql string, at time.Time) ([]monitor.Sample, error) {
	return l.q.Query(context.Background(), promql, at)
}

func (l late) QueryRange(_ context.Context, promql string, r monitor.Range) ([]monitor.Series, error) {
	return l.q.QueryRange(context.Background(), promql, r)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 8))
	x := points(load(r, 120))
	constant := points(make([]float64, 120))
	pure := make([]float64, 240)
	for i := range pure {
		pure[i] = daily(i)
	}
	sameTime := slices.Repeat([]monitor.Point{{Time: start, Value: 1}, {Time: start, Value: 2}}, 50)
	hour := monitor.Range{From: start, To: start.Add(time.Hour), Step: time.Minute}
	for name, c := range map[string]struct {
		target []monitor.Point
		window monitor.Range
		opts   []correlation.Option
		is     error
		says   string
	}{
		"nothing":             {nil, monitor.Range{}, nil, correlation.ErrShort, "correlation: target: too few values: no point with a finite value"},
		"no number":           {[]monitor.Point{{Time: start, Value: math.NaN()}}, hour, nil, correlation.ErrShort, "no point with a finite value"},
		"one time":            {sameTime, monitor.Range{}, nil, correlation.ErrShort, "all at the same time"},
		"elsewhere":           {x, monitor.Range{From: start.Add(-2 * time.Hour), To: start.Add(-time.Hour), Step: time.Minute}, nil, correlation.ErrShort, "none in the window"},
		"mostly gaps":         {x, monitor.Range{To: start.Add(10 * time.Hour)}, nil, correlation.ErrIrregular, "have no value"},
		"constant":            {constant, monitor.Range{}, nil, correlation.ErrConstant, "correlation: target: the series never changes"},
		"only a season":       {every(time.Hour, pure), monitor.Range{}, nil, correlation.ErrConstant, "but for its season"},
		"backwards":           {x, monitor.Range{From: start, To: start.Add(-1), Step: time.Minute}, nil, monitor.ErrQueryInvalid, "a window from"},
		"negative step":       {x, monitor.Range{Step: -1}, nil, monitor.ErrQueryInvalid, "a step of -1ns"},
		"many steps":          {x, monitor.Range{Step: time.Nanosecond}, nil, monitor.ErrQueryLimit, "of at most 20000"},
		"long lag":            {x, monitor.Range{}, []correlation.Option{correlation.WithLag(2 * time.Hour)}, monitor.ErrInvalidOption, "WithLag(2h0m0s): want at most 100 steps of 1m0s"},
		"negative lag":        {x, hour, []correlation.Option{correlation.WithLag(-1)}, monitor.ErrInvalidOption, "WithLag(-1ns)"},
		"no rate":             {x, hour, []correlation.Option{correlation.WithRate(0), nil}, monitor.ErrInvalidOption, "WithRate(0)"},
		"no number as a rate": {x, hour, []correlation.Option{correlation.WithRate(math.NaN())}, monitor.ErrInvalidOption, "WithRate(NaN)"},
		"no candidates":       {x, hour, []correlation.Option{correlation.WithCandidates(0)}, monitor.ErrInvalidOption, "WithCandidates(0)"},
	} {
		_, err := correlation.CoMoving(c.target, []monitor.Series{named("y", x)}, c.window, c.opts...)
		require.ErrorIs(t, err, c.is, name)
		require.ErrorContains(t, err, c.says, name)
	}
	res, err := correlation.CoMoving(x, nil, monitor.Range{})
	require.NoError(t, err)
	require.Zero(t, res.Judged)
	res, err = correlation.CoMoving(x[:25], []monitor.Series{named("y", x)}, monitor.Range{}, correlation.WithLag(10*time.Minute))
	require.NoError(t, err)
	require.ErrorIs(t, res.Skipped[0].Err, correlation.ErrShort)
}

// Whatever the values are, numbers are finite and chances are chances; points in
// any order are the same.
func TestOddValues(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(9, 9))
	all := map[string]func(i int) float64{
		"huge":      func(int) float64 { return 1.7e308 * (2*r.Float64() - 1) },
		"tiny":      func(i int) float64 { return 5e-324 * float64(i%7) },
		"exploding": func(i int) float64 { return math.Exp2(float64(i) * 8) },
		"ramp":      func(i int) float64 { return float64(i) },
		"parabola":  func(i int) float64 { return float64(i * i) },
		"alternate": func(i int) float64 { return float64(i % 2) },
		"one":       func(i int) float64 { return map[bool]float64{true: 1}[i == 60] },
		"noise":     func(int) float64 { return r.NormFloat64() },
		"infinite":  func(i int) float64 { return []float64{r.Float64(), math.Inf(i%4 - 2)}[min(1, i%9/8)] },
	}
	var candidates []monitor.Series
	for name, f := range all {
		x := make([]float64, 120)
		for i := range x {
			x[i] = f(i)
		}
		candidates = append(candidates, named(name, points(x)))
	}
	for _, target := range candidates {
		res, err := correlation.CoMoving(target.Points, candidates, monitor.Range{}, correlation.WithRate(1))
		require.NoError(t, err)
		require.Equal(t, len(all), res.Judged)
		for _, rel := range res.Relations {
			for _, v := range []float64{rel.R, rel.Raw} {
				require.True(t, v >= -1 && v <= 1, "%v with %v: %v", target.Labels, rel.Labels, rel)
			}
			for _, v := range []float64{rel.P, rel.Q} {
				require.True(t, v >= 0 && v <= 1, "%v with %v: %v", target.Labels, rel.Labels, rel)
			}
			other := rel.Labels[monitor.MetricName]
			if name := target.Labels[monitor.MetricName]; name != other {
				require.Greater(t, rel.P, 1e-4, "%v with %v", target.Labels, rel)
			}
		}
		shuffled := slices.Clone(target.Points)
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		again, err := correlation.CoMoving(shuffled, candidates, monitor.Range{}, correlation.WithRate(1))
		require.NoError(t, err)
		require.Equal(t, res, again)
	}
}

// A thousand candidates of six hours of minutes.
func BenchmarkCoMoving(b *testing.B) {
	r := rand.New(rand.NewPCG(3, 4))
	x := points(load(r, 360))
	var all []monitor.Series
	for range 1000 {
		all = append(all, named("y", points(load(r, 360))))
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := correlation.CoMoving(x, all, monitor.Range{}); err != nil {
			b.Fatal(err)
		}
	}
}

// A window of more steps than a number holds is refused as any that is too long.
func TestEndlessWindow(t *testing.T) {
	t.Parallel()
	points := make([]monitor.Point, 50)
	now := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	for i := range points {
		points[i] = monitor.Point{Time: now.Add(time.Duration(i) * time.Minute), Value: float64(i * i % 7)}
	}
	_, err := correlation.CoMoving(points, nil, monitor.Range{From: time.Time{}.Add(1), To: now, Step: 1})
	require.ErrorIs(t, err, monitor.ErrQueryLimit)
}
