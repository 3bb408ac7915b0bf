package lease_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
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

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/lease"
	"github.com/chronoretrace/chronomon/monitor/lease/leasetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const ttl = 15 * time.Second // the default

// replica is an elector that runs.
type replica struct {
	*lease.Elector
	m    *monitor.Monitor
	stop func()
}

// start runs a replica until it is stopped, or the test ends.
func start(t testing.TB, store lease.Store, opts ...lease.Option) *replica {
	t.Helper()
	m, err := monitor.New(monitor.WithLogger(slog.New(slog.DiscardHandler)))
	require.NoError(t, err)
	e, err := lease.New(m, store, opts...)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = e.Run(ctx)
	}()
	r := &replica{Elector: e, m: m, stop: sync.OnceFunc(func() { cancel(); <-ended })}
	t.Cleanup(r.stop)
	return r
}

func (r *replica) leads() bool {
	_, ok := r.Leader()
	return ok
}

func (r *replica) exposition() string {
	w := httptest.NewRecorder()
	r.m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	return w.Body.String()
}

// bubble runs f with a clock of its own.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, f)
}

func TestOneLeads(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := leasetest.NewMemory("alerting")
		a := start(t, store)
		synctest.Wait()
		b := start(t, store)
		time.Sleep(10 * ttl)
		require.True(t, a.leads())
		require.False(t, b.leads())
		epoch, _ := a.Leader()
		require.Equal(t, uint64(1), epoch, "one term, renewed")
		require.NoError(t, a.Check(t.Context(), epoch))
		require.ErrorIs(t, b.Check(t.Context(), epoch), lease.ErrLost)

		ctx, ok := a.Context(t.Context())
		require.True(t, ok)
		term, ok := lease.FromContext(ctx)
		require.True(t, ok)
		require.Equal(t, lease.Term{Lease: "alerting", Epoch: 1}, term)
		ctx, ok = b.Context(t.Context())
		require.False(t, ok)
		_, ok = lease.FromContext(ctx)
		require.False(t, ok)

		text := a.exposition()
		require.Contains(t, text, `monitor_lease_leader{lease="alerting"} 1`)
		require.Contains(t, text, `monitor_lease_epoch{lease="alerting"} 1`)
		require.Contains(t, b.exposition(), `monitor_lease_leader{lease="alerting"} 0`)

		a.stop()
		require.False(t, a.leads())
		require.Contains(t, a.exposition(), `monitor_lease_terms_total{lease="alerting",reason="released"} 1`)
		time.Sleep(ttl / 2)
		require.True(t, b.leads(), "what was released need not expire")
		epoch, _ = b.Leader()
		require.Equal(t, uint64(2), epoch)
	})
}

// cutOff is a replica's own view of a store.
type cutOff struct {
	*leasetest.Memory
	mu  sync.Mutex
	err error // guarded by mu
}

func (c *cutOff) cut(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
}

func (c *cutOff) broken() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

func (c *cutOff) Acquire(ctx context.Context, holder string, ttl time.Duration) (uint64, error) {
	if err := c.broken(); err != nil {
		return 0, err
	}
	return c.Memory.Acquire(ctx, holder, ttl)
}

func (c *cutOff) Renew(ctx context.Context, holder string, epoch uint64, ttl time.Duration) error {
	if err := c.broken(); err != nil {
		return err
	}
	return c.Memory.Renew(ctx, holder, epoch, ttl)
}

func (c *cutOff) Release(ctx context.Context, holder string, epoch uint64) error {
	if err := c.broken(); err != nil {
		return err
	}
	return c.Memory.Release(ctx, holder, epoch)
}

// TestTakeover: whenever a leader is cut off, another one leads within twice
// the lease, and the old one has stopped by then.
func TestTakeover(t *testing.T) {
	for range 20 {
		t.Run("", func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				memory := leasetest.NewMemory("x")
				one, other := &cutOff{Memory: memory}, &cutOff{Memory: memory}
				a := start(t, one)
				synctest.Wait()
				b := start(t, other)
				time.Sleep(rand.N(3 * ttl))
				require.True(t, a.leads())
				one.cut(errors.New("no route to host"))
				began := time.Now()
				for !b.leads() {
					require.LessOrEqual(t, time.Since(began), 2*ttl, "nobody leads")
					time.Sleep(10 * time.Millisecond)
				}
				require.False(t, a.leads())
				require.Contains(t, a.exposition(), `monitor_lease_terms_total{lease="x",reason="expired"} 1`)
				require.Contains(t, a.exposition(), `monitor_lease_errors_total{lease="x",operation="renew"} `)
				one.cut(nil)
				time.Sleep(2 * ttl)
				require.False(t, a.leads())
				require.True(t, b.leads())
			})
		})
	}
}

// TestNeverTwo: whatever the store and the connections do, no two replicas say
// that they lead, and epochs grow.
func TestNeverTwo(t *testing.T) {
	for range 10 {
		t.Run("", func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				memory := leasetest.NewMemory("x")
				var views []*cutOff
				var replicas []*replica
				for range 3 {
					v := &cutOff{Memory: memory}
					views = append(views, v)
					replicas = append(replicas, start(t, v))
				}
				last, terms, led := uint64(0), 0, 0
				for range 4000 {
					time.Sleep(rand.N(ttl / 20))
					switch v := views[rand.IntN(len(views))]; rand.IntN(40) {
					case 0:
						v.cut(errors.New("cut off"))
					case 1, 2:
						v.cut(nil)
					case 3:
						memory.Freeze()
					case 4, 5, 6:
						memory.Thaw()
					}
					leaders := 0
					for _, r := range replicas {
						if epoch, ok := r.Leader(); ok {
							leaders++
							require.GreaterOrEqual(t, epoch, last)
							if epoch > last {
								terms++
							}
							last = epoch
						}
					}
					require.LessOrEqual(t, leaders, 1)
					led += leaders
				}
				memory.Thaw()
				require.Greater(t, terms, 5, "there is something to see")
				require.Greater(t, led, 200)
			})
		})
	}
}

// TestTaken: a leader that is told that it is none stops at once.
func TestTaken(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := leasetest.NewMemory("x")
		var cause error
		a := start(t, store, lease.WithLead(func(ctx context.Context) error {
			<-ctx.Done()
			cause = context.Cause(ctx)
			return ctx.Err()
		}))
		time.Sleep(time.Second)
		require.True(t, a.leads())
		store.Take("an operator", time.Hour)
		require.ErrorIs(t, a.Check(t.Context(), 1), lease.ErrLost)
		time.Sleep(ttl/3 + ttl/10)
		require.False(t, a.leads())
		synctest.Wait()
		require.ErrorIs(t, cause, lease.ErrLost)
		require.Contains(t, a.exposition(), `monitor_lease_terms_total{lease="x",reason="lost"} 1`)
	})
}

// stubborn is a store that ignores contexts.
type stubborn struct {
	*leasetest.Memory
	hang chan struct{}
}

func (s *stubborn) Renew(context.Context, string, uint64, time.Duration) error {
	<-s.hang
	return nil
}

// TestHangingStore: a term ends in time even if a renewal does not.
func TestHangingStore(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := &stubborn{leasetest.NewMemory("x"), make(chan struct{})}
		ended := make(chan time.Time, 10)
		began := time.Now()
		a := start(t, store, lease.WithLead(func(ctx context.Context) error {
			<-ctx.Done()
			ended <- time.Now()
			return nil
		}))
		time.Sleep(ttl)
		require.False(t, a.leads())
		require.Equal(t, ttl-ttl/10, (<-ended).Sub(began))
		close(store.hang)
		time.Sleep(ttl)
		epoch, ok := a.Leader()
		require.True(t, ok, "it leads again")
		require.Equal(t, uint64(2), epoch, "in a new term: the old one was given up")
	})
}

func TestLead(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := leasetest.NewMemory("x")
		var terms []uint64
		trouble := errors.New("no disk")
		a := start(t, store, lease.WithHolder("a"), lease.WithTTL(time.Second), lease.WithLead(func(ctx context.Context) error {
			term, ok := lease.FromContext(ctx)
			require.True(t, ok)
			terms = append(terms, term.Epoch)
			switch len(terms) {
			case 1:
				return trouble
			case 2:
				panic("a secret")
			case 3:
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		}))
		require.True(t, strings.HasPrefix(a.Holder(), "a/"))
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, []uint64{1, 2, 3}, terms, "an error and a panic end a term, to be done does not")
		require.True(t, a.leads())
		require.Contains(t, a.exposition(), `monitor_lease_terms_total{lease="x",reason="failed"} 2`)
		require.Contains(t, a.exposition(), `monitor_callback_panics_total{callback="lease.WithLead"} 1`)
		a.stop()
		_, err := store.Acquire(t.Context(), "b", ttl)
		require.NoError(t, err, "it was released")
	})
}

// TestGivesBack: who fails lets another one try, at once; who is asked to end does
// so without a complaint.
func TestGivesBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var log bytes.Buffer
		m, err := monitor.New(monitor.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))))
		require.NoError(t, err)
		store := leasetest.NewMemory("x")
		var mended atomic.Bool
		e, err := lease.New(m, store, lease.WithLead(func(ctx context.Context) error {
			if !mended.Load() {
				return errors.New("no disk")
			}
			<-ctx.Done()
			return ctx.Err()
		}))
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- e.Run(ctx) }()
		synctest.Wait()
		_, err = store.Acquire(t.Context(), "another", time.Second)
		require.NoError(t, err)
		require.Contains(t, log.String(), `level=ERROR msg="lease: what the leader does failed, the term ends" lease=x epoch=1 error="no disk"`)
		log.Reset()
		mended.Store(true)
		time.Sleep(ttl)
		_, leads := e.Leader()
		require.True(t, leads)
		cancel()
		require.ErrorIs(t, <-ended, context.Canceled)
		require.Empty(t, log.String())
	})
}

// TestWaitsForWork: the lease is not given back while the leader still works.
func TestWaitsForWork(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := leasetest.NewMemory("x")
		a := start(t, store, lease.WithLead(func(ctx context.Context) error {
			<-ctx.Done()
			time.Sleep(3 * time.Second)
			_, err := store.Acquire(context.WithoutCancel(ctx), "b", ttl)
			require.ErrorIs(t, err, lease.ErrHeld)
			return nil
		}))
		time.Sleep(time.Second)
		began := time.Now()
		a.stop()
		require.Equal(t, 3*time.Second, time.Since(began))
		_, err := store.Acquire(t.Context(), "b", ttl)
		require.NoError(t, err)
	})
}

// TestAgain: when an elector has ended another one may compete for its lease, or
// it itself again, but no two at a time.
func TestAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, err := monitor.New(monitor.WithLogger(slog.New(slog.DiscardHandler)))
		require.NoError(t, err)
		store := leasetest.NewMemory("x")
		one, err := lease.New(m, store)
		require.NoError(t, err)
		run := func(e *lease.Elector, d time.Duration) error {
			ctx, cancel := context.WithTimeout(t.Context(), d)
			defer cancel()
			return e.Run(ctx)
		}
		for range 2 {
			running := make(chan error)
			go func() { running <- run(one, time.Minute) }()
			synctest.Wait()
			require.ErrorContains(t, run(one, time.Hour), "lease: run x: it runs already")
			_, err = lease.New(m, store)
			require.ErrorIs(t, err, monitor.ErrInvalidOption)
			require.ErrorIs(t, <-running, context.DeadlineExceeded)
		}
		other, err := lease.New(m, store)
		require.NoError(t, err)
		_, err = lease.New(m, store)
		require.ErrorIs(t, err, monitor.ErrInvalidOption)
		require.ErrorContains(t, run(one, time.Hour), "lease: run x: another elector has taken its place")
		go func() { _ = run(other, time.Minute) }()
		time.Sleep(time.Second)
		text := (&replica{Elector: other, m: m}).exposition()
		require.Equal(t, 1, strings.Count(text, "monitor_lease_leader{"))
		require.Contains(t, text, `monitor_lease_leader{lease="x"} 1`)
		require.Contains(t, text, `monitor_lease_terms_total{lease="x",reason="released"} 2`)
		time.Sleep(time.Minute)
	})
}

// late is a store that answers when its caller has gone.
type late struct {
	*leasetest.Memory
	gone func()
}

func (s *late) Acquire(ctx context.Context, holder string, ttl time.Duration) (uint64, error) {
	epoch, err := s.Memory.Acquire(ctx, holder, ttl)
	if gone := s.gone; err == nil && gone != nil {
		s.gone = nil
		gone()
		return 0, context.Canceled
	}
	return epoch, err
}

// TestEndsWhileAcquiring: whatever the store made of it, the lease is free.
func TestEndsWhileAcquiring(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := &late{Memory: leasetest.NewMemory("x")}
		m, err := monitor.New(monitor.WithLogger(slog.New(slog.DiscardHandler)))
		require.NoError(t, err)
		e, err := lease.New(m, store)
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		store.gone = cancel
		began := time.Now()
		require.ErrorIs(t, e.Run(ctx), context.Canceled)
		require.Zero(t, time.Since(began))
		_, err = store.Acquire(t.Context(), "another", ttl)
		require.NoError(t, err)

		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		require.ErrorIs(t, e.Run(ctx), context.Canceled)
		require.NotContains(t, (&replica{m: m}).exposition(), "monitor_lease_errors_total{", "it is another one's, and stays so")

		store.Take("nobody", 0)
		ctx, cancel = context.WithCancel(t.Context())
		store.gone = func() { store.Take("another", ttl); cancel() }
		require.ErrorIs(t, e.Run(ctx), context.Canceled)
		require.NotContains(t, (&replica{m: m}).exposition(), "monitor_lease_errors_total{", "nor what another one took meanwhile")

		// A store that has not answered at the last is asked for three seconds.
		store.Take("nobody", 0)
		store.Freeze()
		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		began = time.Now()
		require.ErrorIs(t, e.Run(ctx), context.Canceled)
		require.Equal(t, 4*time.Second, time.Since(began))
		require.Contains(t, (&replica{m: m}).exposition(), `monitor_lease_errors_total{lease="x",operation="release"} 1`)
		store.Thaw()
	})
}

// TestLateRenewal: a term that was given up, since its renewal came late, is given
// back when the elector ends.
func TestLateRenewal(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := &slowRenewal{leasetest.NewMemory("x")}
		a := start(t, store)
		time.Sleep(ttl + ttl/10)
		require.False(t, a.leads())
		a.stop()
		require.Contains(t, a.exposition(), `monitor_lease_terms_total{lease="x",reason="expired"} 1`)
		_, err := store.Acquire(t.Context(), "another", ttl)
		require.NoError(t, err)
	})
}

// slowRenewal is a store whose renewals take longer than the lease, and are made.
type slowRenewal struct{ *leasetest.Memory }

func (s *slowRenewal) Renew(_ context.Context, holder string, epoch uint64, ttl time.Duration) error {
	err := s.Memory.Renew(context.Background(), holder, epoch, ttl)
	time.Sleep(ttl * 7 / 10)
	return err
}

// panicky is a store that the host got wrong, but for its beginning.
type panicky struct {
	*leasetest.Memory
	name, acquire, renew, release, check bool
}

func (s *panicky) Name() string {
	if s.name {
		panic("name")
	}
	return s.Memory.Name()
}

func (s *panicky) Acquire(ctx context.Context, holder string, ttl time.Duration) (uint64, error) {
	if s.acquire {
		panic("acquire")
	}
	return s.Memory.Acquire(ctx, holder, ttl)
}

func (s *panicky) Renew(ctx context.Context, holder string, epoch uint64, ttl time.Duration) error {
	if s.renew {
		panic("renew")
	}
	return s.Memory.Renew(ctx, holder, epoch, ttl)
}

func (s *panicky) Release(ctx context.Context, holder string, epoch uint64) error {
	if s.release {
		panic("release")
	}
	return s.Memory.Release(ctx, holder, epoch)
}

func (s *panicky) Check(ctx context.Context, epoch uint64) error {
	if s.check {
		panic("check")
	}
	return s.Memory.Check(ctx, epoch)
}

// TestStorePanics: that is an error of the store's like any other.
func TestStorePanics(t *testing.T) {
	for operation, s := range map[string]*panicky{"acquire": {acquire: true}, "renew": {renew: true}, "release": {release: true}, "check": {check: true}} {
		t.Run(operation, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s.Memory = leasetest.NewMemory("x")
				a := start(t, s)
				time.Sleep(ttl / 2)
				require.Equal(t, !s.acquire, a.leads())
				if epoch, ok := a.Leader(); ok && s.check {
					err := a.Check(t.Context(), epoch)
					require.ErrorContains(t, err, "panicked")
					require.NotErrorIs(t, err, lease.ErrLost)
				}
				a.stop()
				require.Contains(t, a.exposition(), `monitor_callback_panics_total{callback="lease.Store"} `)
				if !s.check {
					require.Contains(t, a.exposition(), `monitor_lease_errors_total{lease="x",operation="`+operation+`"} `)
				}
			})
		})
	}
	m, err := monitor.New(monitor.WithLogger(slog.New(slog.DiscardHandler)))
	require.NoError(t, err)
	_, err = lease.New(m, &panicky{name: true})
	require.ErrorContains(t, err, "lease.Store panicked")
}

// recording is a store that notes when it is asked what, and for how long.
type recording struct {
	*leasetest.Memory
	asked map[string][]time.Time
	given map[string][]time.Duration
	fails int     // renewals yet
	give  *uint64 // an epoch, whatever the memory says
}

func newRecording() *recording {
	return &recording{Memory: leasetest.NewMemory("x"), asked: map[string][]time.Time{}, given: map[string][]time.Duration{}}
}

func (s *recording) note(ctx context.Context, operation string) {
	deadline, _ := ctx.Deadline()
	s.asked[operation] = append(s.asked[operation], time.Now())
	s.given[operation] = append(s.given[operation], time.Until(deadline))
}

func (s *recording) Acquire(ctx context.Context, holder string, ttl time.Duration) (uint64, error) {
	s.note(ctx, "acquire")
	epoch, err := s.Memory.Acquire(ctx, holder, ttl)
	if s.give != nil && err == nil {
		epoch = *s.give
	}
	return epoch, err
}

func (s *recording) Renew(ctx context.Context, holder string, epoch uint64, ttl time.Duration) error {
	s.note(ctx, "renew")
	if s.fails > 0 {
		s.fails--
		return errors.New("no route to host")
	}
	return s.Memory.Renew(ctx, holder, epoch, ttl)
}

func (s *recording) Release(ctx context.Context, holder string, epoch uint64) error {
	s.note(ctx, "release")
	return s.Memory.Release(ctx, holder, epoch)
}

// gaps are the times between calls.
func (s *recording) gaps(operation string) (out []time.Duration) {
	for i, at := range s.asked[operation][1:] {
		out = append(out, at.Sub(s.asked[operation][i]))
	}
	return out
}

// TestRhythm: how often the store is asked, and how long it may take.
func TestRhythm(t *testing.T) {
	t.Run("waiting", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			s := newRecording()
			s.Take("another", time.Hour)
			a := start(t, s)
			time.Sleep(20 * ttl)
			a.stop()
			gaps := s.gaps("acquire")
			require.Greater(t, len(gaps), 50)
			for i, gap := range gaps {
				require.InDelta(t, ttl/3, gap, float64(ttl/30), "a tenth of it earlier or later")
				require.Equal(t, ttl/3, s.given["acquire"][i])
			}
			require.NotEqual(t, gaps[0], gaps[1])
			require.Greater(t, slices.Max(gaps)-slices.Min(gaps), ttl/30)
			require.NotContains(t, a.exposition(), "monitor_lease_errors_total{")
		})
	})
	t.Run("leading", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			s := newRecording()
			a := start(t, s)
			time.Sleep(10 * ttl)
			a.stop()
			for i, gap := range s.gaps("renew") {
				require.Equal(t, ttl/3, gap)
				require.Equal(t, ttl/3, s.given["renew"][i])
			}
			require.Equal(t, []time.Duration{3 * time.Second}, s.given["release"])
		})
	})
	t.Run("a short lease", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			s := newRecording()
			a := start(t, s, lease.WithTTL(3*time.Second))
			time.Sleep(time.Second / 2)
			a.stop()
			require.Equal(t, []time.Duration{time.Second}, s.given["release"])
		})
	})
	t.Run("failing", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			s := newRecording()
			s.fails = 100
			a := start(t, s)
			time.Sleep(ttl - ttl/10)
			synctest.Wait()
			require.False(t, a.leads())
			require.Contains(t, a.exposition(), `monitor_lease_terms_total{lease="x",reason="expired"} 1`, "at once")
			a.stop()
			gaps := s.gaps("renew")
			require.Len(t, gaps, 11)
			for i, gap := range gaps {
				require.InDelta(t, ttl/20, gap, 1)
				left := ttl - ttl/10 - ttl/3 - time.Duration(i)*(ttl/20)
				require.InDelta(t, min(ttl/3, left), s.given["renew"][i], 1, "and no longer than the lease lasts")
			}
			require.Contains(t, a.exposition(), `monitor_lease_errors_total{lease="x",operation="renew"} 12`)
		})
	})
	t.Run("mending", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			s := newRecording()
			s.fails = 2
			a := start(t, s)
			time.Sleep(2 * ttl)
			require.True(t, a.leads())
			a.stop()
			require.Equal(t, []time.Duration{ttl / 20, ttl / 20, ttl / 3, ttl / 3, ttl / 3}, s.gaps("renew")[:5])
		})
	})
	t.Run("an outage before", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			s := newRecording()
			s.Fail(errors.New("no route to host"))
			a := start(t, s)
			time.Sleep(time.Second)
			s.Fail(nil)
			time.Sleep(ttl)
			require.True(t, a.leads())
			a.stop()
			require.Len(t, s.asked["acquire"], 2, "what it had is known, and released")
			require.Len(t, s.asked["release"], 1)
		})
	})
	t.Run("ending", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			s := newRecording()
			a := start(t, s)
			time.Sleep(ttl / 4)
			s.Freeze()
			time.Sleep(ttl / 6) // within a renewal
			time.AfterFunc(time.Second, s.Thaw)
			a.stop()
			require.Len(t, s.given["renew"], 1)
			require.NotContains(t, a.exposition(), "monitor_lease_errors_total{", "it is no failure to be asked to end")
			require.Contains(t, a.exposition(), `monitor_lease_terms_total{lease="x",reason="released"} 1`)
			_, err := s.Memory.Acquire(t.Context(), "another", ttl)
			require.NoError(t, err)
		})
	})
}

// TestNonsense: nobody leads in an epoch that is none.
func TestNonsense(t *testing.T) {
	for epoch, leads := range map[uint64]bool{0: false, 1: true, lease.MaxEpoch: true, lease.MaxEpoch + 1: false} {
		t.Run(strconv.FormatUint(epoch, 10), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newRecording()
				s.give = &epoch
				a := start(t, s)
				time.Sleep(time.Second)
				require.Equal(t, leads, a.leads())
				require.Equal(t, !leads, strings.Contains(a.exposition(), `monitor_lease_errors_total{lease="x",operation="acquire"} 1`))
			})
		})
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	_, err := lease.New(nil, nil, lease.WithTTL(time.Millisecond), lease.WithHolder(strings.Repeat("h", 101)), lease.WithLead(nil), nil)
	require.ErrorIs(t, err, monitor.ErrInvalidOption)
	for _, want := range []string{"monitor = nil", "store = nil", "WithTTL = 1ms", "WithHolder = 101 bytes", "WithLead = <nil>"} {
		require.ErrorContains(t, err, want)
	}
	for name, want := range map[string]error{
		"": monitor.ErrInvalidOption, strings.Repeat("n", 101): monitor.ErrInvalidOption, "a\x00b": monitor.ErrInvalidOption,
		"a\xffb": monitor.ErrInvalidOption, strings.Repeat("n", 100): nil,
	} {
		m, err := monitor.New(monitor.WithLogger(slog.New(slog.DiscardHandler)))
		require.NoError(t, err)
		_, err = lease.New(m, leasetest.NewMemory(name))
		require.ErrorIs(t, err, want, "%q", name)
	}
	for _, c := range []struct {
		opt  lease.Option
		want error
	}{
		{lease.WithHolder("a\x00b"), monitor.ErrInvalidOption},
		{lease.WithHolder("a\xffb"), monitor.ErrInvalidOption},
		{lease.WithHolder(strings.Repeat("h", 100)), nil},
		{lease.WithTTL(100*time.Millisecond - 1), monitor.ErrInvalidOption},
		{lease.WithTTL(100 * time.Millisecond), nil},
		{lease.WithTTL(time.Hour), nil},
		{lease.WithTTL(time.Hour + 1), monitor.ErrInvalidOption},
	} {
		m, err := monitor.New(monitor.WithLogger(slog.New(slog.DiscardHandler)))
		require.NoError(t, err)
		_, err = lease.New(m, leasetest.NewMemory("x"), c.opt)
		require.ErrorIs(t, err, c.want)
	}
	_, err = lease.New(nil, (*leasetest.Memory)(nil))
	require.ErrorContains(t, err, "store = nil")

	var log bytes.Buffer
	m, err := monitor.New(monitor.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	require.NoError(t, err)
	_, err = lease.New(m, leasetest.NewMemory("x"))
	require.NoError(t, err)
	_, err = lease.New(m, leasetest.NewMemory("x"))
	require.ErrorIs(t, err, monitor.ErrInvalidOption)
	_, err = lease.New(m, leasetest.NewMemory("y"))
	require.NoError(t, err)
}

func TestOff(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, err := monitor.New(monitor.WithDisabled())
		require.NoError(t, err)
		e, err := lease.New(m, leasetest.NewMemory("x"))
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		require.ErrorIs(t, e.Run(ctx), context.DeadlineExceeded)
		_, ok := e.Leader()
		require.False(t, ok)
	})
}

func TestLeaderAllocatesNothing(t *testing.T) {
	store := leasetest.NewMemory("x")
	a := start(t, store)
	require.Eventually(t, a.leads, 5*time.Second, time.Millisecond)
	require.Zero(t, testing.AllocsPerRun(1000, func() { a.Leader() }))
}
