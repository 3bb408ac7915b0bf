package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	snapSuffix    = ".snapshot"
	logSuffix     = ".log"
	tempSuffix    = ".tmp"
	damagedSuffix = ".damaged"
	lockName      = "lock"
	keepDamaged   = 4 // files set aside; the oldest ones go
)

// dir is the directory of a journal.
type dir string

// found is what a directory holds, in ascending order.
type found struct {
	snapshots, logs []uint64
}

func (d dir) path(number uint64, suffix string) string {
	return filepath.Join(string(d), fmt.Sprintf("%010d%s", number, suffix))
}

// make creates the directory, for its owner only, and makes its name durable.
func (d dir) make() error {
	if info, err := os.Stat(string(d)); err == nil && info.IsDir() {
		return nil
	}
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return err
	}
	return syncDir(filepath.Dir(string(d)))
}

// list finds the journal's files and removes unfinished ones.
func (d dir) list() (f found, err error) {
	entries, err := os.ReadDir(string(d))
	if err != nil {
		return f, err
	}
	for _, e := range entries {
		name := e.Name()
		if strings.HasSuffix(name, snapSuffix+tempSuffix) {
			if err := os.Remove(filepath.Join(string(d), name)); err != nil {
				return f, err
			}
			continue
		}
		ext := filepath.Ext(name)
		number, err := strconv.ParseUint(strings.TrimSuffix(name, ext), 10, 64)
		if err != nil || number == 0 {
			continue
		}
		switch ext {
		case snapSuffix:
			f.snapshots = append(f.snapshots, number)
		case logSuffix:
			f.logs = append(f.logs, number)
		}
	}
	slices.Sort(f.snapshots)
	slices.Sort(f.logs)
	return f, nil
}

// create makes an empty log, durably.
func (d dir) create(number uint64) (*os.File, error) {
	file, err := os.OpenFile(d.path(number, logSuffix), os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	if _, err = file.Write(header(kindLog, number)); err == nil {
		err = file.Sync()
	}
	if err == nil {
		err = syncDir(string(d))
	}
	if err != nil {
		return nil, errors.Join(err, file.Close(), os.Remove(file.Name()))
	}
	return file, nil
}

// replace writes a file under a temporary name, and renames it when it is
// durable.
func (d dir) replace(path string, write func(*os.File) error) error {
	temp := path + tempSuffix
	file, err := os.OpenFile(temp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err = write(file); err == nil {
		err = file.Sync()
	}
	err = errors.Join(err, file.Close())
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		_ = os.Remove(temp)
		return err
	}
	return syncDir(string(d))
}

// clear removes the files before number, whose state a snapshot has by now.
// Those that are damaged are set aside instead.
func (d dir) clear(number uint64, damaged []string) error {
	f, err := d.list()
	if err != nil {
		return err
	}
	var errs []error
	drop := func(path string) {
		if slices.Contains(damaged, filepath.Base(path)) {
			errs = append(errs, os.Rename(path, path+damagedSuffix))
			return
		}
		errs = append(errs, os.Remove(path))
	}
	for _, n := range f.snapshots {
		if n < number {
			drop(d.path(n, snapSuffix))
		}
	}
	for _, n := range f.logs {
		if n < number {
			drop(d.path(n, logSuffix))
		}
	}
	if len(damaged) > 0 {
		aside, _ := filepath.Glob(filepath.Join(string(d), "*"+damagedSuffix)) // sorted by number
		for len(aside) > keepDamaged {
			errs = append(errs, os.Remove(aside[0]))
			aside = aside[1:]
		}
	}
	return errors.Join(append(errs, syncDir(string(d)))...)
}
