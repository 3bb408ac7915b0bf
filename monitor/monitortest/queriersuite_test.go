package monitortest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/monitortest"
)

// reference is Prometheus's own engine over series in memory: the authority on
// what the suite expects.
type reference struct {
	engine *promql.Engine
	series []monitor.Series
}

func newReference(_ testing.TB, series []monitor.Series) monitor.Querier {
	return &reference{
		engine: promql.NewEngine(promql.EngineOpts{MaxSamples: 20_000, Timeout: time.Minute, LookbackDelta: 5 * time.Minute}),
		series: series,
	}
}

// Query implements monitor.Querier.
func (r *reference) Query(ctx context.Context, expr string, at time.Time) ([]monitor.Sample, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	q, err := r.engine.NewInstantQuery(ctx, r, nil, expr, at)
	if err != nil {
		return nil, fmt.Errorf("query %q: %w: %w", expr, monitor.ErrQueryInvalid, err)
	}
	defer q.Close()
	res := q.Exec(ctx)
	if res.Err != nil {
		return nil, fmt.Errorf("query %q: %w", expr, kindOf(ctx, res.Err))
	}
	var out []monitor.Sample
	switch v := res.Value.(type) {
	case promql.String, promql.Matrix:
		return nil, fmt.Errorf("query %q: %w: it is a %s", expr, monitor.ErrQueryInvalid, v.Type())
	case promql.Scalar:
		out = append(out, monitor.Sample{Labels: monitor.Labels{}, Point: point(v.T, v.V)})
	case promql.Vector:
		for _, s := range v {
			out = append(out, monitor.Sample{Labels: s.Metric.Map(), Point: point(s.T, s.F)})
		}
	}
	return out, nil
}

// QueryRange implements monitor.Querier.
func (r *reference) QueryRange(ctx context.Context, expr string, rng monitor.Range) ([]monitor.Series, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if rng.Step < time.Millisecond || rng.To.Before(rng.From) {
		return nil, fmt.Errorf("query %q: %w: range %v: want a step and an end after its start", expr, monitor.ErrQueryInvalid, rng)
	}
	q, err := r.engine.NewRangeQuery(ctx, r, nil, expr, rng.From, rng.To, rng.Step)
	if err != nil {
		return nil, fmt.Errorf("query %q: %w: %w", expr, monitor.ErrQueryInvalid, err)
	}
	defer q.Close()
	res := q.Exec(ctx)
	m, err := res.Matrix()
	if err != nil {
		return nil, fmt.Errorf("query %q: %w", expr, kindOf(ctx, err))
	}
	var out []monitor.Series
	for _, s := range m {
		series := monitor.Series{Labels: s.Metric.Map()}
		for _, p := range s.Floats {
			series.Points = append(series.Points, point(p.T, p.F))
		}
		out = append(out, series)
	}
	return out, nil
}

// kindOf makes an error of the engine's one of package monitor's kinds.
func kindOf(ctx context.Context, err error) error {
	if end := ctx.Err(); end != nil {
		return end
	}
	if _, ok := errors.AsType[promql.ErrTooManySamples](err); ok {
		return fmt.Errorf("%w: %w", monitor.ErrQueryLimit, err)
	}
	return fmt.Errorf("%w: %w", monitor.ErrQueryInvalid, err)
}

func point(ms int64, v float64) monitor.Point {
	return monitor.Point{Time: time.UnixMilli(ms), Value: v}
}

// Querier implements storage.Queryable.
func (r *reference) Querier(int64, int64) (storage.Querier, error) {
	return &storage.MockQuerier{SelectMockFunction: r.find}, nil
}

func (r *reference) find(_ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	set := &seriesSet{at: -1}
series:
	for _, s := range r.series {
		l := labels.FromMap(s.Labels)
		for _, m := range matchers {
			if !m.Matches(l.Get(m.Name)) {
				continue series
			}
		}
		var samples []chunks.Sample
		for _, p := range s.Points {
			samples = append(samples, memorySample{p.Time.UnixMilli(), p.Value})
		}
		set.series = append(set.series, storage.NewListSeries(l, samples))
	}
	slices.SortFunc(set.series, func(a, b storage.Series) int { return labels.Compare(a.Labels(), b.Labels()) })
	return set
}

// memorySample is a float sample in memory.
type memorySample struct {
	t int64
	f float64
}

func (s memorySample) T() int64                      { return s.t }
func (s memorySample) ST() int64                     { return 0 }
func (s memorySample) F() float64                    { return s.f }
func (s memorySample) H() *histogram.Histogram       { return nil }
func (s memorySample) FH() *histogram.FloatHistogram { return nil }
func (s memorySample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s memorySample) Copy() chunks.Sample           { return s }

// seriesSet implements storage.SeriesSet.
type seriesSet struct {
	series []storage.Series
	at     int
}

func (s *seriesSet) Next() bool                        { s.at++; return s.at < len(s.series) }
func (s *seriesSet) At() storage.Series                { return s.series[s.at] }
func (s *seriesSet) Err() error                        { return nil }
func (s *seriesSet) Warnings() annotations.Annotations { return nil }

// TestPrometheusPasses: the suite expects what Prometheus's engine answers.
func TestPrometheusPasses(t *testing.T) {
	t.Parallel()
	monitortest.TestQuerier(t, newReference, monitortest.QuerierUTF8Names)
}

// faulty changes what the reference says.
type faulty struct {
	monitor.Querier
	query  func(ctx context.Context, expr string, at time.Time, answer []monitor.Sample, err error) ([]monitor.Sample, error)
	ranged func(ctx context.Context, expr string, r monitor.Range, answer []monitor.Series, err error) ([]monitor.Series, error)
}

func (f *faulty) Query(ctx context.Context, expr string, at time.Time) ([]monitor.Sample, error) {
	answer, err := f.Querier.Query(ctx, expr, at)
	if f.query == nil {
		return answer, err
	}
	return f.query(ctx, expr, at, answer, err)
}

func (f *faulty) QueryRange(ctx context.Context, expr string, r monitor.Range) ([]monitor.Series, error) {
	answer, err := f.Querier.QueryRange(ctx, expr, r)
	if f.ranged == nil {
		return answer, err
	}
	return f.ranged(ctx, expr, r, answer, err)
}

type (
	samplesFunc = func(ctx context.Context, expr string, at time.Time, answer []monitor.Sample, err error) ([]monitor.Sample, error)
	seriesFunc  = func(ctx context.Context, expr string, r monitor.Range, answer []monitor.Series, err error) ([]monitor.Series, error)
)

// eachSample makes a fault of a change of every sample.
func eachSample(change func(*monitor.Sample)) samplesFunc {
	return func(_ context.Context, _ string, _ time.Time, answer []monitor.Sample, err error) ([]monitor.Sample, error) {
		for i := range answer {
			change(&answer[i])
		}
		return answer, err
	}
}

// eachSeries makes a fault of a change of every series.
func eachSeries(change func(*monitor.Series)) seriesFunc {
	return func(_ context.Context, _ string, _ monitor.Range, answer []monitor.Series, err error) ([]monitor.Series, error) {
		for i := range answer {
			change(&answer[i])
		}
		return answer, err
	}
}

// TestFaultyQueriersAreCaught: each fault is found by the check that is for it.
func TestFaultyQueriersAreCaught(t *testing.T) {
	t.Parallel()
	noSamples := map[string][]monitor.Sample{}
	noSeries := map[string][]monitor.Series{}
	for name, c := range map[string]struct {
		query  samplesFunc
		ranged seriesFunc
		check  string
		says   string
	}{
		"old time": {query: eachSample(func(s *monitor.Sample) { s.Time = s.Time.Truncate(15 * time.Second) }), check: "instant query", says: "time ="},
		"drops the name": {query: eachSample(func(s *monitor.Sample) {
			delete(s.Labels, monitor.MetricName)
		}), check: "instant query", says: "conformance_celsius"},
		"keeps escapes": {query: eachSample(func(s *monitor.Sample) {
			if v := s.Labels["text"]; v != "" {
				s.Labels["text"] = fmt.Sprintf("%q", v)
			}
		}), check: "instant query", says: "no sample"},
		"rounds": {query: eachSample(func(s *monitor.Sample) { s.Value = float64(int(s.Value*10)) / 10 }), check: "instant query", says: "value = 0.5"},
		"first series only": {query: func(_ context.Context, _ string, _ time.Time, answer []monitor.Sample, err error) ([]monitor.Sample, error) {
			return answer[:min(1, len(answer))], err
		}, check: "instant query", says: "1 samples: want 2"},
		"twice": {query: func(_ context.Context, _ string, _ time.Time, answer []monitor.Sample, err error) ([]monitor.Sample, error) {
			return append(answer, answer...), err
		}, check: "instant query", says: "4 samples: want 2"},
		"same series twice": {query: func(_ context.Context, _ string, _ time.Time, answer []monitor.Sample, err error) ([]monitor.Sample, error) {
			if len(answer) == 2 {
				answer[1] = answer[0]
			}
			return answer, err
		}, check: "instant query", says: "2 samples: want 2"},
		"panics": {query: func(context.Context, string, time.Time, []monitor.Sample, error) ([]monitor.Sample, error) {
			panic("boom")
		}, check: "instant query", says: "boom"},

		"newest first": {ranged: eachSeries(func(s *monitor.Series) { slices.Reverse(s.Points) }), check: "range query", says: "oldest first"},
		"without the last": {ranged: func(_ context.Context, _ string, r monitor.Range, answer []monitor.Series, err error) ([]monitor.Series, error) {
			for i := range answer {
				answer[i].Points = slices.DeleteFunc(answer[i].Points, func(p monitor.Point) bool { return !p.Time.Before(r.To) })
			}
			return answer, err
		}, check: "range query", says: "points: want"},
		"on round times": {ranged: func(_ context.Context, _ string, r monitor.Range, answer []monitor.Series, err error) ([]monitor.Series, error) {
			for i := range answer {
				for j := range answer[i].Points {
					p := &answer[i].Points[j]
					p.Time = p.Time.Truncate(r.Step)
				}
			}
			return answer, err
		}, check: "range query", says: "beside the samples"},
		"fills gaps": {ranged: func(_ context.Context, _ string, r monitor.Range, answer []monitor.Series, err error) ([]monitor.Series, error) {
			for i := range answer {
				for len(answer[i].Points) > 0 && answer[i].Points[0].Time.After(r.From) {
					p := monitor.Point{Time: answer[i].Points[0].Time.Add(-r.Step)}
					answer[i].Points = slices.Insert(answer[i].Points, 0, p)
				}
			}
			return answer, err
		}, check: "range query", says: "from before the first one"},
		"keeps empty series": {ranged: func(_ context.Context, expr string, _ monitor.Range, answer []monitor.Series, err error) ([]monitor.Series, error) {
			if len(answer) == 0 {
				answer = []monitor.Series{{Labels: monitor.Labels{}}}
			}
			return answer, err
		}, check: "empty result", says: "1 series: want 0"},
		"nothing is an error": {query: func(_ context.Context, _ string, _ time.Time, answer []monitor.Sample, err error) ([]monitor.Sample, error) {
			if err == nil && len(answer) == 0 {
				err = errors.New("no data")
			}
			return answer, err
		}, check: "empty result", says: "no data"},
		"nothing is zero": {query: func(_ context.Context, _ string, at time.Time, answer []monitor.Sample, err error) ([]monitor.Sample, error) {
			if len(answer) == 0 {
				answer = []monitor.Sample{{Point: monitor.Point{Time: at}}}
			}
			return answer, err
		}, check: "empty result", says: "1 samples: want 0"},

		"no scalars": {query: func(_ context.Context, _ string, _ time.Time, answer []monitor.Sample, err error) ([]monitor.Sample, error) {
			return slices.DeleteFunc(answer, func(s monitor.Sample) bool { return len(s.Labels) == 0 }), err
		}, check: "scalar", says: "0 samples: want 1"},
		"named scalars": {query: eachSample(func(s *monitor.Sample) {
			if len(s.Labels) == 0 {
				s.Labels = monitor.Labels{monitor.MetricName: "scalar"}
			}
		}), check: "scalar", says: "no sample {}"},
		"drops NaN": {query: func(_ context.Context, _ string, _ time.Time, answer []monitor.Sample, err error) ([]monitor.Sample, error) {
			return slices.DeleteFunc(answer, func(s monitor.Sample) bool { return s.Value != s.Value }), err
		}, check: "special values", says: "0 / 0"},
		"NaN is zero": {query: eachSample(func(s *monitor.Sample) {
			if s.Value != s.Value {
				s.Value = 0
			}
		}), check: "special values", says: "value = 0: want NaN"},
		"infinity is large": {query: eachSample(func(s *monitor.Sample) { s.Value = min(s.Value, 1e308) }), check: "special values", says: "want +Inf"},
		"drops NaN in ranges": {ranged: eachSeries(func(s *monitor.Series) {
			s.Points = slices.DeleteFunc(s.Points, func(p monitor.Point) bool { return p.Value != p.Value })
		}), check: "special values", says: "QueryRange"},

		"does not mind bad expressions": {query: func(_ context.Context, _ string, _ time.Time, answer []monitor.Sample, _ error) ([]monitor.Sample, error) {
			return answer, nil
		}, check: "bad expression", says: "no error"},
		"does not name bad expressions": {query: func(_ context.Context, _ string, _ time.Time, answer []monitor.Sample, err error) ([]monitor.Sample, error) {
			if err != nil {
				err = monitor.ErrQueryInvalid
			}
			return answer, err
		}, check: "bad expression", says: "does not name the expression"},
		"does not name them in ranges": {ranged: func(_ context.Context, _ string, _ monitor.Range, answer []monitor.Series, err error) ([]monitor.Series, error) {
			if err != nil {
				err = monitor.ErrQueryInvalid
			}
			return answer, err
		}, check: "bad expression", says: "QueryRange"},
		"has one error for all": {query: func(_ context.Context, expr string, _ time.Time, answer []monitor.Sample, err error) ([]monitor.Sample, error) {
			if err != nil {
				err = fmt.Errorf("query %s: %w", expr, monitor.ErrQueryUnavailable)
			}
			return answer, err
		}, check: "bad expression", says: "want one that wraps ErrQueryInvalid"},
		"does not mind texts": {query: func(_ context.Context, _ string, _ time.Time, answer []monitor.Sample, err error) ([]monitor.Sample, error) {
			if errors.Is(err, monitor.ErrQueryInvalid) {
				err = nil
			}
			return answer, err
		}, check: "not numbers", says: `Query "text": error = none`},
		"does not mind matrices": {ranged: func(_ context.Context, _ string, _ monitor.Range, answer []monitor.Series, err error) ([]monitor.Series, error) {
			if errors.Is(err, monitor.ErrQueryInvalid) {
				err = nil
			}
			return answer, err
		}, check: "not numbers", says: `QueryRange conformance_celsius[1m]: error = none`},
		"calls any limit a mistake": {ranged: func(_ context.Context, _ string, _ monitor.Range, answer []monitor.Series, err error) ([]monitor.Series, error) {
			if errors.Is(err, monitor.ErrQueryLimit) {
				err = monitor.ErrQueryInvalid
			}
			return answer, err
		}, check: "too many steps", says: "want one that wraps ErrQueryLimit"},
		"takes any range": {ranged: func(_ context.Context, _ string, r monitor.Range, answer []monitor.Series, err error) ([]monitor.Series, error) {
			if r.Step <= 0 {
				return nil, nil
			}
			return answer, err
		}, check: "bad range", says: "negative step"},
		"hangs without a step": {ranged: func(_ context.Context, _ string, r monitor.Range, answer []monitor.Series, err error) ([]monitor.Series, error) {
			if r.Step == 0 {
				time.Sleep(asleep)
			}
			return answer, err
		}, check: "bad range", says: "without a step: error = QueryRange conformance_celsius did not return"},
		"ignores its context": {query: func(ctx context.Context, _ string, _ time.Time, answer []monitor.Sample, err error) ([]monitor.Sample, error) {
			if ctx.Err() != nil {
				time.Sleep(asleep)
			}
			return answer, err
		}, check: "context", says: "did not return within"},
		"answers after its context ended": {query: func(ctx context.Context, _ string, _ time.Time, answer []monitor.Sample, err error) ([]monitor.Sample, error) {
			if ctx.Err() != nil {
				err = nil
			}
			return answer, err
		}, check: "context", says: "error = none"},
		"hides the context's error": {ranged: func(ctx context.Context, _ string, _ monitor.Range, answer []monitor.Series, err error) ([]monitor.Series, error) {
			if ctx.Err() != nil {
				return nil, errors.New("query was stopped")
			}
			return answer, err
		}, check: "context", says: "query was stopped"},

		"works in seconds": {query: eachSample(func(s *monitor.Sample) { s.Time = s.Time.Truncate(time.Second) }), check: "milliseconds", says: "time ="},
		"works in seconds over ranges": {ranged: eachSeries(func(s *monitor.Series) {
			for i := range s.Points {
				s.Points[i].Time = s.Points[i].Time.Truncate(time.Second)
			}
		}), check: "milliseconds", says: "QueryRange"},
		"gives back the time it was given": {query: func(_ context.Context, _ string, at time.Time, answer []monitor.Sample, err error) ([]monitor.Sample, error) {
			for i := range answer {
				answer[i].Time = at
			}
			return answer, err
		}, check: "milliseconds", says: "time ="},
		"never forgets": {query: func(_ context.Context, expr string, at time.Time, answer []monitor.Sample, err error) ([]monitor.Sample, error) {
			if expr == "conformance_gone" && len(answer) == 0 {
				answer = []monitor.Sample{{Labels: monitor.Labels{monitor.MetricName: expr}, Point: monitor.Point{Time: at, Value: 5}}}
			}
			return answer, err
		}, check: "end of a series", says: "Query conformance_gone: 1 samples: want 0"},
		"takes the end for a value": {ranged: eachSeries(func(s *monitor.Series) {
			if s.Labels[monitor.MetricName] == "conformance_gone" {
				s.Points = append(s.Points, monitor.Point{Time: s.Points[len(s.Points)-1].Time.Add(15 * time.Second), Value: monitortest.Stale()})
			}
		}), check: "end of a series", says: "QueryRange conformance_gone"},
		"answers by half when cancelled": {ranged: func(ctx context.Context, expr string, r monitor.Range, answer []monitor.Series, err error) ([]monitor.Series, error) {
			if expr == "sum by (code) (rate(conformance_requests_total[2m]))" && r.Step == 30*time.Second {
				time.Sleep(time.Millisecond)
				if ctx.Err() != nil {
					answer, err = answer[:min(1, len(answer))], nil
				}
			}
			return answer, err
		}, check: "cancelled under way", says: "series: want 2"},
		"escapes names": {query: eachSample(func(s *monitor.Sample) {
			if v, ok := s.Labels["市场/name"]; ok {
				delete(s.Labels, "市场/name")
				s.Labels["U__name"] = v
			}
		}), check: "UTF-8 names", says: "no sample"},

		"caches what it returned": {query: func(_ context.Context, expr string, at time.Time, answer []monitor.Sample, err error) ([]monitor.Sample, error) {
			if _, ok := noSamples[expr+at.String()]; !ok {
				noSamples[expr+at.String()] = answer
			}
			return noSamples[expr+at.String()], err
		}, check: "ownership", says: "after its first result was changed"},
		"caches ranges it returned": {ranged: func(_ context.Context, expr string, r monitor.Range, answer []monitor.Series, err error) ([]monitor.Series, error) {
			key := fmt.Sprint(expr, r)
			if _, ok := noSeries[key]; !ok {
				noSeries[key] = answer
			}
			return noSeries[key], err
		}, check: "ownership", says: "after its first result was changed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				found := monitortest.QuerierProblems(t, func(t testing.TB, series []monitor.Series) monitor.Querier {
					return &faulty{newReference(t, series), c.query, c.ranged}
				}, monitortest.QuerierUTF8Names)
				time.Sleep(2 * asleep) // let those that sleep come back
				require.ErrorContains(t, found[c.check], c.says, "%v", found)
			})
		})
	}
}

// busy can answer one at a time only.
type busy struct {
	monitor.Querier
	running atomic.Int32
}

func (b *busy) Query(ctx context.Context, expr string, at time.Time) ([]monitor.Sample, error) {
	defer b.running.Add(-1)
	if b.running.Add(1) > 1 {
		return nil, errors.New("busy")
	}
	time.Sleep(time.Millisecond)
	return b.Querier.Query(ctx, expr, at)
}

func TestQuerierThatIsBusyIsCaught(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		found := monitortest.QuerierProblems(t, func(t testing.TB, series []monitor.Series) monitor.Querier {
			return &busy{Querier: newReference(t, series)}
		})
		require.ErrorContains(t, found["concurrency"], "busy")
		require.Len(t, found, 1)
	})
}
