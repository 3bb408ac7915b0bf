package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// open locks and reads the directory, and prepares it for appends.
func (s *Store) open() (err error) {
	if s.dir == "" {
		return nil
	}
	if err := s.dir.make(); err != nil {
		return err
	}
	if s.lock, err = lockFile(filepath.Join(string(s.dir), lockName)); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, unlockFile(s.lock))
		}
	}()
	f, err := s.dir.list()
	if err != nil {
		return err
	}
	clean, err := s.load(f)
	if err != nil {
		return err
	}
	for _, d := range s.opened.damage {
		s.log.Error("journal: damage; the file is kept as "+damagedSuffix+", the rest is loaded", "journal", s.name, "damage", d.String())
	}
	switch {
	case len(f.snapshots)+len(f.logs) == 0:
		s.number = 1
		s.file, err = s.dir.create(s.number)
		return err
	case clean:
		s.file, err = os.OpenFile(s.dir.path(s.number, logSuffix), os.O_WRONLY|os.O_APPEND, 0o600)
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
func (s *Store) load(f found) (clean bool, err error) {
	var from uint64
	if n := len(f.snapshots); n > 0 {
		from = f.snapshots[n-1]
		s.number = from
		if err := s.loadFile(from, snapSuffix, kindSnapshot, false); err != nil {
			return false, err
		}
	}
	for len(f.logs) > 0 && f.logs[0] < from {
		f.logs = f.logs[1:]
	}
	want := max(from, 1)
	for i, number := range f.logs {
		if number != want {
			s.opened.damage = append(s.opened.damage, Damage{File: filepath.Base(s.dir.path(want, logSuffix)), Reason: "the log is missing"})
		}
		want = number + 1
		s.number = number
		if err := s.loadFile(number, logSuffix, kindLog, i == len(f.logs)-1); err != nil {
			return false, err
		}
	}
	if len(s.opened.damage) > 0 || len(f.snapshots) != 1 || len(f.logs) != 1 {
		return false, nil
	}
	info, err := os.Stat(s.dir.path(s.number, logSuffix))
	if err != nil {
		return false, err
	}
	return info.Size() == headerSize, nil // less than that is a crash before it was whole
}

// loadFile reads a file into the state. Files are bounded by what wrote them.
func (s *Store) loadFile(number uint64, suffix string, k kind, last bool) error {
	path := s.dir.path(number, suffix)
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	c, err := read(data, k, number, last, func(changes []change) {
		for i := range changes {
			if v := changes[i].value; v != nil {
				changes[i].value = append([]byte{}, v...) // data is not to stay
			}
		}
		s.apply(changes)
	})
	name := filepath.Base(path)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if k == kindLog {
		s.logged.Add(max(0, int64(len(data))-headerSize))
	}
	for i := range c.damage {
		c.damage[i].File = name
	}
	if len(c.damage) > 0 {
		s.damaged = append(s.damaged, name)
	}
	s.opened.damage = append(s.opened.damage, c.damage...)
	s.opened.torn += c.torn
	return nil
}
