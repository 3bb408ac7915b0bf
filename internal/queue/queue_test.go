package queue_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/queue"
)

func TestFullBatchIsWrittenAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := setup(t, defaults(), time.Second, takes)
		h.offer(10)
		require.Equal(t, [][]int{upTo(0, 4), upTo(4, 8)}, batches(h.tries()))
		require.Zero(t, time.Since(h.start), "no time passes for a full batch")
		require.Equal(t, 2, h.q.Len(), "the rest waits")
		h.balanced()
		h.end()
		require.Equal(t, upTo(0, 10), h.took())
		h.settled()
	})
}

func TestOldBatchIsWritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := defaults()
		cfg.Age = time.Second
		h := setup(t, cfg, time.Second, takes)
		time.Sleep(5 * time.Second)
		h.offer(1)
		time.Sleep(600 * time.Millisecond)
		h.offer(1)
		time.Sleep(399 * time.Millisecond)
		synctest.Wait()
		require.Empty(t, h.tries())
		time.Sleep(time.Millisecond)
		synctest.Wait()
		require.Equal(t, []attempt{{at: 6 * time.Second, batch: upTo(0, 2)}}, h.tries(), "the oldest one's age decides")
		h.end()
		h.settled()
	})
}

// TestRestOfBurstIsWritten: what a full batch leaves behind waits for its own
// age, counted from the write.
func TestRestOfBurstIsWritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := defaults()
		cfg.Age = time.Second
		h := setup(t, cfg, time.Second, takes)
		h.offer(3)
		time.Sleep(500 * time.Millisecond)
		h.offer(2)
		time.Sleep(time.Hour)
		require.Equal(t, []attempt{
			{at: 500 * time.Millisecond, batch: upTo(0, 4)},
			{at: 1500 * time.Millisecond, batch: upTo(4, 5)},
		}, h.tries())
		h.end()
		h.settled()
	})
}

func TestIdleQueueWritesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := setup(t, defaults(), time.Second, takes)
		time.Sleep(48 * time.Hour)
		require.Zero(t, h.end(), "there is nothing to wait for")
		require.Empty(t, h.tries())
		h.settled()
	})
}

func TestFullQueueDropsTheNewest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		cfg := defaults()
		cfg.Capacity = 6
		h := setup(t, cfg, time.Minute, func(context.Context, int, []int) error {
			<-release
			return nil
		})
		h.offer(4)  // is being written
		h.offer(10) // 6 wait, 4 go
		require.Equal(t, map[string]int{queue.Full: 4}, h.drops())
		require.Equal(t, 10, h.q.Len(), "what is being written and what waits")
		close(release)
		synctest.Wait()
		h.end()
		require.Equal(t, upTo(0, 10), h.took())
		h.settled()
	})
}

// TestOfferNeverBlocks: not even when the writer ignores its context.
func TestOfferNeverBlocks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		h := setup(t, defaults(), time.Second, func(context.Context, int, []int) error {
			<-release
			return nil
		})
		from := time.Now()
		h.offer(4) // is being written
		h.offer(10_000)
		require.Zero(t, time.Since(from))
		close(release)
		h.end()
		require.Equal(t, 10_000-64, h.drops()[queue.Full])
		h.settled()
	})
}

func TestWriterHasADeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var deadlines []time.Duration
		h := setup(t, defaults(), time.Second, func(ctx context.Context, n int, _ []int) error {
			if d, ok := ctx.Deadline(); ok {
				deadlines = append(deadlines, time.Until(d))
			}
			if n == 0 {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		})
		h.offer(4)
		time.Sleep(time.Hour)
		h.end()
		require.Equal(t, []time.Duration{time.Minute, time.Minute}, deadlines)
		tries := h.tries()
		require.Len(t, tries, 2)
		require.ErrorIs(t, tries[0].err, context.DeadlineExceeded)
		require.GreaterOrEqual(t, tries[1].at, time.Minute)
		require.Equal(t, upTo(0, 4), h.took(), "a write that timed out is tried again")
		h.settled()
	})
}

// TestBatchIsBounded in size, and in what the writer can reach: an append to it
// must not overwrite what waits behind.
func TestBatchIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := setup(t, defaults(), time.Second, func(_ context.Context, n int, batch []int) error {
			require.LessOrEqual(t, len(batch), 4)
			_ = append(batch, -1, -2, -3)
			if n < 3 {
				return errDown
			}
			return nil
		})
		h.offer(12)
		time.Sleep(time.Minute)
		h.end()
		require.Equal(t, upTo(0, 12), h.took())
		h.settled()
	})
}

func TestOfferAfterTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := setup(t, defaults(), time.Second, takes)
		h.offer(1)
		h.end()
		h.offer(3)
		require.Equal(t, map[string]int{queue.Stopped: 3}, h.drops())
		require.Equal(t, upTo(0, 1), h.took())
		h.settled()
	})
}

// TestOfferWhileDraining: what comes then would put off the end, and is not
// taken any more.
func TestOfferWhileDraining(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := setup(t, defaults(), time.Minute, func(context.Context, int, []int) error {
			time.Sleep(time.Second)
			return nil
		})
		h.offer(12)
		h.stop()
		time.Sleep(1500 * time.Millisecond) // the second of three writes
		h.offer(5)
		h.end()
		require.Equal(t, upTo(0, 12), h.took())
		require.Equal(t, map[string]int{queue.Stopped: 5}, h.drops())
		h.settled()
	})
}

// TestOfferDuringShutdown: many writers race with the end; none of what they
// offered is lost to the books, whatever becomes of it.
func TestOfferDuringShutdown(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]writer{
		"takes": takes,
		"fails": func(context.Context, int, []int) error { return errDown },
		"rejects": func(context.Context, int, []int) error {
			return &queue.PermanentError{Err: errDown}
		},
		"slow": func(ctx context.Context, _ int, _ []int) error {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Millisecond):
				return nil
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 50 {
				synctest.Test(t, func(t *testing.T) {
					cfg := defaults()
					cfg.Capacity = 8
					h := setup(t, cfg, 20*time.Millisecond, write)
					var producers sync.WaitGroup
					for range 8 {
						producers.Go(func() {
							for range 500 {
								h.mu.Lock()
								v := h.offered
								h.offered++
								h.mu.Unlock()
								h.q.Offer(v)
							}
						})
					}
					h.end()
					producers.Wait()
					h.settled()
				})
			}
		})
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	permanent := fmt.Errorf("sink: %w", &queue.PermanentError{Err: errDown})
	require.ErrorIs(t, permanent, errDown)
	require.Equal(t, "sink: down", permanent.Error())
	var p *queue.PermanentError
	require.ErrorAs(t, permanent, &p)
	require.Equal(t, "panic with a string", (&queue.PanicError{Value: "boom"}).Error())
	require.NotErrorIs(t, &queue.PanicError{Value: errDown}, errors.ErrUnsupported)
}
