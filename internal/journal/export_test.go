package journal

import "encoding/binary"

// HeaderOfVersion is the header of a log of that version of the format.
func HeaderOfVersion(v uint16, number uint64) []byte {
	b := header(kindLog, number)
	binary.LittleEndian.PutUint16(b[8:], v)
	binary.LittleEndian.PutUint32(b[12:], checksum(number, b[:12]))
	return b
}

// TakeTurn keeps others from writing.
func (s *Store) TakeTurn() (release func()) {
	s.turn <- struct{}{}
	return func() { <-s.turn }
}

// Read reads a file's content as Open does.
func Read(data []byte, snapshot bool, number uint64, last bool) (state map[string][]byte, damage []Damage, torn int64, err error) {
	k := kindLog
	if snapshot {
		k = kindSnapshot
	}
	state = map[string][]byte{}
	c, err := read(data, k, number, last, func(changes []change) {
		for _, c := range changes {
			if c.value == nil {
				delete(state, c.key)
			} else {
				state[c.key] = c.value
			}
		}
	})
	return state, c.damage, c.torn, err
}

// Encode makes a log of writes.
func Encode(number uint64, writes ...map[string][]byte) (log []byte, ends []int) {
	log = header(kindLog, number)
	for _, w := range writes {
		log = appendChanges(log, number, copied(w)...)
		ends = append(ends, len(log))
	}
	return log, ends
}
