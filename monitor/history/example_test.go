package history_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/history"
)

func ExampleDB_Query() {
	m, err := monitor.New()
	if err != nil {
		log.Fatal(err)
	}
	orders := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "orders_total", Help: "Orders."}, []string{"side"})
	m.Registerer().MustRegister(orders)
	db, err := history.New(m)
	if err != nil {
		log.Fatal(err)
	}

	// A service leaves this to m.Run(ctx, db).
	ctx, now := context.Background(), time.Date(2026, 1, 5, 9, 30, 0, 0, time.UTC)
	for range 31 {
		if err := db.Sample(ctx, now); err != nil {
			log.Fatal(err)
		}
		orders.WithLabelValues("buy").Add(20)
		orders.WithLabelValues("sell").Add(10)
		now = now.Add(10 * time.Second)
	}

	samples, err := db.Query(ctx, `sort_desc(rate(orders_total[4m]))`, now)
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range samples {
		fmt.Println(s.Labels, s.Value)
	}
	// Output:
	// {side="buy"} 2
	// {side="sell"} 1
}
