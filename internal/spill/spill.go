// Package spill keeps batches on disk, in order, until somebody takes them: a
// directory with one checksummed file a batch. A batch is there whole or not at
// all, whenever the process dies.
package spill

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chronoretrace/chronomon/internal/recordfile"
)

const (
	suffix        = ".batch"
	tempSuffix    = ".tmp"
	corruptSuffix = ".corrupt"

	block      = 4096 // what a file takes of a disk at least
	mostSetOff = 16   // corrupt files that are kept to be looked at
)

var (
	// ErrLocked is returned by Open for a directory that another queue has open.
	ErrLocked = recordfile.ErrLocked
	// ErrClosed is returned by a queue that was closed: its directory may be another's.
	ErrClosed = errors.New("the queue is closed")
	// ErrTooLarge is returned by Append for a batch above the limit.
	ErrTooLarge = errors.New("the batch is larger than the limit")
	// ErrEmpty is returned by Oldest when there is nothing.
	ErrEmpty = errors.New("nothing is spilled")
)

// Why items were dropped.
const (
	Full    = "full"    // newer ones needed the room
	Corrupt = "corrupt" // the file is not what was written, or cannot be read
)

// Queue is a first-in, first-out queue of batches in a directory. It is safe
// for concurrent use. Len and Bytes never wait for the disk.
type Queue struct {
	dir     string
	limit   int64
	dropped func(reason string, items int)
	lock    *os.File
	sync    func(*os.File) error // (*os.File).Sync, but in tests

	mu     sync.Mutex
	closed bool   // guarded by mu
	files  []file // guarded by mu; oldest first
	aside  []file // guarded by mu; corrupt ones, oldest first
	next   uint64 // guarded by mu
	taken  uint64 // guarded by mu; 1 + seq of the batch that Oldest returned last; 0: none yet

	items, bytes atomic.Int64
}

// file is what is known of a batch without opening it: its name says it.
type file struct {
	seq   uint64
	items int
	size  int64
}

func (f file) name() string { return fmt.Sprintf("%020d-%d%s", f.seq, f.items, suffix) }

// room is what the file takes of the limit: whole blocks.
func (f file) room() int64 { return (f.size + block - 1) / block * block }

// Batch is what was appended.
type Batch struct {
	Seq   uint64
	Time  time.Time
	Items [][]byte
}

// Open opens the directory, which is made if it is missing, and takes up what an
// earlier process left in it. The files together, corrupt ones too, are held to
// limit bytes; to make room, the corrupt ones go and then the oldest. dropped is
// told of each loss but that of a batch which Oldest has returned, and must not
// call the queue.
func Open(dir string, limit int64, dropped func(reason string, items int)) (*Queue, error) {
	lock, err := recordfile.Dir(dir).Lock()
	if err != nil {
		return nil, fmt.Errorf("spill: open %s: %w", dir, err)
	}
	q := &Queue{dir: dir, limit: limit, dropped: dropped, lock: lock, sync: (*os.File).Sync}
	if err := q.scan(); err != nil {
		_ = recordfile.Unlock(lock)
		return nil, fmt.Errorf("spill: open %s: %w", dir, err)
	}
	return q, nil
}

// scan takes stock of the directory.
func (q *Queue) scan() error {
	entries, err := os.ReadDir(q.dir) // sorted by name, which is by seq
	if err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, e := range entries {
		name := e.Name()
		if strings.HasSuffix(name, tempSuffix) { // was never finished
			_ = os.Remove(filepath.Join(q.dir, name))
			continue
		}
		name, corrupt := strings.CutSuffix(name, corruptSuffix)
		f, ok := parseName(name)
		if !ok {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		f.size = info.Size()
		q.next = f.seq + 1
		if corrupt {
			q.keepAside(f)
			continue
		}
		q.files = append(q.files, f)
		q.count(f, 1)
	}
	return q.makeRoom(0)
}

func parseName(name string) (file, bool) {
	base, ok := strings.CutSuffix(name, suffix)
	if !ok {
		return file{}, false
	}
	seq, items, _ := strings.Cut(base, "-")
	s, err := strconv.ParseUint(seq, 10, 64)
	n, errItems := strconv.Atoi(items)
	f := file{seq: s, items: n}
	return f, err == nil && errItems == nil && n > 0 && f.name() == name
}

// Append adds a batch. When it returns without an error the batch is on disk.
func (q *Queue) Append(now time.Time, items [][]byte) error {
	if len(items) == 0 {
		return nil
	}
	data := encode(now, items)
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return fmt.Errorf("spill: append: %w", ErrClosed)
	}
	f := file{seq: q.next, items: len(items), size: int64(len(data))}
	if f.room() > q.limit {
		return fmt.Errorf("spill: append %d bytes: %w", len(data), ErrTooLarge)
	}
	if err := q.makeRoom(f.room()); err != nil {
		return fmt.Errorf("spill: append: %w", err)
	}
	if err := q.write(f.name(), data); err != nil {
		return fmt.Errorf("spill: append: %w", err)
	}
	q.next++
	q.files = append(q.files, f)
	q.count(f, 1)
	return nil
}

// write makes a file that is there whole or not at all.
func (q *Queue) write(name string, data []byte) (err error) {
	temp := filepath.Join(q.dir, name+tempSuffix)
	out, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temp)
		}
	}()
	_, err = out.Write(data)
	if err == nil {
		err = q.sync(out)
	}
	if err := errors.Join(err, out.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp, filepath.Join(q.dir, name)); err != nil {
		return err
	}
	q.syncDir()
	return nil
}

// syncDir makes a rename last. Not every system can, and then nothing is lost
// but a promise about power cuts.
func (q *Queue) syncDir() {
	if d, err := os.Open(q.dir); err == nil {
		_ = q.sync(d)
		_ = d.Close()
	}
}

// Oldest returns the oldest batch, which stays until it is removed, or ErrEmpty.
// Files that are not what was written, or that cannot be read, are set aside and
// counted; another error is the directory's or the process's, and may pass. What
// becomes of the batch is the caller's to count from now on, even if it has to
// make room: by then it may be on its way.
func (q *Queue) Oldest() (Batch, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return Batch{}, fmt.Errorf("spill: read: %w", ErrClosed)
	}
	for len(q.files) > 0 {
		f := q.files[0]
		data, err := os.ReadFile(filepath.Join(q.dir, f.name()))
		if err != nil && !q.ownTrouble(err) {
			return Batch{}, fmt.Errorf("spill: read: %w", err)
		}
		b, ok := decode(data)
		if ok && len(b.Items) == f.items {
			b.Seq, q.taken = f.seq, f.seq+1
			return b, nil
		}
		q.setAside(f)
		q.forget()
		q.dropped(Corrupt, f.items)
	}
	return Batch{}, ErrEmpty
}

// ownTrouble reports whether a file could not be read because of what it is, and
// not because the process has too many files open or the directory is away.
func (q *Queue) ownTrouble(err error) bool {
	if passing, ok := errors.AsType[interface {
		error
		Temporary() bool
	}](err); ok && passing.Temporary() {
		return false
	}
	d, err := os.Open(q.dir)
	if err != nil {
		return false
	}
	_ = d.Close()
	return true
}

// setAside keeps a corrupt file for somebody to look at, the last few of them.
func (q *Queue) setAside(f file) {
	from := filepath.Join(q.dir, f.name())
	if err := os.Rename(from, from+corruptSuffix); err != nil {
		_ = os.Remove(from)
		return
	}
	if info, err := os.Lstat(from + corruptSuffix); err == nil {
		f.size = info.Size()
	}
	q.keepAside(f)
}

// keepAside takes a corrupt file into the books.
func (q *Queue) keepAside(f file) {
	q.aside = append(q.aside, f)
	q.bytes.Add(f.room())
	if len(q.aside) > mostSetOff {
		q.dropAside()
	}
}

// dropAside removes the oldest corrupt file.
func (q *Queue) dropAside() {
	_ = os.Remove(filepath.Join(q.dir, q.aside[0].name()+corruptSuffix))
	q.bytes.Add(-q.aside[0].room())
	q.aside = q.aside[1:]
}

// Holds reports whether the batch is still the oldest.
func (q *Queue) Holds(seq uint64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.files) > 0 && q.files[0].seq == seq
}

// Remove forgets the batch that Oldest returned. One that has gone already, to
// make room, is none of the next.
func (q *Queue) Remove(seq uint64) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return fmt.Errorf("spill: remove: %w", ErrClosed)
	case len(q.files) == 0 || q.files[0].seq != seq:
		return nil
	}
	return q.removeOldest()
}

// makeRoom drops the corrupt files, and then the oldest, until there is room for
// so many bytes more.
func (q *Queue) makeRoom(room int64) error {
	for len(q.aside) > 0 && q.bytes.Load()+room > q.limit {
		q.dropAside()
	}
	for len(q.files) > 0 && q.bytes.Load()+room > q.limit {
		oldest := q.files[0]
		if err := q.removeOldest(); err != nil {
			return err
		}
		if q.taken != oldest.seq+1 {
			q.dropped(Full, oldest.items)
		}
	}
	return nil
}

func (q *Queue) removeOldest() error {
	err := os.Remove(filepath.Join(q.dir, q.files[0].name()))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("spill: remove: %w", err)
	}
	q.forget()
	return nil
}

// forget takes the oldest file out of the books.
func (q *Queue) forget() {
	q.count(q.files[0], -1)
	q.files = q.files[1:]
}

func (q *Queue) count(f file, sign int64) {
	q.items.Add(sign * int64(f.items))
	q.bytes.Add(sign * f.room())
}

// Len is the number of items on disk.
func (q *Queue) Len() int { return int(q.items.Load()) }

// Bytes is what the files take of the limit.
func (q *Queue) Bytes() int64 { return q.bytes.Load() }

// Close lets others open the directory. What is on disk stays there.
func (q *Queue) Close() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil
	}
	q.closed = true
	return recordfile.Unlock(q.lock)
}
