package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/chronoretrace/chronomon/internal/recordfile"
)

// format is a journal's files: a log has changes, to its end; a snapshot one key
// in each record, and then the number of them.
var format = recordfile.Format{Magic: "chrnjrnl", Version: 1, MaxPayload: MaxWrite + MaxChange*16 + 16}

// ErrVersion is returned for files that a later version of this package wrote.
// They are left as they are.
var ErrVersion = recordfile.ErrVersion

// Damage is a part of a file that could not be read.
type Damage = recordfile.Damage

// Kinds of payload.
const (
	payloadChanges = 1 // count, then for each: its kind, key, value
	payloadEnd     = 2 // the number of keys of the snapshot that ends here
)

// Kinds of change.
const (
	changeDelete = 0
	changePut    = 1
)

// change is a key with its value: nil for a deletion.
type change struct {
	key   string
	value []byte
}

// appendChanges appends a record of changes.
func appendChanges(b []byte, number uint64, changes ...change) []byte {
	b, at := recordfile.Begin(b)
	b = append(b, payloadChanges)
	b = binary.AppendUvarint(b, uint64(len(changes)))
	for _, c := range changes {
		if c.value == nil {
			b = appendString(append(b, changeDelete), c.key)
			continue
		}
		b = appendString(append(b, changePut), c.key)
		b = appendString(b, c.value)
	}
	recordfile.End(b, at, number)
	return b
}

// appendEnd appends the record that ends a snapshot.
func appendEnd(b []byte, number uint64, keys int) []byte {
	b, at := recordfile.Begin(b)
	b = append(b, payloadEnd)
	b = binary.AppendUvarint(b, uint64(keys))
	recordfile.End(b, at, number)
	return b
}

func appendString[T string | []byte](b []byte, s T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

var errPayload = errors.New("a record that does not decode")

// decode returns the changes of a payload, whose values are part of it, or the
// number of keys of the snapshot that ended.
func decode(payload []byte) (changes []change, end uint64, ended bool, err error) {
	if len(payload) == 0 {
		return nil, 0, false, errPayload
	}
	p := payload[1:]
	count, ok := uvarint(&p)
	switch {
	case !ok:
		return nil, 0, false, errPayload
	case payload[0] == payloadEnd && len(p) == 0:
		return nil, count, true, nil
	case payload[0] != payloadChanges || count > MaxChange:
		return nil, 0, false, errPayload
	}
	for range count {
		if len(p) == 0 {
			return nil, 0, false, errPayload
		}
		op := p[0]
		p = p[1:]
		key, ok := cutString(&p)
		if !ok || op > changePut {
			return nil, 0, false, errPayload
		}
		c := change{key: string(key)}
		if op == changePut {
			if c.value, ok = cutString(&p); !ok {
				return nil, 0, false, errPayload
			}
		}
		if c.validate() != nil { // whoever wrote that, no Keyed took it
			return nil, 0, false, errPayload
		}
		changes = append(changes, c)
	}
	if len(p) != 0 {
		return nil, 0, false, errPayload
	}
	return changes, 0, false, nil
}

func uvarint(p *[]byte) (uint64, bool) {
	v, n := binary.Uvarint(*p)
	if n <= 0 {
		return 0, false
	}
	*p = (*p)[n:]
	return v, true
}

// cutString cuts a string off the front: never nil, unless it is not ok.
func cutString(p *[]byte) ([]byte, bool) {
	n, ok := uvarint(p)
	if !ok || n > uint64(len(*p)) {
		return nil, false
	}
	s := (*p)[:n:n]
	*p = (*p)[n:]
	return s, true
}

// read calls apply with the changes of each readable record. last says that the
// file may end in an unfinished write.
func read(r io.Reader, k recordfile.Kind, number uint64, last bool, apply func([]change)) (recordfile.Content, error) {
	keys, ended := uint64(0), false
	c, err := format.Read(r, k, number, last, func(payload []byte) string {
		changes, end, isEnd, err := decode(payload)
		switch {
		case err != nil:
			return err.Error()
		case isEnd && (k != recordfile.Snapshot || end != keys):
			ended = true
			return fmt.Sprintf("the end of a snapshot of %d keys after %d of them", end, keys)
		case k == recordfile.Snapshot && slices.ContainsFunc(changes, func(c change) bool { return c.value == nil }):
			return "a snapshot that deletes a key"
		}
		ended = isEnd
		keys += uint64(len(changes))
		apply(changes)
		return ""
	})
	if err == nil && k == recordfile.Snapshot && !ended {
		c.Add(c.Size, 0, "the end of the snapshot is missing")
	}
	return c, err
}
