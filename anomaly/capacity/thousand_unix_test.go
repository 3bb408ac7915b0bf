//go:build unix

package capacity_test

import (
	"math/rand/v2"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/anomaly/capacity"
)

// BenchmarkThousand makes plans for a thousand resources with 90 days of hours each,
// on two processors. Beside the time it tells what the process spent, which others
// on the machine do not change.
func BenchmarkThousand(b *testing.B) {
	r := rand.New(rand.NewPCG(3, 4))
	var all []grown
	for i := range 50 {
		all = append(all, grow(r, kinds[i%len(kinds)]))
	}
	before := processorTime(b)
	for b.Loop() {
		var wg sync.WaitGroup
		const workers = 2
		for w := range workers {
			wg.Go(func() {
				for i := w; i < 1000; i += workers {
					g := all[i%len(all)]
					if _, err := capacity.Analyse(g.history, g.limit); err != nil {
						b.Error(err)
					}
				}
			})
		}
		wg.Wait()
	}
	b.ReportMetric((processorTime(b)-before).Seconds()/float64(b.N), "cpu-s/op")
}

// processorTime is what the process has used.
func processorTime(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	require.NoError(tb, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
