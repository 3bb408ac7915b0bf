package history

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/prometheus/prometheus/model/histogram"

	"github.com/chronoretrace/chronomon/internal/recordfile"
)

var (
	// ErrLocked is returned by [New] if another history, in this process or
	// another one, has the directory of [WithStoragePath].
	ErrLocked = recordfile.ErrLocked
	// ErrVersion is returned for what a later version of this package wrote. It
	// is left as it is.
	ErrVersion = recordfile.ErrVersion
	// ErrDamaged is about files or backups parts of which could not be read.
	ErrDamaged = errors.New("damaged")
	// ErrGone is about a directory whose files were removed while it was in use.
	ErrGone = errors.New("its files were removed")

	errClosed  = errors.New("it is closed, what came later is in memory only")
	errTooLong = errors.New("the logs are too long, for want of a snapshot")
)

const (
	segmentSize = 16 << 20 // a log of that size is followed by another one
	leastLogs   = 16 << 20 // logs that are smaller are not worth a snapshot
)

// disk is the history's directory: a snapshot, and logs of what was committed
// since. A commit is one write to a log. What fails ends the log; a new snapshot
// mends it. A nil one keeps nothing.
type disk struct {
	dir      recordfile.Dir
	log      *slog.Logger
	syncs    bool  // each interval is to outlive the machine
	segment  int64 // size at which a log is followed by another one
	least    int64 // size below which logs are not worth a snapshot
	longest  int64 // size past which logs are not written
	counters *diskCounters
	damage   error // of what was loaded

	// Guarded by the store's writing.
	batch
	file   *os.File // the log; nil after a failure, and when closed
	size   int64    // of the log
	logged int64    // bytes that no snapshot has
	broken error    // why there is no log; set by breakWith
	closed bool

	reason atomic.Pointer[error] // broken, for those who do not hold writing

	// Held while files are made or removed, and taken before the store's writing.
	maintaining sync.Mutex
	lock        *os.File // guarded by maintaining, as all below; nil when closed
	number      uint64   // of the newest file
	snapshot    int64    // size of the newest snapshot
	failed      int64    // when making a file did, in Unix milliseconds
	said        bool     // that it is broken
	damaged     []string // files to set aside when a snapshot has their state

	attended atomic.Bool   // there is somebody who waits for wake
	wake     chan struct{} // work may be due
	used     [diskParts]atomic.Int64
}

// diskPart is a kind of file.
type diskPart uint8

const (
	diskSnapshot diskPart = iota
	diskLog
	diskDamaged
	diskParts
)

func (p diskPart) String() string { return [...]string{"snapshot", "log", "damaged"}[p] }

func (p diskPart) suffix() string {
	return [...]string{recordfile.SnapshotSuffix, recordfile.LogSuffix, recordfile.DamagedSuffix}[p]
}

func (d *disk) writes() bool { return d != nil && d.file != nil }

func (d *disk) float(s *series, t int64, v float64) {
	if d.writes() {
		d.batch.float(s, t, v)
	}
}

func (d *disk) native(s *series, t int64, h *histogram.Histogram, fh *histogram.FloatHistogram) {
	if d.writes() {
		d.batch.native(s, t, h, fh)
	}
}

func (d *disk) exemplar(e exemplar) {
	if d.writes() {
		d.examples.exemplar(&e)
	}
}

func (d *disk) rewind(to int64) {
	if d.writes() {
		d.batch.rewind(to)
	}
}

func (d *disk) metadata(name string, md Metadata) {
	if d.writes() {
		d.named.metadata(name, md)
	}
}

// commit writes what was added since the last one.
func (d *disk) commit(t int64) {
	if !d.writes() {
		if d != nil && d.closed && d.broken == nil {
			d.breakWith(errClosed)
		}
		return
	}
	b := d.encoded(t)
	if len(b) == 0 {
		return
	}
	err := errTooLong
	if d.logged+int64(len(b)) <= d.longest {
		_, err = d.file.Write(b)
	}
	d.counters.wrote(err)
	if err != nil {
		d.broke(err)
		return
	}
	d.size += int64(len(b))
	d.logged += int64(len(b))
	d.used[diskLog].Add(int64(len(b)))
}

// turnTo makes another file the log and returns the one before.
func (d *disk) turnTo(file *os.File, number uint64, defined uint32) (before *os.File) {
	before = d.file
	d.file, d.size = file, 0
	d.turn(number, defined)
	return before
}

// broke notes why there is no log; maintain says it, with no lock of the store held.
func (d *disk) broke(err error) {
	if d.broken == nil {
		d.breakWith(err)
	}
	if file := d.turnTo(nil, 0, 0); file != nil {
		_ = file.Close()
	}
}

// breakWith sets why there is no log, nil for none. The store's writing is held.
func (d *disk) breakWith(err error) {
	d.broken = err
	d.reason.Store(&err)
}

// measure counts the bytes on disk. maintaining is held.
func (d *disk) measure() {
	var sizes [diskParts]int64
	entries, _ := os.ReadDir(string(d.dir))
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			continue
		}
		for p := range diskParts {
			if filepath.Ext(e.Name()) == p.suffix() {
				sizes[p] += info.Size()
			}
		}
	}
	for p := range diskParts {
		d.used[p].Store(sizes[p])
	}
}

// retryAfter is how long nothing is tried after a failure, in milliseconds.
const retryAfter = 60_000

// maintain does what is due: another log, or a snapshot.
func (db *DB) maintain(now int64) {
	d, st := db.store.disk, db.store
	d.maintaining.Lock()
	defer d.maintaining.Unlock()
	if d.lock == nil {
		return
	}
	st.writing.Lock()
	if d.file != nil && d.gone() {
		d.broke(ErrGone)
	}
	broken, size, logged, file := d.broken, d.size, d.logged, d.file
	st.writing.Unlock()
	d.say(broken)
	var err error
	switch rests := now >= d.failed && now-d.failed < retryAfter; {
	case !rests && (broken != nil || logged >= max(d.least, d.snapshot/2)):
		err = db.save()
	case !rests && size >= d.segment:
		err = db.rotate()
	case d.syncs && broken == nil:
		if err := recordfile.Sync(file); err != nil {
			st.writing.Lock()
			d.broke(err) // what is on disk is unknown, and a second fsync would not tell
			st.writing.Unlock()
		}
		return
	default:
		return
	}
	if err != nil {
		d.failed = now
		if broken == nil {
			d.log.Warn("history: no snapshot or new log could be made, it is tried every minute", "dir", string(d.dir), "error", err)
		}
	}
	d.measure()
}

// gone reports whether the log or the lock is not in the directory any more.
func (d *disk) gone() bool {
	return !isAt(d.file, d.file.Name()) || !isAt(d.lock, d.lock.Name())
}

// isAt reports whether a file is what there is at a path.
func isAt(file *os.File, path string) bool {
	there, err := os.Stat(path)
	if err != nil {
		return false
	}
	info, err := file.Stat()
	return err == nil && os.SameFile(info, there)
}

// relock locks the directory if it was made again. maintaining is held.
func (d *disk) relock() error {
	if isAt(d.lock, d.lock.Name()) {
		return nil
	}
	if _, err := os.Stat(string(d.dir)); err != nil { // what has removed it may not want it back
		return err
	}
	lock, err := d.dir.Lock()
	if err != nil {
		return err
	}
	_ = recordfile.Unlock(d.lock)
	d.lock = lock
	return nil
}

// say tells the host once that nothing is written, and once that it is again.
func (d *disk) say(broken error) {
	switch {
	case broken != nil && !d.said:
		d.log.Error("history: nothing is written to disk any more, a snapshot is tried every minute; it goes on in memory", "dir", string(d.dir), "error", broken)
	case broken == nil && d.said:
		d.log.Info("history: it is written to disk again", "dir", string(d.dir))
	}
	d.said = broken != nil
}

// rotate begins another log. What was written before it outlives the machine.
func (db *DB) rotate() error {
	d, st := db.store.disk, db.store
	file, err := d.create(d.number + 1)
	if err != nil {
		return err
	}
	st.writing.Lock()
	before := d.turnTo(file, d.number, 0)
	st.writing.Unlock()
	return finish(before)
}

// create makes a log of a number, which is the newest then.
func (d *disk) create(number uint64) (*os.File, error) {
	file, err := d.dir.Create(number, format.Header(recordfile.Log, number))
	if err == nil {
		d.number = number
	}
	return file, err
}

// finish makes a log durable and closes it.
func finish(file *os.File) error {
	if file == nil {
		return nil
	}
	return errors.Join(recordfile.Sync(file), file.Close())
}

// save writes a snapshot, which with a new log replaces all files before: the
// log begins where the snapshot ends. Samples are written meanwhile.
func (db *DB) save() (err error) {
	d, st := db.store.disk, db.store
	defer func() { d.counters.saved(err) }()
	if err := d.relock(); err != nil {
		return err
	}
	file, err := d.create(d.number + 1)
	if err != nil {
		return err
	}
	st.writing.Lock()
	c := db.capture()
	broken, logged := d.broken, d.logged
	before := d.turnTo(file, d.number, 0)
	d.breakWith(nil)
	d.logged = 0
	st.writing.Unlock()
	synced := finish(before)
	if err = d.writeSnapshot(d.number, c); err == nil {
		d.say(nil)
		if err := d.dir.Clear(d.number, d.damaged); err != nil {
			d.log.Warn("history: old files are left behind", "dir", string(d.dir), "error", err)
		}
		d.damaged = nil
		return nil
	}
	st.writing.Lock()
	defer st.writing.Unlock()
	d.logged += logged
	err = errors.Join(err, synced)
	if broken != nil { // there is a gap before the new log, which only a snapshot can close
		d.breakWith(err)
		_ = d.turnTo(nil, 0, 0).Close()
		_ = os.Remove(d.dir.Path(d.number, recordfile.LogSuffix))
	}
	return err
}

// writeSnapshot writes what was captured to the file of that number.
func (d *disk) writeSnapshot(number uint64, c *capture) error {
	var size int64
	err := d.dir.WriteSnapshot(number, func(file *os.File) error {
		if err := c.write(file, number); err != nil {
			return err
		}
		info, err := file.Stat()
		if err == nil {
			size = info.Size()
		}
		return err
	})
	if err == nil {
		d.snapshot = size
	}
	return err
}

// woken reports whether somebody else maintains the directory, and wakes them.
func (d *disk) woken() bool {
	if !d.attended.Load() {
		return false
	}
	select {
	case d.wake <- struct{}{}:
	default:
	}
	return true
}

// keep maintains the directory while Run runs.
func (db *DB) keep(ctx context.Context) {
	d := db.store.disk
	d.attended.Store(true)
	defer d.attended.Store(false)
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.wake:
			db.maintain(millis(db.m.Now()))
		}
	}
}

// Close writes a snapshot and lets go of the directory. Run does it in the end;
// a history that nobody runs is closed by its owner. It answers queries all the
// same, and what is written to it later is in memory only. A second Close does
// nothing.
func (db *DB) Close() error {
	d, st := db.store.disk, db.store
	if d == nil {
		return nil
	}
	d.maintaining.Lock()
	defer d.maintaining.Unlock()
	if d.lock == nil {
		return nil
	}
	st.writing.Lock()
	needed := d.logged > 0 || d.broken != nil
	st.writing.Unlock()
	var errs []error
	if needed {
		errs = append(errs, db.save())
	}
	st.writing.Lock()
	errs = append(errs, d.broken, finish(d.turnTo(nil, 0, 0)))
	d.closed = true
	st.writing.Unlock()
	errs = append(errs, recordfile.Unlock(d.lock))
	d.lock = nil
	d.measure()
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("history: close %s: %w", d.dir, err)
	}
	return nil
}

// Err says what is not as [WithStoragePath] promises: what could not be read of the
// directory, which wraps [ErrDamaged], and why what was taken is not in it: it is
// full, it failed, it was removed ([ErrGone]), or the history was closed before.
// It is nil if all is well, and without a directory.
func (db *DB) Err() error {
	d := db.store.disk
	if d == nil {
		return nil
	}
	var broken error
	if reason := d.reason.Load(); reason != nil { // not under a lock: a collector may ask
		broken = *reason
	}
	if err := errors.Join(d.damage, broken); err != nil {
		return fmt.Errorf("history: %s: %w", d.dir, err)
	}
	return nil
}
