package evidence

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"runtime"
	"runtime/pprof"
	"time"

	"github.com/chronoretrace/chronomon/monitor"
)

// Why a part is not in a bundle.
var (
	errLarge   = errors.New("it does not fit into the bundle")
	errSkipped = errors.New("the hour's time for CPU profiles is spent")
	errNoTrace = errors.New("the execution trace is not recorded: another flight recorder is at work")
)

// bundle is one being made.
type bundle struct {
	r     *Recorder
	job   job
	parts []partRecord
}

// partRecord is what the manifest says of a part.
type partRecord struct {
	File   string `json:"file"`
	Result string `json:"result"` // ok, failed, panicked, large, skipped
	Bytes  int    `json:"bytes"`
	Error  string `json:"error,omitempty"`
}

// A part is a file of the bundle.
type part struct {
	name, file string
	collect    func(ctx context.Context, w io.Writer) error
}

// subjectRecord is the first file of a bundle.
type subjectRecord struct {
	ID       string    `json:"id"`
	Kind     string    `json:"kind"`
	Name     string    `json:"name"`
	Opened   time.Time `json:"opened"`
	Captured time.Time `json:"captured"`
	Go       string    `json:"go"`
}

// write makes the parts, one after the other, in an archive. It fails if the archive
// does: a part that fails is missing, and the rest stands.
func (b *bundle) write(ctx context.Context, w *archive) error {
	for _, p := range b.list(w.left) {
		var content bytes.Buffer
		if !b.collect(ctx, p, &content, w.left) {
			continue
		}
		if err := w.add(p.file, b.job.at, content.Bytes()); err != nil {
			return err
		}
	}
	manifest, err := json.MarshalIndent(map[string]any{"id": b.job.id, "parts": b.parts}, "", "  ")
	if err != nil {
		return err
	}
	return w.add("manifest.json", b.job.at, manifest)
}

// list are the parts in their order: what explains comes first, should the rest not
// fit; errors last, since they arrive through a queue. The trace is a window that
// moves on: it is taken here, before all others.
func (b *bundle) list(room int64) []part {
	c := b.r.config
	out := []part{{"subject", "subject.json", b.subject}}
	if b.job.subject.Explanation != nil {
		out = append(out, part{"explanation", "explanation.json", b.explanation})
	}
	out = append(out, part{"marks", "marks.json", b.marks})
	if c.queries != nil {
		out = append(out, part{"queries", "queries.json", b.queries})
	}
	if c.trace > 0 {
		out = append(out, part{"trace", "trace.out", b.traced(room / 2)})
	}
	out = append(out, part{"goroutines", "goroutine.pb.gz", lookup("goroutine")}, part{"heap", "heap.pb.gz", lookup("heap")})
	if c.profile > 0 {
		out = append(out, part{"cpu", "cpu.pb.gz", b.cpu})
	}
	if c.errors != nil {
		out = append(out, part{"errors", "errors.jsonl", b.errors})
	}
	return out
}

// The results of a part.
const (
	resultOK       = "ok"
	resultFailed   = "failed"
	resultPanicked = "panicked"
	resultLarge    = "large"
	resultSkipped  = "skipped"
)

// collect makes a part, records what became of it and reports whether it is there.
func (b *bundle) collect(ctx context.Context, p part, into *bytes.Buffer, limit int64) bool {
	w := &limited{to: into, left: limit}
	returned := false
	var err error
	func() {
		defer b.r.m.Guard("evidence."+p.name, &err)
		err = p.collect(ctx, w)
		returned = true
	}()
	record := partRecord{File: p.file, Result: resultOK, Bytes: into.Len()}
	switch {
	case !returned:
		record.Result = resultPanicked
	case w.over || errors.Is(err, errLarge):
		record.Result, err = resultLarge, errLarge
	case errors.Is(err, errSkipped):
		record.Result = resultSkipped
	case err != nil:
		record.Result = resultFailed
	}
	if err != nil {
		record.Bytes, record.Error = 0, clip(b.r.secrets.Text(err.Error()))
		into.Reset()
	}
	b.parts = append(b.parts, record)
	b.r.count(b.r.counts.parts, 1, p.name, record.Result)
	return err == nil
}

// result is the bundle's.
func (b *bundle) result() string {
	for _, p := range b.parts {
		if p.Result != resultOK && p.Result != resultSkipped {
			return "partial"
		}
	}
	return resultOK
}

func (b *bundle) subject(_ context.Context, w io.Writer) error {
	s := b.job.subject
	if s.Time.IsZero() {
		s.Time = b.job.at
	}
	text := func(s string) string { return clip(b.r.secrets.Text(s)) }
	return writeJSON(w, subjectRecord{
		ID: b.job.id, Kind: text(s.Kind), Name: text(s.Name), Opened: s.Time.UTC(), Captured: b.job.at.UTC(), Go: runtime.Version(),
	})
}

func (b *bundle) explanation(_ context.Context, w io.Writer) error {
	return b.r.writeClean(w, b.job.subject.Explanation)
}

func (b *bundle) queries(_ context.Context, w io.Writer) error {
	return b.r.writeClean(w, b.r.config.queries())
}

func (b *bundle) marks(_ context.Context, w io.Writer) error {
	type mark struct {
		Time time.Time `json:"time"`
		Kind string    `json:"kind"`
		Text string    `json:"text"`
	}
	out := []mark{}
	for _, m := range b.r.m.Marks() {
		out = append(out, mark{m.Time.UTC(), m.Kind, m.Text})
	}
	return b.r.writeClean(w, out)
}

// errors writes an event a line. One that cannot be written is named and left out.
func (b *bundle) errors(_ context.Context, w io.Writer) error {
	for _, e := range b.r.config.errors.list() {
		if err := b.event(w, e); err != nil {
			if errors.Is(err, errLarge) {
				return err
			}
			bare := monitor.Event{Time: e.Time, Kind: e.Kind, Name: e.Name, Failed: e.Failed}
			if err := b.event(w, bare); err != nil {
				return err
			}
		}
	}
	return nil
}

// event writes one; attributes may be the host's values, which write themselves.
func (b *bundle) event(w io.Writer, e monitor.Event) (err error) {
	defer b.r.m.Guard("evidence.errors", &err)
	return b.r.writeClean(w, e)
}

// lookup writes one of the runtime's profiles. Samples carry the goroutines' labels,
// as the route that monitor.WithProfileLabels sets.
func lookup(name string) func(context.Context, io.Writer) error {
	return func(_ context.Context, w io.Writer) error { return pprof.Lookup(name).WriteTo(w, 0) }
}

// cpu profiles for a while, at most until ctx is done.
func (b *bundle) cpu(ctx context.Context, w io.Writer) error {
	if !b.r.allowProfile() {
		return errSkipped
	}
	if err := pprof.StartCPUProfile(w); err != nil {
		return err // somebody else is at it
	}
	defer pprof.StopCPUProfile() // writes it
	timer := time.NewTimer(b.r.config.profile)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return nil
}

// traced takes the execution trace of the time before and returns what writes it.
func (b *bundle) traced(limit int64) func(context.Context, io.Writer) error {
	var recorded bytes.Buffer
	w := &limited{to: &recorded, left: limit}
	err := errNoTrace
	if b.r.flight != nil {
		_, err = b.r.flight.WriteTo(w)
	}
	return func(_ context.Context, w io.Writer) error {
		if err != nil {
			return err
		}
		_, err := recorded.WriteTo(w)
		return err
	}
}

// limited is a writer up to a limit.
type limited struct {
	to   *bytes.Buffer
	left int64
	over bool
}

func (l *limited) Write(p []byte) (int, error) {
	if int64(len(p)) > l.left {
		l.over = true
	}
	if l.over {
		return 0, errLarge
	}
	l.left -= int64(len(p))
	return l.to.Write(p)
}
