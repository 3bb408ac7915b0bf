package bizmon_test

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/bizmon"
	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/calendar"
)

func TestNewNamesEveryBadOption(t *testing.T) {
	t.Parallel()
	m, err := monitor.New()
	require.NoError(t, err)
	bad := map[string]bizmon.Option{
		"WithCalendar = <nil>":                        bizmon.WithCalendar(nil),
		"WithCalendar = Calendar{}":                   bizmon.WithCalendar(&calendar.Calendar{}),
		"WithLocation = <nil>":                        bizmon.WithLocation(nil),
		"WithInterval = 0s":                           bizmon.WithInterval(0),
		"WithSketchStore = <nil>":                     bizmon.WithSketchStore(nil, time.Second),
		"WithSketchStore interval = -1s":              bizmon.WithSketchStore(&memory{}, -time.Second),
		"WithSketchStore = a store: want monitor.Wit": bizmon.WithSketchStore(&memory{}, time.Second),
		"WithFeatureLimit = 1001: want 1 to 1000":     bizmon.WithFeatureLimit(1001),
		`WithFeatures = ""`:                           bizmon.WithFeatures("a", ""),
		`WithFeatures = "xxx`:                         bizmon.WithFeatures(strings.Repeat("x", 201)),
		"WithFeatures = 1001 names: want at most":     bizmon.WithFeatures(make([]string, 1001)...),
		"WithSessions idle = 0s":                      bizmon.WithSessions(0, time.Hour),
		"WithSessions longest = 1m0s":                 bizmon.WithSessions(time.Hour, time.Minute),
		"WithSessionLimit = -1":                       bizmon.WithSessionLimit(-1),
		"WithStockLimit = 0":                          bizmon.WithStockLimit(0),
		"WithStockLimit = 5000: want at most the mon": bizmon.WithStockLimit(5000),
		"WithHeat counters = 0":                       bizmon.WithHeat(0, time.Hour),
		"WithHeat half-life = 1ms":                    bizmon.WithHeat(1, time.Millisecond),
		"WithHealthThreshold = 2":                     bizmon.WithHealthThreshold(2),
		"WithOnHealth = <nil>: want a function":       bizmon.WithOnHealth(nil),
		"WithSlowConsumer = 0":                        bizmon.WithSlowConsumer(0),
		"WithStuckAfter = 0s":                         bizmon.WithStuckAfter(0),
		"WithJobLimit = 0":                            bizmon.WithJobLimit(0),
		"WithOnStuck = <nil>":                         bizmon.WithOnStuck(nil),
		"WithFailureReason = <nil>":                   bizmon.WithFailureReason(nil),
	}
	for want, o := range bad {
		_, err := bizmon.New(m, o)
		require.ErrorIs(t, err, monitor.ErrInvalidOption, want)
		require.ErrorContains(t, err, "bizmon: invalid option: "+want)
	}
	_, err = bizmon.New(nil, bizmon.WithInterval(0), bizmon.WithJobLimit(0))
	for _, want := range []string{"monitor = <nil>", "WithInterval", "WithJobLimit"} {
		require.ErrorContains(t, err, want)
	}
	_, err = bizmon.New(m, nil)
	require.NoError(t, err, "a nil option is none")
	_, err = bizmon.New(m)
	require.ErrorContains(t, err, "bizmon: the monitor has a Business already: ")
}

func TestNewSaysWhichNameIsTaken(t *testing.T) {
	t.Parallel()
	m, err := monitor.New()
	require.NoError(t, err)
	m.Registerer().MustRegister(prometheus.NewCounter(prometheus.CounterOpts{Name: "feature_uses_total", Help: "the host's"}))
	_, err = bizmon.New(m)
	require.ErrorContains(t, err, "feature_uses_total")
}

// TestTwoMonitorsShareARegistry: what they count adds up.
func TestTwoMonitorsShareARegistry(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	a, b := setup(t, []monitor.Option{monitor.WithRegisterer(reg)}), setup(t, []monitor.Option{monitor.WithRegisterer(reg)})
	a.Stocks.Updated("x", "1")
	b.Stocks.Updated("x", "1")
	a.Connections.Opened("quotes")
	b.Connections.Opened("quotes")
	require.InDelta(t, 2, a.value(t, `stock_data_updates_total{data_source="x",symbol="1"}`), 0)
	require.InDelta(t, 2, a.value(t, `websocket_connections_total{connection_type="quotes"}`), 0)
}
