package history

import (
	"math"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// tier says how long a series' samples are kept.
type tier uint8

const (
	raw  tier = iota // what was collected
	long             // what watched expressions gave
	tiers
)

// series is the samples of one label set: closed chunks and a head that grows.
// Only one goroutine at a time writes; any number read.
type series struct {
	labels labels.Labels
	hash   uint64
	ref    uint64
	next   *series // of the same hash
	tier   tier

	collected bool   // from the registry; it ends if a start does not find it again
	segment   uint32 // of the log, which names the series by the number
	number    uint32

	mu       sync.Mutex
	sealed   []chunk // guarded by mu, as all below; oldest first, elements never change
	head     chunkenc.Chunk
	app      chunkenc.Appender
	headFrom int64
	last     int64   // newest sample; meaningless without samples
	value    float64 // of the newest sample, if that is a float
	room     int     // samples that the head still takes
	ended    bool    // the newest sample says that the series is over
	gone     bool    // evicted: nobody will read it

	example exampled // guarded by the exemplars' mu
}

// change is by how much an append changed what a series holds.
type change struct {
	samples, bytes, chunks int64
}

// taken is what became of a sample.
type taken uint8

const (
	stored     taken = iota
	outOfOrder       // not newer than the newest
	duplicate        // the newest once more
	another          // another value for the newest's time
	evicted          // the series is no more
)

// append adds a sample. A stale marker ends the series.
func (s *series) append(t int64, v float64, c *change) taken {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.head != nil && t < s.last:
		return outOfOrder
	case s.head != nil && t == s.last:
		return s.again(v)
	case s.gone:
		return evicted
	}
	return s.put(t, v, c)
}

// put is append for a time that is newer than all; mu is held.
func (s *series) put(t int64, v float64, c *change) taken {
	s.ended = value.IsStaleNaN(v)
	if s.ended && s.head != nil && s.head.Encoding() != chunkenc.EncXOR {
		return s.appendHistogram(t, &histogram.Histogram{Sum: v}, nil, c) // a marker in the series' own encoding
	}
	if s.room == 0 || s.head.Encoding() != chunkenc.EncXOR || t-s.headFrom > chunkSpan {
		s.cut(t, chunkenc.EncXOR, c)
	}
	before := len(s.head.Bytes())
	s.app.Append(0, t, v)
	s.value = v
	s.added(t, before, c)
	return stored
}

// again is what becomes of a value for the time of the newest sample. What a
// histogram was is not remembered.
func (s *series) again(v float64) taken {
	switch {
	case s.ended && value.IsStaleNaN(v):
		return duplicate
	case s.head.Encoding() == chunkenc.EncXOR && math.Float64bits(v) == math.Float64bits(s.value):
		return duplicate
	}
	return another
}

// appendNative adds a native histogram: h or, if that is nil, fh. They are the
// series' from now on.
func (s *series) appendNative(t int64, h *histogram.Histogram, fh *histogram.FloatHistogram, c *change) taken {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.head != nil && t == s.last:
		return duplicate
	case s.head != nil && t < s.last:
		return outOfOrder
	case s.gone:
		return evicted
	}
	s.ended = false
	return s.appendHistogram(t, h, fh, c)
}

// appendHistogram is called with mu held.
func (s *series) appendHistogram(t int64, h *histogram.Histogram, fh *histogram.FloatHistogram, c *change) taken {
	enc := chunkenc.EncHistogram
	if h == nil {
		enc = chunkenc.EncFloatHistogram
	}
	if s.ended && s.head.Encoding() == chunkenc.EncFloatHistogram {
		enc, fh = chunkenc.EncFloatHistogram, &histogram.FloatHistogram{Sum: h.Sum}
	}
	// Whether the counts went back is told from the appender before, which
	// therefore outlives its chunk.
	prevInt, _ := s.app.(*chunkenc.HistogramAppender)
	prevFloat, _ := s.app.(*chunkenc.FloatHistogramAppender)
	if s.room == 0 || s.head.Encoding() != enc || t-s.headFrom > chunkSpan {
		s.cut(t, enc, c)
	}
	before := len(s.head.Bytes())
	var fresh chunkenc.Chunk
	var recoded bool
	var err error
	if enc == chunkenc.EncHistogram {
		fresh, recoded, s.app, err = s.app.AppendHistogram(prevInt, 0, t, h, false)
	} else {
		fresh, recoded, s.app, err = s.app.AppendFloatHistogram(prevFloat, 0, t, fh, false)
	}
	if err != nil { // only of an appender that may not make chunks
		return outOfOrder
	}
	switch {
	case recoded:
		s.head = fresh
	case fresh != nil:
		s.seal(c)
		s.head, s.headFrom, s.room = fresh, t, chunkSamples
		before = 0
	}
	s.added(t, before, c)
	return stored
}

// added accounts for a sample that went into the head.
func (s *series) added(t int64, before int, c *change) {
	size := len(s.head.Bytes())
	c.samples++
	c.bytes += int64(size - before)
	s.last = t
	if s.room--; size >= chunkBytes {
		s.room = 0
	}
}

// cut closes the head and begins another one. The memory of a closed head of
// floats is used again.
func (s *series) cut(t int64, enc chunkenc.Encoding, c *change) {
	var buf []byte
	first := s.head == nil
	if !first {
		if enc == chunkenc.EncXOR && s.head.Encoding() == enc {
			buf = s.head.Bytes()
		}
		s.seal(c)
	}
	switch enc {
	case chunkenc.EncHistogram:
		s.head = chunkenc.NewHistogramChunk()
	case chunkenc.EncFloatHistogram:
		s.head = chunkenc.NewFloatHistogramChunk()
	default:
		if buf == nil {
			s.head = chunkenc.NewXORChunk()
			break
		}
		buf = buf[:2]
		clear(buf) // the number of samples
		s.head.Reset(buf)
	}
	s.app, _ = s.head.Appender() // fails for a broken chunk only
	s.headFrom, s.room = t, chunkSamples
	c.bytes += int64(len(s.head.Bytes()))
	if first && enc == chunkenc.EncXOR {
		// Series that were born together should not all be cut together.
		s.room -= int(s.ref % (chunkSamples / 2))
	}
}

// seal moves what the head holds into a chunk of its own.
func (s *series) seal(c *change) {
	if len(s.sealed) == cap(s.sealed) {
		const more = 4 // doubling would waste more than it saves
		s.sealed = append(make([]chunk, 0, len(s.sealed)+more), s.sealed...)
	}
	s.sealed = append(s.sealed, chunk{
		from: s.headFrom, span: uint32(s.last - s.headFrom),
		enc: s.head.Encoding(), data: slices.Clone(s.head.Bytes()),
	})
	c.chunks++
}

// trim gives up the closed chunks that end before the time.
func (s *series) trim(before int64, c *change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for n < len(s.sealed) && s.sealed[n].to() < before {
		n++
	}
	s.drop(n, c)
	if s.head != nil && s.last < before { // nothing newer will come, or it begins anew
		s.behead(c)
	}
}

// rewind gives up the samples after the time. What is left of a chunk becomes the
// head.
func (s *series) rewind(to int64, c *change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.head == nil || s.last <= to {
		return
	}
	enc, data, from := s.head.Encoding(), slices.Clone(s.head.Bytes()), s.headFrom
	s.behead(c)
	for n := len(s.sealed); from > to && n > 0; n = len(s.sealed) {
		last := &s.sealed[n-1]
		enc, data, from = last.enc, last.data, last.from
		c.samples -= int64(last.samples())
		c.bytes -= int64(len(data))
		c.chunks--
		s.sealed = slices.Clone(s.sealed[:n-1]) // readers may hold the old list
	}
	if from > to {
		return
	}
	var it iterator
	_ = it.read(enc, data, to, func(t int64, v float64, h *histogram.Histogram, fh *histogram.FloatHistogram) {
		if h == nil && fh == nil {
			s.put(t, v, c)
		} else {
			s.ended = false
			s.appendHistogram(t, h, fh, c)
		}
	})
}

// behead gives up the head.
func (s *series) behead(c *change) {
	if s.head == nil {
		return
	}
	c.samples -= int64(s.head.NumSamples())
	c.bytes -= int64(len(s.head.Bytes()))
	s.head, s.app, s.room = nil, nil, 0
}

// drop gives up the n oldest closed chunks. Readers may hold the old list.
func (s *series) drop(n int, c *change) {
	if n == 0 {
		return
	}
	for i := range s.sealed[:n] {
		c.samples -= int64(s.sealed[i].samples())
		c.bytes -= int64(len(s.sealed[i].data))
		c.chunks--
	}
	s.sealed = slices.Clone(s.sealed[n:])
}

// holds reports whether the series has samples between two times, ends included.
func (s *series) holds(from, to int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.head != nil && s.last >= from && s.oldest() <= to
}

// oldest is the time of the oldest sample; mu is held and there is one.
func (s *series) oldest() int64 {
	if len(s.sealed) > 0 {
		return s.sealed[0].from
	}
	return s.headFrom
}

// millis is a time as the store keeps it.
func millis(t time.Time) int64 { return t.UnixMilli() }
