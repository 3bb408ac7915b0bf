package lease_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
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

func TestOptions(t *testing.T) {
	t.Parallel()
	_, err := lease.New(nil, nil, lease.WithTTL(time.Millisecond), lease.WithHolder(strings.Repeat("h", 101)), lease.WithLead(nil), nil)
	require.ErrorIs(t, err, monitor.ErrInvalidOption)
	for _, want := range []string{"monitor = nil", "store = nil", "WithTTL = 1ms", "WithHolder = 101 bytes", "WithLead = <nil>"} {
		require.ErrorContains(t, err, want)
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
