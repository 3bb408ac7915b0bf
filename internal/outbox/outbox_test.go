package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chronoretrace/chronomon/internal/outbox"
	"github.com/chronoretrace/chronomon/internal/queue"
	"github.com/chronoretrace/chronomon/internal/spill"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// store takes items, unless it is told not to.
type store struct {
	mu    sync.Mutex
	took  []string                // guarded by mu
	asked []time.Time             // guarded by mu
	err   func(item string) error // guarded by mu; nil: takes all
	logs  []string                // guarded by mu
	made  int                     // guarded by mu; by finish
}

func (s *store) send(_ context.Context, items []outbox.Item) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, time.Now())
	var first error
	for _, item := range outbox.Pending(items) {
		if s.err != nil {
			if err := s.err(string(item.Data)); err != nil {
				first = errors.Join(first, err)
				continue
			}
		}
		s.took = append(s.took, string(item.Data))
		item.Done = true
	}
	return first
}

func (s *store) finish(record []byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made++
	return fmt.Appendf(nil, "%s#%d", record, s.made)
}

func (s *store) log(_ slog.Level, msg string, _ ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.logs = append(s.logs, msg)
}

func (s *store) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = nil
	if err != nil {
		s.err = func(string) error { return err }
	}
}

// counts are the requests and the log lines so far.
func (s *store) counts() (asked int, logs []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asked), append([]string{}, s.logs...)
}

func (s *store) taken() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.took...)
}

func (s *store) box(t testing.TB, dir string) *outbox.Box {
	t.Helper()
	b, err := outbox.New(outbox.Config{
		Store: "test", Send: s.send, Finish: s.finish, Log: s.log, Dir: dir, Limit: 1 << 20, MaxAge: time.Hour,
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func records(names ...string) [][]byte {
	out := make([][]byte, len(names))
	for i, n := range names {
		out[i] = []byte(n)
	}
	return out
}

var errDown = errors.New("down")

// A batch that is offered again keeps what its records were made, and is sent
// without those that were taken: also when the oldest are gone and newer ones
// have come.
func TestWriteAgain(t *testing.T) {
	t.Parallel()
	s := &store{}
	stream := s.box(t, "").NewStream()
	s.err = func(item string) error {
		if item == "b#2" {
			return nil
		}
		return errDown
	}
	require.ErrorIs(t, stream.Write(t.Context(), records("a", "b", "twin", "twin")), errDown)
	require.ErrorIs(t, stream.Write(t.Context(), records("b", "twin", "twin", "new")), errDown)
	s.fail(nil)
	require.NoError(t, stream.Write(t.Context(), records("b", "twin", "twin", "new", "newer")))
	require.Equal(t, []string{"b#2", "twin#3", "twin#4", "new#5", "newer#6"}, s.taken())

	require.NoError(t, stream.Write(t.Context(), records("twin"))) // another one: the batch before was taken
	require.Equal(t, "twin#7", s.taken()[5])
	require.NoError(t, stream.Write(t.Context(), nil))
}

// A transport of the host's that panics costs time, and not the process.
func TestSendPanics(t *testing.T) {
	t.Parallel()
	s := &store{err: func(string) error { panic("the host's") }}
	memory := s.box(t, "").NewStream()
	var panicked *queue.PanicError
	require.ErrorAs(t, memory.Write(t.Context(), records("a")), &panicked)

	synctest.Test(t, func(t *testing.T) {
		b := s.box(t, t.TempDir())
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- b.Run(ctx) }()
		synctest.Wait()
		require.NoError(t, b.NewStream().Write(t.Context(), records("b")), "it is on disk")
		time.Sleep(time.Minute)
		require.Equal(t, 1, b.Spilled())
		s.fail(nil)
		time.Sleep(time.Minute)
		require.Zero(t, b.Spilled())
		require.Len(t, s.taken(), 1)
		cancel()
		require.NoError(t, <-ended)
	})
}

// A store that asks for a pause is not asked before it is over.
func TestPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &store{}
		stream := s.box(t, "").NewStream()
		s.fail(&outbox.RetryAfterError{After: 10 * time.Second, Err: errDown})
		require.ErrorIs(t, stream.Write(t.Context(), records("a")), errDown)
		s.fail(nil)
		for range 9 {
			time.Sleep(time.Second)
			require.ErrorIs(t, stream.Write(t.Context(), records("a")), outbox.ErrPause)
		}
		require.Len(t, s.asked, 1)
		time.Sleep(time.Second)
		require.NoError(t, stream.Write(t.Context(), records("a")))
		require.Len(t, s.asked, 2)
	})
}

// Behind a queue, a store that asks for a pause costs two tries: the one that was
// told so and the one when it is over.
func TestPauseBehindQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &store{}
		s.fail(fmt.Errorf("sink: %w", &outbox.RetryAfterError{After: 40 * time.Second, Err: errDown}))
		var failed []error
		q := queue.New(queue.Config{
			Capacity: 16, Batch: 2, Age: time.Second, WriteTimeout: time.Second, BackoffMin: 200 * time.Millisecond, BackoffMax: 30 * time.Second,
		}, queue.Events{Dropped: func(string, int) {}, Written: func(_ int, err error) {
			if err != nil {
				failed = append(failed, err)
			}
		}}, s.box(t, "").NewStream().Write)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			q.Run(ctx, time.Second)
		}()
		start := time.Now()
		q.Offer([]byte("a"))
		q.Offer([]byte("b"))
		synctest.Wait()
		s.fail(nil)
		time.Sleep(time.Hour)
		cancel()
		<-ended
		require.Len(t, failed, 1)
		require.Equal(t, []string{"a#1", "b#2"}, s.taken())
		require.Len(t, s.asked, 2)
		require.Equal(t, 40*time.Second, s.asked[1].Sub(start))
	})
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "0": 0, "-3": 0, "soon": 0, "86400": 5 * time.Minute,
		"99999999999999999999":          0,
		"Wed, 04 Mar 2026 05:06:27 GMT": 20 * time.Second,
		"Wed, 04 Mar 2020 05:06:27 GMT": 0,
		"Wed, 04 Mar 2099 05:06:27 GMT": 5 * time.Minute,
	} {
		err := outbox.RetryAfter(http.Header{"Retry-After": {value}}, now, errDown)
		require.ErrorIs(t, err, errDown)
		pause, ok := errors.AsType[*outbox.RetryAfterError](err)
		require.Equal(t, want > 0, ok, value)
		if ok {
			require.Equal(t, want, pause.After, value)
		}
	}
}

// run runs the box until the returned function is called.
func run(b *outbox.Box) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = b.Run(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}

// What a store does not take goes to disk and from there, in order, by itself;
// what comes meanwhile queues behind it.
func TestSpill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := &store{}
		s.fail(errDown)
		b := s.box(t, dir)
		stream := b.NewStream()
		require.ErrorIs(t, stream.Write(t.Context(), records("a")), errDown, "nobody would empty the disk")
		require.Zero(t, b.Spilled())

		stop := run(b)
		synctest.Wait()
		for i := range 20 {
			require.NoError(t, stream.Write(t.Context(), records("a", strconv.Itoa(i))))
			time.Sleep(time.Second)
		}
		require.Equal(t, 40, b.Spilled())
		asked, _ := s.counts()
		require.Less(t, asked, 14, "pauses grow")
		s.fail(nil)
		time.Sleep(31 * time.Second)
		require.Zero(t, b.Spilled())
		require.Len(t, s.taken(), 40)
		for i := range 20 {
			require.Regexp(t, fmt.Sprintf("^%d#", i), s.taken()[2*i+1])
		}
		require.NoError(t, stream.Write(t.Context(), records("direct")))
		require.Len(t, s.taken(), 41)
		_, logs := s.counts()
		require.Equal(t, []string{"records wait on disk for their store", "the store has taken what waited on disk"}, logs)
		stop()
	})
}

// A batch of which some was taken is sent without that, and what is on disk is
// there for the next process.
func TestSpillSurvives(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := &store{err: func(item string) error {
			if item[0] == 'a' {
				return nil
			}
			return errDown
		}}
		b := s.box(t, dir)
		stop := run(b)
		synctest.Wait()
		stream := b.NewStream()
		require.NoError(t, stream.Write(t.Context(), records("a", "b", "a")))
		require.NoError(t, stream.Write(t.Context(), records("a", "c")))
		time.Sleep(time.Minute)
		require.Equal(t, []string{"a#1", "a#3"}, s.taken())
		require.Equal(t, 3, b.Spilled())
		stop()
		require.NoError(t, stream.Write(t.Context(), records("d"))) // sinks drain after engines
		require.NoError(t, b.Close())

		s2 := &store{}
		b = s2.box(t, dir)
		require.Equal(t, 4, b.Spilled())
		stop = run(b)
		synctest.Wait()
		require.Equal(t, []string{"b#2", "a#4", "c#5", "d#6"}, s2.taken())
		stop()
	})
}

// A batch that has to make room while it is on its way is counted once: as
// dropped if the store does not take it after all, and only what is left of it.
func TestSpillFullWhileSending(t *testing.T) {
	t.Parallel()
	for name, taken := range map[string]int{"all": 2, "half": 1, "none": 0} {
		dir := t.TempDir()
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, calls := &store{}, 0
				reached, release := make(chan struct{}), make(chan struct{})
				b, err := outbox.New(outbox.Config{
					Store: "test", Finish: s.finish, Log: s.log, Dir: dir, Limit: 1 << 20, MaxAge: time.Hour,
					Send: func(ctx context.Context, items []outbox.Item) error {
						switch calls++; calls {
						case 1: // goes to disk
							return errDown
						case 2: // comes from there
							close(reached)
							<-release
							for i := range taken {
								items[i].Done = true
							}
							if taken < len(items) {
								return errDown
							}
							return nil
						}
						return s.send(ctx, items)
					},
				})
				require.NoError(t, err)
				stop := run(b)
				synctest.Wait()
				stream := b.NewStream()
				require.NoError(t, stream.Write(t.Context(), records("first", "batch")))
				<-reached
				const more = 300 // of 4 KiB on disk each: more than there is room for
				for i := range more {
					require.NoError(t, stream.Write(t.Context(), records(strconv.Itoa(i))))
				}
				require.Less(t, b.Spilled(), more)
				close(release)
				time.Sleep(time.Hour)
				require.Zero(t, b.Spilled())
				require.Equal(t, 2+more, taken+len(s.taken())+int(b.Dropped.Get(spill.Full)))
				stop()
				require.NoError(t, b.Close())
			})
		})
	}
}

func TestSpillExpires(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := &store{}
		s.fail(errDown)
		b := s.box(t, dir)
		stop := run(b)
		synctest.Wait()
		stream := b.NewStream()
		require.NoError(t, stream.Write(t.Context(), records("old")))
		time.Sleep(59 * time.Minute)
		require.NoError(t, stream.Write(t.Context(), records("young")))
		stop()
		require.NoError(t, b.Close())
		time.Sleep(2 * time.Minute)
		s = &store{}
		b = s.box(t, dir)
		stop = run(b)
		synctest.Wait()
		require.Equal(t, []string{"young#2"}, s.taken())
		require.Equal(t, uint64(1), b.Dropped.Get(outbox.Expired))
		stop()
	})
}

// What the store will never take is not kept.
func TestPermanent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := &store{}
		s.fail(&queue.PermanentError{Err: errDown})
		b := s.box(t, dir)
		stop := run(b)
		synctest.Wait()
		require.ErrorIs(t, b.NewStream().Write(t.Context(), records("a")), errDown)
		require.Zero(t, b.Spilled())
		stop()
	})
}
