package sketch_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/sketch"
)

// TestSipHash: the authors' vectors (vectors.h of the reference implementation):
// key 00 01 … 0f, input 00 01 … of each length.
func TestSipHash(t *testing.T) {
	t.Parallel()
	var key, input []byte
	for i := range byte(16) {
		key = append(key, i)
		input = append(input, i)
	}
	k := sketch.NewKey(key)
	for n, want := range map[int]uint64{
		0: 0x726fdb47dd0e0e31, 1: 0x74f839c593dc67fd, 2: 0x0d6c8009d9a94f5a, 7: 0xab0200f58b01d137, 8: 0x93f5f5799a932462,
		15: 0xa129ca6149be45e5, // also Appendix A of the paper
	} {
		require.Equal(t, want, k.Hash(string(input[:n])), "length %d", n)
	}
	require.NotEqual(t, k.Hash("a"), sketch.NewKey(nil).Hash("a"))
}
