package history

import (
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/prometheus/model/labels"
)

// index finds series by their labels.
type index struct {
	mu      sync.RWMutex
	hashed  map[uint64]*series              // guarded by mu, as all below; chained by next
	labels  map[string]map[string][]*series // by name and value, by age
	all     []*series                       // by age
	lastRef uint64

	bytes int64 // guarded by the store's writing; of labels' names and values, and who has them
}

// The heap of the index beside the strings of labels: of each value, and of each
// series that has it.
const (
	valueOverhead = 80
	entryOverhead = 8
)

func newIndex() *index {
	return &index{hashed: map[uint64]*series{}, labels: map[string]map[string][]*series{}}
}

// get returns the series with exactly these labels, or nil.
func (x *index) get(l labels.Labels, hash uint64) *series {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for s := x.hashed[hash]; s != nil; s = s.next {
		if labels.Equal(s.labels, l) {
			return s
		}
	}
	return nil
}

// add adds a series that is not there yet.
func (x *index) add(s *series) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.lastRef++
	s.ref = x.lastRef
	s.next = x.hashed[s.hash]
	x.hashed[s.hash] = s
	x.all = append(x.all, s)
	s.labels.Range(func(l labels.Label) {
		values := x.labels[l.Name]
		if values == nil {
			values = map[string][]*series{}
			x.labels[strings.Clone(l.Name)] = values
		}
		list, known := values[l.Value]
		x.bytes += entryOverhead
		if !known {
			x.bytes += valueOverhead + int64(len(l.Value))
			l.Value = strings.Clone(l.Value) // not to keep the first series' labels for as long as the value
		}
		values[l.Value] = append(list, s)
	})
}

// remove takes series out.
func (x *index) remove(gone map[*series]bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	without := func(list []*series) []*series {
		return slices.DeleteFunc(list, func(s *series) bool { return gone[s] })
	}
	x.all = without(x.all)
	touched := map[labels.Label]bool{}
	for s := range gone {
		x.unhash(s)
		s.labels.Range(func(l labels.Label) { touched[l] = true })
	}
	for l := range touched {
		values := x.labels[l.Name]
		before := len(values[l.Value])
		rest := without(values[l.Value])
		x.bytes -= int64(before-len(rest)) * entryOverhead
		if len(rest) > 0 {
			values[l.Value] = rest
			continue
		}
		x.bytes -= valueOverhead + int64(len(l.Value))
		delete(values, l.Value)
		if len(values) == 0 {
			delete(x.labels, l.Name)
		}
	}
}

func (x *index) unhash(gone *series) {
	at := x.hashed[gone.hash]
	if at == gone {
		if gone.next == nil {
			delete(x.hashed, gone.hash)
		} else {
			x.hashed[gone.hash] = gone.next
		}
		return
	}
	for ; at != nil; at = at.next {
		if at.next == gone {
			at.next = gone.next
			return
		}
	}
}

// become takes over what another one has, which nobody uses any more.
func (x *index) become(other *index) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.hashed, x.labels, x.all, x.lastRef, x.bytes = other.hashed, other.labels, other.all, other.lastRef, other.bytes
}

// series returns all of them, the oldest first.
func (x *index) series() []*series {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return slices.Clone(x.all)
}

// find returns the series that all matchers match, by age.
func (x *index) find(matchers []*labels.Matcher) []*series {
	x.mu.RLock()
	defer x.mu.RUnlock()
	candidates, rest := x.narrow(matchers)
	if len(rest) == 0 {
		return slices.Clone(candidates)
	}
	var out []*series
	for _, s := range candidates {
		if matches(s, rest) {
			out = append(out, s)
		}
	}
	return out
}

// narrow returns series among which are all that match, and the matchers that
// each has still to be held against. mu is held.
func (x *index) narrow(matchers []*labels.Matcher) (candidates []*series, rest []*labels.Matcher) {
	by := -1
	candidates = x.all
	for i, m := range matchers {
		if m.Type != labels.MatchEqual || m.Value == "" {
			continue
		}
		if list := x.labels[m.Name][m.Value]; by < 0 || len(list) < len(candidates) {
			candidates, by = list, i
		}
	}
	if by < 0 {
		return x.union(matchers)
	}
	return candidates, slices.Delete(slices.Clone(matchers), by, by+1)
}

// union is narrow for matchers none of which names one value: the values of
// one label that its matcher matches, if series without the label do not.
func (x *index) union(matchers []*labels.Matcher) (candidates []*series, rest []*labels.Matcher) {
	for i, m := range matchers {
		if m.Matches("") {
			continue
		}
		for v, list := range x.labels[m.Name] {
			if m.Matches(v) {
				candidates = append(candidates, list...)
			}
		}
		slices.SortFunc(candidates, byAge)
		return candidates, slices.Delete(slices.Clone(matchers), i, i+1)
	}
	return x.all, matchers
}

func byAge(a, b *series) int {
	if a.ref < b.ref {
		return -1
	}
	return 1
}

func matches(s *series, matchers []*labels.Matcher) bool {
	for _, m := range matchers {
		if !m.Matches(s.labels.Get(m.Name)) {
			return false
		}
	}
	return true
}
