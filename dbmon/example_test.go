package dbmon_test

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chronoretrace/chronomon/dbmon"
	"github.com/chronoretrace/chronomon/monitor"
)

// A pool is measured by the tracer in its configuration, and shown by WatchPool.
func Example() {
	m, err := monitor.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	db, err := dbmon.NewTracer(m, dbmon.WithQueryText())
	if err != nil {
		fmt.Println(err)
		return
	}
	config, err := pgxpool.ParseConfig("postgres://app@db.example.com/quotes?pool_max_conns=10")
	if err != nil {
		fmt.Println(err)
		return
	}
	config.ConnConfig.Tracer = db
	pool, err := pgxpool.NewWithConfig(context.Background(), config) // connects when it is used
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	stop, err := db.WatchPool("quotes", pool)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer stop()

	_, err = db.WatchPool("quotes", pool)
	fmt.Println(err)
	// Output: dbmon: watch pool "quotes": invalid option: name: want a name that no other pool has
}
