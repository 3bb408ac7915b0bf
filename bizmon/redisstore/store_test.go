package redisstore_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chronoretrace/chronomon/bizmon"
	"github.com/chronoretrace/chronomon/bizmon/redisstore"
	"github.com/chronoretrace/chronomon/internal/sketch"
	"github.com/chronoretrace/chronomon/internal/testenv"
	"github.com/chronoretrace/chronomon/monitor"
)

// TestMain is also the process of TestTwoProcesses.
func TestMain(m *testing.M) {
	if addr := os.Getenv("CHRONOMON_TEST_FLEET_ADDR"); addr != "" {
		if err := beOneOfTheFleet(addr, os.Getenv("CHRONOMON_TEST_FLEET_USERS")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

const testKey = "a key of the tests"

// process is what one process of a fleet has.
type process struct {
	*bizmon.Business
	m      *monitor.Monitor
	client *redis.Client
}

func open(addr, pseudonymKey string) (process, error) {
	client := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1, DialTimeout: time.Second, ContextTimeoutEnabled: true})
	store, err := redisstore.New(client)
	if err != nil {
		return process{}, err
	}
	m, err := monitor.New(monitor.WithLogger(slog.New(slog.DiscardHandler)), monitor.WithPseudonymKey([]byte(pseudonymKey)))
	if err != nil {
		return process{}, err
	}
	biz, err := bizmon.New(m, bizmon.WithSketchStore(store, 5*time.Second))
	return process{biz, m, client}, err
}

func setup(t testing.TB, addr string) process {
	t.Helper()
	p, err := open(addr, testKey)
	require.NoError(t, err)
	t.Cleanup(func() { _ = p.client.Close() })
	return p
}

// users is what active_users_total says of a window.
func (p process) users(t testing.TB, window string) float64 {
	t.Helper()
	w := httptest.NewRecorder()
	p.m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	for line := range strings.Lines(w.Body.String()) {
		if rest, ok := strings.CutPrefix(line, `active_users_total{time_window="`+window+`"} `); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			require.NoError(t, err)
			return v
		}
	}
	require.Fail(t, "no series", window)
	return 0
}

// beOneOfTheFleet sees the users first..last and tells the others.
func beOneOfTheFleet(addr, users string) error {
	var first, last int
	if _, err := fmt.Sscanf(users, "%d-%d", &first, &last); err != nil {
		return err
	}
	p, err := open(addr, testKey)
	if err != nil {
		return err
	}
	defer p.client.Close()
	for i := first; i <= last; i++ {
		p.Users.Active(strconv.Itoa(i))
		if i%1000 == 0 {
			if err := p.Sync(context.Background()); err != nil {
				return err
			}
		}
	}
	return p.Sync(context.Background())
}

// TestTwoProcesses: two processes that see overlapping users, at the same time,
// count each once; what a third one that only listens says is what one process
// would have said that saw them all.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t)
	exe, err := os.Executable()
	require.NoError(t, err)
	var fleet sync.WaitGroup
	errs := make([]error, 2)
	for i, users := range []string{"1-20000", "10001-30000"} {
		fleet.Go(func() {
			cmd := exec.CommandContext(t.Context(), exe)
			cmd.Env = append(os.Environ(), "CHRONOMON_TEST_FLEET_ADDR="+server.Addr(), "CHRONOMON_TEST_FLEET_USERS="+users)
			if out, err := cmd.CombinedOutput(); err != nil {
				errs[i] = fmt.Errorf("%w: %s", err, out)
			}
		})
	}
	fleet.Wait()
	require.NoError(t, errs[0])
	require.NoError(t, errs[1])

	listener := setup(t, server.Addr())
	require.NoError(t, listener.Sync(t.Context()))
	m, err := monitor.New(monitor.WithPseudonymKey([]byte(testKey)))
	require.NoError(t, err)
	biz, err := bizmon.New(m)
	require.NoError(t, err)
	one := process{biz, m, nil}
	for i := range 30_000 {
		one.Users.Active(strconv.Itoa(i + 1))
	}
	require.InDelta(t, one.users(t, "30d"), listener.users(t, "30d"), 0, "an exact merge")
	require.InEpsilon(t, 30_000, listener.users(t, "30d"), 0.02)

	// Redis's own count of its four stripes is the same estimate.
	keys, err := listener.client.Keys(t.Context(), "{chronomon}:users/1d/*").Result()
	require.NoError(t, err)
	require.NotEmpty(t, keys)
	require.LessOrEqual(t, len(keys), 2*sketch.Stripes, "one day, or two around midnight")
	days := map[string]int64{}
	for _, k := range keys {
		n, err := listener.client.PFCount(t.Context(), k).Result()
		require.NoError(t, err)
		days[k[:len(k)-1]] += n
		ttl, err := listener.client.TTL(t.Context(), k).Result()
		require.NoError(t, err)
		require.Greater(t, ttl, 29*24*time.Hour)
		require.Less(t, ttl, 32*24*time.Hour)
	}
	if len(days) == 1 {
		for _, n := range days {
			require.InEpsilon(t, listener.users(t, "30d"), float64(n), 0.01)
		}
	}
	left, err := listener.client.Keys(t.Context(), "*tmp*").Result()
	require.NoError(t, err)
	require.Empty(t, left)
}

// TestRedisGoesAndComesBack, empty: nothing that a living process knows is lost.
func TestRedisGoesAndComesBack(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t)
	a, b := setup(t, server.Addr()), setup(t, server.Addr())
	a.Users.Active("a")
	require.NoError(t, a.Sync(t.Context()))
	require.NoError(t, b.Sync(t.Context()))
	require.InDelta(t, 1, b.users(t, "24h"), 0)
	server.Stop()
	b.Users.Active("b")
	require.Error(t, a.Sync(t.Context()))
	require.Error(t, b.Sync(t.Context()))
	require.InDelta(t, 2, b.users(t, "24h"), 0, "it goes on with what it knows")
	server.Start() // with nothing in it
	require.NoError(t, b.Sync(t.Context()))
	require.NoError(t, a.Sync(t.Context()))
	c := setup(t, server.Addr())
	require.NoError(t, c.Sync(t.Context()))
	for _, p := range []process{a, b, c} {
		require.InDelta(t, 2, p.users(t, "24h"), 0)
	}
	require.NoError(t, a.client.FlushAll(t.Context()).Err())
	require.NoError(t, a.Sync(t.Context()), "it notices, and tells again")
	d := setup(t, server.Addr())
	require.NoError(t, d.Sync(t.Context()))
	require.InDelta(t, 2, d.users(t, "24h"), 0)
}

// TestCluster: a node of a Redis Cluster refuses what is not on one slot.
func TestCluster(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t, "--cluster-enabled", "yes")
	a, b := setup(t, server.Addr()), setup(t, server.Addr())
	require.NoError(t, a.client.Do(t.Context(), "CLUSTER", "ADDSLOTSRANGE", 0, 16383).Err())
	require.Eventually(t, func() bool {
		info, err := a.client.ClusterInfo(t.Context()).Result()
		return err == nil && strings.Contains(info, "cluster_state:ok")
	}, 10*time.Second, 50*time.Millisecond)
	for i := range 20 {
		a.Users.Active(strconv.Itoa(i))
	}
	require.NoError(t, a.Sync(t.Context()))
	require.NoError(t, b.Sync(t.Context()))
	require.InDelta(t, 20, b.users(t, "24h"), 0)
}

func TestHangingRedisDoesNotBlock(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t)
	a := setup(t, server.Addr())
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.NoError(t, a.client.Do(t.Context(), "CLIENT", "PAUSE", "1000", "ALL").Err())
	start := time.Now()
	require.ErrorContains(t, a.Sync(ctx), "bizmon: join the fleet: redisstore: ")
	require.Less(t, time.Since(start), 900*time.Millisecond)
	a.Users.Active("a")
	require.InDelta(t, 1, a.users(t, "5m"), 0)
}

// TestTheKeysNoteStays as long as a process of the fleet lives.
func TestTheKeysNoteStays(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t)
	a := setup(t, server.Addr())
	require.NoError(t, a.Sync(t.Context()))
	require.NoError(t, a.client.Expire(t.Context(), "{chronomon}:key", time.Minute).Err())
	require.NoError(t, a.Sync(t.Context()))
	require.Greater(t, a.client.TTL(t.Context(), "{chronomon}:key").Val(), 39*24*time.Hour)
	require.NoError(t, a.client.FlushAll(t.Context()).Err())
	require.NoError(t, a.Sync(t.Context()))
	other, err := open(server.Addr(), "another key here")
	require.NoError(t, err)
	t.Cleanup(func() { _ = other.client.Close() })
	require.NoError(t, a.client.Expire(t.Context(), "{chronomon}:key", time.Minute).Err())
	require.ErrorIs(t, other.Sync(t.Context()), bizmon.ErrOtherKey)
	require.LessOrEqual(t, a.client.TTL(t.Context(), "{chronomon}:key").Val(), time.Minute, "who is refused keeps nothing")
}

// TestSpoiltKey: a slot that cannot be shared keeps no other from it.
func TestSpoiltKey(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t)
	a, b := setup(t, server.Addr()), setup(t, server.Addr())
	a.Users.Active("a")
	require.NoError(t, a.Sync(t.Context()))
	hours, err := a.client.Keys(t.Context(), "{chronomon}:users/1h/*").Result()
	require.NoError(t, err)
	for _, key := range hours {
		require.NoError(t, a.client.Set(t.Context(), key, "garbage", 0).Err())
	}
	b.Users.Active("b")
	for _, p := range []process{b, a} {
		err := p.Sync(t.Context())
		require.ErrorContains(t, err, "bizmon: load sketches: redisstore: load users/1h/")
		require.ErrorContains(t, err, "bizmon: merge sketches: redisstore: merge users/1h/")
		for window, n := range map[string]float64{"5m": 2, "1h": 2, "24h": 1, "7d": 2, "30d": 2} {
			require.InDelta(t, n, p.users(t, window), 0, window)
		}
	}
}

func TestForeignKeys(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t)
	a := setup(t, server.Addr())
	other, err := open(server.Addr(), "another key here")
	require.NoError(t, err)
	t.Cleanup(func() { _ = other.client.Close() })
	require.NoError(t, a.Sync(t.Context()))
	require.ErrorIs(t, other.Sync(t.Context()), bizmon.ErrOtherKey)

	store, err := redisstore.New(a.client, redisstore.WithPrefix("x"))
	require.NoError(t, err)
	require.NoError(t, a.client.Set(t.Context(), "{x}:users/1d/0:0", "a string of the host", 0).Err())
	_, err = store.Load(t.Context(), []string{"users/1d/0"})
	require.ErrorIs(t, err, sketch.ErrEncoding)
	sk := &bizmon.Sketch{}
	sk.Insert(1)
	require.Error(t, store.Merge(t.Context(), []bizmon.StoredSketch{{Key: "users/1d/0", Sketch: sk, Expires: time.Now().Add(time.Hour)}}))
	kept, err := a.client.Get(t.Context(), "{x}:users/1d/0:0").Result()
	require.NoError(t, err)
	require.Equal(t, "a string of the host", kept)
}

func TestOptions(t *testing.T) {
	t.Parallel()
	_, err := redisstore.New(nil, redisstore.WithPrefix("a{b"), nil)
	require.ErrorIs(t, err, monitor.ErrInvalidOption)
	require.ErrorContains(t, err, "client = nil")
	require.ErrorContains(t, err, `WithPrefix = "a{b"`)
	var none *redis.Client
	_, err = redisstore.New(none)
	require.ErrorContains(t, err, "client = nil")
}
