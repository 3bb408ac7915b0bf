package bizmon_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/bizmon"
	"github.com/chronoretrace/chronomon/monitor"
)

// hot returns every call that a host makes often, by name.
func hot(t testing.TB, s site) map[string]func() {
	t.Helper()
	ids := make([]string, 1024)
	for i := range ids {
		ids[i] = "user-" + strconv.Itoa(i)
	}
	src, err := s.Sources.Add("akshare", bizmon.WithSpacing(time.Minute))
	require.NoError(t, err)
	conn := s.Connections.Opened("quotes")
	job := s.Backtests.Queue("1")
	job.Start()
	ctx := t.Context()
	i, at := 0, s.m.Now().Add(-time.Hour)
	for range 3000 {
		s.Stocks.Updated("akshare", "600519")
		s.Stocks.Updated("akshare", "past the limit")
	}
	return map[string]func(){
		"Users.Active": func() { s.Users.Active(ids[i%1024]); i++ },
		"Users.Track": func() {
			s.Users.Track(bizmon.Action{User: ids[i%1024], Name: "screener.run", Session: "a session"})
			i++
		},
		"Stocks.Updated":       func() { s.Stocks.Updated("akshare", "600519") },
		"Stocks.Updated/other": func() { s.Stocks.Updated("akshare", "past the limit") },
		"Stocks.Queried":       func() { s.Stocks.Queried("600519") },
		"Source.Observe":       func() { src.Observe(ctx, bizmon.Fetch{Took: time.Millisecond}) },
		"Source.Data":          func() { src.Data("600519", at); at = at.Add(time.Microsecond) },
		"Connection.Sent":      func() { conn.Sent(100) },
		"Connection.Received":  func() { conn.Received(100) },
		"Connection.Queued":    func() { conn.Queued(i % 100); i++ },
		"Connection.Dropped":   func() { conn.Dropped(1) },
		"Backtest.Progress":    func() { job.Progress(0.5) },
	}
}

func TestAllocs(t *testing.T) {
	if raced {
		t.Skip("allocations are counted without the race detector")
	}
	for what, mopts := range map[string][]monitor.Option{"on": nil, "off": {monitor.WithDisabled()}} {
		s := setup(t, mopts, bizmon.WithStockLimit(1), bizmon.WithSlowConsumer(1000))
		for name, call := range hot(t, s) {
			for range 3000 {
				call()
			}
			require.Zero(t, testing.AllocsPerRun(2000, call), "%s, %s", name, what)
		}
	}
}

func BenchmarkHot(b *testing.B) {
	m, err := monitor.New()
	require.NoError(b, err)
	biz, err := bizmon.New(m)
	require.NoError(b, err)
	for name, call := range hot(b, site{Business: biz, m: m}) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				call()
			}
		})
	}
	b.Run("scrape of a million users", func(b *testing.B) {
		for i := range 1_000_000 {
			biz.Users.Active(strconv.Itoa(i))
		}
		for b.Loop() {
			biz.Users.ActiveUsers()
		}
	})
	b.Run("Users.Active, parallel", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				biz.Users.Active("user")
			}
		})
	})
}
