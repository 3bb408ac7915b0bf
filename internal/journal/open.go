package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/chronoretrace/chronomon/internal/recordfile"
)

// open locks and reads the directory, and prepares it for appends.
func (s *Store) open() (err error) {
	if s.dir == "" {
		return nil
	}
	if s.lock, err = s.dir.Lock(); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, recordfile.Unlock(s.lock))
		}
	}()
	f, err := s.dir.List()
	if err != nil {
		return err
	}
	clean, err := s.load(f)
	if err != nil {
		return err
	}
	for _, d := range s.opened.Damage {
		s.log.Error("journal: damage; the file is kept as "+recordfile.DamagedSuffix+", the rest is loaded", "journal", s.name, "damage", d.String())
	}
	switch {
	case len(f.Snapshots)+len(f.Logs) == 0:
		s.number = 1
		s.file, err = s.dir.Create(s.number, format.Header(recordfile.Log, s.number))
		return err
	case clean:
		s.file, err = os.OpenFile(s.dir.Path(s.number, recordfile.LogSuffix), os.O_WRONLY|os.O_APPEND, 0o600)
		return err
	}
	if err := s.renew(); err != nil {
		s.breaks(err)
		s.log.Error("journal: loaded, but it cannot be written to", "journal", s.name, "error", err)
	}
	return nil
}

// load reads the newest snapshot and the logs from there on. clean says that
// they are a whole snapshot and an empty log.
func (s *Store) load(f recordfile.Found) (clean bool, err error) {
	var from uint64
	if n := len(f.Snapshots); n > 0 {
		from = f.Snapshots[n-1]
		s.number = from
		if err := s.loadFile(from, recordfile.SnapshotSuffix, recordfile.Snapshot, false); err != nil {
			return false, err
		}
	}
	files := len(f.Snapshots) + len(f.Logs)
	for len(f.Logs) > 0 && f.Logs[0] < from {
		f.Logs = f.Logs[1:]
	}
	want := max(from, 1)
	for i, number := range f.Logs {
		if number != want {
			s.opened.Damage = append(s.opened.Damage, Damage{File: filepath.Base(s.dir.Path(want, recordfile.LogSuffix)), Reason: "the log is missing"})
		}
		want = number + 1
		s.number = number
		if err := s.loadFile(number, recordfile.LogSuffix, recordfile.Log, i == len(f.Logs)-1); err != nil {
			return false, err
		}
	}
	if len(s.opened.Damage) > 0 || files != 2 || len(f.Snapshots) != len(f.Logs) {
		return false, nil
	}
	info, err := os.Stat(s.dir.Path(s.number, recordfile.LogSuffix))
	if err != nil {
		return false, err
	}
	return info.Size() == recordfile.HeaderSize, nil // less than that is a crash before it was whole
}

// loadFile reads a file into the state. Files are bounded by what wrote them.
func (s *Store) loadFile(number uint64, suffix string, k recordfile.Kind, last bool) error {
	path := s.dir.Path(number, suffix)
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	c, err := read(file, k, number, last, func(changes []change) {
		for i := range changes {
			if v := changes[i].value; v != nil {
				changes[i].value = append([]byte{}, v...) // the record is not to stay
			}
		}
		s.apply(changes)
	})
	_ = file.Close()
	name := filepath.Base(path)
	switch {
	case errors.Is(err, ErrVersion):
		return fmt.Errorf("%s: %w", name, err)
	case err != nil: // a bad sector: it is set aside as it is
		c.Add(c.Size, 0, "it cannot be read: "+err.Error())
	}
	if k == recordfile.Log {
		s.logged.Add(max(0, c.Size-recordfile.HeaderSize))
	}
	for i := range c.Damage {
		c.Damage[i].File = name
	}
	if len(c.Damage) > 0 {
		s.damaged = append(s.damaged, name)
	}
	s.opened.Damage = append(s.opened.Damage, c.Damage...)
	s.opened.Torn += c.Torn
	return nil
}
