package journal

import (
	"bufio"
	"io"
	"maps"
	"os"

	"github.com/chronoretrace/chronomon/internal/recordfile"
)

// rotate begins a new log and returns what compacts those before it. The caller
// has the turn; what it returns is called without.
func (s *Store) rotate() (compact func()) {
	if !s.compacting.TryLock() {
		return nil
	}
	number := s.number + 1
	file, err := s.dir.Create(number, format.Header(recordfile.Log, number))
	if err != nil {
		s.compacting.Unlock()
		s.compacted(err)
		return nil
	}
	before := s.logged.Load()
	_ = s.file.Close() // every write to it was synced
	s.file, s.number = file, number
	s.mu.RLock()
	state := maps.Clone(s.live)
	s.mu.RUnlock()
	return func() {
		defer s.compacting.Unlock()
		err := s.snapshot(number, state)
		if err == nil {
			s.logged.Add(-before)
			err = s.dir.Clear(number, nil)
		}
		s.compacted(err)
	}
}

// renew replaces all files by a snapshot of the state and an empty log: when
// the journal is opened or restored, and when its log broke. The caller has the
// turn, and no compaction is under way.
func (s *Store) renew() error {
	s.number++
	s.mu.RLock()
	state := maps.Clone(s.live)
	s.mu.RUnlock()
	if err := s.snapshot(s.number, state); err != nil {
		return err
	}
	file, err := s.dir.Create(s.number, format.Header(recordfile.Log, s.number))
	if err != nil {
		return err
	}
	s.file = file
	s.logged.Store(0)
	s.compactAt.Store(0)
	if err := s.dir.Clear(s.number, s.damaged); err != nil {
		s.log.Warn("journal: old files are left behind", "journal", s.name, "error", err)
	}
	s.damaged = nil
	return nil
}

// compacted counts a compaction. When one has failed the next try is for a log
// of twice the size.
func (s *Store) compacted(err error) {
	s.metrics.compacted(err)
	s.compactAt.Store(0)
	if err != nil {
		s.compactAt.Store(2 * s.logged.Load())
		s.log.Warn("journal: not compacted", "journal", s.name, "error", err)
	}
}

// snapshot writes the state to a file of its own.
func (s *Store) snapshot(number uint64, state map[string][]byte) error {
	return s.dir.WriteSnapshot(number, func(file *os.File) error {
		return writeSnapshot(file, number, state)
	})
}

func writeSnapshot(w io.Writer, number uint64, state map[string][]byte) error {
	out := bufio.NewWriterSize(w, 1<<16)
	buf := format.Header(recordfile.Snapshot, number)
	for key, value := range state {
		if _, err := out.Write(buf); err != nil {
			return err
		}
		buf = appendChanges(buf[:0], number, change{key, value})
	}
	if _, err := out.Write(appendEnd(buf, number, len(state))); err != nil {
		return err
	}
	return out.Flush()
}
