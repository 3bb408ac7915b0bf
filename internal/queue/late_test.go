package queue_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/queue"
)

// TestLateOffer: an element whose Offer saw the queue open and puts it in when
// the worker has left is counted by Offer itself.
func TestLateOffer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := setup(t, defaults(), time.Second, takes)
		h.end()
		h.q.Reopen()
		h.offer(3)
		require.Equal(t, map[string]int{queue.Stopped: 3}, h.drops())
		h.settled()
	})
}

// TestOffersAtTheEnd aims at the moment at which the worker leaves, in many
// short rounds outside of a bubble: what is on its way in then is counted once.
func TestOffersAtTheEnd(t *testing.T) {
	t.Parallel()
	const rounds, producers, each = 5000, 4, 20
	for range rounds {
		var dropped, written atomic.Int64
		q := queue.New(defaults(), queue.Events{
			Dropped: func(_ string, n int) { dropped.Add(int64(n)) },
			Written: func(n int, _ error) { written.Add(int64(n)) },
		}, func(context.Context, []int) error { return nil })
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for range producers {
			all.Go(func() {
				for range each {
					q.Offer(1)
				}
			})
		}
		cancel()
		q.Run(ctx, time.Second)
		all.Wait()
		require.Zero(t, q.Len())
		require.EqualValues(t, producers*each, dropped.Load()+written.Load())
	}
}
