package correlation_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/chronoretrace/chronomon/monitor"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, time.January, 5, 0, 0, 0, 0, time.UTC)

// points are values at steps of a minute.
func points(values []float64) []monitor.Point { return every(time.Minute, values) }

func every(step time.Duration, values []float64) []monitor.Point {
	out := make([]monitor.Point, len(values))
	for i, v := range values {
		out[i] = monitor.Point{Time: start.Add(time.Duration(i) * step), Value: v}
	}
	return out
}

func named(name string, of []monitor.Point) monitor.Series {
	return monitor.Series{Labels: monitor.Labels{monitor.MetricName: name}, Points: of}
}

// load is n values of dependent noise.
func load(r *rand.Rand, n int) []float64 {
	out := make([]float64, n)
	last := 0.0
	for i := range out {
		last = 0.8*last + r.NormFloat64()
		out[i] = last
	}
	return out
}

// after is what follows x by lag values, with noise of its own.
func after(r *rand.Rand, x []float64, lag int, own float64) []float64 {
	out := load(r, len(x))
	for i := range out {
		out[i] *= own
		if k := i - lag; k >= 0 && k < len(x) {
			out[i] += x[k]
		}
	}
	return out
}

// daily is a day's shape at steps of an hour.
func daily(i int) float64 { return math.Sin(2 * math.Pi * float64(i) / 24) }
