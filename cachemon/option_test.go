package cachemon_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/cachemon"
	"github.com/chronoretrace/chronomon/monitor"
)

func TestNewHookNamesEveryBadOption(t *testing.T) {
	t.Parallel()
	m := newMonitor(t)
	bad := map[string]cachemon.HookOption{
		"WithWindow = 0s":               cachemon.WithWindow(0),
		"WithWindow = 25h0m0s":          cachemon.WithWindow(25 * time.Hour),
		`WithCacheType = ""`:            cachemon.WithCacheType(""),
		"WithBuckets = []":              cachemon.WithBuckets(),
		"WithBuckets = [0 1]":           cachemon.WithBuckets(0, 1),
		"WithBuckets = [1 +Inf]":        cachemon.WithBuckets(1, math.Inf(1)),
		"WithBuckets = [2 1]":           cachemon.WithBuckets(2, 1),
		`WithRule = "", 1`:              cachemon.WithRule("", cachemon.CountReply),
		`WithRule = "get", 99`:          cachemon.WithRule("GET", 99),
		"WithKeyPatternLimit = 0":       cachemon.WithKeyPatternLimit(0),
		`WithKeyWords = ""`:             cachemon.WithKeyWords("a", ""),
		"WithBigValues = -1":            cachemon.WithBigValues(-1),
		"WithSlowThreshold = -1s":       cachemon.WithSlowThreshold(-time.Second),
		"WithTraceID = <nil>":           cachemon.WithTraceID(nil),
		`WithKeyPatterns = rule "a**b"`: cachemon.WithKeyPatterns("a**b"),
	}
	var all []cachemon.HookOption
	for want, o := range bad {
		_, err := cachemon.NewHook(m, o)
		require.ErrorIs(t, err, monitor.ErrInvalidOption, want)
		require.ErrorContains(t, err, want)
		all = append(all, o)
	}
	_, err := cachemon.NewHook(nil, all...)
	for want := range bad {
		name, _, _ := strings.Cut(want, " ")
		if name != "WithKeyPatterns" {
			require.ErrorContains(t, err, name)
		}
	}
	require.ErrorContains(t, err, "monitor = <nil>")
	_, err = cachemon.NewHook(m, nil)
	require.NoError(t, err, "a nil option is none")
	_, err = cachemon.NewHook(m, cachemon.WithKeyPatternLimit(2001))
	require.ErrorContains(t, err, "WithKeyPatternLimit = 2001: want 1 to 2000 (monitor.WithLabelLimit)")
	_, err = cachemon.NewHook(newMonitor(t, monitor.WithLabelLimit(5)))
	require.NoError(t, err, "the default is what there may be")
}

func TestOthersNameEveryBadOption(t *testing.T) {
	t.Parallel()
	m := newMonitor(t)
	_, err := cachemon.NewTracker(nil, "", nil, cachemon.WithStats(nil), cachemon.WithWindow(0), cachemon.WithCacheType(""))
	for _, want := range []string{"monitor = <nil>", `NewTracker name = ""`, "WithStats", "WithWindow", "WithCacheType"} {
		require.ErrorContains(t, err, want)
	}
	_, err = cachemon.NewMemoryPoller(nil, (*redis.Ring)(nil), nil, cachemon.WithPollName(""), cachemon.WithCacheType(""),
		cachemon.WithPollInterval(0), cachemon.WithPollTimeout(0), cachemon.WithKeyMemory(-1, "a**"))
	require.ErrorIs(t, err, monitor.ErrInvalidOption)
	for _, want := range []string{"monitor = <nil>", "client = <nil>", "WithPollName", "WithCacheType", "WithPollInterval", "WithPollTimeout", "WithKeyMemory = -1", "a**"} {
		require.ErrorContains(t, err, want)
	}
	client := (&script{}).client(t, nil)
	_, err = cachemon.NewMemoryPoller(m, client)
	require.NoError(t, err)
	_, err = cachemon.NewMemoryPoller(m, client)
	require.ErrorContains(t, err, `poll "redis": the name is taken`)
}

func TestNewHookSaysWhichNameIsTaken(t *testing.T) {
	t.Parallel()
	m := newMonitor(t)
	m.Registerer().MustRegister(prometheus.NewCounter(prometheus.CounterOpts{Name: "cache_operations_total", Help: "the host's"}))
	_, err := cachemon.NewHook(m)
	require.ErrorContains(t, err, "cache_operations_total")
}

func TestTwoMonitorsOnOneRegistry(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	one, two := newMonitor(t, monitor.WithRegisterer(reg)), newMonitor(t, monitor.WithRegisterer(reg))
	a, err := cachemon.NewTracker(one, "a")
	require.NoError(t, err)
	b, err := cachemon.NewTracker(two, "b")
	require.NoError(t, err)
	a.Hit()
	b.Miss()
	require.Len(t, lines(one, "cache_hit_rate"), 2)
	require.Equal(t, lines(one, "cache_"), lines(two, "cache_"))
}
