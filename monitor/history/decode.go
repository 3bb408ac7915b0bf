package history

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
)

// errCorrupt is about a chunk that is not what an appender wrote.
var errCorrupt = errors.New("history: corrupt chunk")

// floats are the samples of one chunk.
type floats struct {
	t []int64
	v []float64
}

// decode reads an XOR chunk up to a time, all of it at once: that takes half the
// time of chunkenc's iterator, sample by sample. The encoding is that of Pelkonen
// et al., "Gorilla: A Fast, Scalable, In-Memory Time Series Database", 2015, with
// Prometheus's widths of the differences of time.
func (f *floats) decode(data []byte, to int64) error {
	f.t, f.v = f.t[:0], f.v[:0]
	if len(data) < 2 {
		return errCorrupt
	}
	n := int(binary.BigEndian.Uint16(data))
	if n == 0 {
		return nil
	}
	data = data[2:]
	f.t, f.v = slices.Grow(f.t, n), slices.Grow(f.v, n)

	t, used := binary.Varint(data)
	if used <= 0 || len(data) < used+8 {
		return errCorrupt
	}
	value := binary.BigEndian.Uint64(data[used:])
	data = data[used+8:]
	if t > to {
		return nil
	}
	ts, vs := f.t[:n], f.v[:n]
	ts[0], vs[0] = t, math.Float64frombits(value)
	i := 1
	defer func() { f.t, f.v = ts[:i], vs[:i] }()
	if n == 1 {
		return nil
	}
	first, used := binary.Uvarint(data)
	if used <= 0 {
		return errCorrupt
	}
	delta := int64(first)
	r := bitReader{data: data[used:]}
	var leading, size uint
	for ; i < n; i++ {
		const most = 4 + 20 + 2 + 5 + 6 // bits that are read before the value's own
		if r.n < most {
			r.fill()
		}
		if i > 1 && r.bit() {
			delta += r.deltaOfDelta()
		}
		if t += delta; t > to {
			return nil
		}
		if r.bit() {
			if r.bit() {
				leading = uint(r.bits(5))
				if size = uint(r.bits(6)); size == 0 {
					size = 64
				}
			}
			var x uint64
			if r.n >= int(size) && size < 64 {
				x = r.bits(size)
			} else {
				x = r.wide(size)
			}
			value ^= x << ((64 - leading - size) & 63)
		}
		ts[i], vs[i] = t, math.Float64frombits(value)
	}
	if r.n < 0 {
		return errCorrupt
	}
	return nil
}

// bitReader reads bits, the highest first. Beyond the end there are zeros, and n
// is negative.
type bitReader struct {
	data []byte
	acc  uint64 // the next bits, from the top
	n    int    // how many of them
}

// fill makes at least 56 bits available, if there are so many.
func (r *bitReader) fill() {
	if len(r.data) >= 8 && r.n >= 0 {
		r.acc |= binary.BigEndian.Uint64(r.data) >> uint(r.n)
		taken := (63 - r.n) >> 3
		r.data = r.data[taken:]
		r.n += taken << 3
		return
	}
	for r.n >= 0 && r.n <= 56 && len(r.data) > 0 {
		r.acc |= uint64(r.data[0]) << uint(56-r.n)
		r.data = r.data[1:]
		r.n += 8
	}
}

// bits reads 1 to 56 bits, which fill has made available.
func (r *bitReader) bits(n uint) uint64 {
	v := r.acc >> ((64 - n) & 63)
	r.acc <<= n & 63
	r.n -= int(n)
	return v
}

func (r *bitReader) bit() bool { return r.bits(1) == 1 }

// wide reads up to 64 bits.
func (r *bitReader) wide(n uint) uint64 {
	r.fill()
	if n <= 56 {
		return r.bits(n)
	}
	high := r.bits(32)
	r.fill()
	return high<<(n-32) | r.bits(n-32)
}

// deltaOfDelta reads by how much the step of time changed, which a bit has said
// it did.
func (r *bitReader) deltaOfDelta() int64 {
	for _, width := range [...]uint{14, 17, 20} {
		if r.bit() {
			continue
		}
		v := int64(r.bits(width))
		if v > 1<<(width-1) { // a negative one
			v -= 1 << width
		}
		return v
	}
	v := int64(r.wide(64))
	r.fill()
	return v
}

// plausibleNative reports whether a chunk of histograms may have as many buckets
// as it says: chunkenc makes room for them before it reads one. Each takes a bit
// at least.
func plausibleNative(data []byte) bool {
	const header = 3
	if len(data) <= header {
		return false
	}
	r := bitReader{data: data[header:]}
	if r.wide(8) == math.MaxUint8 {
		r.wide(64) // the zero threshold is no power of two
	}
	r.varbit() // the schema
	buckets, most := uint64(0), uint64(len(data))*8
	for range 2 { // positive and negative ones
		for n := r.varbit(); n > 0 && r.n >= 0; n-- {
			length := r.varbit() & math.MaxUint32
			r.varbit() // the offset
			if buckets += length; buckets > most {
				return false
			}
		}
	}
	return r.n >= 0
}

// varbit reads a number as chunkenc writes them in histograms.
func (r *bitReader) varbit() uint64 {
	ones := 0
	for ones < 8 && r.wide(1) == 1 {
		ones++
	}
	if ones == 0 {
		return 0
	}
	return r.wide([...]uint{3, 6, 9, 12, 18, 25, 56, 64}[ones-1])
}
