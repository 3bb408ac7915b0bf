package journal

import (
	"bytes"

	"github.com/chronoretrace/chronomon/internal/recordfile"
)

// HeaderOfVersion is the header of a log of that version of the format.
func HeaderOfVersion(v uint16, number uint64) []byte {
	later := format
	later.Version = v
	return later.Header(recordfile.Log, number)
}

// TakeTurn keeps others from writing.
func (s *Store) TakeTurn() (release func()) {
	s.turn <- struct{}{}
	return func() { <-s.turn }
}

// Waiting is the number of writes that wait.
func (s *Store) Waiting() int {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	return len(s.queue.waiting)
}

// Kept is the memory that is kept for the next write.
func (s *Store) Kept() int { return cap(s.buf) }

// Read reads a file's content as Open does.
func Read(data []byte, snapshot bool, number uint64, last bool) (state map[string][]byte, damage []Damage, torn int64, err error) {
	k := recordfile.Log
	if snapshot {
		k = recordfile.Snapshot
	}
	state = map[string][]byte{}
	c, err := read(bytes.NewReader(data), k, number, last, func(changes []change) {
		for _, c := range changes {
			if c.value == nil {
				delete(state, c.key)
			} else {
				state[c.key] = bytes.Clone(c.value)
			}
		}
	})
	return state, c.Damage, c.Torn, err
}

// Forge makes a backup of what is given as key, value, key, value, a nil value
// for the deletion of its key, whatever that is.
func Forge(pairs ...any) []byte {
	b := format.Header(recordfile.Snapshot, 0)
	for i := 0; i < len(pairs); i += 2 {
		value, _ := pairs[i+1].([]byte)
		b = appendChanges(b, 0, change{pairs[i].(string), value})
	}
	return appendEnd(b, 0, len(pairs)/2)
}

// Raw makes a log of payloads.
func Raw(number uint64, payloads ...[]byte) []byte {
	log := format.Header(recordfile.Log, number)
	for _, p := range payloads {
		var at int
		log, at = recordfile.Begin(log)
		log = append(log, p...)
		recordfile.End(log, at, number)
	}
	return log
}

// Encode makes a log of writes.
func Encode(number uint64, writes ...map[string][]byte) (log []byte, ends []int) {
	log = format.Header(recordfile.Log, number)
	for _, w := range writes {
		log = appendChanges(log, number, copied(w)...)
		ends = append(ends, len(log))
	}
	return log, ends
}
