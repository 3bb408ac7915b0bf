package instrument_test

import (
	"fmt"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
)

// Allocation tests are not parallel: what others allocate would be counted too.

// endpoints are label values as routes have them.
func endpoints(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("/api/v1/stocks/%d/{symbol}", i)
	}
	return out
}

//nolint:paralleltest // see above
func TestScrapeAllocs(t *testing.T) {
	if raced {
		t.Skip("allocations cannot be counted under the race detector")
	}
	// 600 cells of a histogram (12 buckets, +Inf, sum, count) and a counter: 9,600
	// series, and 400 that are computed.
	r := setup(t)
	var home instrument.Home
	for i, e := range endpoints(600) {
		c := r.group.Cell("GET", e, "200")
		c.Observe(&home, duration, int64(i)*int64(time.Millisecond))
		c.Exemplar(duration, 1, "0123456789abcdef0123456789abcdef", time.Unix(1_700_000_000, 0))
	}
	require.NoError(t, r.set.Func(catalog.APIConcurrentRequests, func(labels instrument.LabelMaker) instrument.Func {
		var all []*instrument.Labels
		for _, e := range endpoints(400) {
			all = append(all, labels(e))
		}
		return func(yield instrument.Yield) {
			for i, l := range all {
				yield(l, float64(i)+.5)
			}
		}
	}))
	require.Len(t, parsed(t, write(t, r.set, false), textType).samples, 10_000)
	for name, om := range map[string]bool{"text": false, "OpenMetrics": true} {
		n := testing.AllocsPerRun(20, func() {
			if err := r.set.WriteText(io.Discard, om, nil); err != nil {
				t.Fatal(err)
			}
		})
		t.Logf("%s: %.0f allocations per scrape of 10,000 series", name, n)
		require.LessOrEqual(t, n, 10.0, name)
	}
}

//nolint:paralleltest // see above
func TestRecordAllocs(t *testing.T) {
	if raced {
		t.Skip("allocations cannot be counted under the race detector")
	}
	r := setup(t)
	c := r.group.Cell("GET", "/a", "200")
	limiter := instrument.NewLimiter(10, func() {})
	limiter.Allow("/a")
	var home instrument.Home
	at := time.Unix(1_700_000_000, 0)
	c.Exemplar(duration, 1, "x", at)
	for name, f := range map[string]func(){
		"a batch": func() {
			b := c.Begin(&home)
			b.Observe(duration, 12345)
			b.Add(upgraded, 1)
			b.End()
		},
		"an observation":          func() { c.Observe(&home, duration, 1<<40) },
		"an addition":             func() { c.Add(&home, upgraded, 1) },
		"an exemplar not yet due": func() { c.Exemplar(duration, 1, "y", at) },
	} {
		require.Zero(t, testing.AllocsPerRun(100, f), name)
	}
}

// TestHeapAllocatedPerSeries holds an endpoint (a histogram of 12 buckets and
// its request counter) to half of what client_golang needs for the same, both
// measured here.
//
//nolint:paralleltest // see above
func TestHeapAllocatedPerSeries(t *testing.T) {
	if raced {
		t.Skip("allocations cannot be measured under the race detector")
	}
	all := endpoints(5000)
	var home instrument.Home
	var keep []any
	ours := heap(func() {
		r := setup(t)
		keep = append(keep, r)
		for _, e := range all {
			r.group.Cell("GET", e, "200").Observe(&home, duration, 1)
		}
	})
	theirs := heap(func() {
		reg := prometheus.NewRegistry()
		labels := catalog.APIRequestTotal.Labels
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "api_request_duration_seconds", Help: "x", Buckets: catalog.APIRequestDuration.Buckets,
		}, labels)
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "api_request_total", Help: "x"}, labels)
		reg.MustRegister(h, c)
		keep = append(keep, reg)
		for _, e := range all {
			h.WithLabelValues("GET", e, "200").Observe(1e-9)
			c.WithLabelValues("GET", e, "200").Inc()
		}
	})
	ratio := float64(ours) / float64(theirs)
	t.Logf("bytes per endpoint: %d here, %d with client_golang: %.2f", ours/uint64(len(all)), theirs/uint64(len(all)), ratio)
	require.LessOrEqual(t, ratio, .5)
	runtime.KeepAlive(keep)
	runtime.KeepAlive(all)
}

// heap returns by how many bytes f makes the heap grow for good.
func heap(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&before)
	f()
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&after)
	return after.HeapAlloc - before.HeapAlloc
}
