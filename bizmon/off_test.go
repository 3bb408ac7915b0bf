package bizmon_test

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/bizmon"
	"github.com/chronoretrace/chronomon/monitor"
)

// everything makes every kind of call once.
func everything(t testing.TB, s site) {
	t.Helper()
	s.Users.Active("a")
	s.Users.Track(bizmon.Action{User: "a", Name: "screener.run"})
	s.Users.Track(bizmon.Action{User: "a", Name: "chart.open"})
	s.Users.LoggedIn("a")
	s.Users.LoginFailed("b", netip.MustParseAddr("203.0.113.7"))
	src, err := s.Sources.Add("akshare", bizmon.WithSpacing(time.Minute))
	require.NoError(t, err)
	src.Observe(t.Context(), bizmon.Fetch{Took: 200 * time.Millisecond})
	src.Observe(t.Context(), bizmon.Fetch{Took: time.Second, Err: errAway})
	require.NoError(t, src.Do(t.Context(), func(context.Context) error { return nil }))
	src.Probed(true)
	now := s.clock.Now()
	src.Data("600519", now.Add(-6*time.Minute))
	src.Data("600519", now.Add(-3*time.Minute))
	src.Data("600519", now.Add(-3*time.Minute))
	src.Data("600519", now.Add(-4*time.Minute))
	s.Sources.Get("tushare").Probed(false)
	s.Stocks.Updated("akshare", "600519")
	s.Stocks.Queried("600519")
	c := s.Connections.Opened("quotes")
	c.Sent(100)
	c.Received(20)
	c.Queued(100)
	c.Dropped(3)
	s.Connections.Opened("quotes").Closed("client")
	waits, runs := s.Backtests.Queue("1"), s.Backtests.Queue("2")
	runs.Start()
	runs.Progress(0.25)
	for _, err := range []error{nil, errAway, context.Canceled} {
		j := s.Backtests.Queue("3")
		j.Start()
		j.Beat()
		j.Done(err)
	}
	s.clock.Add(10 * time.Second)
	s.Check(s.clock.Now())
	_ = waits
}

func TestOff(t *testing.T) {
	t.Parallel()
	store := &memory{}
	s := setup(t, []monitor.Option{monitor.WithDisabled()}, bizmon.WithSketchStore(store, time.Second))
	everything(t, s)
	require.Empty(t, s.exposition(""))
	require.NoError(t, s.Sync(t.Context()))
	require.Zero(t, store.loaded)
	require.Empty(t, s.Users.ActiveUsers())
	require.Empty(t, s.Users.Journeys(10))
	require.Empty(t, s.Users.FailingNetworks(10))
	require.False(t, s.Users.Forget("a"))
	require.Empty(t, s.Stocks.Hottest(10))
	require.Empty(t, s.Backtests.Jobs())
	require.Empty(t, s.Sources.Health())
	require.False(t, s.Sources.Get("x").Health().Known)
	_, err := s.Sources.Add("")
	require.ErrorIs(t, err, monitor.ErrInvalidOption, "mistakes are found all the same")
	require.Empty(t, s.m.Snapshotters())
	run(t, s.m, s)()
}
