package sketch_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/chronoretrace/chronomon/internal/sketch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// mix is a good 64-bit hash of a counter (splitmix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// seen is the sketch of n hashes from the first on.
func seen(first, n uint64) *sketch.HyperLogLog {
	s := &sketch.HyperLogLog{}
	for i := range n {
		s.Insert(mix(first + i))
	}
	return s
}
