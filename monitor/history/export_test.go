package history

import (
	"bytes"
	"context"

	"github.com/chronoretrace/chronomon/internal/recordfile"
)

// WithFileSizes sets the size of a log, and of the logs that are worth a snapshot.
func WithFileSizes(log, logs int64) Option {
	return optionFunc(func(c *config) { c.segment, c.logs = log, logs })
}

// Keep is the part of Run that writes files.
func (db *DB) Keep(ctx context.Context) { db.keep(ctx) }

// Rotate begins another log.
func (db *DB) Rotate() error {
	db.store.disk.maintaining.Lock()
	defer db.store.disk.maintaining.Unlock()
	return db.rotate()
}

// Abandon lets go of the directory and leaves the files as a crash does.
func (db *DB) Abandon() {
	d := db.store.disk
	_ = d.file.Close()
	_ = recordfile.Unlock(d.lock)
	d.file, d.lock = nil, nil
}

// HeaderOfVersion is the header of a snapshot of that version of the format.
func HeaderOfVersion(v uint16, number uint64) []byte {
	later := format
	later.Version = v
	return later.Header(recordfile.Snapshot, number)
}

// LogHeader is a log that was begun.
func LogHeader(number uint64) []byte { return format.Header(recordfile.Log, number) }

func kindOf(snapshot bool) recordfile.Kind {
	if snapshot {
		return recordfile.Snapshot
	}
	return recordfile.Log
}

// Payloads returns the payloads of a file.
func Payloads(data []byte, snapshot bool, number uint64) (out [][]byte) {
	_, _ = format.Read(bytes.NewReader(data), kindOf(snapshot), number, false, func(b []byte) string {
		out = append(out, bytes.Clone(b))
		return ""
	})
	return out
}

// LoadRecord loads a file with a payload whose checksum is right.
func LoadRecord(payload []byte, snapshot bool) {
	file := format.Header(kindOf(snapshot), 1)
	file, at := recordfile.Begin(file)
	file = append(file, payload...)
	recordfile.End(file, at, 1)
	LoadFile(file, snapshot)
}

// LoadFile loads a file and walks over what was in it.
func LoadFile(data []byte, snapshot bool) {
	c := newContents(limits{series: 1000, bytes: 1 << 22, retention: [tiers]int64{1e9, 1e9}}, 10)
	_, _, err := c.load(bytes.NewReader(data), kindOf(snapshot), 1, true)
	if err != nil {
		return
	}
	var it iterator
	for _, s := range c.store.index.series() {
		s.iterate(&it, -1<<62, 1<<62, false)
		for it.Next() != 0 {
			_ = it.AtT()
		}
	}
	c.store.retain(1)
}
