package correlation_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/chronoretrace/chronomon/anomaly/correlation"
	"github.com/chronoretrace/chronomon/monitor"
)

// Responses became slow. Two minutes before, statements did.
func ExampleCoMoving() {
	begin := time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC)
	r := rand.New(rand.NewPCG(1, 2))
	var responses, statements, temperature []monitor.Point
	last := make([]float64, 3)
	for i := range 120 {
		at := begin.Add(time.Duration(i) * time.Minute)
		statement := 20 + 5*r.NormFloat64()
		responses = append(responses, monitor.Point{Time: at, Value: 80 + last[1] + 2*r.NormFloat64()})
		statements = append(statements, monitor.Point{Time: at, Value: statement})
		temperature = append(temperature, monitor.Point{Time: at, Value: 40 + 0.1*float64(i) + r.NormFloat64()})
		last[0], last[1] = statement, last[0]
	}
	found, err := correlation.CoMoving(responses, []monitor.Series{
		{Labels: monitor.Labels{monitor.MetricName: "temperature"}, Points: temperature},
		{Labels: monitor.Labels{monitor.MetricName: "statement_ms"}, Points: statements},
	}, monitor.Range{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, rel := range found.Relations {
		fmt.Printf("%v leads by %v (R %.2f)\n", rel.Labels, -rel.Lag, rel.R)
	}
	fmt.Printf("%d of %d moved with it\n", len(found.Relations), found.Judged)
	// Output:
	// statement_ms leads by 2m0s (R 0.91)
	// 1 of 2 moved with it
}
