package lstm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
)

// ErrEncoding is wrapped by every error about bytes that are no state.
var ErrEncoding = errors.New("not a state of a network")

// The encoding, all of it little-endian: a version, the number of units in 2 bytes
// and of seasons in 1; the length of each season in 8 bytes; then, in 8 bytes each,
// the centre, the scale, the weights, the layer's output and its cells; and the
// Castagnoli CRC of all that in 4.
const (
	version = 1
	head    = 1 + 2 + 1
	tail    = 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// AppendBinary implements encoding.BinaryAppender: the model and the state.
func (s *State) AppendBinary(b []byte) ([]byte, error) {
	m, from := s.model, len(b)
	b = binary.LittleEndian.AppendUint16(append(b, version), uint16(m.hidden))
	b = append(b, byte(len(m.seasons)))
	for _, v := range m.seasons {
		b = binary.LittleEndian.AppendUint64(b, uint64(v))
	}
	for _, part := range [][]float64{{m.centre, m.scale}, m.weights.all, s.hidden, s.cells} {
		for _, v := range part {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		}
	}
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[from:], castagnoli)), nil
}

// MarshalBinary implements encoding.BinaryMarshaler.
func (s *State) MarshalBinary() ([]byte, error) { return s.AppendBinary(nil) }

// UnmarshalBinary implements encoding.BinaryUnmarshaler. The state goes on with the
// very numbers that the other one would have had. After an error s is what it was.
func (s *State) UnmarshalBinary(b []byte) error {
	if len(b) < head || b[0] != version {
		return fmt.Errorf("%w: %d bytes, of version %d at most", ErrEncoding, len(b), version)
	}
	hidden, seasons := int(binary.LittleEndian.Uint16(b[1:])), int(b[3])
	if hidden < 1 || hidden > maxHidden || seasons > maxSeasons {
		return fmt.Errorf("%w: %d units and %d seasons", ErrEncoding, hidden, seasons)
	}
	m := &Model{hidden: hidden, seasons: make([]int64, seasons)}
	weights := size(m.inputs(), hidden)
	if want := head + 8*(seasons+2+weights+2*hidden) + tail; len(b) != want {
		return fmt.Errorf("%w: %d bytes, not %d", ErrEncoding, len(b), want)
	}
	body, sum := b[:len(b)-tail], binary.LittleEndian.Uint32(b[len(b)-tail:])
	if crc32.Checksum(body, castagnoli) != sum {
		return fmt.Errorf("%w: its checksum differs", ErrEncoding)
	}
	body = body[head:]
	next := func() uint64 {
		v := binary.LittleEndian.Uint64(body)
		body = body[8:]
		return v
	}
	for i := range m.seasons {
		if m.seasons[i] = int64(next()); m.seasons[i] < 1 {
			return fmt.Errorf("%w: a season of %d ms", ErrEncoding, m.seasons[i])
		}
	}
	finite := true
	float := func() float64 {
		v := math.Float64frombits(next())
		finite = finite && !math.IsNaN(v) && !math.IsInf(v, 0)
		return v
	}
	fill := func(to []float64) {
		for i := range to {
			to[i] = float()
		}
	}
	m.centre, m.scale = float(), float()
	m.weights = newWeights(m.inputs(), hidden)
	out := m.Begin()
	fill(m.weights.all)
	fill(out.hidden)
	fill(out.cells)
	if !finite || m.scale <= 0 {
		return fmt.Errorf("%w: numbers that none has", ErrEncoding)
	}
	*s = *out
	return nil
}
