package monitor

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"
	"slices"
	"sync"
	"time"
)

// A Runner is an engine: Run works until ctx is done and returns after
// everything it started has ended. To return earlier, with or without an
// error, ends all the others. One that has a String method is called that in
// errors.
type Runner interface {
	Run(ctx context.Context) error
}

// RunnerFunc is a function as a Runner.
type RunnerFunc func(ctx context.Context) error

// Run calls f.
func (f RunnerFunc) Run(ctx context.Context) error { return f(ctx) }

// A Readier is a Runner that takes a while to be of use: the next engine is
// started when the channel is closed.
type Readier interface{ Ready() <-chan struct{} }

var (
	// ErrRan is returned by a second call of Run.
	ErrRan = errors.New("monitor: Run was called before")
	// ErrEndedEarly is what Run returns if an engine ended by itself without an error.
	ErrEndedEarly = errors.New("ended before it was asked to")
	// ErrGrace is what Run returns if something did not end within the grace period.
	ErrGrace = errors.New("did not end within the grace period")
)

// Run starts the sinks and then the engines in the given order, and blocks. It
// ends when ctx is done or an engine ends; engines are then stopped in reverse
// order, each waited for, and the sinks drain last. What is still running
// after the grace period is named in the error and left behind. A panic of an
// engine is an error. All errors are joined; a stop that was asked for is none.
//
// A sink that is a [Runner] is an engine as well, from before its first Write until
// after its last, with a grace period of its own. It need not be given: if it is,
// it has the place among the engines that it was given. Do not run it in any other
// way, such as by a Runner that calls its Run.
//
// The start is marked as a deploy of the build's revision: see [Monitor.Mark].
// Run may be called once. A monitor that is off runs the engines and nothing else.
func (m *Monitor) Run(ctx context.Context, engines ...Runner) error {
	if ctx == nil {
		return fmt.Errorf("monitor: %w: Run context = nil: want a context", ErrInvalidOption)
	}
	if m.ran.Swap(true) {
		return ErrRan
	}
	m.markStart(ctx)
	base := context.WithoutCancel(ctx)
	r := run{m: m, ended: make(chan struct{}), over: make(chan struct{})}
	defer close(r.over)

	going := true
	for _, s := range ownRunners(m.sinks, engines) {
		going = r.startEngine(ctx, base, nameOf(s.runner, "sink "+s.name+"'s Run"), s.runner) && going
	}
	runners := len(r.tasks)
	for _, s := range m.sinks {
		r.start(base, "sink "+s.name, func(ctx context.Context) error {
			s.queue.Run(ctx, m.grace)
			return nil
		})
	}
	sinks := len(r.tasks)
	for i, e := range engines {
		if !going {
			break
		}
		if e == nil {
			r.fail(fmt.Errorf("monitor: %w: Run engine %d = nil: want a Runner", ErrInvalidOption, i))
			r.end()
			break
		}
		going = r.startEngine(ctx, base, nameOf(e, fmt.Sprintf("engine %d (%T)", i, e)), e)
	}
	select {
	case <-ctx.Done():
	case <-r.ended:
	}
	r.stop(r.tasks[sinks:], m.grace)
	// The queues keep the grace period themselves; this bounds a sink that ignores it.
	r.stopTogether(r.tasks[runners:sinks], m.grace+m.grace/4)
	r.stopTogether(r.tasks[:runners], m.grace)
	return r.err()
}

// ownRunners returns the sinks that are to be run by themselves: each once, and
// not those that are among the engines.
func ownRunners(sinks []*sink, engines []Runner) (out []*sink) {
	all := slices.Clone(engines)
	for _, s := range sinks {
		if s.runner != nil && !slices.ContainsFunc(all, func(e Runner) bool { return same(e, s.runner) }) {
			all, out = append(all, s.runner), append(out, s)
		}
	}
	return out
}

// same reports whether two are one; of a type that cannot be compared, all are.
func same(a, b Runner) bool {
	if reflect.TypeOf(a) != reflect.TypeOf(b) {
		return false
	}
	return !reflect.ValueOf(b).Comparable() || a == b
}

// run is the state of one call of Run.
type run struct {
	m     *Monitor
	tasks []*task
	once  sync.Once
	ended chan struct{} // closed when an engine has ended
	over  chan struct{} // closed when Run returns

	mu   sync.Mutex
	errs []error // guarded by mu
}

type task struct {
	name   string
	cancel context.CancelFunc
	done   chan struct{}
}

// end has all engines stopped.
func (r *run) end() { r.once.Do(func() { close(r.ended) }) }

func (r *run) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errs = append(r.errs, err)
}

func (r *run) err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return errors.Join(r.errs...)
}

// start runs f in a goroutine of its own.
func (r *run) start(base context.Context, name string, f func(context.Context) error) {
	ctx, cancel := context.WithCancel(base)
	t := &task{name, cancel, make(chan struct{})}
	r.tasks = append(r.tasks, t)
	go func() {
		defer close(t.done)
		defer cancel()
		if err := r.guarded(name, func() error { return f(ctx) }); err != nil {
			r.fail(err)
		}
	}()
}

// startEngine starts an engine and waits until it is ready. It reports whether
// the next one is to be started.
func (r *run) startEngine(ctx, base context.Context, name string, e Runner) bool {
	r.start(base, name, func(ctx context.Context) error {
		defer r.end()
		err := e.Run(ctx)
		asked := ctx.Err() != nil
		switch {
		case err == nil && !asked:
			return ErrEndedEarly
		case asked && errors.Is(err, context.Canceled):
			return nil
		}
		return err
	})
	if rd, ok := e.(Readier); ok {
		select {
		case <-r.ready(name, rd):
		case <-ctx.Done():
		case <-r.ended:
		}
	}
	select {
	case <-ctx.Done():
		return false
	case <-r.ended:
		return false
	default:
		return true
	}
}

// ready returns a channel that is closed when the engine is. Asking is the
// host's code: it may block or panic.
func (r *run) ready(name string, rd Readier) <-chan struct{} {
	out := make(chan struct{})
	go func() {
		err := r.guarded(name, func() error {
			ch := rd.Ready()
			select {
			case <-ch:
				close(out)
			case <-r.ended:
			case <-r.over:
			}
			return nil
		})
		if err != nil {
			r.fail(err)
			r.end()
		}
	}()
	return out
}

// nameOf is what errors call an engine: what it calls itself, or its place.
func nameOf(e Runner, place string) string {
	if s, ok := e.(fmt.Stringer); ok {
		return s.String()
	}
	return place
}

// guarded calls the host's f. A panic is an error, and so is a goroutine that
// was ended from inside.
func (r *run) guarded(name string, f func() error) (err error) {
	returned := false
	defer func() {
		switch v := recover(); {
		case v != nil:
			r.m.logger.Error("engine panicked", "engine", name, "panic", v, "stack", string(debug.Stack()))
			err = fmt.Errorf("monitor: %s panicked: %v", name, v)
		case !returned:
			err = fmt.Errorf("monitor: %s ended its goroutine", name)
			r.fail(err) // nobody is left to return it to
		}
	}()
	err = f()
	returned = true
	if err != nil {
		return fmt.Errorf("monitor: %s: %w", name, err)
	}
	return nil
}

// stop ends tasks in reverse order, each waited for. When the grace period is
// over those that are left are ended at once, with a quarter of it more to obey.
func (r *run) stop(tasks []*task, grace time.Duration) {
	over, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	for i, t := range slices.Backward(tasks) {
		t.cancel()
		if t.endedBefore(over) {
			continue
		}
		r.hurry(tasks[:i+1], grace/4)
		return
	}
}

// stopTogether ends tasks side by side.
func (r *run) stopTogether(tasks []*task, grace time.Duration) {
	for _, t := range tasks {
		t.cancel()
	}
	r.stop(tasks, grace)
}

// hurry ends tasks at once and names those that do not obey.
func (r *run) hurry(tasks []*task, grace time.Duration) {
	over, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	for _, t := range tasks {
		t.cancel()
	}
	for _, t := range tasks {
		if !t.endedBefore(over) {
			r.fail(fmt.Errorf("monitor: %s %w of %v", t.name, ErrGrace, r.m.grace))
		}
	}
}

// endedBefore waits for the task until over is done.
func (t *task) endedBefore(over context.Context) bool {
	select {
	case <-t.done:
		return true
	case <-over.Done():
	}
	select {
	case <-t.done: // both at once
		return true
	default:
		return false
	}
}
