// Package leasetest tests implementations of lease.Store, and has one in memory
// for the tests of hosts.
//
//	func TestStore(t *testing.T) {
//		leasetest.TestStore(t, func(t testing.TB) func() lease.Store {
//			name := uniqueName(t)
//			return func() lease.Store { return mystore.New(client, name) }
//		})
//	}
package leasetest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor/lease"
)

// TestStore holds a store to the contract of [lease.Store]. open returns handles
// of one lease, each as another replica would have it; a new t is a new lease
// that nobody has had. It takes some three seconds of real time.
func TestStore(t *testing.T, open func(t testing.TB) func() lease.Store) {
	t.Helper()
	for name, test := range map[string]func(t *testing.T, open func() lease.Store){
		"Exclusive":  testExclusive,
		"Same":       testSameHolder,
		"Expiry":     testExpiry,
		"Renew":      testRenew,
		"Release":    testRelease,
		"Check":      testCheck,
		"Race":       testRace,
		"Cancelled":  testCancelled,
		"OddHolders": testOddHolders,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

const (
	long  = time.Minute // does not expire during a test
	short = time.Second // does
)

func acquire(t *testing.T, s lease.Store, holder string, ttl time.Duration) uint64 {
	t.Helper()
	epoch, err := s.Acquire(t.Context(), holder, ttl)
	require.NoError(t, err)
	require.Positive(t, epoch)
	require.LessOrEqual(t, epoch, uint64(lease.MaxEpoch))
	return epoch
}

func requireHeld(t *testing.T, s lease.Store, holder string) {
	t.Helper()
	_, err := s.Acquire(t.Context(), holder, long)
	require.ErrorIs(t, err, lease.ErrHeld)
}

func testExclusive(t *testing.T, open func() lease.Store) {
	t.Helper()
	a, b := open(), open()
	require.Equal(t, a.Name(), b.Name())
	require.NotEmpty(t, a.Name())
	epoch := acquire(t, a, "a", long)
	requireHeld(t, b, "b")
	requireHeld(t, a, "b")
	require.NoError(t, a.Renew(t.Context(), "a", epoch, long))
	require.NoError(t, b.Renew(t.Context(), "a", epoch, long), "a handle is not the holder")
}

// testSameHolder: who asks again, since it does not know the answer, gets a new term.
func testSameHolder(t *testing.T, open func() lease.Store) {
	t.Helper()
	a, b := open(), open()
	first := acquire(t, a, "a", long)
	second := acquire(t, a, "a", long)
	require.Greater(t, second, first)
	require.ErrorIs(t, a.Renew(t.Context(), "a", first, long), lease.ErrLost)
	require.ErrorIs(t, a.Check(t.Context(), first), lease.ErrLost)
	require.NoError(t, a.Renew(t.Context(), "a", second, long))
	requireHeld(t, b, "b")
}

// testExpiry: another one takes over when the time is up, and not before; the
// epoch has grown, and the old one is refused everything.
func testExpiry(t *testing.T, open func() lease.Store) {
	t.Helper()
	a, b := open(), open()
	began := time.Now()
	old := acquire(t, a, "a", short)
	var epoch uint64
	require.Eventually(t, func() bool {
		e, err := b.Acquire(t.Context(), "b", long)
		epoch = e
		return err == nil
	}, 20*short, short/50)
	require.GreaterOrEqual(t, time.Since(began), short-short/20)
	require.Greater(t, epoch, old)
	require.ErrorIs(t, a.Renew(t.Context(), "a", old, long), lease.ErrLost)
	require.ErrorIs(t, a.Check(t.Context(), old), lease.ErrLost)
	require.NoError(t, a.Release(t.Context(), "a", old))
	require.NoError(t, b.Check(t.Context(), epoch), "it is not the old one's to release")
	requireHeld(t, a, "a")
}

// testRenew: a renewal is from now on; an expired term is over, even if nobody
// took the lease.
func testRenew(t *testing.T, open func() lease.Store) {
	t.Helper()
	a, b := open(), open()
	epoch := acquire(t, a, "a", short)
	for range 5 {
		time.Sleep(short / 4)
		require.NoError(t, a.Renew(t.Context(), "a", epoch, short))
	}
	requireHeld(t, b, "b")
	require.ErrorIs(t, a.Renew(t.Context(), "b", epoch, short), lease.ErrLost)
	require.ErrorIs(t, a.Renew(t.Context(), "a", epoch+1, short), lease.ErrLost)
	time.Sleep(short + short/10)
	require.ErrorIs(t, a.Check(t.Context(), epoch), lease.ErrLost)
	require.ErrorIs(t, a.Renew(t.Context(), "a", epoch, long), lease.ErrLost)
	require.Greater(t, acquire(t, a, "a", long), epoch)
}

func testRelease(t *testing.T, open func() lease.Store) {
	t.Helper()
	a, b := open(), open()
	require.NoError(t, a.Release(t.Context(), "a", 1), "there is none yet")
	epoch := acquire(t, a, "a", long)
	require.NoError(t, a.Release(t.Context(), "b", epoch))
	require.NoError(t, a.Release(t.Context(), "a", epoch+1))
	requireHeld(t, b, "b")
	require.NoError(t, a.Release(t.Context(), "a", epoch))
	require.NoError(t, a.Release(t.Context(), "a", epoch))
	require.ErrorIs(t, a.Check(t.Context(), epoch), lease.ErrLost)
	require.Greater(t, acquire(t, b, "b", long), epoch)
}

func testCheck(t *testing.T, open func() lease.Store) {
	t.Helper()
	a, b := open(), open()
	require.ErrorIs(t, a.Check(t.Context(), 1), lease.ErrLost, "there is none yet")
	epoch := acquire(t, a, "a", long)
	require.NoError(t, a.Check(t.Context(), epoch))
	require.NoError(t, b.Check(t.Context(), epoch))
	require.ErrorIs(t, b.Check(t.Context(), epoch-1), lease.ErrLost)
	require.ErrorIs(t, b.Check(t.Context(), epoch+1), lease.ErrLost)
}

// testRace: of all who ask at the same time one gets it, each time.
func testRace(t *testing.T, open func() lease.Store) {
	t.Helper()
	const replicas, rounds = 8, 20
	stores := make([]lease.Store, replicas)
	for i := range stores {
		stores[i] = open()
	}
	last := uint64(0)
	for round := range rounds {
		epochs, errs := make([]uint64, replicas), make([]error, replicas)
		var all sync.WaitGroup
		for i, s := range stores {
			all.Go(func() { epochs[i], errs[i] = s.Acquire(t.Context(), fmt.Sprint("replica ", i), long) })
		}
		all.Wait()
		winners := 0
		for i, err := range errs {
			if err != nil {
				require.ErrorIs(t, err, lease.ErrHeld)
				continue
			}
			winners++
			require.Greater(t, epochs[i], last)
			last = epochs[i]
			require.NoError(t, stores[i].Release(t.Context(), fmt.Sprint("replica ", i), last))
		}
		require.Equal(t, 1, winners, "round %d", round)
	}
}

func testCancelled(t *testing.T, open func() lease.Store) {
	t.Helper()
	s := open()
	epoch := acquire(t, s, "a", long)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Acquire(ctx, "a", long)
	require.ErrorIs(t, err, context.Canceled)
	for _, err := range []error{s.Renew(ctx, "a", epoch, long), s.Check(ctx, epoch), s.Release(ctx, "a", epoch)} {
		require.ErrorIs(t, err, context.Canceled)
		require.NotErrorIs(t, err, lease.ErrLost, "nobody said so")
	}
	require.NoError(t, s.Check(t.Context(), epoch))
}

func testOddHolders(t *testing.T, open func() lease.Store) {
	t.Helper()
	s := open()
	for _, holder := range []string{`o'Brien "x" \ %`, "", "主机/1", "a b\nc"} {
		epoch := acquire(t, s, holder, long)
		require.NoError(t, s.Renew(t.Context(), holder, epoch, long))
		require.NoError(t, s.Release(t.Context(), holder, epoch))
	}
}

// TestLoss has a store lose the data of its leases, each time by another lose: the
// epochs of who acquires next are greater all the same, and the terms of before are
// over. open is as in [TestStore].
func TestLoss(t *testing.T, open func() lease.Store, losses map[string]func()) {
	t.Helper()
	s := open()
	for name, lose := range losses {
		before := acquire(t, s, "frozen", long)
		time.Sleep(2 * time.Millisecond) // epochs may be of whole milliseconds
		lose()
		require.ErrorIs(t, s.Check(t.Context(), before), lease.ErrLost, name)
		after := acquire(t, s, "new", long)
		require.Greater(t, after, before, name)
		require.ErrorIs(t, s.Check(t.Context(), before), lease.ErrLost, name)
		require.ErrorIs(t, s.Renew(t.Context(), "frozen", before, long), lease.ErrLost, name)
		require.NoError(t, s.Check(t.Context(), after), name)
		require.NoError(t, s.Release(t.Context(), "new", after), name)
	}
}
