package bizmon_test

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/bizmon"
)

func TestStocks(t *testing.T) {
	t.Parallel()
	s := setup(t, nil, bizmon.WithStockLimit(3))
	s.Stocks.Updated("akshare", "600519")
	s.Stocks.UpdatedN("akshare", "600519", 4)
	s.Stocks.Updated("tushare", "600519")
	s.Stocks.Updated("akshare", "000001")
	s.Stocks.Updated("akshare", "000002")
	s.Stocks.Updated("akshare", "000003")
	s.Stocks.Updated("tushare", "other")
	s.Stocks.UpdatedN("akshare", "600519", 0)
	s.Stocks.UpdatedN("akshare", "600519", -1)
	require.Equal(t, []string{
		`stock_data_updates_total{data_source="akshare",symbol="000001"} 1`,
		`stock_data_updates_total{data_source="akshare",symbol="600519"} 5`,
		`stock_data_updates_total{data_source="akshare",symbol="other"} 2`,
		`stock_data_updates_total{data_source="tushare",symbol="600519"} 1`,
		`stock_data_updates_total{data_source="tushare",symbol="other"} 1`,
	}, s.exposition("stock_data_updates_total{"))
	require.InDelta(t, 3, s.value(t, `monitor_label_overflow_total{metric="stock_data_updates_total",label="symbol"}`), 0)
}

func TestStocksAreBounded(t *testing.T) {
	t.Parallel()
	s := setup(t, nil, bizmon.WithStockLimit(100), bizmon.WithHeat(50, time.Hour))
	n := 250_000
	if raced {
		n = 10_000
	}
	var all sync.WaitGroup
	for w := range uint64(4) {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(1, w))
			for range n {
				symbol := strconv.FormatUint(rng.Uint64(), 36)
				s.Stocks.Updated(strconv.FormatUint(rng.Uint64N(1000), 36), symbol)
				s.Stocks.Queried(symbol)
			}
		})
	}
	all.Wait()
	lines := s.exposition("stock_data_updates_total{")
	require.LessOrEqual(t, len(lines), 100+100+1, "pairs, each source's others, the rest")
	var sum float64
	for _, l := range lines {
		v, err := strconv.ParseFloat(l[strings.LastIndexByte(l, ' ')+1:], 64)
		require.NoError(t, err)
		sum += v
	}
	require.InDelta(t, 4*n, sum, 0, "nothing is lost")
	require.InDelta(t, 4*n, s.value(t, "stock_queries_total"), 0)
	require.Len(t, s.Stocks.Hottest(1000), 50)
}

// TestNamesAreBounded: what is longer than a name can be counts, and is not kept.
func TestNamesAreBounded(t *testing.T) {
	t.Parallel()
	s := setup(t, nil)
	long := strings.Repeat("x", 1<<20)
	s.Stocks.Queried(long)
	require.Equal(t, "other", s.Stocks.Hottest(1)[0].Symbol)
	s.Stocks.Updated(long, "600519")
	s.Stocks.Updated("akshare", long)
	s.Users.Track(bizmon.Action{Name: long})
	c := s.Connections.Opened(long)
	c.Sent(1)
	c.Closed(long)
	s.Sources.Get(long).Data(long, monday)
	job := s.Backtests.Queue(long)
	require.Len(t, s.Backtests.Jobs()[0].ID, 200)
	job.Done(nil)
	for _, series := range []string{
		`stock_data_updates_total{data_source="other",symbol="other"}`, `stock_data_updates_total{data_source="akshare",symbol="other"}`,
		`feature_uses_total{feature="other"}`, `websocket_connections_closed_total{connection_type="other",reason="other"}`,
		`data_source_points_total{data_source="other"}`,
	} {
		require.InDelta(t, 1, s.value(t, series), 0, series)
	}
	require.NotContains(t, strings.Join(s.exposition(""), "\n"), "xxxx")
}

func TestHottest(t *testing.T) {
	t.Parallel()
	s := setup(t, nil, bizmon.WithHeat(1000, time.Hour))
	require.Empty(t, s.exposition("stock_query_top_share{"), "no share without queries")
	for range 60 {
		s.Stocks.Queried("600519")
	}
	for i := range 40 {
		s.Stocks.Queried(strconv.Itoa(i))
	}
	require.Equal(t, bizmon.Heat{Symbol: "600519", Heat: 60}, s.Stocks.Hottest(1)[0])
	require.InDelta(t, 0.6, s.value(t, `stock_query_top_share{top="1"}`), 1e-9)
	require.InDelta(t, 0.69, s.value(t, `stock_query_top_share{top="10"}`), 1e-9)
	require.InDelta(t, 1, s.value(t, `stock_query_top_share{top="100"}`), 1e-9)
	s.clock.Add(time.Hour)
	for range 31 {
		s.Stocks.Queried("300750")
	}
	top := s.Stocks.Hottest(2)
	require.Equal(t, "300750", top[0].Symbol, "what is asked for now is hotter than what was")
	require.InDelta(t, 31, top[0].Heat, 1e-9)
	require.InDelta(t, 30, top[1].Heat, 1e-9)
	s.clock.Add(1000 * time.Hour)
	s.Stocks.Queried("1")
	require.Equal(t, "1", s.Stocks.Hottest(1)[0].Symbol, "also after a long time, over which weights overflow")
	require.InDelta(t, 1, s.Stocks.Hottest(1)[0].Heat, 1e-9)
	s.clock.Add(-2000 * time.Hour)
	s.Stocks.Queried("2")
	s.clock.Add(1e6 * time.Hour)
	require.Empty(t, s.exposition("stock_query_top_share{"), "nothing of late")

	s.clock.Add(-1e6 * time.Hour)
	s.Stocks.Queried("3")
	s.Stocks.Queried("3")
	s.Stocks.Queried("3")
	require.Equal(t, "3", s.Stocks.Hottest(1)[0].Symbol, "a clock that was far ahead freezes nothing")

	jumpy := setup(t, nil, bizmon.WithHeat(10, time.Hour))
	right := jumpy.clock.Now()
	for range 100 {
		jumpy.Stocks.Queried("600519")
	}
	jumpy.clock.Set(right.Add(50 * time.Hour))
	jumpy.Stocks.Queried("000001")
	jumpy.clock.Set(right)
	for range 10 {
		jumpy.Stocks.Queried("600519")
	}
	top = jumpy.Stocks.Hottest(2)
	require.Equal(t, "600519", top[0].Symbol)
	require.InDelta(t, 10, top[0].Heat, 1e-6)
	require.InDelta(t, 1, top[1].Heat, 1e-6, "one query is one, whenever it was")
	jumpy.clock.Add(time.Hour)
	require.InDelta(t, 5, jumpy.Stocks.Hottest(1)[0].Heat, 1e-6, "and is forgotten as others are")
	jumpy.clock.Add(-20 * time.Minute)
	require.InDelta(t, 5, jumpy.Stocks.Hottest(1)[0].Heat, 1e-6, "time stands still")

	forever := setup(t, nil, bizmon.WithHeat(10, 0))
	forever.Stocks.Queried("a")
	forever.clock.Add(10_000 * time.Hour)
	require.InDelta(t, 1, forever.Stocks.Hottest(1)[0].Heat, 0)
}
