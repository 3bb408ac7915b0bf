package unseen_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/unseen"
)

// What was saved at any time goes on with the very scores.
func TestRestore(t *testing.T) {
	t.Parallel()
	values := days(4000)
	values[3000] = 1000
	for _, at := range []int{0, 1, 31, 32, 33, 500, 749, 750, 751, 3000, 3500} {
		one := unseen.New(unseen.Default())
		for i, v := range values[:at] {
			one.Observe(float64(i)*step, v)
		}
		saved, err := one.MarshalBinary()
		require.NoError(t, err)
		c := unseen.Default()
		c.Warmup = 20 // another's
		other := unseen.New(c)
		require.NoError(t, other.UnmarshalBinary(saved), "at %d", at)
		for i, v := range values[at:] {
			i += at
			require.Equal(t, one.Observe(float64(i)*step, v), other.Observe(float64(i)*step, v), "saved at %d: point %d", at, i)
		}
		again, err := other.MarshalBinary()
		require.NoError(t, err)
		first, err := one.MarshalBinary()
		require.NoError(t, err)
		require.Equal(t, first, again)
		require.Less(t, len(again), 64<<10)
	}
}

func FuzzUnmarshal(f *testing.F) {
	for _, n := range []int{0, 10, 100, 2000} {
		d := unseen.New(unseen.Default())
		for i, v := range days(n) {
			d.Observe(float64(i)*step, v)
		}
		b, err := d.MarshalBinary()
		require.NoError(f, err)
		f.Add(b)
		f.Add(b[:len(b)-1])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d := unseen.New(unseen.Default())
		if d.UnmarshalBinary(b) != nil {
			return
		}
		for i, v := range []float64{1, 2, 1e300, -5, math.Pi} {
			d.Observe(float64(i)*step, v)
		}
		_, err := d.MarshalBinary()
		require.NoError(t, err)
	})
}
