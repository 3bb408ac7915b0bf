package evidence

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime/trace"
	"slices"
	"sync"
	"time"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/internal/redact"
	"github.com/chronoretrace/chronomon/monitor"
)

// ErrSkipped is wrapped by the error of a capture that is not made: too many within
// the hour, too many waiting, or a recorder that has stopped.
var ErrSkipped = errors.New("capture skipped")

// A Subject is what evidence is captured of.
type Subject struct {
	Kind string    // required: "anomaly", "alert"
	Name string    // required: which one; subjects of the same kind and name share a cooldown
	Time time.Time // when it opened; zero: now

	// Explanation is what its author says of it. It is written as JSON by the
	// worker: it must not change any more, and if it knows how to write itself must
	// not block. Nil for none.
	Explanation any
}

// Recorder captures evidence: a monitor.Runner. It is safe for concurrent use.
type Recorder struct {
	m       *monitor.Monitor
	config  *config
	store   *store
	secrets *redact.Redactor
	queue   chan job
	counts  counts

	flight *trace.FlightRecorder // nil if there is none; the worker's

	mu       sync.Mutex
	running  bool                 // guarded by mu
	stopped  bool                 // guarded by mu
	recent   map[[32]byte]capture // guarded by mu; by subject, within the cooldown
	captures []time.Time          // guarded by mu; within the hour
	profiles []spent              // guarded by mu; within the hour
}

// A job is a capture to be made.
type job struct {
	id      string
	at      time.Time
	key     [32]byte
	subject Subject
}

// capture is when one was asked for, and its id.
type capture struct {
	id string
	at time.Time
}

// spent is a CPU profile.
type spent struct {
	at   time.Time
	took time.Duration
}

// counts are the recorder's metrics.
type counts struct {
	bundles, parts, skipped, written, deleted *instrument.Group
}

// waiting bounds the captures that wait for the worker.
const waiting = 8

var _ monitor.Runner = (*Recorder)(nil)

// New returns a recorder that stores bundles in a directory, which is its alone and
// is made when it is needed. It does no I/O yet. Every option that is out of range
// is named in the error, which wraps [monitor.ErrInvalidOption] for each.
func New(m *monitor.Monitor, dir string, opts ...Option) (*Recorder, error) {
	c, err := newConfig(opts)
	if m == nil {
		err = errors.Join(err, invalid("monitor", nil, "a monitor"))
	}
	if dir == "" {
		err = errors.Join(err, invalid("directory", `""`, "a path"))
	}
	if err != nil {
		return nil, err
	}
	r := &Recorder{
		m: m, config: c, secrets: redact.New(c.secrets...), queue: make(chan job, waiting), recent: map[[32]byte]capture{},
		store: &store{dir: dir, bundles: c.bundles, bytes: c.storage, pending: map[string]bool{}},
	}
	for _, g := range []struct {
		group  **instrument.Group
		metric catalog.Metric
	}{
		{&r.counts.bundles, catalog.EvidenceBundles},
		{&r.counts.parts, catalog.EvidenceParts},
		{&r.counts.skipped, catalog.EvidenceSkipped},
		{&r.counts.written, catalog.EvidenceWritten},
		{&r.counts.deleted, catalog.EvidenceDeleted},
	} {
		if *g.group, err = m.Instruments().Counters(g.metric); err != nil {
			return nil, fmt.Errorf("evidence: %w", err)
		}
	}
	return r, nil
}

// String names the recorder in errors.
func (r *Recorder) String() string { return "evidence" }

// Capture has a bundle made of a subject and returns its id at once: what an alert
// may link to. The bundle is there some seconds later, see [Recorder.Open], or when
// Run has begun.
//
// A subject has one bundle within the cooldown: asked again, Capture returns the id
// of that one. The error wraps [ErrSkipped] if none is made, with a reason that
// anomaly_evidence_skipped_total counts too, is ctx's if that is done, or says what
// the subject lacks. With a monitor that is off there is no id and no error.
func (r *Recorder) Capture(ctx context.Context, s Subject) (id string, err error) {
	if r.m.Off() {
		return "", nil
	}
	if err := ctx.Err(); err != nil {
		return "", fmt.Errorf("evidence: capture: %w", err)
	}
	if s.Kind == "" || s.Name == "" {
		return "", errors.New("evidence: capture: a subject needs a kind and a name")
	}
	j := job{at: r.m.Now(), key: sha256.Sum256([]byte(s.Kind + "\x00" + s.Name)), subject: s}
	j.id = newID(j.at)

	r.mu.Lock()
	defer r.mu.Unlock()
	if last, ok := r.recent[j.key]; ok && within(j.at, last.at, r.config.cooldown) {
		r.count(r.counts.skipped, 1, "cooldown")
		return last.id, nil
	}
	r.captures = slices.DeleteFunc(r.captures, func(t time.Time) bool { return !within(j.at, t, time.Hour) })
	if r.stopped {
		return "", r.skip("stopped")
	}
	if len(r.captures) >= r.config.hourly {
		return "", r.skip("hourly")
	}
	r.store.expect(j.id)
	select {
	case r.queue <- j:
	default:
		r.store.settle(j.id)
		return "", r.skip("busy")
	}
	r.captures = append(r.captures, j.at)
	for key, c := range r.recent {
		if !within(j.at, c.at, r.config.cooldown) {
			delete(r.recent, key)
		}
	}
	r.recent[j.key] = capture{j.id, j.at}
	return j.id, nil
}

// newID returns an id that is later in order than those of earlier seconds.
func newID(at time.Time) string {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails
	if at = at.UTC(); at.Year() < 0 || at.Year() > 9999 {
		at = time.Time{} // an id has four digits for it
	}
	return at.Format(idTime) + "-" + hex.EncodeToString(b[:])
}

// within reports whether two times are less than d apart. A clock that was set back
// does not end a cooldown, nor does it make one endless.
func within(now, then time.Time, d time.Duration) bool { return now.Sub(then).Abs() < d }

// skip counts a capture that is not made, and says why.
func (r *Recorder) skip(reason string) error {
	r.count(r.counts.skipped, 1, reason)
	return fmt.Errorf("evidence: %w: %s", ErrSkipped, reason)
}

func (r *Recorder) count(g *instrument.Group, n int64, labels ...string) {
	g.Cell(labels...).Add(&instrument.Home{}, 0, uint64(n))
}

// Run makes the captures, one at a time, until ctx is done; that under way is then
// cut short and stored, and those that wait are counted as skipped. While it runs it
// keeps the execution trace at hand: see [WithTrace]. A directory that cannot be
// written is logged and counted, and does not end it.
func (r *Recorder) Run(ctx context.Context) error {
	if r.m.Off() {
		<-ctx.Done()
		return ctx.Err()
	}
	if err := r.begin(); err != nil {
		return err
	}
	defer r.end()
	if err := r.store.tidy(); err != nil {
		r.m.Logger().Warn("evidence: the directory is not as it should be", "error", r.secrets.Text(err.Error()))
	}
	r.startTrace()
	defer r.stopTrace()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		default:
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case j := <-r.queue:
			r.make(ctx, j)
		}
	}
}

func (r *Recorder) begin() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running {
		return errors.New("evidence: Run is under way already")
	}
	r.running, r.stopped = true, false
	return nil
}

// end leaves nothing waiting that nobody will make.
func (r *Recorder) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running, r.stopped = false, true
	for {
		select {
		case j := <-r.queue:
			r.count(r.counts.skipped, 1, "shutdown")
			r.forget(j)
		default:
			return
		}
	}
}

// forget lets a subject be captured again. mu is held.
func (r *Recorder) forget(j job) {
	r.store.settle(j.id)
	if r.recent[j.key].id == j.id {
		delete(r.recent, j.key)
	}
}

func (r *Recorder) startTrace() {
	if r.config.trace == 0 {
		return
	}
	flight := trace.NewFlightRecorder(trace.FlightRecorderConfig{MinAge: r.config.trace, MaxBytes: uint64(r.config.traceBytes)})
	if err := flight.Start(); err != nil { // another one is at work in this process
		r.m.Logger().Warn("evidence: bundles will have no execution trace", "error", err)
		return
	}
	r.flight = flight
}

func (r *Recorder) stopTrace() {
	if r.flight != nil {
		r.flight.Stop()
		r.flight = nil
	}
}

// make makes a bundle and counts what became of it.
func (r *Recorder) make(ctx context.Context, j job) {
	b := &bundle{r: r, job: j}
	size, deleted, err := r.store.write(j.id, r.config.size, func(w *archive) error { return b.write(ctx, w) })
	r.count(r.counts.deleted, int64(deleted))
	result := b.result()
	if err != nil {
		result = "failed"
	}
	r.count(r.counts.bundles, 1, result)
	if err != nil {
		r.m.Logger().Warn("evidence: a bundle was not stored", "id", j.id, "error", r.secrets.Text(err.Error()))
		r.mu.Lock()
		defer r.mu.Unlock()
		r.forget(j)
		return
	}
	r.store.settle(j.id)
	r.count(r.counts.written, size)
	r.m.Logger().Info("evidence: captured", "id", j.id, "kind", clip(r.secrets.Text(j.subject.Kind)), "name", clip(r.secrets.Text(j.subject.Name)), "bytes", size, "result", result)
}

// allowProfile takes a CPU profile's time from the hour's budget.
func (r *Recorder) allowProfile() bool {
	now := r.m.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.profiles = slices.DeleteFunc(r.profiles, func(s spent) bool { return !within(now, s.at, time.Hour) })
	left := r.config.budget
	for _, s := range r.profiles {
		left -= s.took
	}
	if left < r.config.profile {
		return false
	}
	r.profiles = append(r.profiles, spent{now, r.config.profile})
	return true
}
