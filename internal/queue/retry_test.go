package queue_test

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/queue"
)

// TestBackoff: the pause after the n-th failure in a row is at least half of
// first·2ⁿ⁻¹ and at most that, and never more than the longest.
func TestBackoff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const failures = 10
		spread := map[time.Duration]bool{}
		for range 40 {
			h := setup(t, defaults(), time.Second, func(_ context.Context, n int, _ []int) error {
				if n < failures {
					return errDown
				}
				return nil
			})
			h.offer(4)
			time.Sleep(time.Hour)
			h.end()
			tries := h.tries()
			require.Len(t, tries, failures+1)
			for i := 1; i < len(tries); i++ {
				pause := tries[i].at - tries[i-1].at
				longest := min(time.Second<<(i-1), 8*time.Second)
				require.GreaterOrEqual(t, pause, longest/2, "pause %d", i)
				require.LessOrEqual(t, pause, longest, "pause %d", i)
				require.Equal(t, upTo(0, 4), tries[i].batch)
				if i == failures {
					spread[pause] = true
				}
			}
			h.settled()
		}
		require.Greater(t, len(spread), 20, "pauses are jittered, so that a fleet does not come back at once")
	})
}

func TestBackoffStartsAnewAfterSuccess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := setup(t, defaults(), time.Second, func(_ context.Context, n int, _ []int) error {
			if n == 4 {
				return nil
			}
			return errDown
		})
		h.offer(4)
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, upTo(0, 4), h.took())
		h.offer(4)
		time.Sleep(time.Second)
		synctest.Wait()
		tries := h.tries()
		require.Len(t, tries, 7, "tried at once and again within the first pause")
		require.LessOrEqual(t, tries[6].at-tries[5].at, time.Second)
		h.end()
		h.settled()
	})
}

// TestBackoffDoesNotOverflow: doubling a long first pause leaves the range of a
// duration during an outage of hours. The queue has to live through it.
func TestBackoffDoesNotOverflow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ first, longest time.Duration }{
		{20 * time.Second, 20 * time.Second},
		{time.Minute, time.Hour},
		{time.Hour, 24 * time.Hour},
	} {
		t.Run(fmt.Sprintf("%v to %v", c.first, c.longest), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const failures = 40
				cfg := defaults()
				cfg.BackoffMin, cfg.BackoffMax = c.first, c.longest
				var tries []time.Time
				q := queue.New(cfg, queue.Events{Dropped: func(string, int) {}, Written: func(int, error) {}},
					func(context.Context, []int) error {
						tries = append(tries, time.Now())
						return errDown
					})
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan any, 1)
				go func() {
					defer func() { ended <- recover() }()
					q.Run(ctx, time.Nanosecond)
				}()
				for i := range 4 {
					q.Offer(i)
				}
				for range failures {
					time.Sleep(c.longest)
				}
				cancel()
				require.Nil(t, <-ended, "the worker panicked after %d failures", len(tries))
				for i := 1; i < len(tries)-1; i++ { // the last one is the end's
					pause := tries[i].Sub(tries[i-1])
					require.GreaterOrEqual(t, pause, c.first/2, "pause %d", i)
					require.LessOrEqual(t, pause, c.longest, "pause %d", i)
				}
			})
		})
	}
}

// askingError is one of a writer that knows when to try again.
type askingError time.Duration

func (e askingError) Error() string             { return "busy" }
func (e askingError) RetryAfter() time.Duration { return time.Duration(e) }

// TestAskedPause: a writer that asks for a pause gets it, within bounds, however
// often it failed before; afterwards the queue's own pauses go on.
func TestAskedPause(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ asked, want time.Duration }{
		{3 * time.Second, 3 * time.Second},
		{20 * time.Second, 20 * time.Second}, // above the queue's own longest
		{time.Millisecond, time.Second},      // no tighter than its own first
		{5 * time.Minute, 5 * time.Minute},
		{24 * time.Hour, 5 * time.Minute},
	} {
		t.Run(c.asked.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				outcomes := []error{askingError(c.asked), errDown, errDown, fmt.Errorf("sink: %w", askingError(c.asked)), askingError(0), errDown}
				h := setup(t, defaults(), time.Second, func(_ context.Context, n int, _ []int) error {
					if n < len(outcomes) {
						return outcomes[n]
					}
					return nil
				})
				h.offer(8)
				time.Sleep(time.Hour)
				synctest.Wait()
				require.Equal(t, upTo(0, 8), h.took())
				tries := h.tries()
				require.Len(t, tries, len(outcomes)+2)
				pause := func(i int) time.Duration { return tries[i+1].at - tries[i].at }
				require.Equal(t, c.want, pause(0))
				require.Equal(t, c.want, pause(3))
				for _, i := range []int{1, 2, 4, 5} { // the (i+1)-th failure in a row
					longest := min(time.Second<<i, 8*time.Second)
					require.GreaterOrEqual(t, pause(i), longest/2, "pause %d", i)
					require.LessOrEqual(t, pause(i), longest, "pause %d", i)
				}
				h.end()
				h.settled()
			})
		})
	}
}

// TestAskedPauseAtTheEnd: one last try is made at once; a pause that is asked for
// then is kept if the time to drain allows it, and the rest is counted if not.
func TestAskedPauseAtTheEnd(t *testing.T) {
	t.Parallel()
	for asked, lost := range map[time.Duration]int{2 * time.Second: 0, time.Minute: 4} {
		t.Run(asked.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := setup(t, defaults(), 10*time.Second, func(_ context.Context, n int, _ []int) error {
					if n < 2 {
						return askingError(asked)
					}
					return nil
				})
				h.offer(4)
				time.Sleep(time.Second)
				require.Len(t, h.tries(), 1)
				require.Equal(t, min(asked, 10*time.Second), h.end())
				require.Equal(t, time.Second, h.tries()[1].at)
				require.Equal(t, lost, h.drops()[queue.Shutdown])
				h.settled()
			})
		})
	}
}

// TestSpillDropsTheOldest: while the writer fails one batch and the spill are
// held; the newest stay.
func TestSpillDropsTheOldest(t *testing.T) {
	t.Parallel()
	for _, spill := range []int{0, 1, 8, 1000} {
		t.Run(strconv.Itoa(spill), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var up atomic.Bool
				cfg := defaults()
				cfg.Spill = spill
				h := setup(t, cfg, time.Second, func(context.Context, int, []int) error {
					if up.Load() {
						return nil
					}
					return errDown
				})
				const offered = 100
				for range offered {
					h.offer(1)
					h.balanced()
				}
				held := min(cfg.Batch+spill, offered)
				require.Equal(t, held, h.q.Len())
				require.Equal(t, offered-held, h.drops()[queue.Spilled])
				up.Store(true)
				time.Sleep(time.Minute)
				h.end()
				require.Equal(t, upTo(offered-held, offered), h.took())
				require.Equal(t, offered-held, h.drops()[queue.Spilled])
				h.settled()
			})
		})
	}
}

// TestOrderIsKept through failures, retries and batches of all sizes.
func TestOrderIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := defaults()
		cfg.Spill, cfg.Age = 1000, 100*time.Millisecond
		h := setup(t, cfg, time.Minute, func(_ context.Context, n int, _ []int) error {
			if n%3 != 0 {
				return errDown
			}
			return nil
		})
		for i := range 60 {
			h.offer(i % 7)
			time.Sleep(time.Duration(i%5) * 100 * time.Millisecond)
		}
		time.Sleep(time.Hour)
		h.end()
		require.Equal(t, upTo(0, h.offered), h.took())
		h.settled()
	})
}

func TestRejectedBatchIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := setup(t, defaults(), time.Second, func(_ context.Context, n int, _ []int) error {
			if n == 1 {
				return fmt.Errorf("sink: %w", &queue.PermanentError{Err: errDown})
			}
			return nil
		})
		h.offer(12)
		require.Equal(t, [][]int{upTo(0, 4), upTo(4, 8), upTo(8, 12)}, batches(h.tries()))
		require.Zero(t, time.Since(h.start), "the next batch does not wait")
		require.Equal(t, map[string]int{queue.Rejected: 4}, h.drops())
		h.end()
		h.settled()
	})
}

func TestThirdPanicCostsTheBatch(t *testing.T) {
	t.Parallel()
	for name, outcomes := range map[string][]error{
		"in a row":             {&queue.PanicError{Value: 1}, &queue.PanicError{Value: 2}, &queue.PanicError{Value: 3}},
		"with errors between":  {&queue.PanicError{Value: 1}, errDown, &queue.PanicError{Value: 2}, errDown, &queue.PanicError{Value: 3}},
		"wrapped by something": {fmt.Errorf("a: %w", &queue.PanicError{}), fmt.Errorf("b: %w", &queue.PanicError{}), fmt.Errorf("c: %w", &queue.PanicError{})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := setup(t, defaults(), time.Second, func(_ context.Context, n int, _ []int) error {
					if n < len(outcomes) {
						return outcomes[n]
					}
					return nil
				})
				h.offer(8)
				time.Sleep(time.Hour)
				synctest.Wait()
				tries := h.tries()
				require.Len(t, tries, len(outcomes)+1)
				for _, a := range tries[:len(outcomes)] {
					require.Equal(t, upTo(0, 4), a.batch)
				}
				require.Equal(t, upTo(4, 8), h.took())
				require.Equal(t, tries[len(outcomes)-1].at, tries[len(outcomes)].at, "the next batch does not wait")
				require.Equal(t, map[string]int{queue.Panicked: 4}, h.drops())
				h.end()
				h.settled()
			})
		})
	}
}

// TestTwoPanicsAreForgiven: each batch has its own count.
func TestTwoPanicsAreForgiven(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := setup(t, defaults(), time.Second, func(_ context.Context, n int, _ []int) error {
			if n%3 != 2 {
				return &queue.PanicError{Value: n}
			}
			return nil
		})
		h.offer(12)
		time.Sleep(time.Hour)
		h.end()
		require.Len(t, h.tries(), 9)
		require.Equal(t, upTo(0, 12), h.took())
		h.settled()
	})
}
