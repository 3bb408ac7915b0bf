package queue_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/queue"
)

func TestShutdownDrains(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		h := setup(t, defaults(), time.Second, func(_ context.Context, n int, _ []int) error {
			if n == 0 {
				<-release
			}
			return nil
		})
		h.offer(31)
		time.AfterFunc(100*time.Millisecond, func() { close(release) })
		require.Equal(t, 100*time.Millisecond, h.end(), "batches need not be full or old any more")
		require.Equal(t, upTo(0, 31), h.took())
		require.Len(t, h.tries(), 8)
		h.settled()
	})
}

// TestShutdownTriesAtOnce: a pause after a failure is not waited for.
func TestShutdownTriesAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := defaults()
		cfg.BackoffMin, cfg.BackoffMax = time.Hour, time.Hour
		h := setup(t, cfg, time.Second, func(_ context.Context, n int, _ []int) error {
			if n == 0 {
				return errDown
			}
			return nil
		})
		h.offer(4)
		time.Sleep(time.Minute)
		require.Zero(t, h.end())
		require.Equal(t, upTo(0, 4), h.took())
		h.settled()
	})
}

// TestShutdownGivesUp: a writer that fails is tried until the grace period is
// over; what is left then is counted.
func TestShutdownGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := setup(t, defaults(), 5*time.Second, func(context.Context, int, []int) error { return errDown })
		h.offer(30)
		before := len(h.tries())
		require.Equal(t, 5*time.Second, h.end())
		require.Greater(t, len(h.tries()), before+1, "it is tried again with pauses")
		require.Less(t, len(h.tries()), before+12)
		require.Equal(t, 30, h.drops()[queue.Shutdown]+h.drops()[queue.Spilled])
		require.Positive(t, h.drops()[queue.Shutdown])
		h.settled()
	})
}

// TestShutdownOfBlockedWriter: a writer that obeys its context is freed when
// the grace period is over.
func TestShutdownOfBlockedWriter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var cause error
		h := setup(t, defaults(), 3*time.Second, func(ctx context.Context, _ int, _ []int) error {
			<-ctx.Done()
			cause = ctx.Err()
			return cause
		})
		h.offer(20)
		require.Equal(t, 3*time.Second, h.end())
		require.ErrorIs(t, cause, context.Canceled)
		require.Len(t, h.tries(), 1)
		require.Equal(t, map[string]int{queue.Shutdown: 20}, h.drops())
		h.settled()
	})
}

// TestShutdownLetsAWriteFinish: a write that runs when the end comes is not cut.
func TestShutdownLetsAWriteFinish(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := setup(t, defaults(), 3*time.Second, func(ctx context.Context, _ int, _ []int) error {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(2 * time.Second):
				return nil
			}
		})
		h.offer(8)
		require.Equal(t, 3*time.Second, h.end())
		require.Equal(t, upTo(0, 4), h.took())
		require.Equal(t, map[string]int{queue.Shutdown: 4}, h.drops())
		h.settled()
	})
}

// TestShutdownDropsWhatIsRejected and goes on with the rest.
func TestShutdownDropsWhatIsRejected(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		h := setup(t, defaults(), time.Minute, func(_ context.Context, n int, _ []int) error {
			<-release
			switch n {
			case 1:
				return &queue.PermanentError{Err: errDown}
			case 2, 3, 4:
				return &queue.PanicError{Value: "boom"}
			}
			return nil
		})
		h.offer(16)
		close(release)
		h.end()
		require.Equal(t, map[string]int{queue.Rejected: 4, queue.Panicked: 4}, h.drops())
		require.Equal(t, append(upTo(0, 4), upTo(12, 16)...), h.took())
		h.settled()
	})
}

// TestEndBeforeStart: a context that is over before Run leaves nothing behind.
func TestEndBeforeStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		books := map[string]int{}
		var taken []int
		q := queue.New(defaults(), queue.Events{
			Dropped: func(reason string, n int) { books[reason] += n },
			Written: func(int, error) {},
		}, func(_ context.Context, batch []int) error {
			taken = append(taken, batch...)
			return nil
		})
		for i := range 100 {
			q.Offer(i)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		q.Run(ctx, time.Second)
		require.Equal(t, upTo(0, 64), taken, "what was offered before the start is not lost")
		require.Equal(t, map[string]int{queue.Full: 36}, books)
		require.Zero(t, q.Len())
	})
}
