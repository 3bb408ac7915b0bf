package journal_test

import (
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/chronoretrace/chronomon/internal/journal"
)

// BenchmarkWrite is one durable write of 200 bytes, alone and in company.
func BenchmarkWrite(b *testing.B) {
	value := make([]byte, 200)
	for _, writers := range []int{1, 64} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			s := open(b, journal.Config{Dir: b.TempDir()})
			var n atomic.Int64
			b.SetParallelism(writers)
			b.ReportAllocs()
			b.ResetTimer()
			if writers == 1 {
				for b.Loop() {
					_ = s.Write(b.Context(), map[string][]byte{strconv.FormatInt(n.Add(1)%1000, 10): value})
				}
				return
			}
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					_ = s.Write(b.Context(), map[string][]byte{strconv.FormatInt(n.Add(1)%1000, 10): value})
				}
			})
		})
	}
}

// BenchmarkOpen reads and compacts 100,000 keys.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	s := open(b, journal.Config{Dir: dir})
	for i := range 100 {
		changes := map[string][]byte{}
		for j := range 1000 {
			changes[fmt.Sprintf("alert/%d/%d", i, j)] = make([]byte, 200)
		}
		if err := s.Write(b.Context(), changes); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		var err error
		if s, err = journal.Open(journal.Config{Dir: dir}); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}
