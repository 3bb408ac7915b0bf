package bizmon_test

import (
	"io"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/bizmon"
)

// TestEverythingAtOnce: calls of every kind, scrapes, backups, checks and
// exchanges while the clock runs; nothing is lost.
func TestEverythingAtOnce(t *testing.T) {
	t.Parallel()
	const writers, rounds = 4, 1500
	s := setup(t, nil, bizmon.WithSketchStore(&memory{}, time.Second), bizmon.WithSessions(time.Minute, time.Hour))
	src := source(t, s, "akshare", bizmon.WithSpacing(time.Second))
	var work sync.WaitGroup
	for w := range writers {
		work.Go(func() {
			for i := range rounds {
				user := strconv.Itoa(w*rounds + i)
				s.Users.Track(bizmon.Action{User: user, Name: "feature " + strconv.Itoa(i%7)})
				s.Users.Forget(strconv.Itoa(i))
				src.Observe(t.Context(), bizmon.Fetch{Took: time.Millisecond})
				src.Data(strconv.Itoa(w), s.clock.Now())
				s.Stocks.Updated("akshare", strconv.Itoa(i%50))
				s.Stocks.Queried(strconv.Itoa(i % 50))
				c := s.Connections.Opened("quotes")
				c.Queued(i % 100)
				c.Sent(1)
				c.Closed("client")
				j := s.Backtests.Queue(user)
				j.Start()
				j.Progress(0.5)
				j.Done(nil)
				if w == 0 {
					s.clock.Add(100 * time.Millisecond)
				}
			}
		})
	}
	snap := snapshotter(t, s.m)
	for _, read := range []func(){
		func() { s.exposition("") },
		func() { s.Check(s.clock.Now()) },
		func() { _ = s.Sync(t.Context()) },
		func() { _ = snap.Snapshot(t.Context(), io.Discard) },
		func() { s.Users.Journeys(10); s.Stocks.Hottest(10); s.Backtests.Jobs(); s.Sources.Health() },
	} {
		work.Go(func() {
			for range 40 {
				read()
			}
		})
	}
	work.Wait()
	const n = writers * rounds
	require.InEpsilon(t, n, s.users(t)["24h"], 0.02)
	require.InDelta(t, n, s.value(t, `data_source_points_total{data_source="akshare"}`), 0)
	require.InDelta(t, n, s.value(t, "stock_queries_total"), 0)
	require.InDelta(t, n, s.value(t, "backtest_jobs_completed_total"), 0)
	require.InDelta(t, n, s.value(t, `websocket_messages_total{connection_type="quotes",direction="sent"}`), 0)
	require.Zero(t, s.value(t, `websocket_connections_total{connection_type="quotes"}`))
	require.Zero(t, s.value(t, "backtest_jobs_running"))
	var uses float64
	for i := range 7 {
		uses += s.value(t, `feature_uses_total{feature="feature `+strconv.Itoa(i)+`"}`)
	}
	require.InDelta(t, n, uses, 0)
	var left, ended uint64
	for _, st := range s.Users.Journeys(1000) {
		if st.From == "" {
			left += st.Count
		}
		if st.To == "" {
			ended += st.Count
		}
	}
	require.LessOrEqual(t, ended, left)
}
