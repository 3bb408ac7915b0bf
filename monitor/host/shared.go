package host

import (
	"sync"
	"time"

	"github.com/chronoretrace/chronomon/monitor"
)

// fresh is how old a reading may be that a second metric shows: longer than a
// scrape takes, shorter than the time to the next one.
const fresh = time.Second

// shared is one part of the machine, read once for all the metrics that show
// it. A scrape asks for each metric once; a metric that asks again is in the
// next scrape, and gets a new reading. Neither a value of an earlier scrape nor
// two values of one part is ever seen by one scraper.
type shared[T any] struct {
	m    *monitor.Monitor
	part string
	read func() (T, error)

	readers int // before the first get

	mu    sync.Mutex
	value T         // guarded by mu
	err   error     // guarded by mu
	at    time.Time // guarded by mu; zero: never read
	had   []bool    // guarded by mu; by reader: has had this value
}

func newShared[T any](m *monitor.Monitor, part string, read func() (T, error)) *shared[T] {
	return &shared[T]{m: m, part: part, read: read}
}

// reader returns the number under which one more metric calls get.
func (s *shared[T]) reader() int {
	s.readers++
	return s.readers - 1
}

func (s *shared[T]) get(reader int) (T, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.had == nil {
		s.had = make([]bool, s.readers)
	}
	if s.at.IsZero() || s.had[reader] || time.Since(s.at) > fresh {
		was := s.err
		s.value, s.err = s.guarded()
		s.at = time.Now()
		clear(s.had)
		s.report(was)
	}
	s.had[reader] = true
	return s.value, s.err
}

// guarded reads. A kernel's odd line is no reason to take the process down.
func (s *shared[T]) guarded() (v T, err error) {
	defer s.m.Guard("host."+s.part, &err)
	return s.read()
}

// report logs when a part begins to fail, not at each scrape.
func (s *shared[T]) report(was error) {
	switch {
	case s.err != nil && was == nil:
		s.m.Logger().Warn("host: part of the machine cannot be read", "part", s.part, "error", s.err)
	case s.err == nil && was != nil:
		s.m.Logger().Info("host: part of the machine can be read again", "part", s.part)
	}
}
