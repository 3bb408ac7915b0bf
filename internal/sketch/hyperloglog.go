package sketch

import (
	"bytes"
	"math"
	"math/bits"
)

const (
	precision = 16
	registers = 1 << precision
	tail      = 64 - precision // bits of a hash that are left for the rank
	maxRank   = tail + 1

	firstTable = 64   // entries of a sparse sketch's first table
	lastTable  = 8192 // 32 KiB: past that a dense sketch is worth its 64
)

// StandardError is the standard error of an estimate, relative: 1.04/√65536.
// 95 of 100 estimates are within twice that, and 2 % is five times that.
const StandardError = 1.04 / 256

// HyperLogLog estimates how many distinct hashes it has seen (Flajolet et al.,
// 2007), with the estimator of Otmar Ertl ("New cardinality estimation
// algorithms for HyperLogLog sketches", 2017), which needs no tables of
// corrections and is as good for a handful as for billions.
//
// It has 65,536 registers. While few are in use it keeps those alone, at the
// same precision, so that a sketch answers and merges the same in both forms: the
// merge of two is exactly the sketch of the union. The zero value is empty and
// ready. It is not safe for concurrent use.
type HyperLogLog struct {
	used  int      // registers that are not 0, while sparse
	table []uint32 // open addressing: index<<8 | rank, 0 where free; nil when dense
	dense []uint8  // nil while sparse
}

// Insert adds a hash, of which all 64 bits must be good, and reports whether
// that changed the sketch. Only growth allocates.
func (s *HyperLogLog) Insert(hash uint64) bool {
	rank := bits.LeadingZeros64(hash<<precision|1<<(precision-1)) + 1
	return s.raise(uint32(hash>>tail), uint8(rank))
}

// raise sets a register to rank if it is lower.
func (s *HyperLogLog) raise(index uint32, rank uint8) bool {
	if s.dense != nil {
		if s.dense[index] >= rank {
			return false
		}
		s.dense[index] = rank
		return true
	}
	if s.used*4 >= len(s.table)*3 && !s.grow() {
		return s.raise(index, rank)
	}
	e := s.find(index)
	switch {
	case *e == 0:
		s.used++
	case *e&0xff >= uint32(rank):
		return false
	}
	*e = index<<8 | uint32(rank)
	return true
}

// find returns the entry of the index, or the free one where it belongs.
func (s *HyperLogLog) find(index uint32) *uint32 {
	mask := uint32(len(s.table) - 1)
	at := index * 0x9e3779b1 >> 16 & mask
	for s.table[at] != 0 && s.table[at]>>8 != index {
		at = (at + 1) & mask
	}
	return &s.table[at]
}

// grow makes room for more entries. It reports false if the sketch became dense.
func (s *HyperLogLog) grow() bool {
	old := s.table
	if len(old) >= lastTable {
		s.densify()
		return false
	}
	s.table = make([]uint32, max(firstTable, 2*len(old)))
	for _, e := range old {
		if e != 0 {
			*s.find(e >> 8) = e
		}
	}
	return true
}

func (s *HyperLogLog) densify() {
	if s.dense != nil {
		return
	}
	s.dense = make([]uint8, registers)
	for _, e := range s.table {
		if e != 0 {
			s.dense[e>>8] = uint8(e)
		}
	}
	s.table, s.used = nil, 0
}

// each calls f for every register that is not 0, in no order.
func (s *HyperLogLog) each(f func(index uint32, rank uint8)) {
	for _, e := range s.table {
		if e != 0 {
			f(e>>8, uint8(e))
		}
	}
	for i, r := range s.dense {
		if r != 0 {
			f(uint32(i), r)
		}
	}
}

// Merge makes s the sketch of the union of both, and reports whether that
// changed it.
func (s *HyperLogLog) Merge(o *HyperLogLog) (changed bool) {
	if o == nil {
		return false
	}
	if o.dense == nil {
		for _, e := range o.table {
			if e != 0 {
				changed = s.raise(e>>8, uint8(e)) || changed
			}
		}
		return changed
	}
	s.densify()
	mine := s.dense[:registers]
	for i, r := range o.dense[:registers] {
		if r > mine[i] {
			mine[i] = r
			changed = true
		}
	}
	return changed
}

// Clone returns a copy.
func (s *HyperLogLog) Clone() *HyperLogLog {
	c := *s
	c.table = append([]uint32(nil), s.table...)
	c.dense = append([]uint8(nil), s.dense...)
	return &c
}

// Reset empties the sketch and gives its memory back.
func (s *HyperLogLog) Reset() { *s = HyperLogLog{} }

// Empty reports whether nothing was inserted.
func (s *HyperLogLog) Empty() bool { return s.dense == nil && s.used == 0 }

// Bytes is the memory of the registers: at most 64 KiB.
func (s *HyperLogLog) Bytes() int { return 4*len(s.table) + len(s.dense) }

// Equal reports whether both have seen the same, as far as sketches can tell.
func (s *HyperLogLog) Equal(o *HyperLogLog) bool {
	a, b := s.Clone(), o.Clone()
	a.densify()
	b.densify()
	return bytes.Equal(a.dense, b.dense)
}

// Estimate returns the number of distinct hashes: [StandardError] is its error.
func (s *HyperLogLog) Estimate() float64 {
	var histogram [maxRank + 1]int
	if s.dense != nil {
		for _, r := range s.dense {
			histogram[r]++
		}
	} else {
		histogram[0] = registers - s.used
		for _, e := range s.table {
			if e != 0 {
				histogram[uint8(e)]++
			}
		}
	}
	return estimate(&histogram)
}

// estimate is Ertl's Algorithm 6.
func estimate(histogram *[maxRank + 1]int) float64 {
	const m = float64(registers)
	z := m * tau(1-float64(histogram[maxRank])/m)
	for k := maxRank - 1; k >= 1; k-- {
		z = 0.5 * (z + float64(histogram[k]))
	}
	z += m * sigma(float64(histogram[0])/m)
	return m * m / (2 * math.Ln2 * z)
}

// sigma is Ertl's σ(x) = x + Σ x^(2^k)·2^(k-1).
func sigma(x float64) float64 {
	if x == 1 {
		return math.Inf(1)
	}
	y, z := 1.0, x
	for {
		x *= x
		before := z
		z += x * y
		y += y
		if z == before {
			return z
		}
	}
}

// tau is Ertl's τ(x) = ⅓ (1 - x - Σ (1 - x^(2^-k))²·2^-k).
func tau(x float64) float64 {
	if x == 0 || x == 1 {
		return 0
	}
	y, z := 1.0, 1-x
	for {
		x = math.Sqrt(x)
		before := z
		y *= 0.5
		z -= (1 - x) * (1 - x) * y
		if z == before {
			return z / 3
		}
	}
}
