package history

import (
	"slices"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// iterator walks over one series' samples between two times. It decodes only
// the chunks that reach into them, and can be used for one series after another.
type iterator struct {
	to     int64
	chunks []chunk // those still to come
	head   []byte  // a copy: the series goes on writing
	enc    chunkenc.Encoding
	rest   bool // the head is still to come

	floats floats            // of the present chunk, if it has floats
	i      int               // in floats
	native chunkenc.Iterator // over the present chunk, if it has histograms
	ints   chunkenc.HistogramChunk
	flts   chunkenc.FloatHistogramChunk
	inner  [chunkenc.EncFloatHistogram + 1]chunkenc.Iterator // by encoding, reused

	at  chunkenc.ValueType
	err error
}

var _ chunkenc.Iterator = (*iterator)(nil)

// iterate points it at the samples of s between two times, ends included; there
// may be a few before. With newest it may leave out all but the newest.
func (s *series) iterate(it *iterator, from, to int64, newest bool) {
	it.reset(to)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.head == nil {
		return
	}
	if newest && s.last >= from && s.last <= to && s.head.Encoding() == chunkenc.EncXOR {
		it.floats.t, it.floats.v = append(it.floats.t, s.last), append(it.floats.v, s.value)
		return
	}
	it.chunks = s.sealed
	if it.rest = s.headFrom <= to && s.last >= from; it.rest {
		it.head = append(it.head[:0], s.head.Bytes()...)
		it.enc = s.head.Encoding()
	}
	it.skip(from)
}

// reset makes it empty.
func (it *iterator) reset(to int64) {
	it.to, it.i, it.native, it.at, it.err = to, -1, nil, chunkenc.ValNone, nil
	it.floats.t, it.floats.v = it.floats.t[:0], it.floats.v[:0]
	it.chunks, it.rest = nil, false
}

// skip passes over the chunks that end before the time.
func (it *iterator) skip(before int64) {
	if len(it.chunks) == 0 || it.chunks[0].to() >= before {
		return
	}
	n, _ := slices.BinarySearchFunc(it.chunks, before, func(c chunk, t int64) int {
		if c.to() < t {
			return -1
		}
		return 1
	})
	it.chunks = it.chunks[n:]
}

// open turns to the next chunk, if there is one.
func (it *iterator) open() bool {
	var data []byte
	enc := it.enc
	switch {
	case len(it.chunks) > 0:
		c := &it.chunks[0]
		if c.from > it.to {
			return false
		}
		data, enc = c.data, c.enc
		it.chunks = it.chunks[1:]
	case it.rest:
		data, it.rest = it.head, false
	default:
		return false
	}
	var c chunkenc.Chunk
	switch enc {
	case chunkenc.EncHistogram:
		c = &it.ints
	case chunkenc.EncFloatHistogram:
		c = &it.flts
	default:
		it.native, it.i = nil, -1
		it.err = it.floats.decode(data, it.to)
		return it.err == nil
	}
	c.Reset(data)
	it.inner[enc] = c.Iterator(it.inner[enc])
	it.native = it.inner[enc]
	return true
}

// Next implements chunkenc.Iterator.
func (it *iterator) Next() chunkenc.ValueType {
	for {
		switch {
		case it.native != nil:
			if it.at = it.native.Next(); it.at != chunkenc.ValNone {
				if it.native.AtT() > it.to {
					return it.end()
				}
				return it.at
			}
			if it.err = it.native.Err(); it.err != nil {
				return it.end()
			}
		case it.i+1 < len(it.floats.t):
			it.i++
			it.at = chunkenc.ValFloat
			return it.at
		}
		if !it.open() {
			return it.end()
		}
	}
}

// end makes the present sample the last one.
func (it *iterator) end() chunkenc.ValueType {
	it.chunks, it.rest, it.at = nil, false, chunkenc.ValNone
	return it.at
}

// engineTime is a time as the engine writes it. An alias of its own keeps go vet
// from taking the Seek below for an io.Seeker's.
type engineTime = int64

// Seek implements chunkenc.Iterator.
func (it *iterator) Seek(t engineTime) chunkenc.ValueType {
	if it.at != chunkenc.ValNone && it.AtT() >= t {
		return it.at
	}
	for {
		switch {
		case it.native != nil:
			if it.at = it.native.Seek(t); it.at != chunkenc.ValNone {
				if it.native.AtT() > it.to {
					return it.end()
				}
				return it.at
			}
			if it.err = it.native.Err(); it.err != nil {
				return it.end()
			}
		default:
			n, _ := slices.BinarySearch(it.floats.t[it.i+1:], t)
			if it.i += 1 + n; it.i < len(it.floats.t) {
				it.at = chunkenc.ValFloat
				return it.at
			}
			it.i = len(it.floats.t) - 1
		}
		it.skip(t)
		if !it.open() {
			return it.end()
		}
	}
}

// At implements chunkenc.Iterator.
func (it *iterator) At() (int64, float64) { return it.floats.t[it.i], it.floats.v[it.i] }

// AtHistogram implements chunkenc.Iterator.
func (it *iterator) AtHistogram(h *histogram.Histogram) (int64, *histogram.Histogram) {
	return it.native.AtHistogram(h)
}

// AtFloatHistogram implements chunkenc.Iterator.
func (it *iterator) AtFloatHistogram(h *histogram.FloatHistogram) (int64, *histogram.FloatHistogram) {
	return it.native.AtFloatHistogram(h)
}

// AtT implements chunkenc.Iterator.
func (it *iterator) AtT() int64 {
	if it.native != nil {
		return it.native.AtT()
	}
	return it.floats.t[it.i]
}

// AtST implements chunkenc.Iterator; start times are not kept.
func (it *iterator) AtST() int64 { return 0 }

// Err implements chunkenc.Iterator.
func (it *iterator) Err() error { return it.err }
