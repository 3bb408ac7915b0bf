package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// A file is a header and records, all numbers little-endian:
//
//	header  magic[8] version:u16 kind:u8 0:u8 crc:u32     (of what is before it, and the file's number)
//	record  mark[4] length:u32 payload-crc:u32 head-crc:u32 payload[length]
//
// head-crc is of the file's number and the twelve bytes before it. It tells a
// length that is wrong from a record that was cut off, and lets the search for
// the next record after damage pass over what only looks like one.
const (
	version    = 1
	headerSize = 16
	headSize   = 16
	maxPayload = MaxWrite + MaxChange*16 + 16
)

const magic = "chrnjrnl"

var (
	mark   = []byte{0xc5, 'j', 'r', 0xa9}
	tables = crc32.MakeTable(crc32.Castagnoli)
)

// kind is what a file holds.
type kind uint8

const (
	kindLog      kind = 1 // changes, to its end
	kindSnapshot kind = 2 // one key each, and then the number of them
)

// ErrVersion is returned for files that a later version of this package wrote.
// They are left as they are.
var ErrVersion = errors.New("written by a later version")

func checksum(number uint64, b []byte) uint32 {
	var n [8]byte
	binary.LittleEndian.PutUint64(n[:], number)
	return crc32.Update(crc32.Checksum(n[:], tables), tables, b)
}

func header(k kind, number uint64) []byte {
	b := binary.LittleEndian.AppendUint16([]byte(magic), version)
	b = append(b, byte(k), 0)
	return binary.LittleEndian.AppendUint32(b, checksum(number, b))
}

// beginRecord and endRecord frame the payload that is appended between them.
func beginRecord(b []byte) (_ []byte, at int) {
	return append(b, make([]byte, headSize)...), len(b)
}

func endRecord(b []byte, at int, number uint64) {
	head, payload := b[at:at+headSize], b[at+headSize:]
	copy(head, mark)
	binary.LittleEndian.PutUint32(head[4:], uint32(len(payload)))
	binary.LittleEndian.PutUint32(head[8:], crc32.Checksum(payload, tables))
	binary.LittleEndian.PutUint32(head[12:], checksum(number, head[:12]))
}

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
	b, at := beginRecord(b)
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
	endRecord(b, at, number)
	return b
}

// appendEnd appends the record that ends a snapshot.
func appendEnd(b []byte, number uint64, keys int) []byte {
	b, at := beginRecord(b)
	b = append(b, payloadEnd)
	b = binary.AppendUvarint(b, uint64(keys))
	endRecord(b, at, number)
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

// Damage is a part of a file that could not be read.
type Damage struct {
	File   string // its name, without the suffix it is kept under
	Offset int64
	Bytes  int64 // 0 for something that is missing
	Reason string
}

// String says it in words.
func (d Damage) String() string {
	return fmt.Sprintf("%s: %d bytes at %d: %s", d.File, d.Bytes, d.Offset, d.Reason)
}

// content is what was read of a file.
type content struct {
	damage []Damage // without the file's name
	torn   int64    // bytes of an unfinished write at the end
}

// read calls apply with the changes of each readable record. last says that the
// file may end in an unfinished write.
func read(data []byte, k kind, number uint64, last bool, apply func([]change)) (c content, err error) {
	at, err := c.header(data, k, number, last)
	if err != nil {
		return c, err
	}
	keys, ended := uint64(0), false
	for at < len(data) {
		size, reason := record(data[at:], number)
		if reason == "" {
			changes, end, isEnd, err := decode(data[at+headSize : at+size])
			switch {
			case err != nil:
				c.add(at, size, err.Error())
			case isEnd && (k != kindSnapshot || end != keys):
				c.add(at, size, fmt.Sprintf("the end of a snapshot of %d keys after %d of them", end, keys))
				ended = true
			default:
				ended = isEnd
				keys += uint64(len(changes))
				apply(changes)
			}
			at += size
			continue
		}
		rest := data[at:]
		if last && (size > len(rest) || len(rest) < headSize || allZero(rest)) {
			c.torn = int64(len(rest))
			return c, nil
		}
		next := size // its head says where it ends
		if next == 0 {
			next = resync(rest, number)
		}
		next = min(next, len(rest))
		c.add(at, next, reason)
		at += next
	}
	if k == kindSnapshot && !ended {
		c.add(len(data), 0, "the end of the snapshot is missing")
	}
	return c, nil
}

// header checks the header and returns where the records begin.
func (c *content) header(data []byte, k kind, number uint64, last bool) (at int, err error) {
	if len(data) >= headerSize && string(data[:8]) == magic &&
		binary.LittleEndian.Uint32(data[12:]) == checksum(number, data[:12]) {
		switch v := binary.LittleEndian.Uint16(data[8:]); {
		case v > version:
			return 0, fmt.Errorf("%w: format %d, this one knows %d", ErrVersion, v, version)
		case kind(data[10]) != k:
			c.add(0, headerSize, "it is a file of another kind")
			return len(data), nil
		}
		return headerSize, nil
	}
	if last && (len(data) < headerSize || allZero(data)) {
		c.torn = int64(len(data))
		return len(data), nil
	}
	next := resync(data, number)
	c.add(0, next, "the header is damaged")
	return next, nil
}

func (c *content) add(at, size int, reason string) {
	const most = 100 // one message a region is enough, and so are these many
	if len(c.damage) < most {
		c.damage = append(c.damage, Damage{Offset: int64(at), Bytes: int64(size), Reason: reason})
	}
}

// record returns the size of the record at the front of b, or why there is none;
// a size beyond b then says that it was cut off.
func record(b []byte, number uint64) (size int, reason string) {
	if len(b) < headSize {
		return 0, "a record's head is cut off"
	}
	if !bytes.Equal(b[:4], mark) || binary.LittleEndian.Uint32(b[12:]) != checksum(number, b[:12]) {
		return 0, "a record's head is damaged"
	}
	length := binary.LittleEndian.Uint32(b[4:])
	if length > maxPayload {
		return 0, "a record's length is out of bounds"
	}
	size = headSize + int(length)
	if size > len(b) {
		return size, "a record is cut off"
	}
	if binary.LittleEndian.Uint32(b[8:]) != crc32.Checksum(b[headSize:size], tables) {
		return size, "a record's checksum is wrong"
	}
	return size, ""
}

// resync returns how far it is to the next record, or to the end. It looks past
// the first byte.
func resync(b []byte, number uint64) int {
	for at := 1; at < len(b); at++ {
		i := bytes.Index(b[at:], mark)
		if i < 0 {
			break
		}
		at += i
		if _, reason := record(b[at:], number); reason == "" {
			return at
		}
	}
	return len(b)
}

func allZero(b []byte) bool {
	return len(bytes.TrimLeft(b, "\x00")) == 0
}
