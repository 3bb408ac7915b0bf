package trend_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/chronoretrace/chronomon/monitor"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var monday = time.Date(2026, time.January, 5, 0, 0, 0, 0, time.UTC)

// series is a point every step, the i-th of value f(i).
func series(n int, step time.Duration, f func(i int) float64) []monitor.Point {
	out := make([]monitor.Point, n)
	for i := range out {
		out[i] = monitor.Point{Time: monday.Add(time.Duration(i) * step), Value: f(i)}
	}
	return out
}

// noise is an autoregression of the first order.
func noise(r *rand.Rand, phi float64) func() float64 {
	last := r.NormFloat64() / math.Sqrt(1-phi*phi)
	return func() float64 {
		last = phi*last + r.NormFloat64()
		return last
	}
}

// daily is a day's shape.
func daily(i int) float64 { return 10 * math.Sin(2*math.Pi*float64(i)/24) }
