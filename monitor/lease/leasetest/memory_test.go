package leasetest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chronoretrace/chronomon/monitor/lease"
	"github.com/chronoretrace/chronomon/monitor/lease/leasetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStore(t *testing.T) {
	t.Parallel()
	leasetest.TestStore(t, func(testing.TB) func() lease.Store {
		s := leasetest.NewMemory("test")
		return func() lease.Store { return s }
	})
}

// persistent is a store of milliseconds that loses its data and keeps the time.
type persistent struct {
	*leasetest.Memory
	base uint64
}

func (s *persistent) Acquire(ctx context.Context, holder string, ttl time.Duration) (uint64, error) {
	epoch, err := s.Memory.Acquire(ctx, holder, ttl)
	return s.base + epoch, err
}

func (s *persistent) Renew(ctx context.Context, holder string, epoch uint64, ttl time.Duration) error {
	return s.Memory.Renew(ctx, holder, epoch-s.base, ttl)
}

func (s *persistent) Release(ctx context.Context, holder string, epoch uint64) error {
	return s.Memory.Release(ctx, holder, epoch-s.base)
}

func (s *persistent) Check(ctx context.Context, epoch uint64) error {
	return s.Memory.Check(ctx, epoch-s.base)
}

func TestLoss(t *testing.T) {
	t.Parallel()
	s := &persistent{Memory: leasetest.NewMemory("test")}
	lose := func() { s.Memory, s.base = leasetest.NewMemory("test"), uint64(time.Now().UnixMilli()) }
	leasetest.TestLoss(t, func() lease.Store { return s }, map[string]func(){"once": lose, "again": lose})
}

func TestOutage(t *testing.T) {
	t.Parallel()
	s := leasetest.NewMemory("test")
	leasetest.TestOutage(t, func() lease.Store { return s }, time.Second, map[string]leasetest.Outage{
		"hangs": {Begin: s.Freeze, End: s.Thaw},
		"gone":  {Begin: func() { s.Fail(errors.New("no route to host")) }, End: func() { s.Fail(nil) }},
	})
}

func TestTrouble(t *testing.T) {
	t.Parallel()
	s := leasetest.NewMemory("test")
	trouble := errors.New("no route to host")
	s.Fail(trouble)
	_, err := s.Acquire(t.Context(), "a", time.Minute)
	require.ErrorIs(t, err, trouble)
	s.Fail(nil)
	s.Freeze()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err = s.Acquire(ctx, "a", time.Minute)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	s.Thaw()
	epoch, err := s.Acquire(t.Context(), "a", time.Minute)
	require.NoError(t, err)
	require.Equal(t, epoch+1, s.Take("b", time.Minute))
	require.ErrorIs(t, s.Check(t.Context(), epoch), lease.ErrLost)
}
