package history

import (
	"encoding/binary"
	"math"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

const (
	// chunkSamples is how many samples of floats share a chunk, as in Prometheus.
	chunkSamples = 240
	// chunkBytes is the size at which a chunk is closed before it has all its
	// samples: histograms are large, and so are floats that have nothing in common.
	chunkBytes = 1024
	// chunkSpan is the longest time of a chunk, in milliseconds. Retention gives
	// up whole chunks.
	chunkSpan = math.MaxUint32
)

// chunk is a run of compressed samples that no longer changes.
type chunk struct {
	from int64  // of its oldest sample, in Unix milliseconds
	span uint32 // from its oldest to its newest sample, in milliseconds
	enc  chunkenc.Encoding
	data []byte
}

func (c *chunk) to() int64 { return c.from + int64(c.span) }

// samples is their number; every encoding begins with it.
func (c *chunk) samples() int { return int(binary.BigEndian.Uint16(c.data)) }

// size is what the chunk counts against the storage size.
func (c *chunk) size() int64 { return int64(len(c.data)) + chunkOverhead }

// read calls f with the samples of a chunk up to a time: a value, or a histogram
// of one kind or the other. A stale marker is a value.
func (it *iterator) read(enc chunkenc.Encoding, data []byte, to int64, f func(t int64, v float64, h *histogram.Histogram, fh *histogram.FloatHistogram)) (err error) {
	defer func() {
		if recover() != nil { // the checksum is right and the chunk is not, which chunkenc does not promise to stand
			err = errChunk
		}
	}()
	it.reset(to)
	it.rest, it.head, it.enc = true, data, enc
	defer func() { it.head = nil }() // it is not the iterator's
	for {
		switch it.Next() {
		case chunkenc.ValFloat:
			t, v := it.At()
			f(t, v, nil, nil)
		case chunkenc.ValHistogram:
			t, h := it.AtHistogram(nil)
			if value.IsStaleNaN(h.Sum) {
				f(t, Stale, nil, nil)
			} else {
				f(t, 0, h.Copy(), nil)
			}
		case chunkenc.ValFloatHistogram:
			t, fh := it.AtFloatHistogram(nil)
			if value.IsStaleNaN(fh.Sum) {
				f(t, Stale, nil, nil)
			} else {
				f(t, 0, nil, fh.Copy())
			}
		default:
			return it.Err()
		}
	}
}

// chunkOverhead is the heap a chunk takes beside its samples.
const chunkOverhead = 40
