package dbmon

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestP95IsByNearestRank: of few calls the slow one counts.
func TestP95IsByNearestRank(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fast, slow int
		want       time.Duration
	}{
		{1, 1, 300 * time.Millisecond},
		{9, 1, 300 * time.Millisecond},
		{19, 1, time.Millisecond},
		{18, 2, 300 * time.Millisecond},
		{0, 1, 300 * time.Millisecond},
	} {
		var s stats
		for range c.fast {
			s.add(&outcome{elapsed: time.Millisecond}, 0, false)
		}
		for range c.slow {
			s.add(&outcome{elapsed: 300 * time.Millisecond}, 0, false)
		}
		buckets := s.buckets
		if buckets == nil {
			buckets = s.spread()
		}
		require.InEpsilon(t, c.want, quantile(buckets, 0.95), 0.07, "%+v", c)
	}
}

// TestFullBucketKeepsTheDistribution: a bucket that would wrap is halved with
// all the others.
func TestFullBucketKeepsTheDistribution(t *testing.T) {
	t.Parallel()
	s := stats{calls: 1 << 40, buckets: &[durationBuckets]uint32{}}
	s.buckets[durationBucket(time.Millisecond)] = math.MaxUint32
	s.buckets[durationBucket(time.Second)] = 1 << 30 // a fifth
	s.add(&outcome{elapsed: time.Millisecond}, 0, false)
	require.EqualValues(t, 1<<40+1, s.calls)
	require.InEpsilon(t, time.Millisecond, quantile(s.buckets, 0.75), 0.07)
	require.InEpsilon(t, time.Second, quantile(s.buckets, 0.95), 0.07)
}
