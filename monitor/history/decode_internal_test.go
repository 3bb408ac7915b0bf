package history

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/stretchr/testify/require"
)

// sameAsChunkenc decodes a chunk here and with Prometheus's iterator.
func sameAsChunkenc(t testing.TB, c *chunkenc.XORChunk, to int64) {
	t.Helper()
	var got floats
	require.NoError(t, got.decode(c.Bytes(), to))
	it := c.Iterator(nil)
	i := 0
	for it.Next() != chunkenc.ValNone {
		at, v := it.At()
		if at > to {
			break
		}
		require.Less(t, i, len(got.t))
		require.Equal(t, at, got.t[i])
		require.Equal(t, math.Float64bits(v), math.Float64bits(got.v[i]))
		i++
	}
	require.NoError(t, it.Err())
	require.Len(t, got.t, i)
	require.Len(t, got.v, i)
}

// FuzzDecode: any samples, steps of time of every width, and values with any
// number of bits in common.
func FuzzDecode(f *testing.F) {
	f.Add(uint64(1), uint16(240), int64(math.MaxInt64))
	f.Add(uint64(2), uint16(1), int64(0))
	f.Add(uint64(3), uint16(2), int64(1))
	f.Fuzz(func(t *testing.T, seed uint64, n uint16, to int64) {
		rng := rand.New(rand.NewPCG(seed, 0))
		c := chunkenc.NewXORChunk()
		app, err := c.Appender()
		require.NoError(t, err)
		at := rng.Int64N(1<<41) - 1<<40
		var v uint64
		for range n % 1000 {
			app.Append(0, at, math.Float64frombits(v))
			at += 1 + rng.Int64N(1<<rng.IntN(40))
			if rng.IntN(3) > 0 {
				at += 10_000
			}
			switch rng.IntN(4) {
			case 0:
			case 1:
				v = rng.Uint64()
			default:
				v ^= (rng.Uint64() >> rng.IntN(64)) << rng.IntN(64)
			}
		}
		sameAsChunkenc(t, c, math.MaxInt64)
		sameAsChunkenc(t, c, to)
		sameAsChunkenc(t, c, at/2)
	})
}

// FuzzDecodeCorrupt: whatever the bytes are, decoding ends, with no more samples
// than it was told of.
func FuzzDecodeCorrupt(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 9, 1})
	f.Add([]byte{255, 255, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
	f.Fuzz(func(t *testing.T, data []byte) {
		var got floats
		if err := got.decode(data, math.MaxInt64); err != nil {
			require.ErrorIs(t, err, errCorrupt)
			return
		}
		require.LessOrEqual(t, len(got.t), int(binary.BigEndian.Uint16(data)))
	})
}

// counter is a full chunk of a counter that grows by 0 to 9 a second.
func counter(b *testing.B) *chunkenc.XORChunk {
	b.Helper()
	rng := rand.New(rand.NewPCG(1, 1))
	c := chunkenc.NewXORChunk()
	app, err := c.Appender()
	require.NoError(b, err)
	v := 1000.
	for i := range int64(chunkSamples) {
		app.Append(0, i*1000, v)
		v += float64(rng.IntN(10))
	}
	return c
}

func BenchmarkDecode(b *testing.B) {
	c := counter(b)
	b.Run("floats", func(b *testing.B) {
		var f floats
		for b.Loop() {
			_ = f.decode(c.Bytes(), math.MaxInt64)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/chunkSamples, "ns/sample")
	})
	b.Run("chunkenc", func(b *testing.B) {
		it := c.Iterator(nil)
		for b.Loop() {
			it = c.Iterator(it)
			for it.Next() != chunkenc.ValNone {
				_, _ = it.At()
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/chunkSamples, "ns/sample")
	})
}

func TestLibraryRelease(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{
		"v0.310.0": "3.10.0", "v0.316.2": "3.16.2", "v0.302.1": "3.2.1", "": "unknown", "(devel)": "unknown",
	} {
		require.Equal(t, want, libraryRelease(version), version)
	}
}
