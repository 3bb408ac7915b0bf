package probe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/monitor"
)

// Prober checks targets: a monitor.Runner. It is safe for concurrent use.
type Prober struct {
	m         *monitor.Monitor
	observers []Observer
	resolver  *net.Resolver
	watched   []*watch
	table     *table
	slots     chan struct{}
}

var _ monitor.Runner = (*Prober)(nil)

// New returns a prober of the targets. It checks nothing yet. Everything that
// is wrong with a target or an option is named in the error, which wraps
// [monitor.ErrInvalidOption] for each.
func New(m *monitor.Monitor, targets []Target, opts ...Option) (*Prober, error) {
	c, err := newConfig(opts)
	targets = slices.Clone(targets)
	errs := append(validate(targets), err)
	if m == nil {
		errs = append(errs, fmt.Errorf("probe: %w: monitor = nil: want a monitor", monitor.ErrInvalidOption))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if c.resolver == nil {
		c.resolver = &net.Resolver{Dial: dialServer}
	}
	p := &Prober{m: m, observers: c.observers, resolver: c.resolver, slots: make(chan struct{}, c.concurrency)}
	for _, t := range targets {
		p.watched = append(p.watched, newWatch(t, c.jitter))
	}
	if m.Off() {
		return p, nil
	}
	p.table, err = instrument.Share(m.Instruments(), "probe", func() (*table, error) { return newTable(m.Instruments()) })
	if err != nil {
		return nil, fmt.Errorf("probe: %w", err)
	}
	return p, p.table.add(p.watched)
}

// validate completes the targets and lists what is wrong with them.
func validate(targets []Target) (errs []error) {
	if len(targets) == 0 {
		errs = append(errs, fmt.Errorf("probe: %w: targets = none: want at least one", monitor.ErrInvalidOption))
	}
	names := map[string]bool{}
	for i := range targets {
		t := &targets[i]
		t.setDefaults()
		problems := t.validate(i)
		errs = append(errs, problems...)
		if names[t.Name] && t.Name != "" {
			errs = append(errs, fmt.Errorf("probe: %w: target %d: Name = %q: want one that no other target has", monitor.ErrInvalidOption, i, t.Name))
		}
		names[t.Name] = true
	}
	return errs
}

// Run checks the targets as they become due until ctx is done, and then waits
// for the checks under way, which are cut short and not counted.
func (p *Prober) Run(ctx context.Context) error {
	if p.m.Off() {
		<-ctx.Done()
		return ctx.Err()
	}
	var checks sync.WaitGroup
	defer checks.Wait()
	timer := time.NewTimer(p.wait())
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		}
		for _, w := range p.due(p.m.Now()) {
			checks.Go(func() { p.check(ctx, w, p.m.Now) })
		}
		timer.Reset(p.wait())
	}
}

// Probe checks the targets that are due at now, all of them the first time,
// and returns their results when the last one is there. It is what Run does,
// for tests and for hosts that keep the time themselves.
func (p *Prober) Probe(ctx context.Context, now time.Time) []Result {
	if p.m.Off() {
		return nil
	}
	due := p.due(now)
	results := make([]Result, len(due))
	var checks sync.WaitGroup
	for i, w := range due {
		checks.Go(func() { results[i] = p.check(ctx, w, func() time.Time { return now }) })
	}
	checks.Wait()
	return slices.DeleteFunc(results, func(r Result) bool { return !r.Checked() })
}

// Results returns the last result of each target, in the order in which they
// were given. One without a check yet has no time.
func (p *Prober) Results() []Result {
	out := make([]Result, len(p.watched))
	for i, w := range p.watched {
		out[i] = w.last()
	}
	return out
}

// wait is how long it is to the next check.
func (p *Prober) wait() time.Duration {
	now := p.m.Now()
	next := p.watched[0].plan(now)
	for _, w := range p.watched[1:] {
		if due := w.plan(now); due.Before(next) {
			next = due
		}
	}
	return max(0, next.Sub(now))
}

// due takes the targets that are due. The longest overdue come first.
func (p *Prober) due(now time.Time) []*watch {
	var out []*watch
	for _, w := range p.watched {
		due, missed := w.take(now)
		if missed > 0 {
			p.table.skipped.Cell(w.target.Name, w.target.Check.prober()).Add(&instrument.Home{}, 0, uint64(missed))
		}
		if due {
			out = append(out, w)
		}
	}
	return out
}

// check makes one check of a target that was taken, when there is room. The
// result is empty if ctx ended before the check did.
func (p *Prober) check(ctx context.Context, w *watch, now func() time.Time) (r Result) {
	var made *Result
	changed := false
	end := sync.OnceFunc(func() { changed = w.done(made) })
	defer end() // whatever the host's code does
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return r
	}
	r, ok := p.attempt(ctx, w, now())
	if !ok {
		return Result{}
	}
	made = &r
	end()
	p.tell(w, &r, changed)
	return r
}

// attempt runs a target's check. ok is false if it was cut short.
func (p *Prober) attempt(ctx context.Context, w *watch, now time.Time) (r Result, ok bool) {
	t := &w.target
	a := &attempt{m: p.m, now: now, timeout: t.Timeout, resolver: p.resolver}
	inner, cancel := context.WithTimeout(a.traced(ctx), t.Timeout)
	defer cancel()
	begin := time.Now()
	err := a.call("probe."+t.Check.prober(), func() error {
		if err := t.Check.run(inner, a); err != nil {
			return a.failed(err) // in here: it asks errors that the host made
		}
		return nil
	})
	r = Result{
		Target: t.Name, Source: t.Source, Prober: t.Check.prober(), At: now,
		Success: err == nil, Duration: time.Since(begin),
		DNSLookup: a.resolved(), HTTPStatus: a.status, CertExpiry: a.expiry,
	}
	if failed, ok := errors.AsType[*Failure](err); ok {
		f := *failed
		f.Reason, f.Detail = f.Reason.word(), w.secrets.tidy(f.Detail)
		r.Err = &f
	}
	return r, err == nil || ctx.Err() == nil
}

// tell hands a result to everybody who wants it.
func (p *Prober) tell(w *watch, r *Result, changed bool) {
	reason := p.table.reasons.Value(cmp.Or(string(r.Reason()), reasonOK))
	p.table.checks.Cell(r.Target, r.Prober, reason).Add(&instrument.Home{}, 0, 1)
	if changed {
		p.log(r)
	}
	if p.m.Enabled(monitor.KindSource) {
		p.m.Record(event(r))
	}
	for _, o := range p.observers {
		p.observe(o, w, r)
	}
}

func (p *Prober) observe(o Observer, w *watch, r *Result) {
	var err error
	defer p.m.Guard("probe.Observer", &err)
	o.Observe(w.target.Source, r.Duration, r.Err)
}

func (p *Prober) log(r *Result) {
	if r.Success {
		p.m.Logger().Info("probe: target is up again", "target", r.Target, "prober", r.Prober)
		return
	}
	p.m.Logger().Warn("probe: target is down", "target", r.Target, "prober", r.Prober, "error", r.Err)
}

func event(r *Result) monitor.Event {
	e := monitor.Event{Time: r.At, Kind: monitor.KindSource, Name: r.Source, Duration: r.Duration, Failed: !r.Success}
	e.Add(slog.String("target", r.Target), slog.String("prober", r.Prober))
	if r.HTTPStatus > 0 {
		e.Add(slog.Int("status", r.HTTPStatus))
	}
	if f, ok := r.Err.(*Failure); ok { //nolint:errorlint // ours, never wrapped
		e.Add(slog.String("reason", string(f.Reason)), slog.String("detail", f.Detail))
	}
	return e
}
