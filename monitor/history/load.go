package history

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/chronoretrace/chronomon/internal/recordfile"
)

// contents are what a history keeps, read from files and used by nobody yet.
type contents struct {
	store     *store
	exemplars *exemplars
	metadata  *metadata
}

func newContents(l limits, exemplars int) *contents {
	return &contents{
		store: newStore(l, counts{}), exemplars: newExemplars(exemplars),
		metadata: &metadata{families: map[string]Metadata{}},
	}
}

// loader reads a file into contents. The caps of the contents hold meanwhile.
type loader struct {
	*contents
	kind   recordfile.Kind
	series int   // of a snapshot, so far
	ended  bool  // the snapshot's end was read
	newest int64 // time by which room is made

	part     []chunk // of a series of a snapshot, whose next entry goes on
	of       labels.Labels
	defined  []*defined // the series of a log, by number
	nameless int        // samples of series that were not defined
	chunk    iterator
}

// defined is a series that a log has named.
type defined struct {
	labels labels.Labels
	flags  byte
	series *series
}

// load reads a file. What is wrong with it is in what is returned.
func (c *contents) load(r io.Reader, k recordfile.Kind, number uint64, last bool) (got recordfile.Content, l *loader, err error) {
	l = &loader{contents: c, kind: k}
	got, err = format.Read(r, k, number, last, func(b []byte) string {
		if err := l.record(b); err != nil {
			return err.Error()
		}
		return ""
	})
	if errors.Is(err, recordfile.ErrVersion) {
		return got, l, err
	}
	if err != nil {
		got.Add(got.Size, 0, "it cannot be read: "+err.Error())
	}
	if k == recordfile.Snapshot && !l.ended {
		got.Add(got.Size, 0, "the end of the snapshot is missing")
	}
	if l.nameless > 0 {
		got.Add(got.Size, 0, fmt.Sprintf("%d samples of series whose names were in what is damaged", l.nameless))
	}
	return got, l, nil
}

var (
	errRecord = errors.New("a record that does not decode")
	errChunk  = errors.New("a series whose chunks are not in order")
)

// record applies one record. What is before an error in it is applied.
func (l *loader) record(b []byte) (err error) {
	if len(b) == 0 {
		return errRecord
	}
	in := &cursor{b: b[1:]}
	var apply func(*cursor) error
	kind := payload(b[0])
	switch kind {
	case payloadSeries, payloadEnd:
		if l.kind != recordfile.Snapshot {
			return errRecord
		}
	case payloadDefinitions, payloadSamples, payloadRewind:
		if l.kind != recordfile.Log {
			return errRecord
		}
	}
	switch kind {
	case payloadSeries:
		apply = l.readSeries
	case payloadDefinitions:
		first := in.uvarint()
		apply = func(in *cursor) error { first++; return l.define(in, first-1) }
	case payloadSamples:
		return l.samples(in)
	case payloadExemplars:
		apply = l.exemplar
	case payloadMetadata:
		apply = l.readMetadata
	case payloadEnd:
		return l.end(in)
	case payloadRewind:
		return l.rewind(in)
	default:
		return errRecord
	}
	for len(in.b) > 0 && !in.bad {
		if err := apply(in); err != nil {
			return err
		}
	}
	return in.err()
}

// get finds or makes a series.
func (l *loader) get(names labels.Labels, flags byte, now int64) *series {
	in := raw
	if flags&flagLong != 0 {
		in = long
	}
	s := l.store.get(names, in, now)
	if s != nil {
		s.tier, s.collected = in, flags&flagCollected != 0
	}
	return s
}

func (l *loader) readSeries(in *cursor) error {
	flags, names := in.byte(), in.labels()
	n := in.uvarint()
	const least = 5 // bytes of one
	sealed := make([]chunk, 0, min(n, uint64(len(in.b))/least))
	if len(l.part) > 0 && labels.Equal(l.of, names) {
		sealed = append(l.part, sealed...)
	}
	l.part = nil
	for ; n > 0 && !in.bad; n-- {
		c := chunk{enc: chunkenc.Encoding(in.byte()), from: in.varint(), span: uint32(in.uvarint())}
		c.data = slices.Clone(in.bytes())
		if !plausible(c.enc, c.data) || checkTime(c.from) != nil || (len(sealed) > 0 && c.from <= sealed[len(sealed)-1].to()) {
			return errChunk
		}
		sealed = append(sealed, c)
	}
	if flags&flagPart != 0 {
		l.part, l.of = sealed, names
		return in.err()
	}
	enc, head := chunkenc.Encoding(in.byte()), in.bytes()
	switch {
	case in.bad:
		return errRecord
	case !plausible(enc, head):
		return errChunk
	}
	l.series++
	s := l.get(names, flags, l.newest)
	l.store.full = false
	if s == nil {
		return nil // the limits are others than when it was written
	}
	if s.head != nil {
		return errors.New("a series that is there twice")
	}
	s.sealed = sealed
	for i := range sealed {
		l.store.total.samples += int64(sealed[i].samples())
		l.store.total.bytes += int64(len(sealed[i].data))
		l.store.total.chunks++
	}
	err := l.head(s, enc, head)
	l.newest = max(l.newest, s.last)
	return err
}

// plausible reports whether it may be a chunk.
func plausible(enc chunkenc.Encoding, data []byte) bool {
	const least = 2 + 1
	switch {
	case len(data) < least || binary.BigEndian.Uint16(data) == 0:
		return false
	case enc == chunkenc.EncXOR:
		return true
	}
	return (enc == chunkenc.EncHistogram || enc == chunkenc.EncFloatHistogram) && plausibleNative(data)
}

// head writes a chunk's samples into a series: it will grow, for which one that
// was read will not do.
func (l *loader) head(s *series, enc chunkenc.Encoding, data []byte) error {
	after := int64(math.MinInt64)
	if n := len(s.sealed); n > 0 {
		after = s.sealed[n-1].to()
	}
	err := l.chunk.read(enc, data, math.MaxInt64, func(t int64, v float64, h *histogram.Histogram, fh *histogram.FloatHistogram) {
		switch {
		case t <= after || checkTime(t) != nil:
		case h == nil && fh == nil:
			l.store.append(s, t, v)
		default:
			l.store.appendNative(s, t, h, fh)
		}
	})
	if err != nil || s.head == nil {
		return l.without(s)
	}
	return nil
}

// without gives a series up that has no head: it could not be written to.
func (l *loader) without(s *series) error {
	if s.head == nil {
		l.store.evict([]*series{s}, evictLimit, func(*series) bool { return true })
	}
	return errChunk
}

// mostMissing bounds how many numbers of series are passed over at once.
const mostMissing = 1 << 20

func (l *loader) define(in *cursor, number uint64) error {
	flags, names := in.byte(), in.labels()
	if in.bad || number > uint64(len(l.defined)+mostMissing) {
		return errRecord
	}
	if missing := int(number) + 1 - len(l.defined); missing > 0 {
		l.defined = append(l.defined, make([]*defined, missing)...)
	}
	l.defined[number] = &defined{names, flags, nil}
	return nil
}

// samples applies a commit.
func (l *loader) samples(in *cursor) error {
	at, base, last := int64(in.uint64()), in.varint(), int64(0)
	for len(in.b) > 0 && !in.bad {
		code, t := in.byte(), base
		last++
		if code&flagNext == 0 {
			last += in.varint() - 1
		}
		if code&flagOffTime != 0 {
			t += in.varint()
		}
		if err := l.sample(in, code&codeMask, last, t); err != nil {
			return err
		}
	}
	if in.bad {
		return errRecord
	}
	l.store.full = false
	l.committed(at)
	if l.store.size() > l.store.limits.bytes {
		l.store.shrink(at)
	}
	return nil
}

// sample applies one of a commit, or passes over it if its series is not known.
func (l *loader) sample(in *cursor, code byte, number, t int64) error {
	if checkTime(t) != nil {
		return errRecord
	}
	var d *defined
	if number >= 0 && number < int64(len(l.defined)) {
		d = l.defined[number]
	}
	if d == nil {
		l.nameless++
	} else if d.series == nil || d.series.gone {
		d.series = l.get(d.labels, d.flags, t) // nil if there is no room
	}
	known := d != nil && d.series != nil
	switch {
	case code <= 8:
		if v := in.float(int(code)); known && !in.bad {
			l.store.append(d.series, t, v)
		}
	case code == codeStale:
		if known {
			l.store.append(d.series, t, Stale)
		}
	case code == codeInts || code == codeFloats:
		enc := chunkenc.EncHistogram
		if code == codeFloats {
			enc = chunkenc.EncFloatHistogram
		}
		data := in.bytes()
		if !plausible(enc, data) {
			return errChunk
		}
		return l.chunk.read(enc, data, math.MaxInt64, func(_ int64, _ float64, h *histogram.Histogram, fh *histogram.FloatHistogram) {
			if known && (h != nil || fh != nil) {
				l.store.appendNative(d.series, t, h, fh)
			}
		})
	default:
		return errRecord
	}
	return nil
}

func (l *loader) exemplar(in *cursor) error {
	of, names, v, at := in.labels(), in.labels(), in.float(8), in.varint()
	if in.bad {
		return errRecord
	}
	if s := l.store.index.get(of, of.Hash()); s != nil && l.exemplars.limit > 0 && l.exemplars.offered(s, v, at) {
		l.exemplars.keep(exemplar{s, names, v, at})
	}
	return nil
}

func (l *loader) readMetadata(in *cursor) error {
	name, typ, help := in.string(), in.string(), in.string()
	if in.bad {
		return errRecord
	}
	l.metadata.add(name, typ, help)
	return nil
}

// rewind applies what the clock's going back gave up.
func (l *loader) rewind(in *cursor) error {
	to := in.varint()
	if in.bad || len(in.b) > 0 || checkTime(to) != nil {
		return errRecord
	}
	l.store.rewind(to)
	l.exemplars.rewind(to)
	l.newest = min(l.newest, to)
	return nil
}

func (l *loader) committed(t int64) {
	l.store.committed.Store(max(t, l.store.committed.Load()))
}

func (l *loader) end(in *cursor) error {
	committed, series := in.varint(), in.uvarint()
	if in.bad || len(in.b) > 0 {
		return errRecord
	}
	l.ended = true
	l.committed(committed)
	if uint64(l.series) != series {
		return fmt.Errorf("the end of a snapshot of %d series after %d of them", series, l.series)
	}
	return nil
}

// cursor reads the parts of a record. After something that is not there, bad is
// true and all that is read is nothing.
type cursor struct {
	b   []byte
	bad bool
	lb  labels.ScratchBuilder
}

func (c *cursor) err() error {
	if c.bad {
		return errRecord
	}
	return nil
}

func (c *cursor) uvarint() uint64 {
	v, n := binary.Uvarint(c.b)
	c.skip(n)
	return v
}

func (c *cursor) varint() int64 {
	v, n := binary.Varint(c.b)
	c.skip(n)
	return v
}

// skip passes over a number that took n bytes, if it is one.
func (c *cursor) skip(n int) {
	if n <= 0 {
		c.b, c.bad = nil, true
		return
	}
	c.b = c.b[n:]
}

// take takes n bytes.
func (c *cursor) take(n uint64) []byte {
	if n > uint64(len(c.b)) {
		c.b, c.bad = nil, true
		return nil
	}
	b := c.b[:n]
	c.b = c.b[n:]
	return b
}

func (c *cursor) bytes() []byte  { return c.take(c.uvarint()) }
func (c *cursor) string() string { return string(c.bytes()) }

func (c *cursor) byte() byte {
	if b := c.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) uint64() uint64 {
	if b := c.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// float reads one whose n high bytes are there.
func (c *cursor) float(n int) float64 {
	var x uint64
	for i, b := range c.take(uint64(n)) {
		x |= uint64(b) << (56 - 8*i)
	}
	return math.Float64frombits(x)
}

// labels reads label names and values, which are in order.
func (c *cursor) labels() labels.Labels {
	c.lb.Reset()
	before := ""
	for n := c.uvarint(); n > 0 && !c.bad; n-- {
		name, v := c.string(), c.string()
		if name <= before {
			c.b, c.bad = nil, true
		}
		c.lb.Add(name, v)
		before = name
	}
	return c.lb.Labels()
}

// contextReader is a reader that ends with its context.
type contextReader struct {
	ctx context.Context //nolint:containedctx // for the time of one call
	r   io.Reader
}

// Read implements io.Reader.
func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
