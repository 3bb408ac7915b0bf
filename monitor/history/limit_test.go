package history_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/history"
)

func TestRetention(t *testing.T) {
	t.Parallel()
	r := setup(t, history.WithRetention(time.Hour, 3*time.Hour), history.WithWatch("g:avg", "avg_over_time(g[1m])", time.Minute))
	g := r.gauge(t, "g", "a")
	gone := r.gauge(t, "gone")
	gone.WithLabelValues().Set(1)
	at := start
	for i := range 6 * 360 { // 6 h at 10 s
		g.WithLabelValues("x").Set(float64(i))
		r.sample(t, at)
		if i == 10 {
			gone.DeleteLabelValues()
		}
		at = at.Add(10 * time.Second)
	}
	at = at.Add(-10 * time.Second)
	const chunk = 240 * 10 // seconds
	n := r.one(t, `count_over_time(g[6h])`, at)
	require.GreaterOrEqual(t, n, 360.)
	require.LessOrEqual(t, n, 360.+chunk/10+6, "what is past its retention goes by whole chunks")
	n = r.one(t, `count_over_time(g:avg[6h])`, at)
	require.GreaterOrEqual(t, n, 180.)
	require.LessOrEqual(t, n, 180.+240)
	require.Empty(t, r.query(t, "count_over_time(gone[6h])", at))
	require.Equal(t, 1., r.one(t, `monitor_history_series_evicted_total{reason="retention"}`, at))
	require.Positive(t, r.one(t, `monitor_history_samples_evicted_total{reason="retention"}`, at))
	oldest := r.query(t, "monitor_history_oldest_sample_timestamp_seconds", at)
	require.Len(t, oldest, 2)
	require.InDelta(t, float64(at.Unix()-3600), oldest[`monitor_history_oldest_sample_timestamp_seconds{tier="raw"}`], chunk+120)
}

// TestStorageSize: the size holds at every moment, the oldest goes first, and
// the heap is what is counted.
//
//nolint:paralleltest // it measures the heap
func TestStorageSize(t *testing.T) {
	const limit = 3 << 19
	r := setup(t, history.WithStorageSize(limit), history.WithSeriesLimit(700), history.WithInterval(time.Second))
	heap := func() uint64 {
		var s runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&s)
		return s.HeapAlloc
	}
	before := heap()
	rng := rand.New(rand.NewPCG(1, 1))
	var at time.Time
	for i := range 900 {
		at = start.Add(time.Duration(i) * time.Second)
		batch := make([]monitor.Sample, 250)
		for j := range batch {
			batch[j] = sampleOf(at, rng.Float64(), "__name__", "n", "j", strconv.Itoa(j)) // compresses badly
		}
		require.NoError(t, r.db.Append(batch...))
		r.sample(t, at)
		if i%50 == 49 {
			require.LessOrEqual(t, r.one(t, "monitor_history_storage_bytes", at), float64(limit))
		}
	}
	require.Positive(t, r.one(t, `monitor_history_samples_evicted_total{reason="storage_size"}`, at))
	counts := r.query(t, `count_over_time(n[15m])`, at)
	require.Len(t, counts, 250)
	for k, n := range counts {
		require.Greater(t, n, 100., k)
		require.Less(t, n, 900., k)
	}
	grown := float64(heap() - before)
	require.InEpsilon(t, r.one(t, "monitor_history_storage_bytes", at), grown, .25)
	runtime.KeepAlive(r.db)
}

// TestSeriesLimit: churn evicts what has ended; live series are never given up,
// and what finds no room is counted.
func TestSeriesLimit(t *testing.T) {
	t.Parallel()
	const limit = 300
	r := setup(t, history.WithSeriesLimit(limit), history.WithStorageSize(1<<20))
	g := r.gauge(t, "g", "i")
	live := r.gauge(t, "live")
	live.WithLabelValues().Set(1)
	at := start
	for i := range 200 {
		g.Reset()
		for j := range 20 {
			g.WithLabelValues(fmt.Sprint(i, "-", j)).Set(1)
		}
		at = at.Add(10 * time.Second)
		r.sample(t, at)
		require.Len(t, r.query(t, "g", at), 20)
		require.LessOrEqual(t, r.one(t, "monitor_history_series", at), float64(limit))
	}
	require.Equal(t, 200., r.one(t, "count_over_time(live[1h])", at))
	require.Positive(t, r.one(t, `monitor_history_series_evicted_total{reason="series_limit"}`, at))
	require.Zero(t, r.one(t, `monitor_history_samples_dropped_total{reason="series_limit"}`, at))
	g.Reset()
	for j := range 2 * limit {
		g.WithLabelValues(strconv.Itoa(j)).Set(1)
	}
	at = at.Add(10 * time.Second)
	r.sample(t, at)
	at = at.Add(10 * time.Second)
	r.sample(t, at)
	require.Equal(t, 1., r.one(t, "live", at))
	require.Equal(t, float64(limit), r.one(t, "monitor_history_series", at))
	require.Positive(t, r.one(t, `monitor_history_samples_dropped_total{reason="series_limit"}`, at))
	require.InDelta(t, limit, len(r.query(t, "g", at)), 100)
}

func TestQueryLimits(t *testing.T) {
	t.Parallel()
	r := setup(t, history.WithQuerySamples(1000), history.WithQueryTimeout(50*time.Millisecond), history.WithQueryConcurrency(1))
	g := r.gauge(t, "g", "i")
	for i := range 50 {
		g.WithLabelValues(strconv.Itoa(i)).Set(1)
	}
	at := start
	for range 100 {
		at = at.Add(time.Second)
		r.sample(t, at)
	}
	_, err := r.db.Query(t.Context(), "rate(", at)
	require.ErrorIs(t, err, monitor.ErrQueryInvalid)
	_, err = r.db.Query(t.Context(), "max_over_time(g[90s])", at)
	require.NoError(t, err, "one series at a time")
	_, err = r.db.Query(t.Context(), "g[90s]", at)
	require.ErrorIs(t, err, monitor.ErrQueryLimit)
	_, err = r.db.QueryRange(t.Context(), "g", monitor.Range{From: start, To: at, Step: time.Second})
	require.ErrorIs(t, err, monitor.ErrQueryLimit)
	_, err = r.db.QueryRange(t.Context(), "g", monitor.Range{From: start, To: at})
	require.ErrorIs(t, err, monitor.ErrQueryInvalid)
	_, err = r.db.QueryRange(t.Context(), "g", monitor.Range{From: start, To: at.Add(time.Hour), Step: time.Millisecond})
	require.ErrorIs(t, err, monitor.ErrQueryLimit)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = r.db.Query(ctx, "g", at)
	require.ErrorIs(t, err, context.Canceled)
	at = at.Add(time.Second)
	r.sample(t, at)
	for result, want := range map[string]float64{"invalid": 2, "limit": 3, "canceled": 1} {
		require.Equal(t, want, r.one(t, `monitor_history_query_duration_seconds_count{result="`+result+`"}`, at), result)
	}
}

func TestQueryTimeout(t *testing.T) {
	t.Parallel()
	r := setup(t, history.WithQueryTimeout(time.Millisecond))
	g := r.gauge(t, "g", "i")
	for i := range 200 {
		g.WithLabelValues(strconv.Itoa(i)).Set(1)
	}
	at := start
	for range 60 {
		at = at.Add(time.Second)
		r.sample(t, at)
	}
	_, err := r.db.QueryRange(t.Context(), "sum_over_time(quantile_over_time(.9, g[1m])[30s:1s])", monitor.Range{From: start, To: at, Step: 100 * time.Millisecond})
	require.ErrorIs(t, err, monitor.ErrQueryTimeout)
}

// TestAppendKeepsTheSize: engines that write between collections, or without
// any, are held to the storage size too.
func TestAppendKeepsTheSize(t *testing.T) {
	t.Parallel()
	r := setup(t, history.WithStorageSize(1<<18), history.WithSeriesLimit(100))
	rng := rand.New(rand.NewPCG(1, 1))
	const samples = 60_000
	for i := range samples {
		require.NoError(t, r.db.Append(sampleOf(start.Add(time.Duration(i)*time.Second), rng.Float64(), "__name__", "n")))
	}
	at := start.Add(samples * time.Second)
	kept := r.one(t, "count_over_time(n[1d])", at)
	require.Greater(t, kept, 10_000.)
	require.Less(t, kept*6, float64(1<<18), "six bytes of a random number cannot be saved")
	r.sample(t, at)
	r.sample(t, at.Add(time.Second))
	require.LessOrEqual(t, r.one(t, "monitor_history_storage_bytes", at.Add(time.Second)), float64(1<<18))
}

// TestQueryErrorText: an expression is quoted, a time is RFC 3339.
func TestQueryErrorText(t *testing.T) {
	t.Parallel()
	r := setup(t)
	_, err := r.db.Query(t.Context(), "sum(", start)
	require.ErrorContains(t, err, `history: query "sum(": invalid query: `)
	now := time.Now() // with a monotonic reading, as callers have it
	_, err = r.db.QueryRange(t.Context(), "g", monitor.Range{From: now, To: now.Add(-time.Hour), Step: time.Second})
	require.ErrorContains(t, err, "ends at "+now.Add(-time.Hour).UTC().Format(time.RFC3339Nano)+", before it begins at "+now.UTC().Format(time.RFC3339Nano))
	require.NotContains(t, err.Error(), "m=")
}

// TestStorageSizeCountsLabels: series with many labels of their own take the heap
// that is counted.
//
//nolint:paralleltest // it measures the heap
func TestStorageSizeCountsLabels(t *testing.T) {
	heap := func() uint64 {
		var s runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&s)
		return s.HeapAlloc
	}
	for _, unique := range []bool{true, false} {
		r := setup(t)
		before := heap()
		for i := range 5000 {
			l := monitor.Labels{"__name__": "m", "i": strconv.Itoa(i)}
			for j := range 25 {
				l[fmt.Sprint("l", j)] = strconv.Itoa(j)
				if unique {
					l[fmt.Sprint("l", j)] = fmt.Sprint(j, "-", i)
				}
			}
			require.NoError(t, r.db.Append(monitor.Sample{Labels: l, Point: monitor.Point{Time: start, Value: 1}}))
		}
		grown := float64(heap() - before)
		r.sample(t, start)
		r.sample(t, start.Add(time.Second))
		counted := r.one(t, "monitor_history_storage_bytes", start.Add(time.Second))
		t.Logf("%.0f bytes of heap, %.0f counted: %.2f", grown, counted, grown/counted)
		require.InDelta(t, 1, grown/counted, .3, "unique: %t", unique)
		held := history.Counted(r.db)
		require.Equal(t, held, history.Recounted(r.db))
		runtime.KeepAlive(r.db)
	}
}
