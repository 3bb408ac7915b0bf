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
// it. Scrapers ask for the metrics in one order, each once a scrape. So a reading
// is all the scrapers' that began before it had been round: who asks for the
// n-th time is behind somebody, or begins while somebody is on the way. Once all
// metrics were asked for equally often, the next to ask begins a scrape, and
// gets a new reading.
//
// A scraper sees one reading of a part then, unless it takes longer than fresh,
// or asks in an order of its own while another one does: a Gatherer does that.
type shared[T any] struct {
	m    *monitor.Monitor
	part string
	read func() (T, error)

	readers int // before the first get

	mu    sync.Mutex
	value T         // guarded by mu
	err   error     // guarded by mu
	at    time.Time // guarded by mu; zero: never read
	asked []int     // guarded by mu; by reader: how often for this value
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
	if s.asked == nil {
		s.asked = make([]int, s.readers)
	}
	if s.at.IsZero() || s.beenRound() || time.Since(s.at) > fresh {
		was := s.err
		s.value, s.err = s.guarded()
		s.at = time.Now()
		clear(s.asked)
		s.report(was)
	}
	s.asked[reader]++
	return s.value, s.err
}

// beenRound reports whether no scraper is on its way. mu is held.
func (s *shared[T]) beenRound() bool {
	for _, n := range s.asked[1:] {
		if n != s.asked[0] {
			return false
		}
	}
	return s.asked[0] > 0
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
