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
	name    string // the store's
	ttl     time.Duration
	holder  string
	leads   []func(context.Context) error
	metrics *metrics
	current atomic.Pointer[term] // nil while another one leads
	state   state                // guarded by its table's mu
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

// New returns an elector that competes for the store's lease while it runs. A
// registry has one for each lease; when that has ended another one may take its
// place. The error wraps [monitor.ErrInvalidOption] for each thing that is wrong.
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
	if err := e.ask(func() error { e.name = store.Name(); return nil }); err != nil {
		return nil, fmt.Errorf("lease: %w", err)
	}
	if e.name == "" || len(e.name) > maxName || !storable(e.name) {
		return nil, fmt.Errorf("lease: %w: store = %q: want a name of 1 to %d bytes, UTF-8 without NUL", monitor.ErrInvalidOption, e.name, maxName)
	}
	if err := show(m, e); err != nil {
		return nil, fmt.Errorf("lease: %w", err)
	}
	return e, nil
}

// String names it in the errors of Run.
func (e *Elector) String() string { return "lease " + e.name }

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
	return NewContext(ctx, Term{Lease: e.name, Epoch: epoch}), true
}

// Check asks the store whether the lease is held in that epoch, unless it is
// known here that it is not: then, and if the store says so, the error wraps
// [ErrLost]. It is for effects that cannot check the epoch themselves; those who
// are frozen between the two are not stopped.
func (e *Elector) Check(ctx context.Context, epoch uint64) error {
	err := ErrLost
	if now, ok := e.Leader(); ok && now == epoch {
		err = e.ask(func() error { return e.store.Check(ctx, epoch) })
	}
	if err != nil {
		return fmt.Errorf("lease: check %s, epoch %d: %w", e.name, epoch, err)
	}
	return nil
}

// ask calls the host's store.
func (e *Elector) ask(f func() error) (err error) {
	defer e.m.Guard("lease.Store", &err)
	return f()
}

// Run competes until ctx is done, then ends the term and releases the lease. A
// store that fails is tried again. It is an error to run it twice at a time, or
// when another elector of the lease was made since it ended.
func (e *Elector) Run(ctx context.Context) error {
	if e.m.Off() {
		<-ctx.Done()
		return ctx.Err()
	}
	if err := e.metrics.table.begin(e); err != nil {
		return fmt.Errorf("lease: run %s: %w", e.name, err)
	}
	defer e.metrics.table.end(e)
	unknown := false // whether this one has the lease, and in which epoch
	defer func() {
		if unknown {
			e.giveUp(ctx)
		}
	}()
	for {
		began := time.Now()
		epoch, err := e.acquire(ctx)
		unknown = false
		switch {
		case err == nil:
			unknown = e.lead(ctx, epoch, began) == expired
		case errors.Is(err, ErrHeld):
		default:
			unknown = true
			if ctx.Err() == nil {
				e.metrics.failed("acquire")
				e.m.Logger().Warn("lease: not acquired", "lease", e.name, "error", err)
			}
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
func (e *Elector) acquire(ctx context.Context) (epoch uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, e.ttl/3)
	defer cancel()
	err = e.ask(func() (err error) {
		epoch, err = e.store.Acquire(ctx, e.holder, e.ttl)
		return err
	})
	if err == nil && (epoch == 0 || epoch > MaxEpoch) {
		return 0, fmt.Errorf("the store gave epoch %d", epoch)
	}
	return epoch, err
}

// sure is how long a term lasts for sure that was asked for at began: a tenth
// is for clocks that run apart.
func (e *Elector) sure(began time.Time) time.Time { return began.Add(e.ttl - e.ttl/10) }

// lead is a term, from its beginning until everything that works in it has ended.
// It returns why the term did.
func (e *Elector) lead(ctx context.Context, epoch uint64, began time.Time) (why string) {
	t := &term{Term: Term{Lease: e.name, Epoch: epoch}}
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
	why = e.keep(ctx, t, expiry, gaveUp)
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
	return why
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
		err := e.ask(func() error { return e.store.Renew(asking, e.holder, t.Epoch, e.ttl) })
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

// shortly bounds what is done when the elector has ended.
func (e *Elector) shortly(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), min(e.ttl/3, 3*time.Second))
}

// release gives the lease back, so that another one need not wait.
func (e *Elector) release(ctx context.Context, epoch uint64) {
	ctx, cancel := e.shortly(ctx)
	defer cancel()
	if err := e.ask(func() error { return e.store.Release(ctx, e.holder, epoch) }); err != nil {
		e.metrics.failed("release")
		e.m.Logger().Warn("lease: not released, it will expire", "lease", e.name, "epoch", epoch, "error", err)
	}
}

// giveUp gives the lease back if this one has it without knowing: the store did
// not say so, or too late. To ask again tells the epoch.
func (e *Elector) giveUp(ctx context.Context) {
	asking, cancel := e.shortly(ctx)
	defer cancel()
	epoch, err := e.acquire(asking)
	switch {
	case err == nil:
		e.release(ctx, epoch)
	case !errors.Is(err, ErrHeld):
		e.metrics.failed("release")
		e.m.Logger().Warn("lease: not released, if it was acquired it will expire", "lease", e.name, "error", err)
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
