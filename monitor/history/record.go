package history

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/chronoretrace/chronomon/internal/recordfile"
)

// What the history has on disk are files of records, see internal/recordfile. A
// payload is its kind and entries. A snapshot has series, exemplars and metadata,
// and ends with their numbers. A log has the samples of each commit; every log
// names its series itself, before their first sample, so that damage of one log
// is no damage of the next.
//
//	series       entries of: flags, labels, closed chunks, head; one that goes on in
//	             the next entry has no head
//	definitions  number of the first; entries of: flags, labels
//	samples      time of the commit, time of the first; entries of: code, number, time, value
//	exemplars    entries of: labels of the series, labels, value, time
//	metadata     entries of: name, type, help
//	end          time of the newest commit, number of series
//	rewind       time after which nothing of what was before in the log remains
//
// Numbers are varints, and strings behind their length. A float is as many of its
// bytes as it needs, the high ones first.
var format = recordfile.Format{Magic: "chrnhist", Version: 1, MaxPayload: mostRecord}

// mostRecord bounds a record: of samples, the largest, it is mostSamples and one
// histogram.
const (
	mostRecord  = 32 << 20
	mostSamples = 16 << 20 // a commit that is larger is several records
	mostPart    = 8 << 20  // a series that is larger is several entries
)

// payload is what kind of record one is.
type payload byte

const (
	payloadSeries payload = iota + 1
	payloadDefinitions
	payloadSamples
	payloadExemplars
	payloadMetadata
	payloadEnd
	payloadRewind
)

// Flags of a series.
const (
	flagLong      = 1 << iota // of the long tier
	flagCollected             // from the registry
	flagPart                  // the next entry goes on with it
)

// Codes of a sample: a value of 0 to 8 bytes, or one of these, and flags.
const (
	codeStale   = 9
	codeInts    = 10   // a native histogram
	codeFloats  = 11   // one of floats
	codeMask    = 0x0f // what is beside the flags
	flagNext    = 0x10 // of the series after the one before
	flagOffTime = 0x20 // of a time of its own
)

// recorder makes records.
type recorder struct {
	number uint64 // of the file
	buf    []byte
	kind   payload // of the record that is open; 0: none
	at     int     // where that begins
}

// entry prepares buf for an entry of a kind. It reports whether that is the first
// of a record: those are closed when they have reached a size.
func (r *recorder) entry(kind payload, most int) (first bool) {
	if r.kind == kind && len(r.buf)-r.at < most {
		return false
	}
	r.close()
	r.buf, r.at = recordfile.Begin(r.buf)
	r.buf = append(r.buf, byte(kind))
	r.kind = kind
	return true
}

// close ends the record that is open.
func (r *recorder) close() {
	if r.kind != 0 {
		recordfile.End(r.buf, r.at, r.number)
		r.kind = 0
	}
}

// reset forgets what was recorded, and memory that is needed rarely.
func (r *recorder) reset() {
	r.kind = 0
	if r.buf = r.buf[:0]; cap(r.buf) > 1<<20 {
		r.buf = nil
	}
}

// recordSize is the size at which a record is closed: damage costs one of them.
const recordSize = 1 << 13

func (r *recorder) series(c *captured, head []byte) {
	sealed := c.sealed
	for n := partOf(sealed); n < len(sealed); n = partOf(sealed) {
		r.chunks(c, c.flags|flagPart, sealed[:n])
		sealed = sealed[n:]
	}
	r.chunks(c, c.flags, sealed)
	r.buf = append(r.buf, byte(c.enc))
	r.buf = encodeString(r.buf, head)
}

// partOf is how many of the chunks go into an entry.
func partOf(sealed []chunk) (n int) {
	for size := 0; n < len(sealed) && size < mostPart; n++ {
		size += len(sealed[n].data)
	}
	return n
}

func (r *recorder) chunks(c *captured, flags byte, sealed []chunk) {
	r.entry(payloadSeries, recordSize)
	r.buf = encodeSeries(r.buf, c.s, flags)
	r.buf = binary.AppendUvarint(r.buf, uint64(len(sealed)))
	for i := range sealed {
		chunk := &sealed[i]
		r.buf = append(r.buf, byte(chunk.enc))
		r.buf = binary.AppendVarint(r.buf, chunk.from)
		r.buf = binary.AppendUvarint(r.buf, uint64(chunk.span))
		r.buf = encodeString(r.buf, chunk.data)
	}
}

func (r *recorder) exemplar(e *exemplar) {
	r.entry(payloadExemplars, recordSize)
	r.buf = encodeLabels(r.buf, e.series.labels)
	r.buf = encodeLabels(r.buf, e.labels)
	r.buf = binary.BigEndian.AppendUint64(r.buf, math.Float64bits(e.value))
	r.buf = binary.AppendVarint(r.buf, e.at)
}

func (r *recorder) metadata(name string, md Metadata) {
	r.entry(payloadMetadata, recordSize)
	for _, s := range [...]string{name, md.Type, md.Help} {
		r.buf = encodeString(r.buf, s)
	}
}

func (r *recorder) end(committed int64, series int) {
	r.entry(payloadEnd, 0)
	r.buf = binary.AppendVarint(r.buf, committed)
	r.buf = binary.AppendUvarint(r.buf, uint64(series))
	r.close()
}

func encodeSeries(b []byte, s *series, flags byte) []byte {
	return encodeLabels(append(b, flags), s.labels)
}

// flags is what is kept of a series beside its labels and samples. The store's
// writing is held.
func (s *series) flags() (flags byte) {
	if s.tier == long {
		flags |= flagLong
	}
	if s.collected {
		flags |= flagCollected
	}
	return flags
}

func encodeLabels(b []byte, l labels.Labels) []byte {
	b = binary.AppendUvarint(b, uint64(l.Len()))
	l.Range(func(l labels.Label) { b = encodeString(encodeString(b, l.Name), l.Value) })
	return b
}

func encodeString[T string | []byte](b []byte, s T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// batch is the samples of one commit, in the making.
type batch struct {
	back     recorder // a rewind, before all else
	named    recorder // definitions and metadata
	samples  recorder
	examples recorder // exemplars: their series have samples by then
	within   uint32   // number of the log, as series have it
	next     uint32   // number of the next series that is defined in it
	timeAt   int      // where the time of the commit goes
	base     int64    // time of the record's first sample
	last     uint32   // number of the last sample's series
}

// parts are the records, in the order in which they are written.
func (b *batch) parts() [4]*recorder {
	return [...]*recorder{&b.back, &b.named, &b.samples, &b.examples}
}

// turn turns to another log.
func (b *batch) turn(number uint64, next uint32) {
	for _, r := range b.parts() {
		r.reset()
		r.number = number
	}
	b.within, b.next = uint32(number), next
}

// float adds a sample.
func (b *batch) float(s *series, t int64, v float64) {
	if value.IsStaleNaN(v) {
		b.sample(s, t, codeStale)
		return
	}
	x := math.Float64bits(v)
	n := 8 - bits.TrailingZeros64(x)/8 // none for 0
	b.sample(s, t, byte(n))
	b.samples.buf = binary.BigEndian.AppendUint64(b.samples.buf, x)
	b.samples.buf = b.samples.buf[:len(b.samples.buf)-8+n]
}

// native adds a histogram, as a chunk of its own.
func (b *batch) native(s *series, t int64, h *histogram.Histogram, fh *histogram.FloatHistogram) {
	var c chunkenc.Chunk = chunkenc.NewHistogramChunk()
	code := byte(codeInts)
	if h == nil {
		c, code = chunkenc.NewFloatHistogramChunk(), codeFloats
	}
	app, err := c.Appender()
	if err == nil && h != nil {
		_, _, _, err = app.AppendHistogram(nil, 0, t, h, true)
	} else if err == nil {
		_, _, _, err = app.AppendFloatHistogram(nil, 0, t, fh, true)
	}
	if err != nil { // an empty chunk takes everything
		return
	}
	b.sample(s, t, code)
	b.samples.buf = encodeString(b.samples.buf, c.Bytes())
}

// sample adds what is before the value of a sample.
func (b *batch) sample(s *series, t int64, code byte) {
	if s.segment != b.within {
		b.define(s)
	}
	r := &b.samples
	if len(r.buf)-r.at >= mostSamples {
		b.timed(b.base)
	}
	if r.entry(payloadSamples, mostSamples) {
		b.timeAt = len(r.buf)
		r.buf = binary.AppendVarint(append(r.buf, make([]byte, 8)...), t)
		b.base, b.last = t, 0
	}
	delta, off := int64(s.number)-int64(b.last), t-b.base
	if b.last = s.number; delta == 1 {
		code |= flagNext
	}
	if off != 0 {
		code |= flagOffTime
	}
	r.buf = append(r.buf, code)
	if delta != 1 {
		r.buf = binary.AppendVarint(r.buf, delta)
	}
	if off != 0 {
		r.buf = binary.AppendVarint(r.buf, off)
	}
}

// rewind says that what is later than the time is given up.
func (b *batch) rewind(to int64) {
	b.back.entry(payloadRewind, 0)
	b.back.buf = binary.AppendVarint(b.back.buf, to)
}

// define gives a series its number in the log.
func (b *batch) define(s *series) {
	s.segment, s.number = b.within, b.next
	b.next++
	if b.named.entry(payloadDefinitions, recordSize) {
		b.named.buf = binary.AppendUvarint(b.named.buf, uint64(s.number))
	}
	b.named.buf = encodeSeries(b.named.buf, s, s.flags())
}

// timed says of the record of samples at which time it can be read.
func (b *batch) timed(t int64) {
	if b.samples.kind != 0 {
		binary.BigEndian.PutUint64(b.samples.buf[b.timeAt:], uint64(t))
	}
}

// encoded returns the commit's bytes, which are valid until the next sample.
func (b *batch) encoded(t int64) []byte {
	b.timed(t)
	var out []byte
	for _, r := range b.parts() {
		r.close()
		if len(out) == 0 {
			out = r.buf
		} else {
			out = append(out, r.buf...)
		}
		r.reset()
	}
	return out
}
