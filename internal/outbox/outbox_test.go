package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chronoretrace/chronomon/internal/outbox"
	"github.com/chronoretrace/chronomon/internal/queue"
	"github.com/chronoretrace/chronomon/internal/spill"
	"github.com/chronoretrace/chronomon/monitor/monitortest"
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

	s.fail(errDown)
	require.ErrorIs(t, stream.Write(t.Context(), records("last")), errDown)
	require.NoError(t, stream.Write(t.Context(), nil), "nothing is forgotten of it")
	s.fail(&queue.PermanentError{Err: errDown})
	require.ErrorIs(t, stream.Write(t.Context(), records("last")), errDown)
	s.fail(nil)
	require.NoError(t, stream.Write(t.Context(), records("last")))
	require.Equal(t, "last#9", s.taken()[6], "the one before will never be taken")

	over, cancel := context.WithCancel(t.Context())
	cancel()
	asked, _ := s.counts()
	require.ErrorIs(t, stream.Write(over, records("late")), context.Canceled)
	again, _ := s.counts()
	require.Equal(t, asked, again, "the store is not asked")
}

// The overlap of two lists, beside the definition.
func TestOverlap(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	list := func() []uint64 {
		out := make([]uint64, rng.IntN(12))
		for i := range out {
			out[i] = rng.Uint64N(2)
		}
		return out
	}
	for range 100_000 {
		a, b := list(), list()
		want := min(len(a), len(b))
		for !slices.Equal(a[len(a)-want:], b[:want]) {
			want--
		}
		if got := outbox.Overlap(a, b); got != want {
			require.Equal(t, want, got, "%v %v", a, b)
		}
	}
}

// Twins of which the oldest is gone are not taken for one another: what was taken
// behind them is not sent again. However many there are, it is found in one pass.
func TestTwinsAfterADrop(t *testing.T) {
	t.Parallel()
	s := &store{err: func(item string) error {
		if item[0] == 'A' {
			return errDown
		}
		return nil
	}}
	stream := s.box(t, "").NewStream()
	require.ErrorIs(t, stream.Write(t.Context(), records("A", "A", "B")), errDown)
	require.ErrorIs(t, stream.Write(t.Context(), records("A", "B", "C")), errDown)
	require.Equal(t, []string{"B#3", "C#4"}, s.taken())
	s.fail(nil)
	require.NoError(t, stream.Write(t.Context(), records("A", "B", "C", "A", "A", "B", "A", "A", "A")))
	require.Equal(t, []string{"A#2", "A#5", "A#6", "B#7", "A#8", "A#9", "A#10"}, s.taken()[2:])

	s.fail(errDown)
	require.ErrorIs(t, stream.Write(t.Context(), records("A", "A", "B", "A", "A")), errDown)
	require.ErrorIs(t, stream.Write(t.Context(), records("A", "A", "A")), errDown) // the last of them and a new one
	s.fail(nil)
	require.NoError(t, stream.Write(t.Context(), records("A", "A", "A")))
	require.Equal(t, []string{"A#14", "A#15", "A#16"}, s.taken()[9:])

	many := make([][]byte, 1<<17)
	for i := range many {
		many[i] = []byte("A")
	}
	many[len(many)-1] = []byte("B")
	stream = s.box(t, "").NewStream()
	s.fail(errDown)
	require.Error(t, stream.Write(t.Context(), many[1:]))
	start := time.Now()
	require.Error(t, stream.Write(t.Context(), many[:1<<16]))
	require.Less(t, time.Since(start), 3*time.Second)
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
		require.NoError(t, outbox.RetryAfter(http.Header{"Retry-After": {value}}, now, nil))
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
		require.Equal(t, []string{"records wait on disk for their store", "nothing waits on disk any more"}, logs)
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
				require.NotContains(t, s.taken(), "batch#2", "it is not sent again")
				_, logs := s.counts()
				require.Contains(t, logs, "records were lost on their way over the disk")
				stop()
				require.NoError(t, b.Close())
			})
		})
	}
}

// The pauses after failures double from 0.2 s to 30 s, half of each random, and
// begin anew after a success; an error that says when is asked again then, and one
// that got on soon. Each request has 10 s.
func TestSpillPauses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := &store{}
		var hangs atomic.Bool
		b, err := outbox.New(outbox.Config{
			Store: "test", Finish: s.finish, Log: s.log, Dir: dir, Limit: 1 << 20, MaxAge: 24 * time.Hour,
			Send: func(ctx context.Context, items []outbox.Item) error {
				if hangs.Load() {
					<-ctx.Done()
					return ctx.Err()
				}
				return s.send(ctx, items)
			},
		})
		require.NoError(t, err)
		defer func() { require.NoError(t, b.Close()) }()
		stop := run(b)
		synctest.Wait()
		stream := b.NewStream()
		s.fail(errDown)
		require.NoError(t, stream.Write(t.Context(), records("a")))
		synctest.Wait()
		// pauses returns those after the requests that have been made since it was called last.
		pauses := func() (out []time.Duration) {
			s.mu.Lock()
			defer s.mu.Unlock()
			for i := 1; i < len(s.asked); i++ {
				out = append(out, s.asked[i].Sub(s.asked[i-1]))
			}
			s.asked = s.asked[max(len(s.asked)-1, 0):]
			return out
		}
		require.Zero(t, pauses()[0], "the write's own request")
		time.Sleep(time.Hour)
		got := pauses()
		require.Greater(t, len(got), 120)
		jittered := false
		for i, pause := range got {
			longest := min(200*time.Millisecond<<min(i, 20), 30*time.Second)
			require.LessOrEqual(t, pause, longest, i)
			require.GreaterOrEqual(t, pause, longest/2, i)
			jittered = jittered || pause < longest*9/10
		}
		require.True(t, jittered)

		require.NoError(t, stream.Write(t.Context(), records("b")))
		s.mu.Lock()
		s.err = func(item string) error {
			if item[0] == 'a' {
				return nil
			}
			return errDown
		}
		s.mu.Unlock()
		time.Sleep(31 * time.Second)
		got = pauses()
		require.Zero(t, got[1], "the batch behind the one that was taken")
		require.LessOrEqual(t, got[2], 200*time.Millisecond)

		s.fail(outbox.Progress(errDown))
		time.Sleep(31 * time.Second)
		pauses()
		time.Sleep(time.Minute)
		for _, pause := range pauses() {
			require.Equal(t, 200*time.Millisecond, pause)
		}
		s.fail(&outbox.RetryAfterError{After: time.Millisecond, Err: errDown})
		time.Sleep(time.Second)
		pauses()
		time.Sleep(time.Minute)
		for _, pause := range pauses() {
			require.Equal(t, 200*time.Millisecond, pause)
		}

		s.fail(&queue.PermanentError{Err: errDown})
		time.Sleep(time.Second)
		require.Zero(t, b.Spilled(), "it will never be taken")
		_, before := s.counts()

		s.fail(errDown)
		require.NoError(t, stream.Write(t.Context(), records("c")))
		hangs.Store(true)
		time.Sleep(time.Second)
		from := time.Now()
		stop()
		require.Less(t, time.Since(from), time.Second)
		_, logs := s.counts()
		require.Equal(t, before, logs, "the end is no failure")
		stop = run(b)
		synctest.Wait()
		hangs.Store(false)
		s.fail(nil)
		time.Sleep(9 * time.Second)
		require.Equal(t, 1, b.Spilled(), "the request under way")
		time.Sleep(2 * time.Second)
		require.Zero(t, b.Spilled())
		stop()
	})
}

// Without anybody who empties the disk it is not put on it; with a disk that fails
// too, the error says both; and a file that was lost there is told of.
func TestSpillNotRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := &store{}
		s.fail(errDown)
		b := s.box(t, dir)
		stop := run(b)
		synctest.Wait()
		require.NoError(t, b.NewStream().Write(t.Context(), records("a")))
		require.NoError(t, b.NewStream().Write(t.Context(), records("b")))
		stop()
		require.NoError(t, b.Close())

		s = &store{}
		b = s.box(t, dir)
		require.Equal(t, 2, b.Spilled())
		require.NoError(t, b.NewStream().Write(t.Context(), records("c")))
		require.Equal(t, []string{"c#1"}, s.taken())
		files, err := filepath.Glob(filepath.Join(dir, "*.batch"))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(files[0], []byte("junk"), 0o600))
		stop = run(b)
		synctest.Wait()
		require.Equal(t, []string{"c#1", "b#2"}, s.taken())
		_, logs := s.counts()
		require.Equal(t, []string{"records were lost on their way over the disk"}, logs)

		s.fail(errDown)
		require.NoError(t, os.Rename(dir, dir+"-away"))
		err = b.NewStream().Write(t.Context(), records("d"))
		require.ErrorIs(t, err, errDown)
		require.ErrorIs(t, err, os.ErrNotExist)
		require.NoError(t, os.Rename(dir+"-away", dir))
		stop()
	})
}

// A box without a disk shows nothing of one.
func TestShow(t *testing.T) {
	t.Parallel()
	for dir, want := range map[string]int{"": 0, t.TempDir(): 1} {
		m := monitortest.New(t)
		require.NoError(t, (&store{}).box(t, dir).Show(m.Instruments()))
		require.Equal(t, want, strings.Count(monitortest.Exposition(t, m, "monitor_spill_records"), "\nmonitor_spill_records"))
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

// A batch that was read in time and waits for its store expires too, of which what
// was taken is no loss; and it is counted once, though it cannot be removed.
func TestSpillExpiresWhileWaiting(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	dir, away := filepath.Join(parent, "spill"), filepath.Join(parent, "away")
	synctest.Test(t, func(t *testing.T) {
		s := &store{err: func(item string) error {
			if item[0] == 't' {
				return nil
			}
			return errDown
		}}
		b := s.box(t, dir)
		stop := run(b)
		synctest.Wait()
		stream := b.NewStream()
		require.NoError(t, stream.Write(t.Context(), records("a", "b"))) // goes to disk
		require.NoError(t, stream.Write(t.Context(), records("taken", "c")))
		time.Sleep(59 * time.Minute)
		require.Equal(t, 4, b.Spilled())

		require.NoError(t, os.Rename(dir, away))
		require.NoError(t, os.Mkdir(dir, 0o700))
		stuck := filepath.Join(dir, "00000000000000000000-2.batch", "in the way") // it cannot be removed
		require.NoError(t, os.MkdirAll(stuck, 0o700))
		time.Sleep(10 * time.Minute)
		require.Equal(t, uint64(2), b.Dropped.Get(outbox.Expired))
		require.Equal(t, 4, b.Spilled())
		asked, _ := s.counts()
		time.Sleep(10 * time.Minute)
		again, _ := s.counts()
		require.Equal(t, asked, again, "only its removal is tried")
		require.NoError(t, os.RemoveAll(dir))
		require.NoError(t, os.Rename(away, dir))
		time.Sleep(time.Minute)
		require.Zero(t, b.Spilled())
		require.Equal(t, uint64(4), b.Dropped.Get(outbox.Expired), "the one behind it was too old when it was read")
		require.Empty(t, s.taken())
		_, logs := s.counts()
		require.Equal(t, []string{
			"records wait on disk for their store", "records were lost on their way over the disk",
			"records were lost on their way over the disk", "nothing waits on disk any more",
		}, logs)
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
