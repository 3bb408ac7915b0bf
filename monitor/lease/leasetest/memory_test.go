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
