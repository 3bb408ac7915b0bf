package journal

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/internal/recordfile"
)

var (
	// ErrLocked is returned if another one has the directory open.
	ErrLocked = recordfile.ErrLocked
	// ErrClosed is returned by writes after Close.
	ErrClosed = errors.New("the journal is closed")
)

// Config is what a Store needs to know.
type Config struct {
	Dir         string          // where the files are; "" keeps the state in memory only
	Name        string          // label of the metrics and name in backups; "" is the directory's last part
	MaxBytes    int64           // bound of the state, keys and values with 64 bytes for each; 0 is 64 MiB
	Logger      *slog.Logger    // told of damage and failed compactions; nil is silence
	Instruments *instrument.Set // shows the metrics; nil does not
}

const (
	defaultMaxBytes = 64 << 20
	minCompact      = 1 << 20 // a log below it is not worth a compaction
)

// Stats says how a store is.
type Stats struct {
	Keys     int
	Bytes    int64    // of the state: what MaxBytes bounds
	LogBytes int64    // appended since the last compaction
	Syncs    int64    // of the log since Open; writers at the same time share one
	Torn     int64    // bytes of an unfinished write that Open cut off
	Damage   []Damage // what Open could not read
}

// Store is a Keyed on disk, or in memory only. It starts no goroutine: a write
// is done by one of those who wait for it, and so is a compaction.
type Store struct {
	name    string
	dir     recordfile.Dir
	inside  string // for errors: the directory, or "memory"
	max     int64
	log     *slog.Logger
	metrics *metrics
	lock    *os.File
	opened  recordfile.Content

	queue queue
	turn  chan struct{} // who puts a token in may use writer
	writer

	mu    sync.RWMutex
	live  map[string][]byte // guarded by mu; values do not change
	bytes int64             // guarded by mu; of live
	gone  bool              // guarded by mu; closed
}

var _ Keyed = (*Store)(nil)

// Open reads the directory, which it makes if needed, and returns its state.
// Damage is no error: see [Store.Stats]. It is an error if the directory is in
// use, or written by a later version. If the disk is full the state is there all
// the same, and writes fail until there is room.
func Open(c Config) (*Store, error) {
	s := &Store{
		name: c.Name, dir: recordfile.Dir(c.Dir), inside: cmp.Or(c.Dir, "memory"), max: cmp.Or(c.MaxBytes, defaultMaxBytes), log: c.Logger,
		turn: make(chan struct{}, 1), live: map[string][]byte{},
	}
	if s.name == "" {
		s.name = filepath.Base(s.inside)
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.max < 0 {
		return nil, s.failed("open", fmt.Errorf("MaxBytes = %d: want 0 or more", c.MaxBytes))
	}
	if err := s.open(); err != nil {
		return nil, s.failed("open", err)
	}
	var err error
	if s.metrics, err = show(c.Instruments, s); err != nil {
		return nil, errors.Join(s.failed("open", err), s.Close())
	}
	return s, nil
}

// failed says what of which journal an error is about.
func (s *Store) failed(what string, err error) error {
	return fmt.Errorf("journal: %s %s: %w", what, s.inside, err)
}

// Write implements Keyed.
func (s *Store) Write(ctx context.Context, changes map[string][]byte) error {
	err := Validate(changes)
	if err == nil && len(changes) > 0 {
		err = s.commit(ctx, changes)
	}
	s.metrics.wrote(err)
	if err != nil {
		return s.failed("write to", err)
	}
	return nil
}

// Get returns the value of a key, which is the caller's, or false.
func (s *Store) Get(key string) ([]byte, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	value, ok := s.live[key]
	return bytes.Clone(value), ok
}

// Range implements Keyed: over the state as it is at the call.
func (s *Store) Range(ctx context.Context, prefix string, f func(key string, value []byte) error) error {
	for _, c := range s.sorted(prefix) {
		if err := ctx.Err(); err != nil {
			return s.failed("read", err)
		}
		if err := f(c.key, append([]byte{}, c.value...)); err != nil {
			return err
		}
	}
	return nil
}

// sorted returns the state under a prefix.
func (s *Store) sorted(prefix string) []change {
	var out []change
	s.mu.RLock()
	for key, value := range s.live {
		if strings.HasPrefix(key, prefix) {
			out = append(out, change{key, value})
		}
	}
	s.mu.RUnlock()
	slices.SortFunc(out, func(a, b change) int { return strings.Compare(a.key, b.key) })
	return out
}

// Durable reports whether the state outlives the process.
func (s *Store) Durable() bool { return s.dir != "" }

// Stats returns how the store is.
func (s *Store) Stats() Stats {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return Stats{
		Keys: len(s.live), Bytes: s.bytes, LogBytes: s.logged.Load(), Syncs: s.syncs.Load(),
		Torn: s.opened.Torn, Damage: slices.Clone(s.opened.Damage),
	}
}

// Close ends the writes and lets go of the directory. What was written is on
// disk already.
func (s *Store) Close() error {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	s.compacting.Lock()
	defer s.compacting.Unlock()
	s.mu.Lock()
	gone := s.gone
	s.gone = true
	s.mu.Unlock()
	if gone {
		return nil
	}
	s.metrics.hide(s)
	var errs []error
	if s.file != nil {
		errs = append(errs, s.file.Close())
	}
	if s.lock != nil {
		errs = append(errs, recordfile.Unlock(s.lock))
	}
	if err := errors.Join(errs...); err != nil {
		return s.failed("close", err)
	}
	return nil
}

// apply makes changes to the state. mu is held.
func (s *Store) apply(changes []change) {
	for _, c := range changes {
		s.bytes += cost(c.key, c.value) - cost(c.key, s.live[c.key])
		if c.value == nil {
			delete(s.live, c.key)
		} else {
			s.live[c.key] = c.value
		}
	}
}

// cost is what a key costs; a deleted one, nothing.
func cost(key string, value []byte) int64 {
	if value == nil {
		return 0
	}
	return int64(len(key) + len(value) + overhead)
}
