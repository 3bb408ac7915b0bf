package cachemon_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/cachemon"
	"github.com/chronoretrace/chronomon/monitor"
)

func newMonitor(t testing.TB, opts ...monitor.Option) *monitor.Monitor {
	t.Helper()
	m, err := monitor.New(append([]monitor.Option{quiet}, opts...)...)
	require.NoError(t, err)
	return m
}

const rateOfL1 = `cache_hit_rate{cache_type="local",cache_name="l1"}`

func TestTrackerThatIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMonitor(t)
		tr, err := cachemon.NewTracker(m, "l1")
		require.NoError(t, err)
		require.Empty(t, lines(m, "cache_hit_rate"), "no look-ups, no rate")
		for range 3 {
			tr.Hit()
		}
		tr.Miss()
		tr.Look(true)
		tr.Look(false)
		tr.Set()
		tr.Set()
		tr.Delete()
		tr.Evict(5)
		tr.Evict(0)
		tr.Evict(-1)
		require.Equal(t, 4.0/6, value(t, m, rateOfL1))
		require.Equal(t, []string{
			`cache_changes_total{cache_type="local",cache_name="l1",change="delete"} 1`,
			`cache_changes_total{cache_type="local",cache_name="l1",change="evict"} 5`,
			`cache_changes_total{cache_type="local",cache_name="l1",change="set"} 2`,
		}, lines(m, "cache_changes_total"))

		time.Sleep(4 * time.Minute)
		require.Equal(t, 4.0/6, value(t, m, rateOfL1), "within the window")
		tr.Miss()
		time.Sleep(time.Minute)
		require.Equal(t, 0.0, value(t, m, rateOfL1), "only the latest is left: never since start")
		time.Sleep(5 * time.Minute)
		require.Empty(t, lines(m, "cache_hit_rate"), "nothing lately, no rate: a quiet night is no alert")
		require.Equal(t, 4.0, value(t, m, `cache_requests_total{cache_type="local",cache_name="l1",result="hit"}`), "the counters stay")
	})
}

func TestTrackerThatReads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMonitor(t)
		var calls int
		st := cachemon.Stats{Hits: 1000, Misses: 0, Entries: 7, Bytes: 4096}
		_, err := cachemon.NewTracker(m, "l1", cachemon.WithCacheType("ristretto"), cachemon.WithWindow(time.Minute),
			cachemon.WithStats(func() cachemon.Stats { calls++; return st }))
		require.NoError(t, err)
		const rate = `cache_hit_rate{cache_type="ristretto",cache_name="l1"}`
		require.Equal(t, -1.0, value(t, m, rate), "what was before the first scrape is not lately")
		require.Equal(t, 1, calls, "read once a scrape")
		require.Equal(t, 1000.0, value(t, m, `cache_requests_total{cache_type="ristretto",cache_name="l1",result="hit"}`))
		require.Equal(t, 7.0, value(t, m, `cache_entries{cache_type="ristretto",cache_name="l1"}`))
		require.Equal(t, 4096.0, value(t, m, `cache_memory_usage_bytes{cache_type="ristretto"}`))
		for range 10 {
			time.Sleep(15 * time.Second)
			st.Hits, st.Misses = st.Hits+1, st.Misses+3
			require.Equal(t, 0.25, value(t, m, rate))
		}
		st.Entries, st.Bytes = -1, -1
		time.Sleep(15 * time.Second)
		require.Empty(t, lines(m, "cache_entries", "cache_memory_usage_bytes"), "not known")
	})
}

func TestTrackerWhoseStatsPanic(t *testing.T) {
	t.Parallel()
	m := newMonitor(t)
	tr, err := cachemon.NewTracker(m, "l1", cachemon.WithStats(func() cachemon.Stats { panic("host") }))
	require.NoError(t, err)
	tr.Hit()
	require.Equal(t, 1.0, value(t, m, rateOfL1))
	require.Positive(t, value(t, m, `monitor_callback_panics_total{callback="cachemon.WithStats"}`))
}

func TestTrackersDoNotShareANameAndCanBeReplaced(t *testing.T) {
	t.Parallel()
	m := newMonitor(t)
	tr, err := cachemon.NewTracker(m, "l1")
	require.NoError(t, err)
	tr.Hit()
	_, err = cachemon.NewTracker(m, "l1")
	require.ErrorIs(t, err, monitor.ErrInvalidOption)
	require.ErrorContains(t, err, `track "l1"`)
	tr.Close()
	again, err := cachemon.NewTracker(m, "l1")
	require.NoError(t, err)
	again.Hit()
	require.Equal(t, 2.0, value(t, m, `cache_requests_total{cache_type="local",cache_name="l1",result="hit"}`), "a counter does not go back")
}

func TestTrackerIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	m := newMonitor(t)
	tr, err := cachemon.NewTracker(m, "l1")
	require.NoError(t, err)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 1000 {
				tr.Hit()
				tr.Set()
			}
		})
	}
	all.Wait()
	require.Equal(t, 4000.0, value(t, m, `cache_requests_total{cache_type="local",cache_name="l1",result="hit"}`))
	require.Equal(t, 4000.0, value(t, m, `cache_changes_total{cache_type="local",cache_name="l1",change="set"}`))
}
