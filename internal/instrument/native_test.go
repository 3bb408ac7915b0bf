package instrument_test

import (
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/instrument"
)

func native(c *instrument.Config) { c.NativeFactor = 1.1 }

// checkNative wants a histogram whose classic and native buckets can both be
// true: cumulative, and no more of either than there are observations.
func checkNative(t testing.TB, h *dto.Histogram) {
	t.Helper()
	var last uint64
	for _, b := range h.Bucket {
		require.GreaterOrEqual(t, b.GetCumulativeCount(), last)
		last = b.GetCumulativeCount()
		if math.IsInf(b.GetUpperBound(), 1) {
			require.Equal(t, h.GetSampleCount(), b.GetCumulativeCount(), "the +Inf bucket is the count")
		}
	}
	require.LessOrEqual(t, last, h.GetSampleCount(), "no more in the classic buckets than were seen")
	n := int64(h.GetZeroCount())
	for _, deltas := range [][]int64{h.PositiveDelta, h.NegativeDelta} {
		var in int64
		for _, d := range deltas {
			in += d
			n += in
		}
	}
	require.Equal(t, int64(h.GetSampleCount()), n, "the native buckets hold every observation")
}

func TestNativeHistogram(t *testing.T) {
	t.Parallel()
	r := setup(t, native)
	c := r.group.Cell("GET", "/a", "200")
	var home instrument.Home
	var sum int64
	rng := rand.New(rand.NewPCG(1, 1))
	const n = 10_000
	for range n {
		v := rng.Int64N(int64(20 * time.Second))
		sum += v
		c.Observe(&home, duration, v)
	}
	const series = `{__name__="api_request_duration_seconds", endpoint="/a", method="GET", status_code="200"}`
	h := parsed(t, encoded(t, r.reg, expfmt.NewFormat(expfmt.TypeProtoDelim)), protoType).natives[series]
	require.NotNil(t, h)
	require.NoError(t, h.Validate())
	require.Equal(t, uint64(n), h.Count)
	require.InEpsilon(t, float64(sum)*1e-9, h.Sum, 1e-9)
	require.Equal(t, int32(3), h.Schema, "growth of 2^(2^-3) = 1.09 a bucket")
	checkNative(t, find(t, r.reg, "api_request_duration_seconds", "/a", "GET", "200").Histogram)

	// Without the option there is none.
	r = setup(t)
	r.group.Cell("GET", "/a", "200").Observe(&home, duration, 1)
	require.Empty(t, parsed(t, encoded(t, r.reg, expfmt.NewFormat(expfmt.TypeProtoDelim)), protoType).natives)
}

// TestNativeIsConsistentUnderWriters: the two sets of buckets are read one
// after the other; what a scraper sees must still add up.
func TestNativeIsConsistentUnderWriters(t *testing.T) {
	t.Parallel()
	for name, exemplars := range map[string]bool{"without exemplars": false, "with exemplars": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := setup(t, native)
			c := r.group.Cell("GET", "/a", "200")
			c.Observe(&instrument.Home{}, duration, int64(time.Minute))
			if exemplars {
				c.Exemplar(duration, int64(time.Minute), "abc", time.Unix(1_700_000_000, 0)) // in +Inf
			}
			stop := make(chan struct{})
			var writers sync.WaitGroup
			for w := range 3 {
				writers.Go(func() {
					rng := rand.New(rand.NewPCG(1, uint64(w)))
					var home instrument.Home
					for i := 0; ; i++ {
						select {
						case <-stop:
							return
						default:
							c.Observe(&home, duration, rng.Int64N(int64(40*time.Second)))
						}
						if i%50 == 0 {
							runtime.Gosched() // client_golang's readers wait for writers by yielding
						}
					}
				})
			}
			defer writers.Wait()
			defer close(stop)
			for range 200 {
				checkNative(t, find(t, r.reg, "api_request_duration_seconds", "/a", "GET", "200").Histogram)
				p := parsed(t, encoded(t, r.reg, expfmt.NewFormat(expfmt.TypeTextPlain)), textType)
				const labels = `endpoint="/a", method="GET", status_code="200"}`
				require.Equal(t, p.samples[`{__name__="api_request_duration_seconds_count", `+labels],
					p.samples[`{__name__="api_request_duration_seconds_bucket", endpoint="/a", le="+Inf", method="GET", status_code="200"}`],
					"what a gathered text says is consistent too")
			}
		})
	}
}

// TestNativeKeepsCounting: latencies from microseconds to minutes fill more
// native buckets than there may be. What client_golang does about that, at once
// or an hour later, must not make the count fall below the classic buckets,
// which never fall.
func TestNativeKeepsCounting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := setup(t, native)
		c := r.group.Cell("GET", "/a", "200")
		var home instrument.Home
		n := 0
		observe := func(v time.Duration) {
			c.Observe(&home, duration, int64(v))
			n++
		}
		check := func() {
			h := find(t, r.reg, "api_request_duration_seconds", "/a", "GET", "200").Histogram
			checkNative(t, h)
			require.Equal(t, uint64(n), h.GetSampleCount())
		}
		for range 1000 {
			observe(time.Millisecond)
		}
		check()
		for range 3 {
			time.Sleep(time.Hour + time.Minute)
			for v := float64(time.Microsecond); v < float64(10*time.Minute); v *= 1.05 {
				observe(time.Duration(v))
			}
			check()
		}
	})
}
