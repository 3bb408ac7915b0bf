package anomaly_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chronoretrace/chronomon/anomaly"
	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/history"
)

// A detector by itself.
func ExampleEWMA() {
	d, err := anomaly.NewEWMA(anomaly.WithWindow(64))
	if err != nil {
		log.Fatal(err)
	}
	at := time.Date(2026, 1, 5, 9, 30, 0, 0, time.UTC)
	for i, v := range []float64{20, 21, 19, 20, 22, 21, 20, 19, 20, 21, 60, 20} {
		s := d.Observe(anomaly.Point{Time: at.Add(time.Duration(i) * time.Minute), Value: v})
		if s.Anomalous() {
			fmt.Printf("%v: %.1f to %.1f was expected, score %.2f\n", v, s.Low, s.High, s.Value)
		}
	}
	// Output:
	// 60: 17.6 to 23.0 was expected, score 0.94
}

// A service watches two expressions of its own history: one with a detector that
// learns, one with a rule.
func ExampleEngine() {
	m, err := monitor.New()
	if err != nil {
		log.Fatal(err)
	}
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "orders_total", Help: "Orders."}, []string{"side", "result"})
	m.Registerer().MustRegister(requests)
	db, err := history.New(m)
	if err != nil {
		log.Fatal(err)
	}
	engine, err := anomaly.New(m, db,
		anomaly.WithWatch(anomaly.Watch{
			Name: "orders", Expr: `sum by (side) (rate(orders_total[1m]))`, Step: 10 * time.Second,
			New:    func() (anomaly.Detector, error) { return anomaly.NewEWMA() },
			Detail: `sum by (side, result) (rate(orders_total[1m]))`,
		}),
		anomaly.WithWatch(anomaly.Watch{
			Name: "share of rejected orders", Expr: `sum(rate(orders_total{result="rejected"}[1m])) / sum(rate(orders_total[1m]))`,
			Step: 10 * time.Second,
			New:  func() (anomaly.Detector, error) { return anomaly.NewBounds(0, 0.1) },
		}))
	if err != nil {
		log.Fatal(err)
	}

	// A service leaves this to m.Run(ctx, db, engine).
	ctx, now := context.Background(), time.Date(2026, 1, 5, 9, 30, 0, 0, time.UTC)
	for i := range 400 {
		requests.WithLabelValues("buy", "filled").Add(float64(100 + i%5))
		requests.WithLabelValues("sell", "filled").Add(float64(50 + i%3))
		rejected := 1
		if i >= 396 {
			rejected = 90
		}
		requests.WithLabelValues("buy", "rejected").Add(float64(rejected))
		now = now.Add(10 * time.Second)
		if err := db.Sample(ctx, now); err != nil {
			log.Fatal(err)
		}
		if err := engine.Detect(ctx, now); err != nil {
			log.Fatal(err)
		}
	}
	for _, a := range engine.Active() {
		fmt.Printf("%s %v by %s since %s\n", a.Watch, a.Labels, a.Method, a.Started.UTC().Format(time.TimeOnly))
		for _, part := range a.Explanation.Detail[:min(1, len(a.Explanation.Detail))] {
			fmt.Printf("  %.0f %% of it is %v\n", 100*part.Share, part.Labels)
		}
	}
	samples, err := db.Query(ctx, `anomaly_active == 1`, now)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(samples), "series of", len(engine.Active()), "are metrics by now")
	// Output:
	// orders {side="buy"} by ewma since 10:36:10
	//   100 % of it is {result="rejected",side="buy"}
	// share of rejected orders {} by rule since 10:36:10
	// 2 series of 2 are metrics by now
}
