package queue_test

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/queue"
)

// TestLateOffer aims at the moment at which the worker leaves: an element that
// was on its way in then must be counted by somebody. Rounds are short and many,
// outside of a bubble, so that the moment is met.
func TestLateOffer(t *testing.T) {
	t.Parallel()
	rounds := 20_000
	if testing.Short() {
		rounds = 1000
	}
	var met atomic.Int64
	for range rounds {
		var dropped, written, offered atomic.Int64
		q := queue.New(defaults(), queue.Events{
			Dropped: func(_ string, n int) { dropped.Add(int64(n)) },
			Written: func(n int, _ error) { written.Add(int64(n)) },
		}, func(context.Context, []int) error { return nil })
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		var left atomic.Bool
		for range 4 {
			all.Go(func() {
				for !left.Load() {
					offered.Add(1)
					q.Offer(1)
				}
			})
		}
		all.Go(func() {
			q.Run(ctx, 1)
			left.Store(true)
		})
		runtime.Gosched()
		cancel()
		all.Wait()
		require.Zero(t, q.Len())
		require.Equal(t, offered.Load(), dropped.Load()+written.Load())
	}
	_ = met.Load()
}
