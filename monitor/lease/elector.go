package lease

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chronoretrace/chronomon/monitor"
)

// Elector competes for a lease: a monitor.Runner. It is safe for concurrent use.
type Elector struct {
	m       *monitor.Monitor
	store   Store
	ttl     time.Duration
	holder  string
	leads   []func(context.Context) error
	metrics *metrics
	current atomic.Pointer[term] // nil while another one leads
}

// term is a leadership of this process.
type term struct {
	Term
	until atomic.Pointer[time.Time] // how long it lasts for sure, by a clock that is not set
}

var _ monitor.Runner = (*Elector)(nil)

// Why a term ended, as metrics have it.
const (
	released = "released"
	lost     = "lost"
	expired  = "expired"
	failed   = "failed"
)

// New returns an elector that competes for the store's lease while it runs. The
// error wraps [monitor.ErrInvalidOption] for each thing that is wrong.
func New(m *monitor.Monitor, store Store, opts ...Option) (*Elector, error) {
	c, err := newConfig(opts)
	errs := []error{err}
	if m == nil {
		errs = append(errs, fmt.Errorf("lease: %w: monitor = nil: want a monitor", monitor.ErrInvalidOption))
	}
	if store == nil || reflect.ValueOf(store).Kind() == reflect.Pointer && reflect.ValueOf(store).IsNil() {
		errs = append(errs, fmt.Errorf("lease: %w: store = nil: want a store", monitor.ErrInvalidOption))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	e := &Elector{m: m, store: store, ttl: c.ttl, holder: c.holder, leads: c.leads}
	if err := show(m, e); err != nil {
		return nil, fmt.Errorf("lease: %w", err)
	}
	return e, nil
}

// String names it in the errors of Run.
func (e *Elector) String() string { return "lease " + e.store.Name() }

// Holder returns what this replica is called in the store.
func (e *Elector) Holder() string { return e.holder }

// Leader returns the epoch of the present term, or false if this replica does
// not lead. It costs two loads and a look at the clock.
func (e *Elector) Leader() (epoch uint64, ok bool) {
	t := e.current.Load()
	if t == nil || !time.Now().Before(*t.until.Load()) {
		return 0, false
	}
	return t.Epoch, true
}

// Context returns a context for what is done in the present term, or false if
// this replica does not lead. It is not done when the term ends: what is written
// with it is refused then.
func (e *Elector) Context(ctx context.Context) (context.Context, bool) {
	epoch, ok := e.Leader()
	if !ok {
		return ctx, false
	}
	return NewContext(ctx, Term{Lease: e.store.Name(), Epoch: epoch}), true
}

// Check asks the store whether the lease is held in that epoch, unless it is
// known here that it is not: then, and if the store says so, the error wraps
// [ErrLost]. It is for effects that cannot check the epoch themselves; those who
// are frozen between the two are not stopped.
func (e *Elector) Check(ctx context.Context, epoch uint64) error {
	if now, ok := e.Leader(); !ok || now != epoch {
		return fmt.Errorf("lease: check %s, epoch %d: %w", e.store.Name(), epoch, ErrLost)
	}
	if err := e.store.Check(ctx, epoch); err != nil {
		return fmt.Errorf("lease: check %s, epoch %d: %w", e.store.Name(), epoch, err)
	}
	return nil
}

// Run competes until ctx is done, then ends the term and releases the lease. A
// store that fails is tried again.
func (e *Elector) Run(ctx context.Context) error {
	if e.m.Off() {
		<-ctx.Done()
		return ctx.Err()
	}
	for {
		began := time.Now()
		epoch, err := e.acquire(ctx)
		switch {
		case err == nil:
			e.lead(ctx, epoch, began)
		case !errors.Is(err, ErrHeld) && ctx.Err() == nil:
			e.metrics.failed("acquire")
			e.m.Logger().Warn("lease: not acquired", "lease", e.store.Name(), "error", err)
		}
		// A third of the lease, and up to a tenth of that earlier or later: replicas
		// that started together should not ask together.
		wait := e.ttl / 3
		if !sleep(ctx, wait-wait/10+rand.N(wait/5+1)) {
			return ctx.Err()
		}
	}
}

// acquire asks for the lease, and bounds that.
func (e *Elector) acquire(ctx context.Context) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, e.ttl/3)
	defer cancel()
	epoch, err := e.store.Acquire(ctx, e.holder, e.ttl)
	if err == nil && (epoch == 0 || epoch > MaxEpoch) {
		return 0, fmt.Errorf("the store gave epoch %d", epoch)
	}
	return epoch, err
}

// sure is how long a term lasts for sure that was asked for at began: a tenth
// is for clocks that run apart.
func (e *Elector) sure(began time.Time) time.Time { return began.Add(e.ttl - e.ttl/10) }

// lead is a term, from its beginning until everything that works in it has ended.
func (e *Elector) lead(ctx context.Context, epoch uint64, began time.Time) {
	t := &term{Term: Term{Lease: e.store.Name(), Epoch: epoch}}
	until := e.sure(began)
	t.until.Store(&until)
	working, end := context.WithCancelCause(NewContext(ctx, t.Term))
	defer end(nil)
	expiry := time.AfterFunc(time.Until(until), func() { end(ErrLost) })
	defer expiry.Stop()
	e.metrics.begins(epoch)
	e.current.Store(t)
	e.m.Logger().Info("lease: leading", "lease", t.Lease, "epoch", epoch, "holder", e.holder)

	var workers sync.WaitGroup
	gaveUp := make(chan struct{}, len(e.leads))
	for _, f := range e.leads {
		workers.Go(func() {
			if err := e.work(working, f); err != nil && working.Err() == nil {
				e.m.Logger().Error("lease: what the leader does failed, the term ends", "lease", t.Lease, "epoch", epoch, "error", err)
				gaveUp <- struct{}{}
			}
		})
	}
	why := e.keep(ctx, t, expiry, gaveUp)
	e.current.Store(nil)
	if why == released {
		end(context.Canceled)
	} else {
		end(ErrLost)
	}
	workers.Wait()
	e.metrics.ends(why)
	e.m.Logger().Info("lease: no longer leading", "lease", t.Lease, "epoch", epoch, "why", why)
	if why == released || why == failed {
		e.release(ctx, epoch)
	}
}

// work calls the host's f.
func (e *Elector) work(ctx context.Context, f func(context.Context) error) (err error) {
	defer e.m.Guard("lease.WithLead", &err)
	return f(ctx)
}

// keep renews the term until it ends, and returns why it did.
func (e *Elector) keep(ctx context.Context, t *term, expiry *time.Timer, gaveUp <-chan struct{}) (why string) {
	wait := e.ttl / 3
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return released
		case <-gaveUp:
			return failed
		case <-timer.C:
		}
		began := time.Now()
		left := t.until.Load().Sub(began)
		if left <= 0 {
			return expired // this process was stopped
		}
		asking, cancel := context.WithTimeout(ctx, min(e.ttl/3, left))
		err := e.store.Renew(asking, e.holder, t.Epoch, e.ttl)
		cancel()
		until := e.sure(began)
		switch {
		case err == nil && time.Now().Before(*t.until.Load()) && expiry.Stop():
			t.until.Store(&until)
			expiry.Reset(time.Until(until))
			wait = e.ttl / 3
		case err == nil:
			return expired // while it was renewed; what works in it has been told
		case errors.Is(err, ErrLost):
			return lost
		case ctx.Err() != nil:
			return released
		default:
			e.metrics.failed("renew")
			e.m.Logger().Warn("lease: not renewed", "lease", t.Lease, "epoch", t.Epoch, "error", err)
			wait = e.ttl / 20
		}
		timer.Reset(min(wait, max(0, time.Until(*t.until.Load()))))
	}
}

// release gives the lease back, so that another one need not wait.
func (e *Elector) release(ctx context.Context, epoch uint64) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), min(e.ttl/3, 3*time.Second))
	defer cancel()
	if err := e.store.Release(ctx, e.holder, epoch); err != nil {
		e.metrics.failed("release")
		e.m.Logger().Warn("lease: not released, it will expire", "lease", e.store.Name(), "epoch", epoch, "error", err)
	}
}

// sleep waits, and reports false if ctx is done.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
