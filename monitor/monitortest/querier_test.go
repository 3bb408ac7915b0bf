package monitortest_test

import (
	"context"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/value"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/monitortest"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func TestQuerierAnswers(t *testing.T) {
	t.Parallel()
	q := new(monitortest.Querier)
	up := monitor.Sample{Labels: monitor.Labels{"__name__": "up"}, Point: monitor.Point{Value: 1}}
	old := monitor.Sample{Labels: monitor.Labels{"__name__": "old"}, Point: monitor.Point{Time: noon.Add(-time.Hour), Value: 2}}
	q.Answer("up", up, old)
	q.Answer("none")
	got, err := q.Query(t.Context(), "up", noon)
	require.NoError(t, err)
	up.Time = noon
	require.Equal(t, []monitor.Sample{up, old}, got)
	got, err = q.Query(t.Context(), "none", noon)
	require.NoError(t, err)
	require.Empty(t, got)

	q.Answer("up")
	got, err = q.Query(t.Context(), "up", noon)
	require.NoError(t, err)
	require.Empty(t, got, "the last answer counts")
}

func TestQuerierAnswersRanges(t *testing.T) {
	t.Parallel()
	q := new(monitortest.Querier)
	series := monitor.Series{Labels: monitor.Labels{"__name__": "up"}}
	for i := range 10 {
		series.Points = append(series.Points, monitor.Point{Time: noon.Add(time.Duration(i) * time.Minute), Value: float64(i)})
	}
	early := monitor.Series{Labels: monitor.Labels{"__name__": "early"}, Points: series.Points[:2]}
	q.AnswerRange("up", series, early)
	r := monitor.Range{From: noon.Add(2 * time.Minute), To: noon.Add(4 * time.Minute), Step: time.Minute}
	got, err := q.QueryRange(t.Context(), "up", r)
	require.NoError(t, err)
	require.Equal(t, []monitor.Series{{Labels: series.Labels, Points: series.Points[2:5]}}, got)
	_, err = q.Query(t.Context(), "up", noon)
	require.ErrorContains(t, err, "instant", "ranges are told apart from instants")
}

func TestQuerierListsWhatItKnows(t *testing.T) {
	t.Parallel()
	q := new(monitortest.Querier)
	_, err := q.Query(t.Context(), "up", noon)
	require.ErrorContains(t, err, `"up"`)
	q.Answer("rate(a[5m])")
	q.Answer("rate(b[5m])")
	q.AnswerRange("c")
	_, err = q.Query(t.Context(), "rate(a[1m])", noon)
	require.ErrorContains(t, err, `"rate(a[1m])"`)
	require.ErrorContains(t, err, "\n\trate(a[5m])\n\trate(b[5m])")
	require.NotContains(t, err.Error(), "\tc")
	_, err = q.QueryRange(t.Context(), "rate(a[5m])", monitor.Range{})
	require.ErrorContains(t, err, "\n\tc")
}

func TestQuerierFails(t *testing.T) {
	t.Parallel()
	q := new(monitortest.Querier)
	q.Answer("up")
	q.Fail("up", errDown)
	_, err := q.Query(t.Context(), "up", noon)
	require.ErrorIs(t, err, errDown)
	require.ErrorContains(t, err, `"up"`)
	_, err = q.QueryRange(t.Context(), "up", monitor.Range{})
	require.ErrorIs(t, err, errDown)
	q.Fail("up", nil)
	_, err = q.Query(t.Context(), "up", noon)
	require.NoError(t, err)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = q.Query(ctx, "up", noon)
	require.ErrorIs(t, err, context.Canceled)
}

func TestQuerierRecordsCalls(t *testing.T) {
	t.Parallel()
	q := new(monitortest.Querier)
	r := monitor.Range{From: noon, To: noon.Add(time.Hour), Step: time.Minute}
	_, _ = q.Query(t.Context(), "a", noon)
	_, _ = q.QueryRange(t.Context(), "b", r)
	require.Equal(t, []monitortest.Call{{PromQL: "a", At: noon}, {PromQL: "b", Range: r}}, q.Calls())
}

func TestQuerierKeepsItsAnswers(t *testing.T) {
	t.Parallel()
	q := new(monitortest.Querier)
	labels := monitor.Labels{"a": "1"}
	q.Answer("x", monitor.Sample{Labels: labels, Point: monitor.Point{Time: noon, Value: 1}})
	q.AnswerRange("x", monitor.Series{Labels: labels, Points: []monitor.Point{{Time: noon, Value: 1}}})
	labels["a"] = "changed"
	for range 2 {
		got, err := q.Query(t.Context(), "x", noon)
		require.NoError(t, err)
		require.Equal(t, []monitor.Sample{{Labels: monitor.Labels{"a": "1"}, Point: monitor.Point{Time: noon, Value: 1}}}, got)
		got[0].Labels["a"], got[0].Value = "changed", 2
		ranged, err := q.QueryRange(t.Context(), "x", monitor.Range{From: noon, To: noon})
		require.NoError(t, err)
		require.Equal(t, []monitor.Series{{Labels: monitor.Labels{"a": "1"}, Points: []monitor.Point{{Time: noon, Value: 1}}}}, ranged)
		ranged[0].Labels["a"], ranged[0].Points[0].Value = "changed", 2
	}
}

// told is a fake that was told, for each query, what Prometheus's engine says.
type told struct {
	fake monitortest.Querier
	real monitor.Querier
	mu   sync.Mutex // held from telling to asking
}

func (q *told) Query(ctx context.Context, expr string, at time.Time) ([]monitor.Sample, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	answer, err := q.real.Query(context.WithoutCancel(ctx), expr, at)
	q.fake.Answer(expr, answer...)
	q.fake.Fail(expr, err)
	return q.fake.Query(ctx, expr, at)
}

func (q *told) QueryRange(ctx context.Context, expr string, r monitor.Range) ([]monitor.Series, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	answer, err := q.real.QueryRange(context.WithoutCancel(ctx), expr, r)
	q.fake.AnswerRange(expr, answer...)
	q.fake.Fail(expr, err)
	return q.fake.QueryRange(ctx, expr, r)
}

// TestQuerierPassesTheSuite: the fake changes nothing of the answers it was
// told, and keeps the rest of the contract itself.
func TestQuerierPassesTheSuite(t *testing.T) {
	t.Parallel()
	monitortest.TestQuerier(t, func(t testing.TB, series []monitor.Series) monitor.Querier {
		return &told{real: newReference(t, series)}
	}, monitortest.QuerierUTF8Names)
}

func TestStale(t *testing.T) {
	t.Parallel()
	require.True(t, math.IsNaN(monitortest.Stale()))
	require.True(t, monitortest.IsStale(monitortest.Stale()))
	require.Equal(t, value.StaleNaN, math.Float64bits(monitortest.Stale()), "as Prometheus has it")
	require.False(t, monitortest.IsStale(math.NaN()))
	require.False(t, monitortest.IsStale(0))
}
