package history_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
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

// What was measured before a restart is there after it.
func ExampleWithStoragePath() {
	dir, err := os.MkdirTemp("", "history")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	now := time.Now()

	// process is one run of a service, which leaves Sample and Close to m.Run(ctx, db).
	process := func(work func(ctx context.Context, queue prometheus.Gauge, db *history.DB) error) {
		m, err := monitor.New()
		if err != nil {
			log.Fatal(err)
		}
		queue := prometheus.NewGauge(prometheus.GaugeOpts{Name: "queue_length", Help: "Orders that wait."})
		m.Registerer().MustRegister(queue)
		db, err := history.New(m, history.WithStoragePath(dir))
		if err != nil {
			log.Fatal(err)
		}
		if err := errors.Join(work(context.Background(), queue, db), db.Close()); err != nil {
			log.Fatal(err)
		}
	}
	process(func(ctx context.Context, queue prometheus.Gauge, db *history.DB) error {
		queue.Set(7)
		return db.Sample(ctx, now)
	})
	now = now.Add(time.Minute) // a deployment
	process(func(ctx context.Context, queue prometheus.Gauge, db *history.DB) error {
		queue.Set(3)
		if err := db.Sample(ctx, now); err != nil {
			return err
		}
		samples, err := db.Query(ctx, `max_over_time(queue_length[5m])`, now)
		for _, s := range samples {
			fmt.Println(s.Labels, s.Value)
		}
		return err
	})
	// Output:
	// {} 7
}
