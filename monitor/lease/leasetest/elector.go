package leasetest

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/lease"
)

// Start runs an elector on the store until the test ends, as another replica
// would: under a monitor of its own, which logs nothing.
func Start(t testing.TB, store lease.Store, opts ...lease.Option) *lease.Elector {
	t.Helper()
	m, err := monitor.New(monitor.WithLogger(slog.New(slog.DiscardHandler)))
	require.NoError(t, err)
	e, err := lease.New(m, store, opts...)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = e.Run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return e
}

// Outage makes a store unreachable, and reachable again. Begin and End are called
// by the test's goroutine.
type Outage struct{ Begin, End func() }

// TestOutage has two electors of that lease time on handles of one lease, and
// one outage after the other: while it lasts nobody leads, after the lease time
// at the latest, and afterwards somebody does, in a greater epoch. open is as in
// [TestStore].
func TestOutage(t *testing.T, open func() lease.Store, ttl time.Duration, outages map[string]Outage) {
	t.Helper()
	a, b := Start(t, open(), lease.WithTTL(ttl)), Start(t, open(), lease.WithTTL(ttl))
	leader := func() (epoch uint64) {
		one, first := a.Leader()
		other, second := b.Leader()
		require.False(t, first && second, "both lead")
		return max(one, other)
	}
	const patience = 20 * time.Second
	require.Eventually(t, func() bool { return leader() > 0 }, patience, ttl/50)
	for name, outage := range outages {
		before := leader()
		outage.Begin()
		require.Eventually(t, func() bool { return leader() == 0 }, ttl, ttl/50, name)
		outage.End()
		require.Eventually(t, func() bool { return leader() > before }, patience, ttl/50, name)
	}
}
