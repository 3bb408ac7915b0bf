package capacity_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/chronoretrace/chronomon/anomaly/capacity"
	"github.com/chronoretrace/chronomon/monitor"
)

// A disk of 500 GB that fills by 2 GB a day.
func Example() {
	begin := time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
	r := rand.New(rand.NewPCG(1, 2))
	var points []monitor.Point // of a Querier's QueryRange, in a host
	for h := range 90 * 24 {
		gb := 250 + 2*float64(h)/24 + r.NormFloat64()
		points = append(points, monitor.Point{Time: begin.Add(time.Duration(h) * time.Hour), Value: gb})
	}
	plan, err := capacity.Analyse(points, 500, capacity.WithName("disk"), capacity.WithInstances(250))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%v by %.1f GB a day\n", plan.Growth.Direction, plan.Growth.PerDay)
	fmt.Printf("full on %v\n", plan.Limit.P50)
	for _, c := range plan.Limit.Within {
		fmt.Printf("within %d days: %.0f %%\n", c.Days, 100*c.Probability)
	}
	fmt.Printf("%d disks of 250 GB for the next 90 days\n", plan.Recommendation.Instances)
	// Output:
	// rising by 2.0 GB a day
	// full on 2026-05-05
	// within 7 days: 0 %
	// within 30 days: 0 %
	// within 90 days: 100 %
	// 3 disks of 250 GB for the next 90 days
}
