package history

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/chronoretrace/chronomon/internal/recordfile"
)

// found is what was read of a directory.
type found struct {
	contents *contents
	damage   []recordfile.Damage
	from     uint64 // older files are not needed
	older    bool   // and there are some
	log      uint64 // the newest one; 0: none
	size     int64  // of the log
	defined  uint32 // series that the log names
}

// openDisk locks the directory, reads it into the history, and begins to write.
func (db *DB) openDisk(d *disk) error {
	lock, err := d.dir.Lock()
	if err != nil {
		return err
	}
	f, err := d.read(func() *contents { return newContents(db.store.limits, db.exemplars.limit) })
	if err != nil {
		return errors.Join(err, recordfile.Unlock(lock))
	}
	d.lock = lock
	now := millis(db.m.Now())
	db.adopt(f.contents, now)
	db.attach(d)
	var errs []error
	for _, damage := range f.damage {
		d.log.Error("history: damage; the file is kept as "+recordfile.DamagedSuffix+", the rest is loaded", "dir", string(d.dir), "damage", damage.String())
		errs = append(errs, fmt.Errorf("%w: %s", ErrDamaged, damage))
	}
	d.damage = errors.Join(errs...)
	d.counters.damage(len(f.damage))
	if len(f.damage) > 0 {
		err = db.save()
	} else {
		err = d.resume(f)
	}
	if err != nil {
		d.failed = now
		d.broke(err)
		d.say(err)
	}
	d.measure()
	return nil
}

// attach makes the history write to the disk from now on.
func (db *DB) attach(d *disk) { db.store.disk, db.exemplars.disk, db.metadata.disk = d, d, d }

// read reads the newest good snapshot and the logs from there on.
func (d *disk) read(empty func() *contents) (f found, err error) {
	files, err := d.dir.List()
	if err != nil {
		return f, err
	}
	f.contents = empty()
	if err := d.readSnapshot(&f, files.Snapshots, empty); err != nil {
		return f, err
	}
	want, tail := max(f.from, 1), d.tail(files.Logs)
	for i, number := range files.Logs {
		d.number = max(d.number, number)
		if number < f.from {
			f.older = true
			continue
		}
		if number != want {
			f.damage = append(f.damage, recordfile.Damage{File: filepath.Base(d.dir.Path(want, recordfile.LogSuffix)), Reason: "the log is missing"})
		}
		want = number + 1
		got, l, err := d.readFile(&f, f.contents, number, recordfile.Log, i >= tail)
		if err != nil {
			return f, err
		}
		f.log, f.size, f.defined = number, got.Size-got.Torn, uint32(len(l.defined))
		d.logged += f.size
		if got.Torn > 0 {
			if err := os.Truncate(d.dir.Path(number, recordfile.LogSuffix), f.size); err != nil {
				return f, err
			}
		}
	}
	return f, nil
}

// tail returns from which log on there may be an unfinished write: a log is
// written to for a moment after the next one was made.
func (d *disk) tail(logs []uint64) int {
	for i, number := range slices.Backward(logs) {
		info, err := os.Stat(d.dir.Path(number, recordfile.LogSuffix))
		if err != nil || info.Size() > recordfile.HeaderSize {
			return i
		}
	}
	return 0
}

// readSnapshot reads the newest one that is not damaged; if all are, the newest.
func (d *disk) readSnapshot(f *found, numbers []uint64, empty func() *contents) error {
	for _, number := range slices.Backward(numbers) {
		d.number = max(d.number, number)
		c := empty()
		got, _, err := d.readFile(f, c, number, recordfile.Snapshot, false)
		if err != nil {
			return err
		}
		good := len(got.Damage) == 0
		if good || f.from == 0 {
			f.contents, f.from, d.snapshot = c, number, got.Size
		}
		if good {
			break
		}
	}
	return nil
}

func (d *disk) readFile(f *found, into *contents, number uint64, k recordfile.Kind, last bool) (got recordfile.Content, l *loader, err error) {
	suffix := recordfile.LogSuffix
	if k == recordfile.Snapshot {
		suffix = recordfile.SnapshotSuffix
	}
	path := d.dir.Path(number, suffix)
	name := filepath.Base(path)
	file, err := os.Open(path)
	if err != nil {
		return got, nil, err
	}
	defer file.Close()
	if got, l, err = into.load(file, k, number, last); err != nil {
		return got, l, fmt.Errorf("%s: %w", name, err)
	}
	for _, damage := range got.Damage {
		damage.File = name
		f.damage = append(f.damage, damage)
	}
	if len(got.Damage) > 0 {
		d.damaged = append(d.damaged, name)
	}
	return got, l, nil
}

// resume goes on with the newest log, or begins one.
func (d *disk) resume(f found) error {
	if f.older {
		if err := d.dir.Clear(f.from, nil); err != nil {
			d.log.Warn("history: old files are left behind", "dir", string(d.dir), "error", err)
		}
	}
	path := d.dir.Path(f.log, recordfile.LogSuffix)
	switch {
	case f.log == 0: // there may be a snapshot of the number
		return d.first(max(d.number, 1))
	case f.size >= d.segment:
		return d.first(d.number + 1)
	case f.size < recordfile.HeaderSize: // it was not even begun
		if err := os.Remove(path); err != nil {
			return err
		}
		return d.first(f.log)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	d.turnTo(file, f.log, f.defined)
	d.size = f.size
	return nil
}

// first begins a log.
func (d *disk) first(number uint64) error {
	file, err := d.create(number)
	if err == nil {
		d.turnTo(file, number, 0)
	}
	return err
}

// adopt makes the contents the history's own, in place of what it has. The
// store's limits hold for them. The caller has all locks, or the only reference.
func (db *DB) adopt(c *contents, now int64) {
	st := db.store
	for _, s := range st.index.series() {
		s.mu.Lock()
		s.gone = true // those who know it will find another one, or none
		s.mu.Unlock()
	}
	st.index.become(c.store.index)
	st.total, st.fixed, st.series, st.full = c.store.total, c.store.fixed, c.store.series, false
	st.committed.Store(c.store.committed.Load())
	st.leap, db.setback = leap{}, setback{}
	db.exemplars.become(c.exemplars)
	db.metadata.merge(c.metadata)
	db.collector.expect(st.index.series())
	db.watches.forget()
	st.retain(now)
	st.counts.flush()
}
