package cachemon_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
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
	tr.Hit()
	const hits = `cache_requests_total{cache_type="local",cache_name="l1",result="hit"}`
	require.Equal(t, 1.0, value(t, m, hits), "closed: nothing more is counted")
	again, err := cachemon.NewTracker(m, "l1")
	require.NoError(t, err)
	again.Hit()
	require.Equal(t, 2.0, value(t, m, hits), "a counter does not go back")
	tr.Hit()
	tr.Close()
	require.Equal(t, 2.0, value(t, m, hits))
	_, err = cachemon.NewTracker(m, "l1")
	require.ErrorContains(t, err, "taken", "it cannot give away what is another's")
}

func TestNewOwnerBeginsItsOwnWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMonitor(t)
		tr, err := cachemon.NewTracker(m, "l1", cachemon.WithWindow(time.Hour))
		require.NoError(t, err)
		tr.Miss()
		tr.Set()
		tr.Close()
		tr, err = cachemon.NewTracker(m, "l1", cachemon.WithWindow(time.Minute))
		require.NoError(t, err)
		require.Empty(t, lines(m, "cache_hit_rate"))
		tr.Hit()
		tr.Set()
		require.Equal(t, 1.0, value(t, m, rateOfL1))
		time.Sleep(time.Minute)
		require.Empty(t, lines(m, "cache_hit_rate"))
		require.Equal(t, 1.0, value(t, m, `cache_requests_total{cache_type="local",cache_name="l1",result="miss"}`))
		require.Equal(t, 2.0, value(t, m, `cache_changes_total{cache_type="local",cache_name="l1",change="set"}`))
	})
}

// TestNamesAreBounded: those that were given back are still shown.
func TestNamesAreBounded(t *testing.T) {
	t.Parallel()
	b := setup(t, []monitor.Option{monitor.WithLabelLimit(3)})
	for i := range 3 {
		tr, err := cachemon.NewTracker(b.m, fmt.Sprint("tenant-", i))
		require.NoError(t, err)
		tr.Close()
	}
	_, err := cachemon.NewTracker(b.m, "tenant-3")
	require.ErrorIs(t, err, monitor.ErrInvalidOption)
	require.ErrorContains(t, err, "WithLabelLimit")
	client := (&script{}).client(t, nil)
	_, err = b.Watch("tenant-4", client)
	require.ErrorContains(t, err, "WithLabelLimit")
	_, err = cachemon.NewTracker(b.m, "tenant-0")
	require.NoError(t, err, "an old name takes no room")
	require.Len(t, lines(b.m, "cache_requests_total"), 2*3)
}

func TestNilsDoNothing(t *testing.T) {
	t.Parallel()
	client := (&script{}).client(t, nil)
	for _, h := range []*cachemon.Hook{nil, {}} {
		w, err := h.Watch("c", client)
		require.NoError(t, err)
		w.Close()
	}
	require.ErrorIs(t, client.Get(t.Context(), "a:1").Err(), redis.Nil)
	for _, w := range []*cachemon.Watch{nil, {}} {
		w.Close()
	}
	for _, tr := range []*cachemon.Tracker{nil, {}} {
		tr.Hit()
		tr.Miss()
		tr.Look(true)
		tr.Set()
		tr.Delete()
		tr.Evict(1)
		tr.Close()
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for _, p := range []*cachemon.MemoryPoller{nil, {}} {
		require.NoError(t, p.Poll(t.Context()))
		require.NoError(t, p.Run(over))
		p.Close()
	}
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
