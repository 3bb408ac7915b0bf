package pgstore_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/testenv"
	"github.com/chronoretrace/chronomon/monitor/pgstore"
)

// TestOutage: writers go on while the server is stopped, started and frozen.
// What was acknowledged is there, once; after the outage writes succeed again.
func TestOutage(t *testing.T) {
	t.Parallel()
	server := testenv.Postgres(t)
	f := open(t, server, pgx.QueryExecModeCacheStatement)
	s := f.another(t, pgstore.WithTimeout(2*time.Second))
	state, err := s.State("x")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	const writers = 4
	acknowledged := make([][]string, writers)
	var failures, successes atomic.Int64
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				id := fmt.Sprintf("%d/%d", w, i)
				alert := pgstore.Alert{ID: id, Name: "A", Severity: "s", Status: "s", StartedAt: t0}
				// Until it is acknowledged: as engines do.
				for ctx.Err() == nil {
					err := s.SaveAlerts(ctx, alert)
					if err == nil {
						err = state.Write(ctx, map[string][]byte{id: []byte(id)})
					}
					if err == nil {
						acknowledged[w] = append(acknowledged[w], id)
						successes.Add(1)
						break
					}
					failures.Add(1)
					time.Sleep(10 * time.Millisecond)
				}
			}
		})
	}
	progress := func(what string) {
		t.Helper()
		before := successes.Load()
		require.Eventually(t, func() bool { return successes.Load() > before+20 }, 30*time.Second, 10*time.Millisecond, what)
	}
	progress("at first")
	server.Stop()
	time.Sleep(time.Second)
	server.Start()
	progress("after a restart")
	server.Pause()
	time.Sleep(3 * time.Second)
	server.Resume()
	progress("after a freeze")
	cancel()
	all.Wait()
	want := 0
	for _, ids := range acknowledged {
		want += len(ids)
		for _, id := range ids {
			require.Equal(t, 1, f.count(t, f.table("alert_history")+" WHERE alert_id = '"+id+"'"), id)
			require.Equal(t, 1, f.count(t, f.table("monitoring_state")+" WHERE key = '"+id+"'"), id)
		}
	}
	require.LessOrEqual(t, f.count(t, f.table("alert_history")), want+writers, "no more than one of each was under way")
	require.Positive(t, failures.Load(), "there was an outage")
	t.Logf("%d writes acknowledged, %d failed and done again", want, failures.Load())
}
