package recordfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Suffixes of the files, whose names are numbers.
const (
	SnapshotSuffix = ".snapshot"
	LogSuffix      = ".log"
	DamagedSuffix  = ".damaged" // of files set aside

	tempSuffix  = ".tmp"
	lockName    = "lock"
	keepDamaged = 4 // files set aside; the oldest ones go
)

// Dir is a directory of numbered files.
type Dir string

// Found is what a directory holds, in ascending order.
type Found struct {
	Snapshots, Logs []uint64
}

// Path is where a file is.
func (d Dir) Path(number uint64, suffix string) string {
	return filepath.Join(string(d), fmt.Sprintf("%010d%s", number, suffix))
}

// Lock makes the directory, for its owner only, and locks it. The lock ends with
// the process, however that ends, or with [Unlock]. The error is [ErrLocked] if
// another one has it.
func (d Dir) Lock() (*os.File, error) {
	if err := d.make(); err != nil {
		return nil, err
	}
	return lockFile(filepath.Join(string(d), lockName))
}

// Unlock lets go of a directory.
func Unlock(lock *os.File) error { return unlockFile(lock) }

// ErrLocked is returned if another one has the directory open.
var ErrLocked = errors.New("it is in use")

// make creates the directory, and those that it is in, and makes their names
// durable.
func (d Dir) make() error {
	var parents []string // of what is not there
	path, err := filepath.Abs(string(d))
	if err != nil {
		return err
	}
	for {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) || path == filepath.Dir(path) {
			break
		}
		path = filepath.Dir(path)
		parents = append(parents, path)
	}
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return err
	}
	for _, p := range parents {
		if err := syncDir(p); err != nil {
			return err
		}
	}
	return nil
}

// List finds the files and removes unfinished ones.
func (d Dir) List() (f Found, err error) {
	entries, err := os.ReadDir(string(d))
	if err != nil {
		return f, err
	}
	for _, e := range entries {
		name := e.Name()
		if strings.HasSuffix(name, SnapshotSuffix+tempSuffix) {
			if err := os.Remove(filepath.Join(string(d), name)); err != nil {
				return f, err
			}
			continue
		}
		ext := filepath.Ext(name)
		number, err := strconv.ParseUint(strings.TrimSuffix(name, ext), 10, 64)
		if err != nil || number == 0 || filepath.Base(d.Path(number, ext)) != name {
			continue // another's
		}
		switch ext {
		case SnapshotSuffix:
			f.Snapshots = append(f.Snapshots, number)
		case LogSuffix:
			f.Logs = append(f.Logs, number)
		}
	}
	slices.Sort(f.Snapshots)
	slices.Sort(f.Logs)
	return f, nil
}

// Create makes a log with a header, durably.
func (d Dir) Create(number uint64, header []byte) (*os.File, error) {
	file, err := os.OpenFile(d.Path(number, LogSuffix), os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	if _, err = file.Write(header); err == nil {
		err = Sync(file)
	}
	if err == nil {
		err = syncDir(string(d))
	}
	if err != nil {
		return nil, errors.Join(err, file.Close(), os.Remove(file.Name()))
	}
	return file, nil
}

// WriteSnapshot writes a file under a temporary name, and renames it when it is
// durable.
func (d Dir) WriteSnapshot(number uint64, write func(*os.File) error) error {
	path := d.Path(number, SnapshotSuffix)
	temp := path + tempSuffix
	file, err := os.OpenFile(temp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err = write(file); err == nil {
		err = Sync(file)
	}
	err = errors.Join(err, file.Close())
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		_ = os.Remove(temp)
		return err
	}
	if err = durable(string(d)); err != nil {
		return errors.Join(err, os.Remove(path)) // it may be gone after a crash, and with it what it replaces
	}
	return nil
}

// durable is syncDir, which tests let fail.
var durable = syncDir

// Clear removes the files before number, whose state a snapshot has by now.
// Those that are damaged, by name, are set aside instead.
func (d Dir) Clear(number uint64, damaged []string) error {
	f, err := d.List()
	if err != nil {
		return err
	}
	var errs []error
	drop := func(path string) {
		if slices.Contains(damaged, filepath.Base(path)) {
			errs = append(errs, os.Rename(path, path+DamagedSuffix))
			return
		}
		errs = append(errs, os.Remove(path))
	}
	for _, n := range f.Snapshots {
		if n < number {
			drop(d.Path(n, SnapshotSuffix))
		}
	}
	for _, n := range f.Logs {
		if n < number {
			drop(d.Path(n, LogSuffix))
		}
	}
	if len(damaged) > 0 {
		errs = append(errs, d.thin())
	}
	return errors.Join(append(errs, syncDir(string(d)))...)
}

// thin removes the oldest of the files that were set aside.
func (d Dir) thin() error {
	entries, err := os.ReadDir(string(d)) // sorted by number
	aside := slices.DeleteFunc(entries, func(e os.DirEntry) bool { return !strings.HasSuffix(e.Name(), DamagedSuffix) })
	errs := []error{err}
	for len(aside) > keepDamaged {
		errs = append(errs, os.Remove(filepath.Join(string(d), aside[0].Name())))
		aside = aside[1:]
	}
	return errors.Join(errs...)
}
