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

// Encode makes a log of writes.
func Encode(number uint64, writes ...map[string][]byte) (log []byte, ends []int) {
	log = format.Header(recordfile.Log, number)
	for _, w := range writes {
		log = appendChanges(log, number, copied(w)...)
		ends = append(ends, len(log))
	}
	return log, ends
}
