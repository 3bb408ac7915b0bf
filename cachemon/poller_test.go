package cachemon_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/cachemon"
	"github.com/chronoretrace/chronomon/internal/testenv"
	"github.com/chronoretrace/chronomon/monitor"
)

// poll makes a poller on a monitor of its own that logs to the buffer.
func poll(t testing.TB, client redis.UniversalClient, opts ...cachemon.PollerOption) (*monitor.Monitor, *cachemon.MemoryPoller, *bytes.Buffer) {
	t.Helper()
	log := &bytes.Buffer{}
	m := newMonitor(t, monitor.WithLogger(slog.New(slog.NewTextHandler(log, nil))))
	p, err := cachemon.NewMemoryPoller(m, client, opts...)
	require.NoError(t, err)
	return m, p, log
}

func of(metric, node string) string {
	return fmt.Sprintf(`%s{cache_name="redis",node=%q}`, metric, node)
}

const scriptedNode = "192.0.2.1:6379"

func TestPollerReadsInfo(t *testing.T) {
	t.Parallel()
	info := "# Server\r\nconfig_file:" + strings.Repeat("x", 100_000) + "\r\nuptime_in_seconds:-5\r\nmaxclients:inf\r\nused_memory_rss:nan\r\n" +
		"# Memory\r\nused_memory:1000\r\nmaxmemory:0\r\nmem_fragmentation_ratio:1.5\r\nused_memory_human:1K\r\n# Clients\r\nconnected_clients:7\r\nrole:master\r\nblocked_clients:many\r\n"
	s := &script{answer: func(args []string) string {
		switch strings.ToLower(args[0]) {
		case "info":
			return bulk(info)
		case "slowlog":
			return ":12\r\n"
		}
		return ""
	}}
	m, p, log := poll(t, s.client(t, nil), cachemon.WithCacheType("quotes"))
	require.Empty(t, lines(m, "redis_"), "nothing before the first poll")
	require.NoError(t, p.Poll(t.Context()))
	require.Equal(t, []string{
		of("redis_connected_clients", scriptedNode) + " 7",
		of("redis_mem_fragmentation_ratio", scriptedNode) + " 1.5",
		of("redis_memory_used_bytes", scriptedNode) + " 1000",
		of("redis_slowlog_length", scriptedNode) + " 12",
		of("redis_up", scriptedNode) + " 1",
	}, lines(m, "redis_"), "no maxmemory is no limit, and not 0; what is no number is not there")
	require.Equal(t, 1000.0, value(t, m, `cache_memory_usage_bytes{cache_type="quotes"}`))
	require.Empty(t, log.String())
	info = strings.Replace(info, "role:master", "role:slave", 1)
	require.NoError(t, p.Poll(t.Context()))
	require.Equal(t, 1000.0, value(t, m, of("redis_memory_used_bytes", scriptedNode)))
	require.Empty(t, lines(m, "cache_memory_usage_bytes"), "a replica has what its primary has")
	p.Close()
	p.Close()
	require.Empty(t, lines(m, "redis_", "cache_memory_usage_bytes"))
	_, err := cachemon.NewMemoryPoller(m, s.client(t, nil))
	require.NoError(t, err, "the name is free again")
}

func TestPollerWhereInfoIsRefused(t *testing.T) {
	t.Parallel()
	refuse := true
	s := &script{answer: func(args []string) string {
		switch {
		case strings.EqualFold(args[0], "slowlog"):
			return ":1\r\n"
		case strings.EqualFold(args[0], "info") && refuse:
			return "-NOPERM User app has no permissions to run the 'info' command\r\n"
		case strings.EqualFold(args[0], "info"):
			return bulk("used_memory:5\r\n")
		}
		return ""
	}}
	m, p, log := poll(t, s.client(t, nil))
	for range 5 {
		require.NoError(t, p.Poll(t.Context()), "the server is there")
	}
	require.Equal(t, 1.0, value(t, m, of("redis_up", scriptedNode)))
	require.Equal(t, 1.0, value(t, m, of("redis_slowlog_length", scriptedNode)))
	require.Empty(t, lines(m, "redis_memory_used_bytes", "cache_memory_usage_bytes"))
	require.Equal(t, 1, strings.Count(log.String(), "level=WARN"), "one line: "+log.String())
	require.Contains(t, log.String(), "error=noauth")
	require.Equal(t, 5.0, value(t, m, `cache_poll_errors_total{cache_name="redis",node="192.0.2.1:6379",error="noauth"}`))
	refuse = false
	require.NoError(t, p.Poll(t.Context()))
	require.Equal(t, 5.0, value(t, m, of("redis_memory_used_bytes", scriptedNode)))
	require.Equal(t, 2, strings.Count(log.String(), "\n"))
}

// TestPollingIsNotTraffic: what the poller asks does not count as the host's.
func TestPollingIsNotTraffic(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	client := (&script{}).client(t, nil)
	b.watch(t, client)
	p, err := cachemon.NewMemoryPoller(b.m, client, cachemon.WithKeyMemory(10))
	require.NoError(t, err)
	_ = p.Poll(t.Context())
	require.Empty(t, lines(b.m, "cache_operations_total", "cache_errors_total"))
	client.Info(t.Context())
	require.Len(t, lines(b.m, "cache_operations_total"), 1, "the host's own INFO does")
}

func TestPollerOnRealRedis(t *testing.T) {
	t.Parallel()
	s := testenv.Redis(t, "--maxmemory", "64mb")
	client := open(t, s, func(o *redis.Options) { o.MaxRetries = -1; o.DialerRetries = 1 })
	ctx := t.Context()
	for i := range 300 {
		require.NoError(t, client.Set(ctx, fmt.Sprint("stock:daily:", i), strings.Repeat("x", 1000), 0).Err())
		require.NoError(t, client.Set(ctx, fmt.Sprint("flag:", i), "1", 0).Err())
	}
	m, p, log := poll(t, client, cachemon.WithKeyMemory(200), cachemon.WithPollInterval(time.Second))
	require.NoError(t, p.Poll(ctx))
	info := client.InfoMap(ctx, "memory").Item("Memory", "used_memory")
	require.NotEmpty(t, info)
	require.InDelta(t, 1e6, value(t, m, of("redis_memory_used_bytes", s.Addr())), 2e6)
	require.Equal(t, value(t, m, of("redis_memory_used_bytes", s.Addr())), value(t, m, `cache_memory_usage_bytes{cache_type="redis"}`))
	require.Equal(t, 64.0*1024*1024, value(t, m, of("redis_memory_max_bytes", s.Addr())))
	for _, name := range []string{
		"redis_up", "redis_connected_clients", "redis_commands_processed_total", "redis_uptime_in_seconds", "redis_slowlog_length",
		"redis_memory_used_rss_bytes", "redis_blocked_clients", "redis_config_maxclients", "redis_connected_slaves", "redis_keyspace_hits_total",
		"redis_keyspace_misses_total", "redis_evicted_keys_total", "redis_expired_keys_total", "redis_rejected_connections_total", "redis_connections_received_total",
	} {
		require.NotEqual(t, -1.0, value(t, m, of(name, s.Addr())), name)
	}

	pattern := func(name string) float64 {
		return value(t, m, fmt.Sprintf(`cache_pattern_memory_bytes{cache_name="redis",node=%q,key_pattern=%q}`, s.Addr(), name))
	}
	var want float64 // measured key by key
	for i := range 300 {
		want += float64(client.MemoryUsage(ctx, fmt.Sprint("stock:daily:", i)).Val())
	}
	require.InEpsilon(t, want, pattern("stock:daily:*"), 0.4, "an estimate from a third of the keys")
	for range 4 { // the walk goes on, and ends
		require.NoError(t, p.Poll(ctx))
	}
	require.Equal(t, want, pattern("stock:daily:*"), "exact after a whole walk")
	require.Positive(t, pattern("flag:*"))

	s.Stop()
	require.Error(t, p.Poll(ctx))
	require.Error(t, p.Poll(ctx))
	require.Equal(t, 0.0, value(t, m, of("redis_up", s.Addr())))
	require.Empty(t, lines(m, "redis_memory_used_bytes", "cache_memory_usage_bytes", "redis_connected_clients"), "nothing stale")
	require.Equal(t, 1, strings.Count(log.String(), "does not answer"), log.String())
	s.Start()
	require.NoError(t, p.Poll(ctx))
	require.Equal(t, 1.0, value(t, m, of("redis_up", s.Addr())))
	require.Contains(t, log.String(), "answers again")
}

func TestPollerWhereACLRefuses(t *testing.T) {
	t.Parallel()
	s := testenv.Redis(t)
	admin := open(t, s, nil)
	ctx := t.Context()
	require.NoError(t, admin.Do(ctx, "acl", "setuser", "app", "on", ">hunter2", "~*", "+get", "+set", "+ping").Err())
	client := open(t, s, func(o *redis.Options) { o.Username, o.Password = "app", "hunter2" })
	m, p, log := poll(t, client, cachemon.WithKeyMemory(10))
	require.NoError(t, p.Poll(ctx))
	require.NoError(t, p.Poll(ctx))
	require.Equal(t, []string{of("redis_up", s.Addr()) + " 1"}, lines(m, "redis_"))
	require.Equal(t, 1, strings.Count(log.String(), "\n"), log.String())
	require.NotContains(t, log.String(), "hunter2")

	h, err := cachemon.NewHook(m)
	require.NoError(t, err)
	b := bench{h, m}
	b.watch(t, client)
	require.Error(t, client.Del(ctx, "a:1").Err())
	require.Equal(t, 1.0, value(t, m, fail(s.Addr(), "del", "noauth")))
	require.NotContains(t, strings.Join(lines(m, ""), "\n"), "hunter2")
}

func TestPollerOfAClusterAndItsRun(t *testing.T) {
	t.Parallel()
	servers := testenv.RedisCluster(t)
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: servers.Addrs()})
	defer client.Close()
	m, p, _ := poll(t, client, cachemon.WithPollInterval(time.Second))
	stop := run(t, m, p)
	require.Eventually(t, func() bool { return len(lines(m, "redis_up{")) == 3 }, 10*time.Second, 20*time.Millisecond)
	var sum float64
	for _, a := range servers.Addrs() {
		require.Equal(t, 1.0, value(t, m, of("redis_up", a)))
		sum += value(t, m, of("redis_memory_used_bytes", a))
	}
	require.Equal(t, sum, value(t, m, `cache_memory_usage_bytes{cache_type="redis"}`), "of all primaries")
	stop()
	require.Empty(t, lines(m, "redis_", "cache_memory_usage_bytes"), "nobody knows any more")
}

func TestPollerOfAClusterThatIsGone(t *testing.T) {
	t.Parallel()
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{"127.0.0.1:1"}, MaxRedirects: -1, MaxRetries: -1, DialerRetries: 1})
	defer client.Close()
	m, p, log := poll(t, client)
	require.Error(t, p.Poll(t.Context()))
	require.Error(t, p.Poll(t.Context()))
	require.Equal(t, 0.0, value(t, m, of("redis_up", "")))
	require.Equal(t, 1, strings.Count(log.String(), "\n"), log.String())
}

// TestPollThatIsCancelled: who does not wait for the answer has none.
func TestPollThatIsCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	m, p, log := poll(t, (&script{answer: func(args []string) string {
		switch args[0] {
		case "info":
			return bulk("used_memory:5\r\n")
		case "slowlog":
			return ":0\r\n"
		}
		return ""
	}}).client(t, nil))
	require.NoError(t, p.Poll(ctx))
	gone := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{"127.0.0.1:1"}, MaxRedirects: -1, MaxRetries: -1, DialerRetries: 1})
	defer gone.Close()
	cluster, err := cachemon.NewMemoryPoller(m, gone, cachemon.WithPollName("cluster"))
	require.NoError(t, err)
	cancel()
	require.ErrorIs(t, p.Poll(ctx), context.Canceled)
	require.ErrorIs(t, cluster.Poll(ctx), context.Canceled)
	require.Equal(t, []string{of("redis_up", scriptedNode) + " 1"}, lines(m, "redis_up{", "cache_poll_errors_total"))
	require.Equal(t, 5.0, value(t, m, of("redis_memory_used_bytes", scriptedNode)), "what was known stays")
	require.Empty(t, log.String())
}

// TestPollEndsInTime: within the poll's own time-out, whatever the client's are.
func TestPollEndsInTime(t *testing.T) {
	t.Parallel()
	for name, hang := range map[string]func(s *testenv.RedisServer, c *redis.Client){
		"the server hangs": func(s *testenv.RedisServer, _ *redis.Client) { s.Pause() },
		"no connection is free": func(_ *testenv.RedisServer, c *redis.Client) {
			conn := c.Conn()
			_ = conn.Ping(t.Context())
			t.Cleanup(func() { _ = conn.Close() })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := testenv.Redis(t)
			client := open(t, s, func(o *redis.Options) { o.ReadTimeout, o.PoolSize, o.PoolTimeout = -1, 1, time.Minute })
			m, p, _ := poll(t, client, cachemon.WithPollTimeout(300*time.Millisecond))
			require.NoError(t, p.Poll(t.Context()))
			hang(s, client)
			t.Cleanup(s.Resume)
			ended := make(chan error, 1)
			go func() { ended <- p.Poll(t.Context()) }()
			select {
			case err := <-ended:
				require.Error(t, err)
			case <-time.After(3 * time.Second): // the default is 5 s
				s.Resume()
				require.Fail(t, "the poll did not end", "%v", <-ended)
			}
			require.Zero(t, value(t, m, of("redis_up", s.Addr())))
		})
	}
}

// TestKeyMemoryByRule: of primaries only, by keys of any length; what cannot be
// true counts as nothing.
func TestKeyMemoryByRule(t *testing.T) {
	t.Parallel()
	info := "role:master\r\n"
	s := &script{answer: func(args []string) string {
		switch args[0] {
		case "info":
			return bulk(info)
		case "scan":
			return array(bulk("0"), array(bulk("user:"+strings.Repeat("7", 1000)+":profile"), bulk("user:1:profile"), bulk("flag:1")))
		case "memory":
			if args[2] == "flag:1" {
				return ":-100\r\n"
			}
			return ":100\r\n"
		case "slowlog":
			return ":0\r\n"
		}
		return ""
	}}
	client := s.client(t, nil)
	m, p, _ := poll(t, client, cachemon.WithKeyMemory(10, "user:*:profile"))
	require.NoError(t, p.Poll(t.Context()))
	require.Equal(t, []string{
		fmt.Sprintf(`cache_pattern_memory_bytes{cache_name="redis",node=%q,key_pattern="user:*:profile"} 200`, scriptedNode),
	}, lines(m, "cache_pattern_memory_bytes"))
	info = "role:slave\r\n"
	m, p, _ = poll(t, client, cachemon.WithKeyMemory(10))
	require.NoError(t, p.Poll(t.Context()))
	require.Empty(t, lines(m, "cache_pattern_memory_bytes"))
}

func TestPollerOfARing(t *testing.T) {
	t.Parallel()
	one, two := testenv.Redis(t), testenv.Redis(t)
	ring := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"one": one.Addr(), "two": two.Addr()}, HeartbeatFrequency: 10 * time.Millisecond})
	defer ring.Close()
	m, p, _ := poll(t, ring)
	require.NoError(t, p.Poll(t.Context()))
	require.Len(t, lines(m, "redis_up{"), 2)
	two.Stop()
	require.Eventually(t, func() bool { return len(ring.GetShardClients()) == 1 }, 20*time.Second, 10*time.Millisecond)
	require.NoError(t, p.Poll(t.Context()))
	require.Equal(t, 1.0, value(t, m, of("redis_up", one.Addr())))
	require.Equal(t, 0.0, value(t, m, of("redis_up", two.Addr())), "a shard that the ring has given up is down, not forgotten")
}

func TestPollerOfADisabledMonitor(t *testing.T) {
	t.Parallel()
	s := &script{}
	m := newMonitor(t, monitor.WithDisabled())
	p, err := cachemon.NewMemoryPoller(m, s.client(t, nil))
	require.NoError(t, err)
	require.NoError(t, p.Poll(t.Context()))
	run(t, m, p)()
	require.Empty(t, s.seen)
}
