package bizmon_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/bizmon"
	"github.com/chronoretrace/chronomon/monitor"
)

// users is what active_users_total and concurrent_users say.
func (s site) users(t testing.TB) map[string]float64 {
	t.Helper()
	out := map[string]float64{"1m": s.value(t, "concurrent_users")}
	for _, w := range []string{"5m", "1h", "24h", "7d", "30d"} {
		out[w] = s.value(t, `active_users_total{time_window="`+w+`"}`)
	}
	return out
}

func TestWindowsRoll(t *testing.T) {
	t.Parallel()
	s := setup(t, nil)
	all := func(n1, n2, n3, n4, n5, n6 float64) map[string]float64 {
		return map[string]float64{"1m": n1, "5m": n2, "1h": n3, "24h": n4, "7d": n5, "30d": n6}
	}
	require.Equal(t, all(0, 0, 0, 0, 0, 0), s.users(t))
	for i := range 10 {
		s.Users.Active(fmt.Sprint("user ", i))
		s.Users.Active(fmt.Sprint("user ", i))
	}
	require.Equal(t, all(10, 10, 10, 10, 10, 10), s.users(t))
	s.clock.Add(30 * time.Second)
	s.Users.Active("user 0")
	s.Users.Active("user 10")
	require.Equal(t, all(11, 11, 11, 11, 11, 11), s.users(t), "distinct over slots")
	s.clock.Add(30 * time.Second)
	require.Equal(t, all(2, 11, 11, 11, 11, 11), s.users(t))
	s.clock.Add(4 * time.Minute)
	require.Equal(t, all(0, 2, 11, 11, 11, 11), s.users(t))
	s.clock.Add(55 * time.Minute)
	require.Equal(t, all(0, 0, 0, 11, 11, 11), s.users(t))
	s.clock.Set(monday.Add(23 * time.Hour))
	require.Equal(t, all(0, 0, 0, 11, 11, 11), s.users(t))
	s.clock.Set(monday.Add(24 * time.Hour))
	require.Equal(t, all(0, 0, 0, 0, 11, 11), s.users(t))
	// Days are the site's: the seventh ends at midnight in Shanghai.
	s.clock.Set(time.Date(2026, 3, 8, 23, 59, 59, 0, shanghai))
	require.Equal(t, all(0, 0, 0, 0, 11, 11), s.users(t))
	s.Users.Active("user 10")
	s.clock.Set(time.Date(2026, 3, 9, 0, 0, 0, 0, shanghai))
	require.Equal(t, all(1, 1, 1, 1, 1, 11), s.users(t))
	s.clock.Set(time.Date(2026, 3, 31, 23, 0, 0, 0, shanghai))
	require.Equal(t, all(0, 0, 0, 0, 0, 11), s.users(t))
	s.clock.Set(time.Date(2026, 4, 1, 0, 0, 0, 0, shanghai))
	require.Equal(t, all(0, 0, 0, 0, 0, 1), s.users(t))
	s.clock.Set(time.Date(2027, 4, 1, 0, 0, 0, 0, shanghai))
	require.Equal(t, all(0, 0, 0, 0, 0, 0), s.users(t))
	require.LessOrEqual(t, s.Users.Memory(), 4096, "what is over is gone")
}

// TestWindowsAgainstHistory holds the windows against the whole history of
// random activity, gaps and a clock that is set back included.
func TestWindowsAgainstHistory(t *testing.T) {
	t.Parallel()
	kolkata := time.FixedZone("IST", 5*60*60+30*60)
	s := setup(t, nil, bizmon.WithLocation(kolkata))
	rng := rand.New(rand.NewPCG(1, 1))
	type seen struct {
		at   time.Time
		user int
	}
	var history []seen
	slots := map[string]struct {
		length time.Duration
		n      int
	}{"1m": {30 * time.Second, 2}, "5m": {30 * time.Second, 10}, "1h": {5 * time.Minute, 12}, "24h": {time.Hour, 24}, "7d": {24 * time.Hour, 7}, "30d": {24 * time.Hour, 30}}
	newest := s.clock.Now()
	for range 400 {
		switch rng.IntN(6) {
		case 0:
			s.clock.Add(time.Duration(rng.Int64N(int64(3 * 24 * time.Hour))))
		case 1:
			s.clock.Add(-time.Duration(rng.Int64N(int64(20 * time.Second))))
		default:
			s.clock.Add(time.Duration(rng.Int64N(int64(10 * time.Minute))))
		}
		if s.clock.Now().After(newest) {
			newest = s.clock.Now()
		} else {
			s.clock.Set(newest) // see below for a clock that is set back
		}
		for range rng.IntN(4) {
			u := rng.IntN(50)
			s.Users.Active(strconv.Itoa(u))
			history = append(history, seen{s.clock.Now(), u})
		}
		got := s.users(t)
		for w, sl := range slots {
			_, offset := s.clock.Now().In(kolkata).Zone()
			local := s.clock.Now().Add(time.Duration(offset) * time.Second).UTC()
			first := local.Truncate(sl.length).Add(-time.Duration(sl.n-1) * sl.length).Add(-time.Duration(offset) * time.Second)
			distinct := map[int]bool{}
			for _, h := range history {
				if !h.at.Before(first) {
					distinct[h.user] = true
				}
			}
			require.InDelta(t, len(distinct), got[w], 0, "%s at %v", w, s.clock.Now())
		}
	}
	before := s.users(t)
	s.clock.Add(-time.Hour)
	s.Users.Active("a new one")
	after := s.users(t)
	require.InDelta(t, before["5m"]+1, after["5m"], 0, "a clock set back counts users as of the newest slot")

	right := s.clock.Now()
	s.clock.Set(right.AddDate(80, 0, 0)) // for a moment
	s.Users.Active("x")
	require.InDelta(t, 1, s.users(t)["30d"], 0)
	s.clock.Set(right)
	s.Users.Active("y")
	require.InDelta(t, 1, s.users(t)["30d"], 0, "a clock that was far ahead does not freeze the windows")
	require.InDelta(t, 2, s.value(t, "user_sessions_open"), 0, "a new one and y, not x of the future")
	s.clock.Add(10 * time.Minute)
	require.Zero(t, s.users(t)["5m"])
}

// TestDaysWithoutMidnight: daylight saving begins or ends at midnight in some
// places, and each date is a day all the same.
func TestDaysWithoutMidnight(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ zone, day string }{
		{"America/Santiago", "2026-09-06"},
		{"America/Santiago", "2026-04-05"},
		{"America/Havana", "2026-03-08"},
		{"America/Havana", "2026-11-01"},
		{"Africa/Cairo", "2026-04-24"},
		{"Asia/Beirut", "2026-03-29"},
	} {
		t.Run(c.zone+" "+c.day, func(t *testing.T) {
			t.Parallel()
			zone, err := time.LoadLocation(c.zone)
			require.NoError(t, err)
			noon, err := time.ParseInLocation(time.DateOnly+" 15", c.day+" 12", zone)
			require.NoError(t, err)
			store := &memory{}
			s := setup(t, nil, bizmon.WithLocation(zone), bizmon.WithSketchStore(store, time.Second))
			dates := 0
			last := noon.AddDate(0, 0, -4).Day()
			for at := noon.AddDate(0, 0, -3); at.Before(noon.AddDate(0, 0, 6)); at = at.Add(30 * time.Minute) {
				s.clock.Set(at)
				if at.Day() != last {
					last = at.Day()
					dates++
				}
				s.Users.Active(strconv.Itoa(dates))
				got := s.users(t)
				require.InDelta(t, min(dates, 7), got["7d"], 0, at)
				require.InDelta(t, dates, got["30d"], 0, at)
				if at.Minute() == 0 {
					require.NoError(t, s.Sync(t.Context()))
				}
			}
			var backup bytes.Buffer
			require.NoError(t, snapshotter(t, s.m).Snapshot(t.Context(), &backup))
			restored := setup(t, nil, bizmon.WithLocation(zone))
			joined := setup(t, nil, bizmon.WithLocation(zone), bizmon.WithSketchStore(store, time.Second))
			restored.clock.Set(s.clock.Now())
			joined.clock.Set(s.clock.Now())
			require.NoError(t, snapshotter(t, restored.m).Restore(t.Context(), &backup))
			require.NoError(t, s.Sync(t.Context()))
			require.NoError(t, joined.Sync(t.Context()))
			require.Equal(t, s.users(t), restored.users(t))
			require.Equal(t, s.users(t), joined.users(t))
		})
	}
}

func TestMillionUsers(t *testing.T) {
	t.Parallel()
	if raced {
		t.Skip("the same, ten times slower")
	}
	s := setup(t, nil, bizmon.WithSessionLimit(1000))
	var id []byte
	for i := range 1_000_000 {
		id = strconv.AppendInt(append(id[:0], "user-"...), int64(i), 10)
		s.Users.Active(string(id))
	}
	for w, n := range s.users(t) {
		require.InEpsilon(t, 1_000_000, n, 0.02, w)
		t.Logf("%s: error %.3f %%", w, (n/1e6-1)*100)
	}
	for _, a := range s.Users.ActiveUsers() {
		require.InEpsilon(t, 1_000_000, a.Users, 0.02, a.Window)
		require.InEpsilon(t, 1_000_000*0.0041, a.Error, 0.05)
	}
	t.Logf("memory: %d bytes", s.Users.Memory())
	require.LessOrEqual(t, s.Users.Memory(), (10+12+24+30+6)*64<<10)
	require.InDelta(t, 1000, s.value(t, "user_sessions_open"), 20, "bounded")
	require.InDelta(t, 999_000, s.value(t, "user_sessions_untracked_total"), 20)
}

func TestSessions(t *testing.T) {
	t.Parallel()
	s := setup(t, nil)
	track := func(user, session, name string) {
		s.Users.Track(bizmon.Action{User: user, Session: session, Name: name})
	}
	track("a", "", "quote")
	track("b", "", "quote")
	track("b", "phone", "quote")
	track("", "", "quote") // somebody unknown
	require.InDelta(t, 3, s.value(t, "user_sessions_open"), 0)
	require.InDelta(t, 4, s.value(t, `feature_uses_total{feature="quote"}`), 0)
	s.clock.Add(20 * time.Minute)
	track("a", "", "chart")
	s.clock.Add(20 * time.Minute)
	require.InDelta(t, 1, s.value(t, "user_sessions_open"), 0, "b is idle")
	track("b", "", "quote")
	require.InDelta(t, 4, s.value(t, "user_sessions_total"), 0, "b began anew")
	s.clock.Add(31 * time.Minute)
	s.Check(s.clock.Now())
	require.Zero(t, s.value(t, "user_sessions_open"))
	require.InDelta(t, 4, s.value(t, "user_session_duration_seconds_count"), 0)
	require.InDelta(t, 20*60, s.value(t, "user_session_duration_seconds_sum"), 0, "from the first to the last action")

	for range 52 { // a page that refreshes itself day and night
		track("c", "", "quote")
		s.clock.Add(29 * time.Minute)
	}
	require.InDelta(t, 6, s.value(t, "user_sessions_total"), 0, "no session is longer than a day")
}

// TestSessionsAreCountedOnce: a call that names no session belongs to any.
func TestSessionsAreCountedOnce(t *testing.T) {
	t.Parallel()
	s := setup(t, nil)
	sessions := func() []float64 {
		return []float64{s.value(t, "user_sessions_total"), s.value(t, "user_sessions_open")}
	}
	s.Users.LoggedIn("a")
	s.Users.Track(bizmon.Action{User: "a", Session: "phone", Name: "quote"})
	s.Users.Active("a")
	s.Users.LoggedIn("a")
	require.Equal(t, []float64{1, 1}, sessions())
	s.Users.Track(bizmon.Action{User: "a", Session: "laptop", Name: "quote"})
	s.Users.Active("a")
	require.Equal(t, []float64{2, 2}, sessions())
	for range 3 { // the laptop, and calls of which it may be
		s.clock.Add(20 * time.Minute)
		s.Users.Active("a")
	}
	require.Equal(t, []float64{2, 1}, sessions(), "the phone is idle")
	s.clock.Add(time.Hour)
	s.Users.Active("a")
	require.Equal(t, []float64{3, 1}, sessions())
	s.Users.Track(bizmon.Action{User: "a", Session: "tablet", Name: "quote"})
	require.Equal(t, []float64{3, 1}, sessions())
	s.Users.Active("b")
	s.Users.Track(bizmon.Action{User: "b", Name: "quote"})
	require.Equal(t, []float64{4, 2}, sessions())
	require.True(t, s.Users.Forget("a"))
	s.Users.Active("a")
	require.Equal(t, []float64{5, 2}, sessions())
}

func TestJourneys(t *testing.T) {
	t.Parallel()
	s := setup(t, nil, bizmon.WithFeatures("home", "search", "buy"))
	for i := range 10 {
		u := strconv.Itoa(i)
		s.Users.Track(bizmon.Action{User: u, Name: "home"})
		s.Users.Track(bizmon.Action{User: u, Name: "search"})
		if i < 4 {
			s.Users.Active(u) // is no step
			s.Users.Track(bizmon.Action{User: u, Name: "buy"})
		}
	}
	s.Users.Track(bizmon.Action{User: "x", Name: "DROP TABLE"})
	s.clock.Add(time.Hour)
	s.Check(s.clock.Now())
	require.Equal(t, []bizmon.Step{
		{From: "", To: "home", Count: 10, Share: 10. / 11},
		{From: "home", To: "search", Count: 10, Share: 1},
		{From: "search", To: "", Count: 6, Share: 0.6},
		{From: "buy", To: "", Count: 4, Share: 1},
		{From: "search", To: "buy", Count: 4, Share: 0.4},
		{From: "", To: "other", Count: 1, Share: 1. / 11},
		{From: "other", To: "", Count: 1, Share: 1},
	}, s.Users.Journeys(100))
	require.Len(t, s.Users.Journeys(2), 2)
	require.Empty(t, s.Users.Journeys(-1))
}

func TestForget(t *testing.T) {
	t.Parallel()
	s := setup(t, nil)
	s.Users.Track(bizmon.Action{User: "a", Name: "home"})
	s.Users.Track(bizmon.Action{User: "a", Session: "phone", Name: "home"})
	s.Users.Track(bizmon.Action{User: "b", Name: "home"})
	require.True(t, s.Users.Forget("a"))
	require.False(t, s.Users.Forget("a"))
	require.False(t, s.Users.Forget(""))
	require.InDelta(t, 1, s.value(t, "user_sessions_open"), 0)
}

func TestLogins(t *testing.T) {
	t.Parallel()
	s := setup(t, nil)
	for i := range 30 {
		s.Users.LoginFailed("admin", netip.AddrFrom4([4]byte{203, 0, 113, byte(i)}))
	}
	s.Users.LoginFailed("", netip.MustParseAddr("2001:db8:1:2::3"))
	s.Users.LoginFailed("", netip.Addr{})
	s.Users.LoggedIn("a")
	require.InDelta(t, 33, s.value(t, "login_attempts_total"), 0)
	require.InDelta(t, 32, s.value(t, "login_failures_total"), 0)
	require.InDelta(t, 1, s.value(t, "user_logins_total"), 0)
	require.InDelta(t, 30, s.value(t, "login_failures_hottest_network"), 1e-9)
	require.Equal(t, []bizmon.Network{
		{Prefix: netip.MustParsePrefix("203.0.113.0/24"), Failures: 30},
		{Prefix: netip.MustParsePrefix("2001:db8:1::/48"), Failures: 1},
	}, s.Users.FailingNetworks(10))
	s.clock.Add(5 * time.Minute)
	require.InDelta(t, 15, s.value(t, "login_failures_hottest_network"), 1e-9, "half after five minutes")
	s.clock.Add(4 * time.Hour) // for a moment
	s.Users.LoginFailed("", netip.MustParseAddr("2001:db8:1:2::3"))
	s.clock.Add(-4 * time.Hour)
	require.InDelta(t, 1, s.value(t, "login_failures_hottest_network"), 1e-9)
	require.InDelta(t, 1, s.value(t, "concurrent_users")+s.value(t, `active_users_total{time_window="1h"}`), 0)
}

func TestUserEvents(t *testing.T) {
	t.Parallel()
	sink := &collect{}
	s := setup(t, []monitor.Option{monitor.WithSink("test", sink, monitor.WithKinds(monitor.KindUser))})
	stop := run(t, s.m, s)
	const agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0"
	s.Users.Track(bizmon.Action{
		User: "alice@example.com", Name: "screener.run", Session: "s-secret", TraceID: "abc",
		IP: netip.MustParseAddr("198.51.100.77"), UserAgent: agent,
	})
	s.Users.LoggedIn("alice@example.com")
	s.Users.LoginFailed("alice@example.com", netip.MustParseAddr("198.51.100.77"))
	stop()
	require.Len(t, sink.events, 3)
	e := sink.events[0]
	require.Equal(t, "screener.run", e.Name)
	require.Equal(t, s.m.Pseudonym("alice@example.com"), e.User)
	require.Equal(t, "abc", e.TraceID)
	require.Equal(t, map[string]string{"session": s.m.Pseudonym("s-secret"), "client_net": "198.51.100.0/24", "browser": "Edge"}, attrs(e))
	require.True(t, sink.events[2].Failed)
	for _, e := range sink.events {
		text := fmt.Sprintf("%+v %v", e, attrs(e))
		for _, secret := range []string{"alice", "s-secret", "100.77", "Linux", "126"} {
			require.NotContains(t, text, secret)
		}
	}
}

// TestUsersAreBounded: whatever the host is sent, tables and labels stay small.
func TestUsersAreBounded(t *testing.T) {
	t.Parallel()
	s := setup(t, nil, bizmon.WithFeatureLimit(20), bizmon.WithSessionLimit(500))
	rng := rand.New(rand.NewPCG(1, 1))
	n := 1_000_000
	if raced {
		n = 50_000
	}
	for range n {
		s.Users.Track(bizmon.Action{User: strconv.FormatUint(rng.Uint64(), 36), Name: strconv.FormatUint(rng.Uint64N(1_000_000), 36)})
	}
	require.Len(t, s.exposition("feature_uses_total{"), 21)
	require.LessOrEqual(t, s.value(t, "user_sessions_open"), 516.)
	require.LessOrEqual(t, len(s.Users.Journeys(1<<20)), 22*22)
	require.Positive(t, s.value(t, `monitor_label_overflow_total{metric="feature_uses_total",label="feature"}`))
	require.Len(t, s.exposition("active_users_total{"), 5)
	s.Users.Track(bizmon.Action{User: strings.Repeat("x", 1<<20), Name: "\xff\n\"", UserAgent: strings.Repeat("y", 1<<20)})
}

// TestMemoryAtWorst: with crowds in every slot of every level the sketches take
// what the documentation says.
func TestMemoryAtWorst(t *testing.T) {
	t.Parallel()
	s := setup(t, nil, bizmon.WithSessionLimit(0))
	crowd := func(ago time.Duration) {
		s.clock.Set(monday.Add(-ago))
		for i := range 8000 {
			s.Users.Active(strconv.Itoa(i))
		}
	}
	for d := range 29 {
		crowd(time.Duration(29-d) * 24 * time.Hour)
	}
	for h := range 23 {
		crowd(time.Duration(23-h) * time.Hour)
	}
	for m := range 11 {
		crowd(time.Duration(11-m) * 5 * time.Minute)
	}
	for h := range 10 {
		crowd(time.Duration(9-h) * 30 * time.Second)
	}
	s.users(t)
	require.Equal(t, (10+12+24+30+6+1)*64<<10, s.Users.Memory())
}
