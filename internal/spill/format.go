package spill

import (
	"encoding/binary"
	"hash/crc32"
	"time"
)

// A file is magic, CRC-32C of the rest, time in Unix nanoseconds, number of
// items, and each item behind its length as a varint.
const (
	magic      = "chspill1"
	sumAt      = len(magic)
	timeAt     = sumAt + 4
	countAt    = timeAt + 8
	headerSize = countAt + 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func encode(now time.Time, items [][]byte) []byte {
	size := headerSize
	for _, item := range items {
		size += binary.MaxVarintLen32 + len(item)
	}
	out := make([]byte, headerSize, size)
	copy(out, magic)
	binary.LittleEndian.PutUint64(out[timeAt:], uint64(now.UnixNano()))
	binary.LittleEndian.PutUint32(out[countAt:], uint32(len(items)))
	for _, item := range items {
		out = binary.AppendUvarint(out, uint64(len(item)))
		out = append(out, item...)
	}
	binary.LittleEndian.PutUint32(out[sumAt:], crc32.Checksum(out[timeAt:], castagnoli))
	return out
}

// decode returns the batch of a file, or false for what is none.
func decode(data []byte) (Batch, bool) {
	if len(data) < headerSize || string(data[:len(magic)]) != magic ||
		binary.LittleEndian.Uint32(data[sumAt:]) != crc32.Checksum(data[timeAt:], castagnoli) {
		return Batch{}, false
	}
	b := Batch{Time: time.Unix(0, int64(binary.LittleEndian.Uint64(data[timeAt:])))}
	count, rest := binary.LittleEndian.Uint32(data[countAt:]), data[headerSize:]
	for range count {
		n, used := binary.Uvarint(rest)
		if used <= 0 || n > uint64(len(rest)-used) {
			return Batch{}, false
		}
		b.Items = append(b.Items, rest[used:used+int(n)])
		rest = rest[used+int(n):]
	}
	return b, len(rest) == 0
}
