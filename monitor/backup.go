package monitor

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// Archive says what is in a backup and, after [Monitor.Restore], what became of it.
type Archive struct {
	Time             time.Time // of the backup, by the monitor's clock
	Service, Version string    // as [WithService] named them
	Parts            []Part    // by name
}

// Part is one Snapshotter's state.
type Part struct {
	Name  string
	Bytes int64 // in the backup, before compression
	Fate  Fate
	Err   error // why, if it was refused, failed, or not put back
}

// Fate is what became of a part.
type Fate string

// What becomes of a part.
const (
	PartSaved      Fate = "saved"        // it is in the backup
	PartUntaken    Fate = "untaken"      // no Snapshotter has its name: it is left out
	PartMissing    Fate = "missing"      // a Snapshotter's that the backup does not have: its state stays
	PartRefused    Fate = "refused"      // its Snapshotter would not take it
	PartRestorable Fate = "restorable"   // it is found good and was not restored: in a dry run, or as another part is not
	PartRestored   Fate = "restored"     // it is the state now
	PartPutBack    Fate = "put back"     // it or another part failed, and the state is again what it was
	PartNotPutBack Fate = "not put back" // that failed as well: nobody knows what the state is
)

// Backup writes the state of everything that was added with [Monitor.AddSnapshotter]
// into one file. Parts are taken one after the other, each as it is at that moment,
// by way of a temporary file. An error of any part ends it: what was written is no
// backup then, and Restore says so.
//
// The file is a tar under gzip: backup.json, which says what it is, parts/ with one
// file for each part, and SHA256SUMS of all that, which is also the mark of the end.
func (m *Monitor) Backup(ctx context.Context, w io.Writer) (Archive, error) {
	a := Archive{Time: m.Now().UTC(), Service: m.build.service, Version: m.build.version}
	m.snapshots.archiving.Lock()
	defer m.snapshots.archiving.Unlock()
	packed, _ := gzip.NewWriterLevel(w, gzip.BestSpeed) // samples are compressed already
	out := &archiveWriter{tar: tar.NewWriter(packed), modified: a.Time}
	err := out.about(a)
	for _, s := range m.Snapshotters() {
		if err != nil {
			break
		}
		var n int64
		n, err = m.pack(ctx, out, s)
		a.Parts = append(a.Parts, Part{Name: s.SnapshotName(), Bytes: n, Fate: PartSaved})
	}
	if err == nil {
		err = errors.Join(out.end(), packed.Close())
	}
	if err != nil {
		return a, fmt.Errorf("monitor: back up: %w", err)
	}
	return a, nil
}

// pack writes one part.
func (m *Monitor) pack(ctx context.Context, out *archiveWriter, s Snapshotter) (n int64, err error) {
	file, err := m.snapshot(ctx, s)
	if err != nil {
		return 0, err
	}
	defer file.discard()
	return file.size, out.add(archiveParts+s.SnapshotName(), file.size, file)
}

// snapshot takes one part into a temporary file.
func (m *Monitor) snapshot(ctx context.Context, s Snapshotter) (*spool, error) {
	file, err := newSpool(func(w io.Writer) (err error) {
		defer m.Guard("snapshot", &err)
		if err := ctx.Err(); err != nil {
			return err
		}
		return s.Snapshot(ctx, w)
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.SnapshotName(), err)
	}
	return file, nil
}

// spool is a temporary file with something in it, from its beginning.
type spool struct {
	*os.File
	size int64
}

func newSpool(write func(io.Writer) error) (*spool, error) {
	file, err := os.CreateTemp("", "backup-*")
	if err != nil {
		return nil, err
	}
	s := &spool{File: file}
	if err = write(file); err == nil {
		s.size, err = file.Seek(0, io.SeekCurrent)
	}
	if err == nil {
		err = s.rewind()
	}
	if err != nil {
		s.discard()
		return nil, err
	}
	return s, nil
}

func (s *spool) rewind() error {
	_, err := s.Seek(0, io.SeekStart)
	return err
}

func (s *spool) discard() {
	_ = s.Close()
	_ = os.Remove(s.Name())
}
