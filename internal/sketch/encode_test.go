package sketch_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/sketch"
)

func TestEncoding(t *testing.T) {
	t.Parallel()
	for _, n := range []uint64{0, 1, 100, 6000, 12_000, 14_000, 50_000, 1_000_000} {
		s := seen(0, n)
		b, err := s.MarshalBinary()
		require.NoError(t, err)
		require.LessOrEqual(t, len(b), 49_155)
		var back sketch.HyperLogLog
		require.NoError(t, back.UnmarshalBinary(b))
		require.True(t, back.Equal(s), n)

		merged := seen(n/2, n-n/2)
		merged.Merge(seen(0, n/2))
		again, err := merged.MarshalBinary()
		require.NoError(t, err)
		require.Equal(t, b, again, "equal sketches have equal bytes, whatever their history")

		for _, wrong := range [][]byte{b[:len(b)-1], append(append([]byte{}, b...), 0), {}, {1, 16, 9}, {2, 16, 0, 0}, {1, 14, 0, 0}} {
			before := back.Clone()
			require.ErrorIs(t, back.UnmarshalBinary(wrong), sketch.ErrEncoding)
			require.True(t, back.Equal(before))
		}
	}
}

func TestRedisEncoding(t *testing.T) {
	t.Parallel()
	for _, n := range []uint64{0, 1, 500, 5000, 20_000, 1_000_000} {
		s := seen(0, n)
		var back sketch.HyperLogLog
		for stripe := range sketch.Stripes {
			b := s.AppendRedis(nil, stripe)
			require.LessOrEqual(t, len(b), 16+12288)
			_, err := back.MergeRedis(stripe, b)
			require.NoError(t, err)
			changed, err := back.MergeRedis(stripe, b)
			require.NoError(t, err)
			require.False(t, changed)
			for _, wrong := range [][]byte{b[:len(b)-1], append(append([]byte{}, b...), 0), b[:16], {}, []byte("hello, a string of the host")} {
				_, err := back.MergeRedis(stripe, wrong)
				require.ErrorIs(t, err, sketch.ErrEncoding)
			}
		}
		require.True(t, back.Equal(s), n)
	}
}

func FuzzUnmarshal(f *testing.F) {
	for _, n := range []uint64{0, 10, 20_000} {
		s := seen(0, n)
		b, err := s.MarshalBinary()
		require.NoError(f, err)
		f.Add(b)
		f.Add(s.AppendRedis(nil, 3))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var s sketch.HyperLogLog
		if err := s.UnmarshalBinary(b); err == nil {
			back, err := s.MarshalBinary()
			require.NoError(t, err)
			var again sketch.HyperLogLog
			require.NoError(t, again.UnmarshalBinary(back))
			require.True(t, again.Equal(&s))
		}
		_, err := s.MergeRedis(3, b)
		require.True(t, err == nil || s.Estimate() >= 0)
	})
}
