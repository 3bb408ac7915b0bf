package queue_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chronoretrace/chronomon/internal/queue"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errDown = errors.New("down")

// defaults is a configuration in which nothing happens by itself for an hour
// unless a test says otherwise.
func defaults() queue.Config {
	return queue.Config{
		Capacity: 64, Batch: 4, Age: time.Hour, Spill: 8,
		WriteTimeout: time.Minute, BackoffMin: time.Second, BackoffMax: 8 * time.Second,
	}
}

// attempt is one call of the writer.
type attempt struct {
	at    time.Duration // since the start
	batch []int
	err   error
}

// harness is a running queue of consecutive numbers and the books about it.
type harness struct {
	t     *testing.T
	q     *queue.Queue[int]
	start time.Time
	stop  context.CancelFunc
	ended chan struct{}

	mu       sync.Mutex
	offered  int            // guarded by mu
	attempts []attempt      // guarded by mu
	results  []error        // guarded by mu; what Written was told
	written  int            // guarded by mu; elements, as Written was told
	taken    []int          // guarded by mu; elements of writes that succeeded
	dropped  map[string]int // guarded by mu
}

// writer is what a test does with a batch; n counts the calls from 0.
type writer func(ctx context.Context, n int, batch []int) error

func takes(context.Context, int, []int) error { return nil }

// setup starts a queue inside the test's bubble.
func setup(t *testing.T, cfg queue.Config, grace time.Duration, write writer) *harness {
	t.Helper()
	h := &harness{t: t, start: time.Now(), ended: make(chan struct{}), dropped: map[string]int{}}
	h.q = queue.New(cfg, queue.Events{Dropped: h.onDropped, Written: h.onWritten},
		func(ctx context.Context, batch []int) error {
			h.mu.Lock()
			n := len(h.attempts)
			h.attempts = append(h.attempts, attempt{at: time.Since(h.start), batch: slices.Clone(batch)})
			h.mu.Unlock()
			err := write(ctx, n, batch)
			h.mu.Lock()
			defer h.mu.Unlock()
			h.attempts[n].err = err
			if err == nil {
				h.taken = append(h.taken, batch...)
			}
			return err
		})
	ctx, cancel := context.WithCancel(t.Context())
	h.stop = cancel
	go func() {
		defer close(h.ended)
		h.q.Run(ctx, grace)
	}()
	return h
}

func (h *harness) onDropped(reason string, n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.dropped[reason] += n
}

func (h *harness) onWritten(n int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.written += n
	h.results = append(h.results, err)
}

// offer offers the next n numbers and lets the worker settle.
func (h *harness) offer(n int) {
	for range n {
		h.mu.Lock()
		v := h.offered
		h.offered++
		h.mu.Unlock()
		h.q.Offer(v)
	}
	synctest.Wait()
}

// end stops the queue, waits for it and returns how long that took.
func (h *harness) end() time.Duration {
	from := time.Now()
	h.stop()
	<-h.ended
	return time.Since(from)
}

// balanced checks the books: every element offered is written, dropped or still there.
func (h *harness) balanced() {
	h.t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	sum := h.written + h.q.Len()
	for _, n := range h.dropped {
		sum += n
	}
	require.Equal(h.t, h.offered, sum, "written %d, dropped %v, left %d", h.written, h.dropped, h.q.Len())
	require.Len(h.t, h.taken, h.written, "what Written was told and what the writer took")
	require.Len(h.t, h.results, len(h.attempts), "Written is told of each write")
	for i, a := range h.attempts {
		require.Equal(h.t, a.err, h.results[i])
	}
}

// settled is balanced after the end, when nothing may be left.
func (h *harness) settled() {
	h.t.Helper()
	require.Zero(h.t, h.q.Len(), "left after the end")
	h.balanced()
}

func (h *harness) drops() map[string]int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.dropped)
}

func (h *harness) tries() []attempt {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.attempts)
}

func (h *harness) took() []int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.taken)
}

// upTo is from, from+1, … to-1.
func upTo(from, to int) []int {
	out := make([]int, 0, to-from)
	for i := from; i < to; i++ {
		out = append(out, i)
	}
	return out
}

func batches(tries []attempt) [][]int {
	var out [][]int
	for _, a := range tries {
		out = append(out, a.batch)
	}
	return out
}
