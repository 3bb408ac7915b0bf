package spill

import (
	"encoding/binary"
	"hash/crc32"
	"os"
	"time"
)

// OnSync has f called instead of File.Sync.
func (q *Queue) OnSync(f func(*os.File) error) { q.sync = f }

// OwnTrouble reports whether a file that could not be read is to be set aside.
func (q *Queue) OwnTrouble(err error) bool { return q.ownTrouble(err) }

// File is what a batch of one item is on disk, altered and summed up again.
func File(item string, alter func(file []byte) []byte) []byte {
	data := alter(encode(time.Unix(0, 0), [][]byte{[]byte(item)}))
	binary.LittleEndian.PutUint32(data[sumAt:], crc32.Checksum(data[timeAt:], castagnoli))
	return data
}

// CountAt is where a file has its number of items, and ItemAt where the first one's
// length is.
const (
	CountAt = countAt
	ItemAt  = headerSize
)
