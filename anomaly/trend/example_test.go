package trend_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/chronoretrace/chronomon/anomaly/trend"
	"github.com/chronoretrace/chronomon/monitor"
)

// Three weeks of an hourly load, and what tomorrow brings.
func Example() {
	start := time.Date(2026, time.March, 2, 0, 0, 0, 0, time.UTC)
	r := rand.New(rand.NewPCG(1, 2))
	var points []monitor.Point // of a Querier's QueryRange, in a host
	for i := range 21 * 24 {
		load := 100 + 30*math.Sin(2*math.Pi*float64(i)/24) + 4*r.NormFloat64()
		points = append(points, monitor.Point{Time: start.Add(time.Duration(i) * time.Hour), Value: load})
	}
	f, err := trend.Predict(points, 24)
	if err != nil {
		fmt.Println(err)
		return
	}
	noon := f.Points[6]
	fmt.Printf("%s: %.0f, 95 of 100 times from %.0f to %.0f\n", noon.Time.Format("Mon 15:04"), noon.Value, noon.Low, noon.High)
	fmt.Printf("season of %v, %d tests\n", f.Seasons[0].Length, f.Accuracy.Tests)
	// Output:
	// Mon 06:00: 129, 95 of 100 times from 119 to 139
	// season of 24h0m0s, 10 tests
}
