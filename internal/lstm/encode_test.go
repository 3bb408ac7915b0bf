package lstm_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/lstm"
)

func encoded(t testing.TB, s *lstm.State) []byte {
	t.Helper()
	b, err := s.MarshalBinary()
	require.NoError(t, err)
	return b
}

// A state that was saved goes on with the very numbers of the one that was not.
func TestSavedStateGoesOn(t *testing.T) {
	t.Parallel()
	for _, c := range []lstm.Config{
		{Hidden: 4, Window: 20, Epochs: 1},
		{Hidden: 32, Window: 20, Epochs: 1, Seasons: []time.Duration{24 * time.Hour, 7 * 24 * time.Hour}},
	} {
		s := trained(t, c, 100)
		for i := range 70 {
			s.Step(float64(i), int64(i)*minute)
		}
		b := encoded(t, s)
		var restored lstm.State
		require.NoError(t, restored.UnmarshalBinary(b))
		require.Equal(t, b, encoded(t, &restored))
		for i := range 70 {
			require.Equal(t, s.Step(float64(-i), int64(i)*minute), restored.Step(float64(-i), int64(i)*minute))
		}
	}
}

// sealed makes the checksum right again.
func sealed(b []byte) []byte {
	body := b[:len(b)-4]
	return binary.LittleEndian.AppendUint32(slices.Clone(body), crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
}

func TestDamagedState(t *testing.T) {
	t.Parallel()
	good := encoded(t, trained(t, lstm.Config{Hidden: 2, Window: 20, Epochs: 1, Seasons: []time.Duration{time.Hour}}, 100))
	var s lstm.State
	require.NoError(t, s.UnmarshalBinary(good))
	refuses := func(b []byte, says string) {
		t.Helper()
		err := s.UnmarshalBinary(b)
		require.ErrorIs(t, err, lstm.ErrEncoding)
		require.ErrorContains(t, err, says)
		require.Equal(t, good, encoded(t, &s), "it is what it was")
	}
	changed := func(at int, to ...byte) []byte {
		b := slices.Clone(good)
		copy(b[at:], to)
		return sealed(b)
	}
	require.NoError(t, s.UnmarshalBinary(changed(0)))
	for n := range good {
		refuses(good[:n], "not a state")
		b := slices.Clone(good)
		b[n] ^= 4
		refuses(b, "not a state")
	}
	refuses(append(slices.Clone(good), 0), "bytes, not")
	refuses(changed(0, 2), "of version 1 at most")
	refuses(changed(1, 0, 0), "0 units and 1 seasons")
	refuses(changed(1, 1, 1), "257 units and 1 seasons")
	refuses(changed(3, 5), "2 units and 5 seasons")
	refuses(changed(4, make([]byte, 8)...), "a season of 0 ms")
	infinite := binary.LittleEndian.AppendUint64(nil, math.Float64bits(math.Inf(1)))
	refuses(changed(12, infinite...), "numbers that none has")
	refuses(changed(20, make([]byte, 8)...), "numbers that none has") // a scale of 0
	refuses(changed(36, infinite...), "numbers that none has")
}

func FuzzState(f *testing.F) {
	f.Add(encoded(f, trained(f, lstm.Config{Hidden: 1, Window: 20, Epochs: 1, Seasons: []time.Duration{time.Hour}}, 50)))
	f.Fuzz(func(t *testing.T, b []byte) {
		var s lstm.State
		if len(b) > 4 {
			if s.UnmarshalBinary(sealed(b)) == nil {
				s.Step(1, 1)
			}
		}
		if s.UnmarshalBinary(b) == nil {
			require.True(t, bytes.Equal(b, encoded(t, &s)))
		}
	})
}
