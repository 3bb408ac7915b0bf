package monitor

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// ErrOff is returned for what a monitor that is off cannot do.
var ErrOff = errors.New("the monitor is off")

// Archive says what is in a backup and, after [Monitor.Restore], what became of it.
type Archive struct {
	Time    time.Time `json:"time"`    // of the backup, by the monitor's clock
	Service string    `json:"service"` // as [WithService] named it
	Version string    `json:"version"`
	Parts   []Part    `json:"parts"` // by name
}

// Part is one Snapshotter's state.
type Part struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"` // in the backup, before compression
	Fate  Fate   `json:"fate"`
	Err   error  `json:"-"` // why, if it was refused, failed, or not put back; as text in "error"
}

// MarshalJSON implements json.Marshaler.
func (p Part) MarshalJSON() ([]byte, error) {
	type plain Part // without this method
	out := struct {
		plain

		Error string `json:"error,omitempty"`
	}{plain: plain(p)}
	if p.Err != nil {
		out.Error = p.Err.Error()
	}
	return json.Marshal(out)
}

// Fate is what became of a part.
type Fate string

// What becomes of a part.
const (
	PartSaved      Fate = "saved"        // it is in the backup
	PartUnread     Fate = "not read"     // the reading ended, as the backup is damaged: nothing is known of it
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
// backup then, and Restore says so. So write to a new file, and give it the last
// one's name when Backup and Close have returned no error. A part that nobody added
// is not in it: call it after the engines are made, while Run runs or not, as often
// as what came since the last time may be lost. It is an error to have no parts, and
// [ErrOff] if the monitor is off. One Backup or Restore is made at a time: another one
// waits, as long as ctx lets it.
//
// The file is a tar under gzip: backup.json, which says what it is, parts/ with one
// file for each part, and SHA256SUMS of all that, which is also the mark of the end.
func (m *Monitor) Backup(ctx context.Context, w io.Writer) (Archive, error) {
	a := Archive{Time: m.Now().UTC(), Service: m.build.service, Version: m.build.version}
	parts := m.Snapshotters()
	switch {
	case m.off:
		return a, fmt.Errorf("monitor: back up: %w", ErrOff)
	case len(parts) == 0:
		return a, errors.New("monitor: back up: there is nothing: no engine that has state was made")
	}
	done, err := m.snapshots.archive(ctx)
	if err != nil {
		return a, fmt.Errorf("monitor: back up: %w", err)
	}
	defer done()
	packed, _ := gzip.NewWriterLevel(w, gzip.BestSpeed) // samples are compressed already
	out := &archiveWriter{tar: tar.NewWriter(packed), modified: a.Time}
	err = out.about(a)
	for _, s := range parts {
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
