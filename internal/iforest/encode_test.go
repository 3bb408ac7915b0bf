package iforest_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/iforest"
)

func TestEncoding(t *testing.T) {
	t.Parallel()
	for _, rows := range [][]float64{noise(2000, 4), make([]float64, 400)} {
		f := fit(t, rows, 4, iforest.Config{Seed: 3})
		b, err := f.MarshalBinary()
		require.NoError(t, err)
		var back iforest.Forest
		require.NoError(t, back.UnmarshalBinary(b))
		require.Equal(t, scores(f, rows, 4), scores(&back, rows, 4))
		require.Equal(t, f.Threshold(), back.Threshold())
		again, err := back.MarshalBinary()
		require.NoError(t, err)
		require.Equal(t, b, again)
		require.False(t, back.Grow(9, func(to []float64, _ int) []float64 { return append(to, 1, 2, 3, 4) }))
	}
}

// One that has not all of its trees scores by those that there are.
func TestEncodingOfAFew(t *testing.T) {
	t.Parallel()
	f, err := iforest.New(2, iforest.Config{Trees: 50})
	require.NoError(t, err)
	rows := noise(300, 2)
	for range 7 {
		require.True(t, f.Grow(300, func(to []float64, i int) []float64 { return append(to, rows[2*i], rows[2*i+1]) }))
	}
	b, err := f.MarshalBinary()
	require.NoError(t, err)
	var back iforest.Forest
	require.NoError(t, back.UnmarshalBinary(b))
	require.Equal(t, scores(f, rows, 2), scores(&back, rows, 2))
}

// After an error a forest is what it was.
func TestUnmarshalRefuses(t *testing.T) {
	t.Parallel()
	rows := noise(300, 2)
	f := fit(t, rows, 2, iforest.Config{Trees: 3, Sample: 8})
	good, err := f.MarshalBinary()
	require.NoError(t, err)
	want := scores(f, rows, 2)
	for n := range good {
		require.ErrorIs(t, f.UnmarshalBinary(good[:n]), iforest.ErrEncoding, "cut off at %d", n)
	}
	require.ErrorIs(t, f.UnmarshalBinary(append(slices.Clip(good), 0)), iforest.ErrEncoding)
	other := append([]byte{}, good...)
	other[0]++
	require.ErrorIs(t, f.UnmarshalBinary(other), iforest.ErrEncoding)
	require.ErrorIs(t, f.UnmarshalBinary([]byte{1, 1, 0xe8, 7, 10, 0, 0, 0, 0, 0, 0, 0, 0}), iforest.ErrEncoding, "a thousand trees of no byte")
	require.Equal(t, want, scores(f, rows, 2))
}

// What is taken scores, whatever it is, and is written as it was read.
func FuzzUnmarshal(f *testing.F) {
	for _, c := range []iforest.Config{{Trees: 2, Sample: 4}, {Trees: 1, Sample: 16}} {
		forest, err := iforest.Fit(noise(100, 2), 2, c)
		require.NoError(f, err)
		b, err := forest.MarshalBinary()
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var forest iforest.Forest
		if forest.UnmarshalBinary(b) != nil {
			return
		}
		again, err := forest.MarshalBinary()
		require.NoError(t, err)
		var back iforest.Forest
		require.NoError(t, back.UnmarshalBinary(again))
		third, err := back.MarshalBinary()
		require.NoError(t, err)
		require.Equal(t, again, third)
	})
}
