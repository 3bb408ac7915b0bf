package pgstore_test

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/lease"
	"github.com/chronoretrace/chronomon/monitor/lease/pglease"
	"github.com/chronoretrace/chronomon/monitor/pgstore"
)

// One of several replicas leads, and only what it writes in its term is written.
func Example() {
	run := func(ctx context.Context, pool *pgxpool.Pool) error {
		m, err := monitor.New()
		if err != nil {
			return err
		}
		store, err := pgstore.New(m, pool, pgstore.WithLease("alerting"))
		if err != nil {
			return err
		}
		if err := store.Migrate(ctx); err != nil {
			return err
		}
		leases, err := pglease.New(pool, "alerting")
		if err != nil {
			return err
		}
		elector, err := lease.New(m, leases, lease.WithLead(store.Run), lease.WithLead(func(ctx context.Context) error {
			return store.SaveAlerts(ctx, pgstore.Alert{
				ID: "4f2a", Name: "HighAPILatency", Severity: "warning", Status: "firing", StartedAt: time.Now(),
			})
		}))
		if err != nil {
			return err
		}
		return m.Run(ctx, elector)
	}
	ctx, stop := context.WithCancel(context.Background())
	stop() // when the service ends
	pool, err := pgxpool.New(context.Background(), "postgres://monitor@db:5432/chronoretrace")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	fmt.Println(run(ctx, pool))
	// Output: pgstore: migrate: pglease: make the table: context canceled
}
