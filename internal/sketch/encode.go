package sketch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// ErrEncoding is wrapped by every error about bytes that are no sketch.
var ErrEncoding = errors.New("not a sketch")

// The encoding: a version, the precision and a form, then either the
// registers that are not 0, ordered (uvarint of their number; for each the
// uvarint distance to the last and the rank), or all of them in 6 bits each.
// It is canonical: equal sketches have equal bytes.
const (
	version    = 1
	formList   = 0
	formAll    = 1
	mostListed = 12288 // at 3 bytes or fewer each no longer than all in 6 bits
)

// AppendBinary implements encoding.BinaryAppender.
func (s *HyperLogLog) AppendBinary(b []byte) ([]byte, error) {
	entries := make([]uint32, 0, max(s.used, 64))
	s.each(func(index uint32, rank uint8) { entries = append(entries, index<<8|uint32(rank)) })
	if len(entries) > mostListed {
		c := s.Clone()
		c.densify()
		return packRegisters(append(b, version, precision, formAll), c.dense), nil
	}
	slices.Sort(entries)
	b = binary.AppendUvarint(append(b, version, precision, formList), uint64(len(entries)))
	var last uint32
	for _, e := range entries {
		b = binary.AppendUvarint(b, uint64(e>>8-last))
		b = append(b, uint8(e))
		last = e >> 8
	}
	return b, nil
}

// MarshalBinary implements encoding.BinaryMarshaler.
func (s *HyperLogLog) MarshalBinary() ([]byte, error) { return s.AppendBinary(nil) }

// UnmarshalBinary implements encoding.BinaryUnmarshaler. It takes what
// AppendBinary writes and nothing else; after an error s is what it was.
func (s *HyperLogLog) UnmarshalBinary(b []byte) error {
	if len(b) < 3 {
		return fmt.Errorf("%w: %d bytes", ErrEncoding, len(b))
	}
	if b[0] != version || b[1] != precision {
		return fmt.Errorf("%w: version %d, precision %d: want %d and %d", ErrEncoding, b[0], b[1], version, precision)
	}
	var out HyperLogLog
	var err error
	switch b[2] {
	case formList:
		err = out.readList(b[3:])
	case formAll:
		err = out.readAll(b[3:])
	default:
		err = fmt.Errorf("%w: form %d", ErrEncoding, b[2])
	}
	if err == nil {
		*s = out
	}
	return err
}

func (s *HyperLogLog) readList(b []byte) error {
	count, n := binary.Uvarint(b)
	if n <= 0 || count > mostListed {
		return fmt.Errorf("%w: number of registers", ErrEncoding)
	}
	b = b[n:]
	index := uint64(0)
	for i := range count {
		step, n := binary.Uvarint(b)
		if n <= 0 || n >= len(b) || step >= registers || (step == 0 && i > 0) {
			return fmt.Errorf("%w: register %d of %d", ErrEncoding, i, count)
		}
		index += step
		rank := b[n]
		if index >= registers || rank == 0 || rank > maxRank {
			return fmt.Errorf("%w: register %d = %d", ErrEncoding, index, rank)
		}
		s.raise(uint32(index), rank)
		b = b[n+1:]
	}
	if len(b) > 0 {
		return fmt.Errorf("%w: %d bytes follow it", ErrEncoding, len(b))
	}
	return nil
}

func (s *HyperLogLog) readAll(b []byte) error {
	if len(b) != registers*6/8 {
		return fmt.Errorf("%w: %d bytes of registers", ErrEncoding, len(b))
	}
	s.dense = make([]uint8, registers)
	unpackRegisters(s.dense, b)
	for i, r := range s.dense {
		if r > maxRank {
			return fmt.Errorf("%w: register %d = %d", ErrEncoding, i, r)
		}
	}
	return nil
}

// packRegisters appends registers in 6 bits each, the lowest first: four make
// three bytes.
func packRegisters(b []byte, r []uint8) []byte {
	for ; len(r) >= 4; r = r[4:] {
		v := uint32(r[0]) | uint32(r[1])<<6 | uint32(r[2])<<12 | uint32(r[3])<<18
		b = append(b, byte(v), byte(v>>8), byte(v>>16))
	}
	return b
}

func unpackRegisters(r []uint8, b []byte) {
	for ; len(r) >= 4 && len(b) >= 3; r, b = r[4:], b[3:] {
		v := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16
		r[0], r[1], r[2], r[3] = uint8(v&63), uint8(v>>6&63), uint8(v>>12&63), uint8(v>>18)
	}
}
