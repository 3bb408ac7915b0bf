package queue_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/queue"
)

// TestBooks drives queues of random sizes with random offers before writers of
// random moods and checks, all the time and in the end, that every element is
// accounted for exactly once and that nothing is written twice or out of order.
func TestBooks(t *testing.T) {
	t.Parallel()
	seeds := 300
	if testing.Short() {
		seeds = 30
	}
	for seed := range seeds {
		t.Run(strconv.Itoa(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { keepBooks(t, uint64(seed)) })
		})
	}
}

func keepBooks(t *testing.T, seed uint64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	moods := rand.New(rand.NewPCG(seed, 2)) // the worker's own
	cfg := queue.Config{
		Capacity: 1 + rng.IntN(40), Batch: 1 + rng.IntN(9), Age: time.Duration(1+rng.IntN(2000)) * time.Millisecond,
		Spill: rng.IntN(20), WriteTimeout: time.Duration(1+rng.IntN(3000)) * time.Millisecond,
		BackoffMin: time.Duration(1+rng.IntN(500)) * time.Millisecond, BackoffMax: time.Duration(500+rng.IntN(3000)) * time.Millisecond,
	}
	trouble := rng.IntN(10) // of ten writes, so many go wrong
	grace := time.Duration(1+rng.IntN(5000)) * time.Millisecond
	h := setup(t, cfg, grace, func(ctx context.Context, _ int, batch []int) error {
		require.NotEmpty(t, batch)
		require.LessOrEqual(t, len(batch), cfg.Batch)
		if moods.IntN(10) >= trouble {
			return nil
		}
		switch moods.IntN(6) {
		case 0:
			return &queue.PermanentError{Err: errDown}
		case 1:
			return &queue.PanicError{Value: "boom"}
		case 2:
			<-ctx.Done()
			return ctx.Err()
		case 3:
			return askingError(time.Duration(moods.IntN(4000)) * time.Millisecond)
		case 4: // takes its time
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Duration(moods.IntN(1000)) * time.Millisecond):
				return nil
			}
		}
		return errDown
	})
	for range 30 + rng.IntN(100) {
		h.offer(rng.IntN(2 * cfg.Capacity))
		time.Sleep(time.Duration(rng.IntN(400)) * time.Millisecond)
	}
	require.LessOrEqual(t, h.q.Len(), cfg.Capacity+cfg.Batch+cfg.Spill, "memory is bounded")
	require.LessOrEqual(t, h.end(), grace)
	h.offer(3)
	require.Equal(t, 3, h.drops()[queue.Stopped])
	h.settled()
	taken := h.took()
	require.True(t, slices.IsSorted(taken), "order is kept")
	require.Len(t, slices.Compact(slices.Clone(taken)), len(taken), "nothing is written twice")
}
