package recordfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
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
	HeaderSize = 16 // of a file
	headSize   = 16 // of a record
)

var (
	mark   = []byte{0xc5, 'j', 'r', 0xa9}
	tables = crc32.MakeTable(crc32.Castagnoli)
)

// Format is what a package writes.
type Format struct {
	Magic      string // 8 bytes
	Version    uint16
	MaxPayload int // [MaxPayload] at most
}

// MaxPayload is the longest payload of any format: what reading a file may cost
// in memory, and no more than the file has.
const MaxPayload = 64 << 20

// Kind is what a file holds.
type Kind uint8

// Kinds of files.
const (
	Log      Kind = 1 // what was written, to the end of the file
	Snapshot Kind = 2 // a state; the caller marks its end
)

// ErrVersion is returned for files that a later version wrote. They are left as
// they are.
var ErrVersion = errors.New("written by a later version")

func checksum(number uint64, b []byte) uint32 {
	var n [8]byte
	binary.LittleEndian.PutUint64(n[:], number)
	return crc32.Update(crc32.Checksum(n[:], tables), tables, b)
}

// Header is how a file begins.
func (f *Format) Header(k Kind, number uint64) []byte {
	b := binary.LittleEndian.AppendUint16([]byte(f.Magic), f.Version)
	b = append(b, byte(k), 0)
	return binary.LittleEndian.AppendUint32(b, checksum(number, b))
}

// Begin and End frame the payload that is appended between them.
func Begin(b []byte) (_ []byte, at int) {
	var head [headSize]byte
	return append(b, head[:]...), len(b)
}

// End completes the record that began at a place, for the file of that number.
func End(b []byte, at int, number uint64) {
	head, payload := b[at:at+headSize], b[at+headSize:]
	copy(head, mark)
	binary.LittleEndian.PutUint32(head[4:], uint32(len(payload)))
	binary.LittleEndian.PutUint32(head[8:], crc32.Checksum(payload, tables))
	binary.LittleEndian.PutUint32(head[12:], checksum(number, head[:12]))
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

// Content is what was read of a file.
type Content struct {
	Size   int64
	Damage []Damage // without the file's name
	Torn   int64    // bytes of an unfinished write at the end
}

// Add adds damage, up to a number: one message a region is enough, and so are
// these many.
func (c *Content) Add(at, size int64, reason string) {
	const most = 100
	if len(c.Damage) < most {
		c.Damage = append(c.Damage, Damage{Offset: at, Bytes: size, Reason: reason})
	}
}

// Read calls each with every readable payload, which is valid during the call;
// it returns what is wrong with it, if something is. last says that the file may
// end in an unfinished write. The error is [ErrVersion] or the reader's.
func (f *Format) Read(r io.Reader, k Kind, number uint64, last bool, each func(payload []byte) (wrong string)) (c Content, err error) {
	in := &window{r: r}
	if err := f.readHeader(in, &c, k, number, last); err != nil {
		return c, err
	}
	for len(in.peek(1)) > 0 {
		f.readRecord(in, &c, number, last, each)
	}
	c.Size = in.offset()
	return c, in.err
}

// readHeader reads up to where the records begin.
func (f *Format) readHeader(in *window, c *Content, k Kind, number uint64, last bool) error {
	b := in.peek(HeaderSize)
	switch {
	case len(b) == HeaderSize && string(b[:8]) == f.Magic && binary.LittleEndian.Uint32(b[12:]) == checksum(number, b[:12]):
		if v := binary.LittleEndian.Uint16(b[8:]); v > f.Version {
			return fmt.Errorf("%w: format %d, this one knows %d", ErrVersion, v, f.Version)
		}
		if Kind(b[10]) != k {
			c.Add(0, HeaderSize, "it is a file of another kind")
			in.skipAll()
			return nil
		}
		in.skip(HeaderSize)
	case len(b) < HeaderSize && (last || len(b) == 0):
		c.Torn = int64(len(b))
		in.skip(len(b))
		if !last {
			c.Add(0, 0, "the file is empty")
		}
	default:
		f.resync(in, c, number, last, "the header is damaged")
	}
	return nil
}

// readRecord reads a record, or passes over what is none.
func (f *Format) readRecord(in *window, c *Content, number uint64, last bool, each func([]byte) string) {
	at := in.offset()
	size, reason := f.record(in, number)
	got := len(in.peek(size))
	switch {
	case reason == "":
		if wrong := each(in.peek(size)[headSize:]); wrong != "" {
			c.Add(at, int64(size), wrong)
		}
		in.skip(size)
	case size == 0 && last && len(in.peek(headSize)) < headSize:
		c.Torn = int64(len(in.peek(headSize)))
		in.skip(headSize)
	case size == 0:
		f.resync(in, c, number, last, reason)
	case got < size && last:
		c.Torn = int64(got)
		in.skip(got)
	default: // its head says where it ends
		c.Add(at, int64(got), reason)
		in.skip(got)
	}
}

// record returns the size of the next record, and why it cannot be read if so.
func (f *Format) record(in *window, number uint64) (size int, reason string) {
	size, sum, reason := f.head(in, number)
	if size == 0 {
		return 0, reason
	}
	b := in.peek(size)
	if len(b) < size {
		return size, "a record is cut off"
	}
	if sum != crc32.Checksum(b[headSize:], tables) {
		return size, "a record's checksum is wrong"
	}
	return size, ""
}

// head returns the size of the next record and the checksum of its payload. The
// size is 0 if there is no head of one.
func (f *Format) head(in *window, number uint64) (size int, sum uint32, reason string) {
	head := in.peek(headSize)
	if len(head) < headSize {
		return 0, 0, "a record's head is cut off"
	}
	if !bytes.Equal(head[:4], mark) || binary.LittleEndian.Uint32(head[12:]) != checksum(number, head[:12]) {
		return 0, 0, "a record's head is damaged"
	}
	length, sum := binary.LittleEndian.Uint32(head[4:]), binary.LittleEndian.Uint32(head[8:])
	if int64(length) > int64(min(f.MaxPayload, MaxPayload)) {
		return 0, 0, "a record's length is out of bounds"
	}
	return headSize + int(length), sum, ""
}

// resync passes over damage up to the next head, or to the end. Zeros up to the
// end are what a file system leaves of an unfinished write.
func (f *Format) resync(in *window, c *Content, number uint64, last bool, reason string) {
	begin, zero := in.offset(), true
	skip := func(n int) {
		zero = zero && len(bytes.TrimLeft(in.peek(n), "\x00")) == 0
		in.skip(n)
	}
	skip(1)
	for {
		if rest := len(in.peek(headSize)); rest < headSize {
			skip(rest)
			break
		}
		b := in.ahead()
		i := bytes.Index(b, mark)
		if i < 0 {
			skip(len(b) - len(mark) + 1)
			continue
		}
		skip(i)
		if size, _, _ := f.head(in, number); size > 0 {
			break
		}
		skip(1)
	}
	size := in.offset() - begin
	if last && zero && len(in.peek(1)) == 0 {
		c.Torn = size
		return
	}
	c.Add(begin, size, reason)
}

// window is what has been read ahead of a file.
type window struct {
	r    io.Reader
	buf  []byte
	at   int   // what is before it in buf is done with
	base int64 // offset of the buffer in the file
	end  bool  // nothing more comes
	err  error // why, if that is not the end of the file
}

func (w *window) offset() int64 { return w.base + int64(w.at) }

// peek returns the next n bytes, or all there are. It is valid until the next call.
func (w *window) peek(n int) []byte {
	for !w.end && len(w.buf)-w.at < n {
		w.fill(n)
	}
	return w.buf[w.at:min(len(w.buf), w.at+n)]
}

// ahead returns what has been read and not been passed over.
func (w *window) ahead() []byte { return w.buf[w.at:] }

// fill reads more. The n bytes that are asked for may not be there: so the buffer
// grows as they come, to twice of what has.
func (w *window) fill(n int) {
	const least = 1 << 16
	if w.at > 0 {
		w.base += int64(w.at)
		w.buf = w.buf[:copy(w.buf, w.buf[w.at:])]
		w.at = 0
	}
	if len(w.buf) == cap(w.buf) {
		w.buf = append(make([]byte, 0, max(least, min(n, 2*len(w.buf)))), w.buf...)
	}
	got, err := w.r.Read(w.buf[len(w.buf):cap(w.buf)])
	w.buf = w.buf[:len(w.buf)+got]
	if err != nil {
		w.end = true
		if !errors.Is(err, io.EOF) {
			w.err = err
		}
	}
}

// skip passes over n bytes, or to the end.
func (w *window) skip(n int) { w.at = min(len(w.buf), w.at+n) }

func (w *window) skipAll() {
	for len(w.peek(1)) > 0 {
		w.skip(len(w.buf) - w.at)
	}
}
