package redislease_test

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chronoretrace/chronomon/internal/testenv"
	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/lease"
	"github.com/chronoretrace/chronomon/monitor/lease/leasetest"
	"github.com/chronoretrace/chronomon/monitor/lease/redislease"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func connect(t testing.TB, addr string) *redis.Client {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1, DialTimeout: time.Second, ContextTimeoutEnabled: true})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func open(t testing.TB, client redis.UniversalClient, name string) *redislease.Store {
	t.Helper()
	s, err := redislease.New(client, name)
	require.NoError(t, err)
	return s
}

func TestConformance(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t)
	leasetest.TestStore(t, func(t testing.TB) func() lease.Store {
		return func() lease.Store { return open(t, connect(t, server.Addr()), t.Name()) }
	})
}

func TestCluster(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t, "--cluster-enabled", "yes")
	client := connect(t, server.Addr())
	require.NoError(t, client.Do(t.Context(), "CLUSTER", "ADDSLOTSRANGE", 0, 16383).Err())
	require.Eventually(t, func() bool {
		info, err := client.ClusterInfo(t.Context()).Result()
		return err == nil && strings.Contains(info, "cluster_state:ok")
	}, 10*time.Second, 50*time.Millisecond)
	cluster := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{server.Addr()}})
	t.Cleanup(func() { _ = cluster.Close() })
	s := open(t, cluster, "x")
	epoch, err := s.Acquire(t.Context(), "a", time.Minute)
	require.NoError(t, err)
	require.NoError(t, s.Check(t.Context(), epoch))
}

// TestLoss: Redis loses its data.
func TestLoss(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t)
	client := connect(t, server.Addr())
	leasetest.TestLoss(t, func() lease.Store { return open(t, client, "x") }, map[string]func(){
		"restarted": func() { server.Stop(); server.Start() }, // with nothing in it
		"flushed":   func() { require.NoError(t, client.FlushAll(t.Context()).Err()) },
		"deleted":   func() { require.NoError(t, client.Del(t.Context(), "chronomon:lease:x").Err()) },
	})
}

// TestClockSteps: Redis's clock cannot be set here, but what it would have
// written before it was can be.
func TestClockSteps(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t)
	client := connect(t, server.Addr())
	s := open(t, client, "x")
	const ttl = time.Minute
	old, err := s.Acquire(t.Context(), "a", ttl)
	require.NoError(t, err)
	move := func(d time.Duration, epoch uint64) {
		t.Helper()
		till, err := client.HGet(t.Context(), "chronomon:lease:x", "until").Int64()
		require.NoError(t, err)
		require.NoError(t, client.HSet(t.Context(), "chronomon:lease:x", "until", till+d.Milliseconds(), "epoch", epoch).Err())
	}
	move(ttl/4, old) // set back by less than half a lease: nobody minds
	_, err = s.Acquire(t.Context(), "b", ttl)
	require.ErrorIs(t, err, lease.ErrHeld)
	future := old + uint64((24 * time.Hour).Milliseconds())
	move(24*time.Hour, future) // set back by a day
	require.NoError(t, s.Renew(t.Context(), "a", future, ttl), "the leader goes on if it is the first to notice")
	move(24*time.Hour, future)
	epoch, err := s.Acquire(t.Context(), "b", ttl)
	require.NoError(t, err, "it is not held for a day")
	require.Equal(t, future+1, epoch)
	require.ErrorIs(t, s.Renew(t.Context(), "a", future, ttl), lease.ErrLost)
	move(-2*ttl, epoch) // set forward: expired
	require.ErrorIs(t, s.Renew(t.Context(), "b", epoch, ttl), lease.ErrLost)
	epoch, err = s.Acquire(t.Context(), "a", ttl)
	require.NoError(t, err)
	require.Equal(t, future+2, epoch)
}

// TestTakeover: a leader that loses its connections for good is replaced within
// twice the lease, and has stopped by then.
func TestTakeover(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t)
	const ttl = time.Second
	client := connect(t, server.Addr())
	leader := leasetest.Start(t, open(t, client, "x"), lease.WithTTL(ttl))
	leads := func(e *lease.Elector) bool { _, ok := e.Leader(); return ok }
	require.Eventually(t, func() bool { return leads(leader) }, 10*time.Second, ttl/50)
	var worst time.Duration
	for range 5 {
		nextClient := connect(t, server.Addr())
		next := leasetest.Start(t, open(t, nextClient, "x"), lease.WithTTL(ttl))
		time.Sleep(rand.N(ttl))
		old, _ := leader.Leader()
		require.NoError(t, client.Close())
		began := time.Now()
		require.Eventually(t, func() bool { return leads(next) }, 2*ttl, ttl/100)
		worst = max(worst, time.Since(began))
		require.False(t, leads(leader))
		require.ErrorIs(t, open(t, nextClient, "x").Check(t.Context(), old), lease.ErrLost)
		leader, client = next, nextClient
	}
	t.Logf("5 takeovers, the slowest after %v of a lease of %v", worst.Round(time.Millisecond), ttl)
}

// TestOutage: Redis hangs, and is gone.
func TestOutage(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t)
	leasetest.TestOutage(t, func() lease.Store { return open(t, connect(t, server.Addr()), "x") }, 600*time.Millisecond,
		map[string]leasetest.Outage{"hangs": {Begin: server.Pause, End: server.Resume}, "gone": {Begin: server.Stop, End: server.Start}})
}

func TestForeignKey(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t)
	client := connect(t, server.Addr())
	require.NoError(t, client.Set(t.Context(), "mine:x", "the host's", 0).Err())
	s, err := redislease.New(client, "x", redislease.WithPrefix("mine:"))
	require.NoError(t, err)
	_, err = s.Acquire(t.Context(), "a", time.Minute)
	require.ErrorContains(t, err, `redislease: acquire "x": `)
	kept, err := client.Get(t.Context(), "mine:x").Result()
	require.NoError(t, err)
	require.Equal(t, "the host's", kept)
}

func TestOptions(t *testing.T) {
	t.Parallel()
	_, err := redislease.New(nil, strings.Repeat("n", 101), redislease.WithPrefix(""), nil)
	require.ErrorIs(t, err, monitor.ErrInvalidOption)
	for _, want := range []string{"client = <nil>", "name = " + strconv.Quote(strings.Repeat("n", 101)), `WithPrefix = ""`} {
		require.ErrorContains(t, err, want)
	}
	for _, none := range []redis.UniversalClient{(*redis.Client)(nil), (*redis.ClusterClient)(nil)} {
		_, err = redislease.New(none, "x")
		require.ErrorIs(t, err, monitor.ErrInvalidOption)
		require.ErrorContains(t, err, "client = <nil>")
	}
	client := connect(t, "127.0.0.1:1")
	for name, want := range map[string]error{
		"": monitor.ErrInvalidOption, "a\x00b": monitor.ErrInvalidOption, "a\xffb": monitor.ErrInvalidOption, strings.Repeat("n", 100): nil,
	} {
		_, err = redislease.New(client, name)
		require.ErrorIs(t, err, want, "%q", name)
	}
	for length, want := range map[int]error{200: nil, 201: monitor.ErrInvalidOption} {
		_, err = redislease.New(client, "x", redislease.WithPrefix(strings.Repeat("p", length)))
		require.ErrorIs(t, err, want)
	}
}
