package lease

import (
	"context"
	"errors"
	"time"
)

var (
	// ErrHeld is returned by Acquire if another holder has the lease.
	ErrHeld = errors.New("another one holds the lease")
	// ErrLost is returned where the lease is not held in that epoch: it has
	// expired, was released, or is another one's by now.
	ErrLost = errors.New("the lease is not held in that epoch")
)

// Store keeps one lease for all replicas. Time is the store's own clock's. Its
// methods are called by one goroutine of each replica, Check by any; each call
// has a deadline, and what it did when it returns another error, or panics, is
// unknown. leasetest.TestStore and leasetest.TestLoss test implementations.
type Store interface {
	// Name returns the lease's name, always the same: 1 to 100 bytes, UTF-8 without
	// NUL, as holders are. It is a label of metrics.
	Name() string
	// Acquire makes the holder the one that has the lease for ttl, if nobody has
	// it or the holder itself, and returns the epoch of the new term: 1 or more,
	// at most [MaxEpoch], and greater than all before: those of expired and released
	// terms too, and those of which the store has lost its data since. Else it returns an error that wraps [ErrHeld].
	Acquire(ctx context.Context, holder string, ttl time.Duration) (epoch uint64, err error)
	// Renew makes the term last for ttl from now. It returns an error that wraps
	// [ErrLost] if it is over.
	Renew(ctx context.Context, holder string, epoch uint64, ttl time.Duration) error
	// Release ends the term. One that is over is no error.
	Release(ctx context.Context, holder string, epoch uint64) error
	// Check returns an error that wraps [ErrLost] unless the lease is held in
	// that epoch now.
	Check(ctx context.Context, epoch uint64) error
}

// MaxEpoch is the greatest epoch: what doubles and bigints hold exactly.
const MaxEpoch = 1<<53 - 1

// Term is one leadership: a lease's name, and the epoch.
type Term struct {
	Lease string
	Epoch uint64
}

type termKey struct{}

// NewContext returns a context for what is done in a term.
func NewContext(ctx context.Context, t Term) context.Context {
	return context.WithValue(ctx, termKey{}, t)
}

// FromContext returns the term that the context is of.
func FromContext(ctx context.Context) (t Term, ok bool) {
	t, ok = ctx.Value(termKey{}).(Term)
	return t, ok
}
