package leasetest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/chronoretrace/chronomon/monitor/lease"
)

// Memory is a lease.Store in memory, for replicas in one process. In a synctest
// bubble its clock is the bubble's.
type Memory struct {
	name string

	mu     sync.Mutex
	holder string        // guarded by mu
	epoch  uint64        // guarded by mu
	until  time.Time     // guarded by mu
	err    error         // guarded by mu; of all calls
	frozen chan struct{} // guarded by mu; nil, or closed by Thaw
}

var _ lease.Store = (*Memory)(nil)

// NewMemory returns a lease that nobody has.
func NewMemory(name string) *Memory { return &Memory{name: name} }

// Fail makes all calls return err; nil ends it.
func (s *Memory) Fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// Freeze makes all calls wait until Thaw, or their contexts are done.
func (s *Memory) Freeze() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.frozen == nil {
		s.frozen = make(chan struct{})
	}
}

// Thaw ends a Freeze.
func (s *Memory) Thaw() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.frozen != nil {
		close(s.frozen)
		s.frozen = nil
	}
}

// Take gives the lease to another holder, whoever has it.
func (s *Memory) Take(holder string, ttl time.Duration) (epoch uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.holder, s.until = holder, time.Now().Add(ttl)
	s.epoch++
	return s.epoch
}

// do calls f with the lock, as soon as the store answers.
func (s *Memory) do(ctx context.Context, f func() error) error {
	s.mu.Lock()
	frozen := s.frozen
	s.mu.Unlock()
	if frozen != nil {
		select {
		case <-frozen:
		case <-ctx.Done():
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	return f()
}

// Name implements lease.Store.
func (s *Memory) Name() string { return s.name }

// Acquire implements lease.Store.
func (s *Memory) Acquire(ctx context.Context, holder string, ttl time.Duration) (epoch uint64, err error) {
	err = s.do(ctx, func() error {
		if s.holder != holder && time.Now().Before(s.until) {
			return fmt.Errorf("%q: %w", s.holder, lease.ErrHeld)
		}
		s.holder, s.until = holder, time.Now().Add(ttl)
		s.epoch++
		epoch = s.epoch
		return nil
	})
	return epoch, err
}

// Renew implements lease.Store.
func (s *Memory) Renew(ctx context.Context, holder string, epoch uint64, ttl time.Duration) error {
	return s.do(ctx, func() error {
		if s.holder != holder || s.epoch != epoch || !time.Now().Before(s.until) {
			return lease.ErrLost
		}
		s.until = time.Now().Add(ttl)
		return nil
	})
}

// Release implements lease.Store.
func (s *Memory) Release(ctx context.Context, holder string, epoch uint64) error {
	return s.do(ctx, func() error {
		if s.holder == holder && s.epoch == epoch {
			s.until = time.Time{}
		}
		return nil
	})
}

// Check implements lease.Store.
func (s *Memory) Check(ctx context.Context, epoch uint64) error {
	return s.do(ctx, func() error {
		if s.epoch != epoch || !time.Now().Before(s.until) {
			return lease.ErrLost
		}
		return nil
	})
}
