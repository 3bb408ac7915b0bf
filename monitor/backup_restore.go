package monitor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
)

// RestoreOption configures [Monitor.Restore].
type RestoreOption interface{ applyRestore(*restoreConfig) }

type restoreOptionFunc func(*restoreConfig)

func (f restoreOptionFunc) applyRestore(c *restoreConfig) { f(c) }

type restoreConfig struct{ dry, foreign bool }

// WithDryRun has Restore say what it would do, and do nothing.
func WithDryRun() RestoreOption { return restoreOptionFunc(func(c *restoreConfig) { c.dry = true }) }

// WithForeign takes the backup of another service, too.
func WithForeign() RestoreOption {
	return restoreOptionFunc(func(c *restoreConfig) { c.foreign = true })
}

// Restore replaces the state of everything that was added with
// [Monitor.AddSnapshotter] by what a backup has. The backup is read to its end and
// verified, and each [Verifier] asked, before anything is replaced; an error about
// the backup itself wraps [ErrBackup]: it is damaged, is another service's (but see
// [WithForeign]), or has nothing that anybody takes. A part that nobody takes is left
// out, and state that the backup does not have stays: neither is an error as long
// as there is another part. The monitor's logger is told what became of each.
//
// What came after the backup is gone from the parts that are restored. Restore when
// all engines are made, for only then are they asked, and before [Monitor.Run], so
// that they do not work on what is about to be replaced; [WithDryRun] may be tried at
// any time, and says whether a backup is any good. It is [ErrOff] if the monitor is off.
//
// If a part fails nevertheless, all others get back the state from before; how
// exactly, is up to their Snapshotters. The parts say what became of each. A
// reader that cannot seek is copied to a temporary file first.
func (m *Monitor) Restore(ctx context.Context, r io.Reader, opts ...RestoreOption) (Archive, error) {
	var c restoreConfig
	for _, o := range opts {
		if o != nil {
			o.applyRestore(&c)
		}
	}
	if m.off {
		return Archive{}, fmt.Errorf("monitor: restore: %w", ErrOff)
	}
	done, err := m.snapshots.archive(ctx)
	if err != nil {
		return Archive{}, fmt.Errorf("monitor: restore: %w", err)
	}
	defer done()
	re := restore{m: m, takers: map[string]Snapshotter{}}
	for _, s := range m.Snapshotters() {
		re.takers[s.SnapshotName()] = s
	}
	err = re.open(ctx, r)
	defer re.close()
	if err == nil {
		err = re.verify(ctx, c.foreign)
	}
	if err == nil && !c.dry {
		err = re.replace(ctx)
	}
	if !c.dry {
		re.tell(ctx, err)
	}
	if err != nil {
		return re.archive, fmt.Errorf("monitor: restore: %w", err)
	}
	return re.archive, nil
}

// restore is one call of Restore.
type restore struct {
	m       *Monitor
	takers  map[string]Snapshotter // by name
	archive Archive
	sums    string // of the backup, as it was read first
	backup  io.ReadSeeker
	begin   int64  // where it begins
	copied  *spool // nil if the reader can seek
	undo    []undo
}

// undo is a part's state from before.
type undo struct {
	name  string
	state *spool
}

func (re *restore) open(ctx context.Context, r io.Reader) (err error) {
	if seeker, ok := r.(io.ReadSeeker); ok {
		if re.begin, err = seeker.Seek(0, io.SeekCurrent); err == nil {
			re.backup = seeker
			return nil
		}
	}
	re.copied, err = newSpool(func(w io.Writer) error {
		_, err := io.Copy(w, contextReader{ctx, r})
		return err
	})
	re.begin, re.backup = 0, re.copied
	return err
}

// tell logs what became of the parts.
func (re *restore) tell(ctx context.Context, err error) {
	level, msg := slog.LevelInfo, "a backup was restored"
	attrs := []slog.Attr{slog.String("service", re.archive.Service), slog.Time("of", re.archive.Time)}
	if err != nil {
		level, msg = slog.LevelError, "a backup was not restored"
		attrs = append(attrs, slog.Any("error", err))
	}
	parts := map[Fate][]string{}
	for _, p := range re.archive.Parts {
		parts[p.Fate] = append(parts[p.Fate], p.Name)
		if p.Fate != PartRestored {
			level = max(level, slog.LevelWarn)
		}
	}
	for _, fate := range slices.Sorted(maps.Keys(parts)) {
		attrs = append(attrs, slog.String(string(fate), strings.Join(parts[fate], " ")))
	}
	re.m.logger.LogAttrs(ctx, level, msg, attrs...)
}

func (re *restore) close() {
	if re.copied != nil {
		re.copied.discard()
	}
	for _, u := range re.undo {
		u.state.discard()
	}
}

// errChanged is about a backup that somebody writes to, or replaces, while it is
// read: it is read three times.
var errChanged = fmt.Errorf("%w: it changed while it was read", ErrBackup)

// read reads the backup from its beginning.
func (re *restore) read(ctx context.Context, each func(name string, r io.Reader) error) (Archive, error) {
	if _, err := re.backup.Seek(re.begin, io.SeekStart); err != nil {
		return Archive{}, err
	}
	archive, sums, err := readArchive(ctx, re.backup, each)
	if err == nil && sums != cmp.Or(re.sums, sums) {
		err = errChanged
	}
	re.sums = sums
	return archive, err
}

// verify finds out what would become of each part.
func (re *restore) verify(ctx context.Context, foreign bool) (err error) {
	re.archive, err = re.read(ctx, func(string, io.Reader) error { return nil })
	for i := range re.archive.Parts {
		p := &re.archive.Parts[i]
		if p.Fate = PartRestorable; re.takers[p.Name] == nil {
			p.Fate = PartUntaken
		}
	}
	for name := range re.takers {
		if re.part(name) == nil {
			re.archive.Parts = append(re.archive.Parts, Part{Name: name, Fate: PartMissing})
			slices.SortFunc(re.archive.Parts, func(a, b Part) int { return strings.Compare(a.Name, b.Name) })
		}
	}
	if err != nil {
		for i := range re.archive.Parts {
			re.archive.Parts[i].Fate = PartUnread
		}
		return err
	}
	if err := re.suits(foreign); err != nil {
		return fmt.Errorf("%w: %w", ErrBackup, err)
	}
	_, err = re.read(ctx, func(name string, r io.Reader) error {
		p := re.part(name)
		if p == nil {
			return errChanged
		}
		v, ok := re.takers[name].(Verifier)
		if !ok {
			return nil
		}
		if err := re.guarded(func() error { return v.Verify(ctx, r) }); err != nil {
			p.Fate, p.Err = PartRefused, err
		}
		return ctx.Err()
	})
	errs := []error{err}
	for _, p := range re.archive.Parts {
		if p.Fate == PartRefused {
			errs = append(errs, fmt.Errorf("%s: %w", p.Name, p.Err))
		}
	}
	return errors.Join(errs...)
}

// suits reports why a backup that is whole is not one for this monitor.
func (re *restore) suits(foreign bool) error {
	if of, here := re.archive.Service, re.m.build.service; of != here && !foreign {
		return fmt.Errorf("it is of service %q and this is %q (see WithForeign)", of, here)
	}
	if !slices.ContainsFunc(re.archive.Parts, func(p Part) bool { return p.Fate == PartRestorable }) {
		return fmt.Errorf("none of its parts is taken: the engines here have %q", slices.Sorted(maps.Keys(re.takers)))
	}
	return nil
}

// part returns the part of a name, or nil.
func (re *restore) part(name string) *Part {
	i := slices.IndexFunc(re.archive.Parts, func(p Part) bool { return p.Name == name })
	if i < 0 {
		return nil
	}
	return &re.archive.Parts[i]
}

// guarded calls the host's f.
func (re *restore) guarded(f func() error) (err error) {
	defer re.m.Guard("restore", &err)
	return f()
}

// replace restores all parts, or none if it can.
func (re *restore) replace(ctx context.Context) error {
	for _, p := range re.archive.Parts {
		if p.Fate != PartRestorable {
			continue
		}
		state, err := re.m.snapshot(ctx, re.takers[p.Name])
		if err != nil {
			return fmt.Errorf("keep what is there: %w", err)
		}
		re.undo = append(re.undo, undo{p.Name, state})
	}
	_, err := re.read(ctx, func(name string, r io.Reader) error {
		p := re.part(name)
		switch {
		case p == nil:
			return errChanged
		case p.Fate != PartRestorable:
			return nil
		}
		p.Fate = PartRestored
		if err := re.guarded(func() error { return re.takers[name].Restore(ctx, r) }); err != nil {
			p.Err = err
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	})
	if err == nil {
		return nil
	}
	return errors.Join(err, re.putBack(context.WithoutCancel(ctx)))
}

// putBack gives every part that was touched the state from before, the one that
// failed included: it may have taken half of the other.
func (re *restore) putBack(ctx context.Context) error {
	var errs []error
	for _, u := range slices.Backward(re.undo) {
		p := re.part(u.name)
		if p.Fate != PartRestored {
			continue
		}
		p.Fate = PartPutBack
		if err := re.guarded(func() error { return re.takers[u.name].Restore(ctx, u.state) }); err != nil {
			p.Fate, p.Err = PartNotPutBack, errors.Join(p.Err, err)
			errs = append(errs, fmt.Errorf("put back %s: %w", u.name, err))
		}
	}
	return errors.Join(errs...)
}
