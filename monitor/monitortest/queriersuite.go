package monitortest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chronoretrace/chronomon/monitor"
)

// NewQuerier makes a querier that answers from these series, which are samples
// of the last half hour, 15 s apart, oldest first. A value that [IsStale] is not
// a number but the end of its series. It is called once for each check, within a
// run of the suite with the same series, and may register cleanups with t.
type NewQuerier func(t testing.TB, series []monitor.Series) monitor.Querier

// TestQuerier checks that a querier keeps what [monitor.Querier] says and
// answers as Prometheus does:
//
//   - instant queries: values, labels, the time of the query; several series,
//     none, a scalar; a not-a-number and infinities are values;
//   - range queries: a point for each step from the first time to the last,
//     oldest first, none where a series has no value;
//   - times are of whole milliseconds, what they have beyond is cut off;
//   - a series has its last value for five minutes, or until it is stale;
//   - an expression or a range that is none is an error that names it and wraps
//     [monitor.ErrQueryInvalid], and so is an answer that is not numbers;
//   - ten million steps are an error that wraps [monitor.ErrQueryLimit];
//   - the end of the context is an error that wraps it;
//   - what was returned is the caller's;
//   - concurrent calls.
func TestQuerier(t *testing.T, newQuerier NewQuerier, traits ...QuerierTrait) {
	t.Helper()
	runChecks(t, querierChecks(newQuerier, traits))
}

func querierChecks(newQuerier NewQuerier, traits []QuerierTrait) []check {
	base := time.Now().Add(-30 * time.Minute).Truncate(time.Minute)
	with := func(f func(q querierTest) error) func(testing.TB) error {
		return func(t testing.TB) error {
			return f(querierTest{newQuerier(t, querierSeries(base, traits)), base, traits})
		}
	}
	checks := []check{
		{"instant query", with(querierTest.instant)},
		{"range query", with(querierTest.ranges)},
		{"scalar", with(querierTest.scalar)},
		{"special values", with(querierTest.special)},
		{"empty result", with(querierTest.empty)},
		{"bad expression", with(querierTest.badExpression)},
		{"bad range", with(querierTest.badRange)},
		{"not numbers", with(querierTest.notNumbers)},
		{"too many steps", with(querierTest.tooMany)},
		{"milliseconds", with(querierTest.milliseconds)},
		{"end of a series", with(querierTest.ends)},
		{"context", with(querierTest.context)},
		{"cancelled under way", with(querierTest.cancelled)},
		{"ownership", with(querierTest.ownership)},
		{"concurrency", with(querierTest.concurrency)},
	}
	if slices.Contains(traits, QuerierUTF8Names) {
		checks = append(checks, check{"UTF-8 names", with(querierTest.utf8Names)})
	}
	return checks
}

const (
	sampleStep  = 15 * time.Second
	sampleCount = 41 // ten minutes
)

// querierSeries are the series that the suite queries, from base on.
func querierSeries(base time.Time, traits []QuerierTrait) []monitor.Series {
	series := func(name string, labels monitor.Labels, from int, value func(i int) float64) monitor.Series {
		s := monitor.Series{Labels: monitor.Labels{monitor.MetricName: name}}
		maps.Copy(s.Labels, labels)
		for i := from; i < sampleCount; i++ {
			s.Points = append(s.Points, monitor.Point{Time: base.Add(time.Duration(i) * sampleStep), Value: value(i)})
		}
		return s
	}
	times := func(n float64) func(int) float64 { return func(i int) float64 { return n * float64(i) } }
	all := []monitor.Series{
		series("conformance_requests_total", monitor.Labels{"code": "200", "route": "/a"}, 0, times(30)),
		series("conformance_requests_total", monitor.Labels{"code": "500", "route": "/a"}, 0, times(3)),
		series("conformance_celsius", monitor.Labels{"room": "kitchen"}, 0, func(i int) float64 { return 20 + float64(i)/2 }),
		series("conformance_celsius", monitor.Labels{"room": "hall"}, 20, func(int) float64 { return 10 }), // from the fifth minute on
		series("conformance_note", monitor.Labels{"text": awkwardLabel}, 0, func(int) float64 { return 1 }),
		series("conformance_seconds_bucket", monitor.Labels{"le": "0.1"}, 0, times(5)),
		series("conformance_seconds_bucket", monitor.Labels{"le": "1"}, 0, times(10)),
		series("conformance_seconds_bucket", monitor.Labels{"le": "+Inf"}, 0, times(10)),
		series("conformance_gone", nil, 0, func(i int) float64 {
			if i > goneAfter {
				return Stale()
			}
			return 5
		}),
		late(series("conformance_tick", nil, 0, times(1))),
	}
	if slices.Contains(traits, QuerierUTF8Names) {
		all = append(all, series(utf8Name, monitor.Labels{utf8Label: "沪深"}, 0, times(1)))
	}
	return all
}

const awkwardLabel = "a \"b\" \\ c\nd {e=\"f\"} 行情"

// querierTest is a querier with the suite's series, which begin at base.
type querierTest struct {
	q      monitor.Querier
	base   time.Time
	traits []QuerierTrait
}

func (qt querierTest) is(trait QuerierTrait) bool { return slices.Contains(qt.traits, trait) }

func (qt querierTest) at(d time.Duration) time.Time { return qt.base.Add(d) }

// query evaluates an instant query.
func (qt querierTest) query(ctx context.Context, promql string, at time.Time) ([]monitor.Sample, error) {
	return bounded("Query "+promql, func() ([]monitor.Sample, error) { return qt.q.Query(ctx, promql, at) })
}

// queryRange evaluates a range query.
func (qt querierTest) queryRange(ctx context.Context, promql string, r monitor.Range) ([]monitor.Series, error) {
	return bounded("QueryRange "+promql, func() ([]monitor.Series, error) { return qt.q.QueryRange(ctx, promql, r) })
}

// wantSamples evaluates an instant query and wants those samples at its time,
// in any order.
func (qt querierTest) wantSamples(promql string, at time.Time, want ...monitor.Sample) error {
	got, err := qt.query(context.Background(), promql, at)
	if err != nil {
		return fmt.Errorf("Query %s: %w", promql, err)
	}
	for i := range want {
		want[i].Time = at
	}
	if err := sameSamples(want, got); err != nil {
		return fmt.Errorf("Query %s: %w", promql, err)
	}
	return nil
}

// wantSeries evaluates a range query and wants those series, in any order.
func (qt querierTest) wantSeries(promql string, r monitor.Range, want ...monitor.Series) error {
	got, err := qt.queryRange(context.Background(), promql, r)
	if err != nil {
		return fmt.Errorf("QueryRange %s: %w", promql, err)
	}
	if err := sameSeries(want, got); err != nil {
		return fmt.Errorf("QueryRange %s: %w", promql, err)
	}
	return nil
}

// sample makes a sample without a time; names and values of labels alternate.
func sample(value float64, labels ...string) monitor.Sample {
	l := monitor.Labels{}
	for pair := range slices.Chunk(labels, 2) {
		l[pair[0]] = pair[1]
	}
	return monitor.Sample{Labels: l, Point: monitor.Point{Value: value}}
}

func (qt querierTest) instant() error {
	const name = monitor.MetricName
	at := qt.at(5 * time.Minute) // the twentieth sample
	return errors.Join(
		qt.wantSamples(`conformance_celsius{room="kitchen"}`, at, sample(30, name, "conformance_celsius", "room", "kitchen")),
		qt.wantSamples(`conformance_celsius`, at,
			sample(30, name, "conformance_celsius", "room", "kitchen"), sample(10, name, "conformance_celsius", "room", "hall")),
		// Between two samples the older one counts; the time is the query's.
		qt.wantSamples(`conformance_celsius{room="kitchen"}`, at.Add(7*time.Second), sample(30, name, "conformance_celsius", "room", "kitchen")),
		qt.wantSamples(`conformance_celsius offset 1m`, at.Add(time.Minute),
			sample(30, name, "conformance_celsius", "room", "kitchen"), sample(10, name, "conformance_celsius", "room", "hall")),
		qt.wantSamples(`sum by (code) (rate(conformance_requests_total[2m]))`, at, sample(2, "code", "200"), sample(.2, "code", "500")),
		qt.wantSamples(`sum(increase(conformance_requests_total{code=~"5.."}[4m]))`, at, sample(48)),
		qt.wantSamples(`conformance_celsius > 20`, at, sample(30, name, "conformance_celsius", "room", "kitchen")),
		qt.wantSamples(`histogram_quantile(0.75, rate(conformance_seconds_bucket[2m]))`, at, sample(.55)),
		qt.wantSamples(`conformance_note`, at, sample(1, name, "conformance_note", "text", awkwardLabel)),
	)
}

func (qt querierTest) ranges() error {
	const name = monitor.MetricName
	kitchen := monitor.Labels{name: "conformance_celsius", "room": "kitchen"}
	hall := monitor.Labels{name: "conformance_celsius", "room": "hall"}
	// points are at the steps of r for which value has one.
	points := func(r monitor.Range, value func(time.Duration) (float64, bool)) (out []monitor.Point) {
		for t := r.From; !t.After(r.To); t = t.Add(r.Step) {
			if v, ok := value(t.Sub(qt.base)); ok {
				out = append(out, monitor.Point{Time: t, Value: v})
			}
		}
		return out
	}
	warm := func(d time.Duration) (float64, bool) { return 20 + float64(d/sampleStep)/2, d >= 0 }
	even := func(d time.Duration) (float64, bool) { return 10, d >= 20*sampleStep }
	var errs []error
	for what, r := range map[string]monitor.Range{
		"on the samples":                    {From: qt.at(time.Minute), To: qt.at(8 * time.Minute), Step: 30 * time.Second},
		"beside the samples":                {From: qt.at(67 * time.Second), To: qt.at(8 * time.Minute), Step: 20 * time.Second},
		"from before the first one":         {From: qt.at(-10 * time.Minute), To: qt.at(7 * time.Minute), Step: time.Minute},
		"to where there is no step":         {From: qt.at(time.Minute), To: qt.at(6*time.Minute + 59*time.Second), Step: time.Minute},
		"of one time":                       {From: qt.at(6 * time.Minute), To: qt.at(6 * time.Minute), Step: time.Minute},
		"with a step longer than the range": {From: qt.at(6 * time.Minute), To: qt.at(7 * time.Minute), Step: time.Hour},
	} {
		want := []monitor.Series{{Labels: kitchen, Points: points(r, warm)}}
		if p := points(r, even); len(p) > 0 {
			want = append(want, monitor.Series{Labels: hall, Points: p})
		}
		if err := qt.wantSeries(`conformance_celsius`, r, want...); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", what, err))
		}
	}
	r := monitor.Range{From: qt.at(3 * time.Minute), To: qt.at(9 * time.Minute), Step: time.Minute}
	rate := func(v float64) []monitor.Point {
		return points(r, func(time.Duration) (float64, bool) { return v, true })
	}
	errs = append(errs, qt.wantSeries(`sum by (code) (rate(conformance_requests_total[2m]))`, r,
		monitor.Series{Labels: monitor.Labels{"code": "200"}, Points: rate(2)},
		monitor.Series{Labels: monitor.Labels{"code": "500"}, Points: rate(.2)}))
	return errors.Join(errs...)
}

func (qt querierTest) scalar() error {
	at := qt.at(5 * time.Minute)
	r := monitor.Range{From: at, To: at.Add(2 * time.Minute), Step: time.Minute}
	points := func(v float64) (out []monitor.Point) {
		for i := range 3 {
			out = append(out, monitor.Point{Time: at.Add(time.Duration(i) * time.Minute), Value: v})
		}
		return out
	}
	return errors.Join(
		qt.wantSamples(`1 + 1`, at, sample(2)),
		qt.wantSamples(`scalar(conformance_celsius{room="hall"})`, at, sample(10)),
		qt.wantSamples(`time()`, at, sample(float64(at.Unix()))),
		qt.wantSeries(`1 + 1`, r, monitor.Series{Labels: monitor.Labels{}, Points: points(2)}),
	)
}

func (qt querierTest) special() error {
	at := qt.at(5 * time.Minute)
	r := monitor.Range{From: at, To: at, Step: time.Minute}
	nan := monitor.Series{Labels: monitor.Labels{"room": "kitchen"}, Points: []monitor.Point{{Time: at, Value: math.NaN()}}}
	infinite := errors.Join(
		qt.wantSamples(`1 / 0`, at, sample(math.Inf(1))),
		qt.wantSamples(`-1 / 0`, at, sample(math.Inf(-1))),
	)
	if qt.is(QuerierMetricsQL) {
		return infinite
	}
	return errors.Join(infinite,
		qt.wantSamples(`0 / 0`, at, sample(math.NaN())),
		qt.wantSamples(`conformance_celsius{room="kitchen"} * 0 / 0`, at, sample(math.NaN(), "room", "kitchen")),
		qt.wantSamples(`scalar(conformance_nothing)`, at, sample(math.NaN())),
		qt.wantSeries(`conformance_celsius{room="kitchen"} * 0 / 0`, r, nan),
	)
}

func (qt querierTest) empty() error {
	at := qt.at(5 * time.Minute)
	before := qt.at(-time.Hour)
	r := monitor.Range{From: at, To: at.Add(time.Minute), Step: 15 * time.Second}
	return errors.Join(
		qt.wantSamples(`conformance_nothing`, at),
		qt.wantSamples(`conformance_celsius > 1000`, at),
		qt.wantSamples(`conformance_celsius`, before),
		qt.wantSeries(`conformance_nothing`, r),
		qt.wantSeries(`conformance_celsius`, monitor.Range{From: before, To: before.Add(time.Minute), Step: time.Minute}),
	)
}

func (qt querierTest) badExpression() error {
	at := qt.at(5 * time.Minute)
	var errs []error
	want := func(call, promql string, err error) {
		_, bad := errors.AsType[misconduct](err)
		switch {
		case bad:
			errs = append(errs, err)
		case err == nil:
			errs = append(errs, fmt.Errorf("%s %s: no error", call, promql))
		case !errors.Is(err, monitor.ErrQueryInvalid):
			errs = append(errs, fmt.Errorf("%s %s: %w: want one that wraps ErrQueryInvalid", call, promql, err))
		case !strings.Contains(err.Error(), promql):
			errs = append(errs, fmt.Errorf("%s %s: the error does not name the expression: %w", call, promql, err))
		}
	}
	exprs := []string{`sum(conformance_celsius`, `conformance_celsius{room=}`, `no such function(1)`}
	if !qt.is(QuerierMetricsQL) {
		exprs = append(exprs, `rate(conformance_celsius)`)
	}
	for _, promql := range exprs {
		_, err := qt.query(context.Background(), promql, at)
		want("Query", promql, err)
		_, err = qt.queryRange(context.Background(), promql, monitor.Range{From: at, To: at.Add(time.Minute), Step: time.Minute})
		want("QueryRange", promql, err)
	}
	return errors.Join(errs...)
}

func (qt querierTest) badRange() error {
	at := qt.at(5 * time.Minute)
	var errs []error
	for what, r := range map[string]monitor.Range{
		"without a step":                    {From: at, To: at.Add(time.Minute)},
		"with a step below the millisecond": {From: at, To: at.Add(time.Minute), Step: 999 * time.Microsecond},
		"with a negative step":              {From: at, To: at.Add(time.Minute), Step: -time.Minute},
		"that ends before it began":         {From: at, To: at.Add(-time.Minute), Step: time.Minute},
	} {
		if _, err := qt.queryRange(context.Background(), `conformance_celsius`, r); !errors.Is(err, monitor.ErrQueryInvalid) {
			errs = append(errs, fmt.Errorf("QueryRange over a range %s: error = %w: want one that wraps ErrQueryInvalid", what, orNone(err)))
		}
	}
	return errors.Join(errs...)
}

func (qt querierTest) context() error {
	at := qt.at(5 * time.Minute)
	r := monitor.Range{From: at, To: at.Add(time.Minute), Step: time.Minute}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	late, cancel := context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
	defer cancel()
	var errs []error
	for _, ctx := range []context.Context{cancelled, late} {
		if _, err := qt.query(ctx, `conformance_celsius`, at); !errors.Is(err, ctx.Err()) {
			errs = append(errs, fmt.Errorf("Query: error = %w: want one that wraps %w", orNone(err), ctx.Err()))
		}
		if _, err := qt.queryRange(ctx, `conformance_celsius`, r); !errors.Is(err, ctx.Err()) {
			errs = append(errs, fmt.Errorf("QueryRange: error = %w: want one that wraps %w", orNone(err), ctx.Err()))
		}
	}
	return errors.Join(append(errs, qt.wantSamples(`1`, at, sample(1)))...) // none the worse for it
}

var errNone = errors.New("none")

func orNone(err error) error {
	if err == nil {
		return errNone
	}
	return err
}

// ownership changes whatever is returned and asks again.
func (qt querierTest) ownership() error {
	at := qt.at(5 * time.Minute)
	r := monitor.Range{From: at, To: at.Add(2 * time.Minute), Step: time.Minute}
	for _, promql := range []string{`conformance_celsius`, `sum by (code) (rate(conformance_requests_total[2m]))`, `1`} {
		first, err := qt.query(context.Background(), promql, at)
		if err != nil {
			return err
		}
		want := cloneSamples(first)
		for i := range first {
			if first[i].Labels != nil {
				first[i].Labels["changed"] = "by the caller"
			}
			first[i].Value = -1
		}
		second, err := qt.query(context.Background(), promql, at)
		if err != nil {
			return err
		}
		if err := sameSamples(want, second); err != nil {
			return fmt.Errorf("Query %s after its first result was changed: %w", promql, err)
		}

		ranged, err := qt.queryRange(context.Background(), promql, r)
		if err != nil {
			return err
		}
		wantRanged := cloneSeries(ranged)
		for i := range ranged {
			if ranged[i].Labels != nil {
				ranged[i].Labels["changed"] = "by the caller"
			}
			clear(ranged[i].Points)
		}
		again, err := qt.queryRange(context.Background(), promql, r)
		if err != nil {
			return err
		}
		if err := sameSeries(wantRanged, again); err != nil {
			return fmt.Errorf("QueryRange %s after its first result was changed: %w", promql, err)
		}
	}
	return nil
}

// concurrency asks from several goroutines and wants what one of them gets.
func (qt querierTest) concurrency() error {
	const callers, rounds = 8, 10
	at := qt.at(5 * time.Minute)
	r := monitor.Range{From: at, To: at.Add(4 * time.Minute), Step: 15 * time.Second}
	exprs := []string{`conformance_celsius`, `sum by (code) (rate(conformance_requests_total[2m]))`, `conformance_requests_total`, `time()`}
	samples := map[string][]monitor.Sample{}
	series := map[string][]monitor.Series{}
	for _, promql := range exprs {
		var err error
		if samples[promql], err = qt.query(context.Background(), promql, at); err != nil {
			return err
		}
		if series[promql], err = qt.queryRange(context.Background(), promql, r); err != nil {
			return err
		}
	}
	errs := make([]error, callers)
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			for j := range rounds {
				promql := exprs[(i+j)%len(exprs)]
				got, err := qt.query(context.Background(), promql, at)
				if err == nil {
					err = sameSamples(samples[promql], got)
				}
				if err == nil {
					var ranged []monitor.Series
					if ranged, err = qt.queryRange(context.Background(), promql, r); err == nil {
						err = sameSeries(series[promql], ranged)
					}
				}
				if err != nil {
					errs[i] = fmt.Errorf("%s, called concurrently: %w", promql, err)
					return
				}
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// sameSamples compares samples in any order.
func sameSamples(want, got []monitor.Sample) error {
	byLabels := map[string]monitor.Sample{}
	for _, s := range got {
		byLabels[s.Labels.String()] = s
	}
	if len(got) != len(want) || len(byLabels) != len(got) {
		return fmt.Errorf("%d samples: want %d:\n\tgot  %v\n\twant %v", len(got), len(want), got, want)
	}
	for _, w := range want {
		g, ok := byLabels[w.Labels.String()]
		if !ok {
			return fmt.Errorf("no sample %s in %v", w.Labels, got)
		}
		if err := samePoint(w.Point, g.Point); err != nil {
			return fmt.Errorf("%s: %w", w.Labels, err)
		}
	}
	return nil
}

// sameSeries compares series in any order, with points in theirs.
func sameSeries(want, got []monitor.Series) error {
	byLabels := map[string]monitor.Series{}
	for _, s := range got {
		byLabels[s.Labels.String()] = s
	}
	if len(got) != len(want) || len(byLabels) != len(got) {
		return fmt.Errorf("%d series: want %d:\n\tgot  %v\n\twant %v", len(got), len(want), got, want)
	}
	for _, w := range want {
		g, ok := byLabels[w.Labels.String()]
		if !ok {
			return fmt.Errorf("no series %s in %v", w.Labels, got)
		}
		if !slices.IsSortedFunc(g.Points, func(a, b monitor.Point) int { return a.Time.Compare(b.Time) }) {
			return fmt.Errorf("%s: points are not oldest first: %v", w.Labels, g.Points)
		}
		if len(g.Points) != len(w.Points) {
			return fmt.Errorf("%s: %d points: want %d:\n\tgot  %v\n\twant %v", w.Labels, len(g.Points), len(w.Points), g.Points, w.Points)
		}
		for i := range w.Points {
			if err := samePoint(w.Points[i], g.Points[i]); err != nil {
				return fmt.Errorf("%s: point %d: %w", w.Labels, i, err)
			}
		}
	}
	return nil
}

func samePoint(want, got monitor.Point) error {
	if !want.Time.Equal(got.Time) {
		return fmt.Errorf("time = %v: want %v", got.Time, want.Time)
	}
	if !sameNumber(want.Value, got.Value) {
		return fmt.Errorf("value = %v: want %v", got.Value, want.Value)
	}
	return nil
}

// sameNumber allows for a few roundings.
func sameNumber(want, got float64) bool {
	switch {
	case math.IsNaN(want):
		return math.IsNaN(got)
	case math.IsInf(want, 0):
		return want == got
	}
	return math.Abs(want-got) <= 1e-9*math.Abs(want)
}
