package host

import (
	"slices"
	"sync"
	"time"
)

// statter asks mount points for their space. The call under it can block for
// good where a server is gone and cannot be taken back, so each runs in a
// goroutine of its own, and a path that has not answered is not asked again.
// No more than most of them run.
type statter struct {
	stat    func(path string) (space, error)
	timeout time.Duration
	most    int

	mu      sync.Mutex
	running map[string]struct{} // guarded by mu; paths that have not answered yet
}

// answer is what a path said. came is false for one that hangs or found no room.
type answer struct {
	space space
	err   error
	came  bool
}

func newStatter(stat func(string) (space, error), timeout time.Duration, most int) *statter {
	return &statter{stat: stat, timeout: timeout, most: most, running: map[string]struct{}{}}
}

// ask asks all paths at once and returns their answers in the same order, after
// the timeout at the latest.
func (s *statter) ask(paths []string) []answer {
	type numbered struct {
		i int
		answer
	}
	answers := make(chan numbered, len(paths)) // room for all: one that comes late does not wait
	asked := 0
	for i, path := range paths {
		if !s.begin(path) {
			continue
		}
		asked++
		go func() {
			sp, err := s.stat(path)
			s.end(path)
			answers <- numbered{i, answer{sp, err, true}}
		}()
	}
	out := make([]answer, len(paths))
	timer := time.NewTimer(s.timeout)
	defer timer.Stop()
	for range asked {
		select {
		case a := <-answers:
			out[a.i] = a.answer
		case <-timer.C:
			return out
		}
	}
	return out
}

// begin reports whether the path may be asked: nobody waits for it, and there
// is room.
func (s *statter) begin(path string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, hangs := s.running[path]; hangs || len(s.running) >= s.most {
		return false
	}
	s.running[path] = struct{}{}
	return true
}

func (s *statter) end(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.running, path)
}

func (s *statter) hanging() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]string, 0, len(s.running))
	for path := range s.running {
		out = append(out, path)
	}
	slices.Sort(out)
	return out
}
