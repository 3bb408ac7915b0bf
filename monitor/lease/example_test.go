package lease_test

import (
	"context"
	"fmt"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/lease"
	"github.com/chronoretrace/chronomon/monitor/lease/leasetest"
)

func Example() {
	m, err := monitor.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	store := leasetest.NewMemory("alerting") // pglease.New(pool, "alerting"), redislease.New(client, "alerting")
	elector, err := lease.New(m, store, lease.WithLead(func(ctx context.Context) error {
		term, _ := lease.FromContext(ctx)
		fmt.Println("leading in epoch", term.Epoch)
		stop() // when the service ends
		<-ctx.Done()
		return nil
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := m.Run(ctx, elector); err != nil {
		fmt.Println(err)
	}
	// Output: leading in epoch 1
}
