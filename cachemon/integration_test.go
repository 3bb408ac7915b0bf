package cachemon_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/cachemon"
	"github.com/chronoretrace/chronomon/internal/testenv"
)

// open returns a client of a real server.
func open(t testing.TB, s *testenv.RedisServer, change func(*redis.Options)) *redis.Client {
	t.Helper()
	o := &redis.Options{Addr: s.Addr()}
	if change != nil {
		change(o)
	}
	c := redis.NewClient(o)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// op is the labels of an operation at a node.
func op(node, operation string) string {
	return fmt.Sprintf(`{cache_name="c",node=%q,operation=%q}`, node, operation)
}

func fail(node, operation, kind string) string {
	return fmt.Sprintf(`cache_errors_total{cache_name="c",node=%q,operation=%q,error=%q}`, node, operation, kind)
}

func TestRealRedis(t *testing.T) {
	t.Parallel()
	s := testenv.Redis(t)
	for _, protocol := range []int{2, 3} {
		t.Run(fmt.Sprint("RESP", protocol), func(t *testing.T) {
			t.Parallel()
			b := setup(t, nil)
			client := open(t, s, func(o *redis.Options) { o.Protocol = protocol; o.DB = protocol })
			bare := open(t, s, func(o *redis.Options) { o.Protocol = protocol; o.DB = protocol + 5 })
			b.watch(t, client)
			ctx := t.Context()
			// The same calls, watched and not, give the host the same.
			for _, c := range []*redis.Client{client, bare} {
				require.NoError(t, c.Set(ctx, "stock:daily:1", "v", time.Hour).Err())
				require.NoError(t, c.HSet(ctx, "user:7", "name", "x").Err())
				require.Equal(t, "v", c.Get(ctx, "stock:daily:1").Val())
				require.ErrorIs(t, c.Get(ctx, "stock:daily:2").Err(), redis.Nil)
				require.Equal(t, []any{"v", nil}, c.MGet(ctx, "stock:daily:1", "stock:daily:2").Val())
				require.Equal(t, []any{"x", nil}, c.HMGet(ctx, "user:7", "name", "age").Val())
				require.Equal(t, map[string]string{"name": "x"}, c.HGetAll(ctx, "user:7").Val())
				require.Empty(t, c.HGetAll(ctx, "user:8").Val())
				require.EqualValues(t, 1, c.Exists(ctx, "user:7", "user:8").Val())
				require.Error(t, c.Incr(ctx, "user:7").Err())
				cmds, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
					p.Get(ctx, "stock:daily:1")
					p.Get(ctx, "stock:daily:2")
					p.SMembers(ctx, "none:1")
					return nil
				})
				require.ErrorIs(t, err, redis.Nil)
				require.Equal(t, "v", cmds[0].(*redis.StringCmd).Val())
				require.NoError(t, c.Watch(ctx, func(tx *redis.Tx) error {
					_, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
						p.Get(ctx, "stock:daily:1")
						p.Incr(ctx, "n:1")
						return nil
					})
					return err
				}, "n:1"))
				require.EqualValues(t, 3, c.Eval(ctx, "return 3", nil).Val())
			}
			want := map[string]float64{
				"set": 1, "hset": 1, "get": 5, "mget": 1, "hmget": 1, "hgetall": 2, "exists": 1, "incr": 2, "smembers": 1, "eval": 1,
			}
			for operation, n := range want {
				require.Equal(t, n, value(t, b.m, "cache_operations_total"+op(s.Addr(), operation)), operation)
			}
			require.Len(t, lines(b.m, "cache_operations_total"), len(want), "nothing else: %v", lines(b.m, "cache_operations_total"))
			for _, batch := range []string{"pipeline", "tx"} {
				require.Equal(t, 1.0, value(t, b.m, "cache_batch_duration_seconds_count"+op(s.Addr(), batch)))
			}
			require.Equal(t, []string{fail(s.Addr(), "incr", "wrongtype") + " 1"}, lines(b.m, "cache_errors_total"))
			// hits: get, mget 1, hmget 1, hgetall, exists 1, pipe get, tx get; misses: get, mget 1, hmget 1, hgetall, exists 1, pipe get, smembers
			require.Equal(t, 7.0, value(t, b.m, `cache_requests_total{cache_type="redis",cache_name="c",result="hit"}`))
			require.Equal(t, 7.0, value(t, b.m, `cache_requests_total{cache_type="redis",cache_name="c",result="miss"}`))
			require.Equal(t, 0.5, value(t, b.m, `cache_hit_rate{cache_type="redis",cache_name="c"}`))
			require.Positive(t, value(t, b.m, fmt.Sprintf(`cache_pool_connections{cache_name="c",node=%q,pool="main",state="idle"}`, s.Addr())))
			require.Positive(t, value(t, b.m, fmt.Sprintf(`cache_pool_gets_total{cache_name="c",node=%q,pool="pipeline",result="miss"}`, s.Addr())))
		})
	}
}

func TestPubSubIsUntouched(t *testing.T) {
	t.Parallel()
	s := testenv.Redis(t)
	b := setup(t, nil)
	client := open(t, s, nil)
	b.watch(t, client)
	ctx := t.Context()
	sub := client.Subscribe(ctx, "news")
	defer sub.Close()
	_, err := sub.Receive(ctx)
	require.NoError(t, err)
	require.EqualValues(t, 1, client.Publish(ctx, "news", "hello").Val())
	require.Equal(t, "hello", (<-sub.Channel()).Payload)
	require.Equal(t, []string{"cache_operations_total" + op(s.Addr(), "publish") + " 1"}, lines(b.m, "cache_operations_total"))
	require.Empty(t, lines(b.m, "cache_errors_total"))
}

func TestConcurrentCountsAreExact(t *testing.T) {
	t.Parallel()
	s := testenv.Redis(t)
	b := setup(t, nil)
	client := open(t, s, nil)
	require.NoError(t, client.Set(t.Context(), "a:0", "v", 0).Err())
	b.watch(t, client)
	const workers, calls = 8, 500
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for i := range calls {
				client.Get(t.Context(), fmt.Sprint("a:", i%2))
			}
		})
	}
	all.Go(func() {
		for range 20 {
			lines(b.m, "cache_")
		}
	})
	all.Wait()
	require.Equal(t, float64(workers*calls), value(t, b.m, "cache_operations_total"+op(s.Addr(), "get")))
	require.Equal(t, float64(workers*calls/2), value(t, b.m, `cache_requests_total{cache_type="redis",cache_name="c",result="hit"}`))
	require.Equal(t, float64(workers*calls/2), value(t, b.m, `cache_requests_total{cache_type="redis",cache_name="c",result="miss"}`))
}

func TestServerKilledAndBack(t *testing.T) {
	t.Parallel()
	s := testenv.Redis(t)
	b := setup(t, nil)
	client := open(t, s, func(o *redis.Options) { o.MaxRetries = -1; o.DialerRetries = 1 })
	b.watch(t, client)
	ctx := t.Context()
	require.NoError(t, client.Set(ctx, "a:1", "v", 0).Err())
	s.Stop()
	const failures = 5
	for range failures {
		require.Error(t, client.Get(ctx, "a:1").Err())
	}
	require.Equal(t, float64(failures), total(t, b.m, "cache_errors_total"), "each call once: %v", lines(b.m, "cache_errors_total"))
	require.Positive(t, value(t, b.m, fail(s.Addr(), "get", "refused")))
	require.Empty(t, lines(b.m, "cache_hit_rate"), "an outage is no misses")
	s.Start()
	require.ErrorIs(t, client.Get(ctx, "a:1").Err(), redis.Nil, "empty after its start")
	require.Equal(t, 0.0, value(t, b.m, `cache_hit_rate{cache_type="redis",cache_name="c"}`))
	require.Equal(t, float64(failures+1), value(t, b.m, "cache_operations_total"+op(s.Addr(), "get")))
}

func TestServerThatHangs(t *testing.T) {
	t.Parallel()
	s := testenv.Redis(t)
	b := setup(t, nil)
	client := open(t, s, func(o *redis.Options) { o.MaxRetries = -1; o.ReadTimeout = 50 * time.Millisecond })
	b.watch(t, client)
	require.NoError(t, client.Set(t.Context(), "a:1", "v", 0).Err())
	s.Pause()
	require.Error(t, client.Get(t.Context(), "a:1").Err())
	s.Resume()
	require.Equal(t, []string{fail(s.Addr(), "get", "timeout") + " 1"}, lines(b.m, "cache_errors_total"))
}

func TestOutOfMemory(t *testing.T) {
	t.Parallel()
	s := testenv.Redis(t, "--maxmemory", "2mb", "--maxmemory-policy", "noeviction")
	b := setup(t, nil, cachemon.WithBigValues(100_000))
	client := open(t, s, nil)
	b.watch(t, client)
	ctx := t.Context()
	value1 := strings.Repeat("x", 200_000)
	var failed float64
	for i := range 30 {
		if client.Set(ctx, fmt.Sprint("big:", i), value1, 0).Err() != nil {
			failed++
		}
	}
	require.Positive(t, failed)
	require.Equal(t, failed, value(t, b.m, fail(s.Addr(), "set", "oom")))
	require.Equal(t, 30-failed, value(t, b.m, `cache_big_values_total{cache_name="c",key_pattern="big:*"}`))
}

func TestCluster(t *testing.T) {
	t.Parallel()
	servers := testenv.RedisCluster(t)
	for _, when := range []string{"before its first use", "after its first use"} {
		t.Run("watched "+when, func(t *testing.T) {
			t.Parallel()
			b := setup(t, nil)
			client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: servers.Addrs()})
			defer client.Close()
			ctx := t.Context()
			tag := strings.Fields(when)[0]
			if tag == "after" {
				require.NoError(t, client.Set(ctx, "warm:1", "v", 0).Err())
				require.NoError(t, client.ForEachShard(ctx, func(ctx context.Context, c *redis.Client) error { return c.Ping(ctx).Err() }))
			}
			b.watch(t, client)
			const keys = 60
			byNode := map[string]float64{}
			for i := range keys {
				key := fmt.Sprintf("%s:%d", tag, i)
				node, err := client.MasterForKey(ctx, key)
				require.NoError(t, err)
				byNode[node.Options().Addr]++
				require.NoError(t, client.Set(ctx, key, "v", 0).Err())
				require.Equal(t, "v", client.Get(ctx, key).Val())
			}
			require.Len(t, byNode, 3, "keys on all nodes")
			for node, n := range byNode {
				require.Equal(t, n, value(t, b.m, "cache_operations_total"+op(node, "set")), "each call once, under its node")
				require.Equal(t, n, value(t, b.m, "cache_operations_total"+op(node, "get")))
				require.Positive(t, value(t, b.m, fmt.Sprintf(`cache_pool_connections{cache_name="c",node=%q,pool="main",state="idle"}`, node)))
			}
			_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
				for i := range keys {
					p.Get(ctx, fmt.Sprintf("%s:%d", tag, i))
				}
				p.Get(ctx, tag+":none")
				return nil
			})
			require.ErrorIs(t, err, redis.Nil)
			require.Equal(t, 2*keys+1.0, opTotal(t, b, "get"))
			require.Equal(t, 3.0, batchTotal(t, b, "pipeline"), "one per node")
			require.Equal(t, 2*keys+0.0, value(t, b.m, `cache_requests_total{cache_type="redis",cache_name="c",result="hit"}`))
			require.Equal(t, 1.0, value(t, b.m, `cache_requests_total{cache_type="redis",cache_name="c",result="miss"}`))

			require.NoError(t, client.Watch(ctx, func(tx *redis.Tx) error {
				if err := tx.Get(ctx, tag+":1").Err(); err != nil {
					return err
				}
				_, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error { p.Set(ctx, tag+":1", "w", 0); return nil })
				return err
			}, tag+":1"), "hooks reach what is inside Watch on a cluster")
			require.Equal(t, 2*keys+2.0, opTotal(t, b, "get"))
			require.Equal(t, keys+1.0, opTotal(t, b, "set"))
			_, err = client.TxPipelined(ctx, func(p redis.Pipeliner) error { p.Get(ctx, tag+":1"); p.Incr(ctx, tag+":1"); return nil })
			require.Error(t, err)
			require.Equal(t, 1.0, opTotal(t, b, "incr"))
			require.Equal(t, 1.0, total(t, b.m, "cache_errors_total"), lines(b.m, "cache_errors_total"))

			require.Equal(t, []any{"w", nil}, client.MGet(ctx, tag+":1", "{"+tag+":1}none").Val())
			require.Equal(t, 2*keys+3.0, value(t, b.m, `cache_requests_total{cache_type="redis",cache_name="c",result="hit"}`))
			require.Equal(t, 2.0, value(t, b.m, `cache_requests_total{cache_type="redis",cache_name="c",result="miss"}`))
			require.Equal(t, 1.0, total(t, b.m, "cache_errors_total"))

			require.Error(t, client.MGet(ctx, tag+":1", tag+":2", tag+":3", tag+":4").Err(), "keys of several slots")
			require.Equal(t, 2.0, total(t, b.m, "cache_errors_total"), "once: %v", lines(b.m, "cache_errors_total"))
			require.NoError(t, client.DBSize(ctx).Err())
			require.Equal(t, 3.0, opTotal(t, b, "dbsize"), "what each node was asked")
			_, err = client.TxPipelined(ctx, func(p redis.Pipeliner) error { p.Get(ctx, "x1"); p.Get(ctx, "x2"); return nil })
			require.ErrorIs(t, err, redis.ErrCrossSlot)
			require.Equal(t, 2.0, value(t, b.m, fail("", "get", "crossslot")), "what reached no node is counted too")
		})
	}
}

// opTotal adds up an operation over the nodes.
func opTotal(t testing.TB, b bench, operation string) float64 {
	t.Helper()
	return overNodes(t, b, "cache_operations_total", operation)
}

// batchTotal adds up the pipelines or transactions over the nodes.
func batchTotal(t testing.TB, b bench, operation string) float64 {
	t.Helper()
	return overNodes(t, b, "cache_batch_duration_seconds_count", operation)
}

func overNodes(t testing.TB, b bench, metric, operation string) (sum float64) {
	t.Helper()
	for _, l := range lines(b.m, metric) {
		if strings.Contains(l, fmt.Sprintf("operation=%q", operation)) {
			sum += total(t, b.m, l[:strings.LastIndexByte(l, ' ')])
		}
	}
	return sum
}

func TestClusterThatIsGone(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{"127.0.0.1:1"}, MaxRedirects: -1, MaxRetries: -1, DialerRetries: 1})
	defer client.Close()
	b.watch(t, client)
	ctx := t.Context()
	require.Error(t, client.Get(ctx, "a:1").Err())
	require.Equal(t, []string{fail("", "get", "refused") + " 1"}, lines(b.m, "cache_errors_total"), "an outage is not silence")
	_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error { p.Get(ctx, "a:1"); p.Set(ctx, "b:1", "", 0); return nil })
	require.Error(t, err)
	require.Equal(t, 2.0, value(t, b.m, fail("", "get", "refused")))
	require.Equal(t, 1.0, value(t, b.m, fail("", "set", "refused")))
}

func TestClusterMoves(t *testing.T) {
	t.Parallel()
	servers := testenv.RedisCluster(t)
	b := setup(t, nil)
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: servers.Addrs()})
	defer client.Close()
	b.watch(t, client)
	ctx := t.Context()
	require.NoError(t, client.Set(ctx, "b", "v", 0).Err()) // slot 3300, of the first node
	from, to := open(t, servers.Nodes[0], nil), open(t, servers.Nodes[1], nil)
	toID := to.Do(ctx, "cluster", "myid").Val().(string)
	fromID := from.Do(ctx, "cluster", "myid").Val().(string)
	require.NoError(t, to.Do(ctx, "cluster", "setslot", 3300, "importing", fromID).Err())
	require.NoError(t, from.Do(ctx, "cluster", "setslot", 3300, "migrating", toID).Err())
	require.ErrorIs(t, client.Get(ctx, "{b}x").Err(), redis.Nil, "ASK is followed")
	require.Equal(t, 1.0, value(t, b.m, fail(servers.Addrs()[0], "get", "moved")))
	require.Equal(t, 1.0, value(t, b.m, "cache_operations_total"+op(servers.Addrs()[1], "get")))
	require.Equal(t, 1.0, opTotal(t, b, "get"), "one operation")
	require.Equal(t, 1.0, value(t, b.m, `cache_requests_total{cache_type="redis",cache_name="c",result="miss"}`))
	require.Equal(t, 1.0, total(t, b.m, "cache_errors_total"), lines(b.m, "cache_errors_total"))
}

// TestClusterTransaction: the node that a transaction was sent to does not know
// whether it was run, the client above does.
func TestClusterTransaction(t *testing.T) {
	t.Parallel()
	servers := testenv.RedisCluster(t)
	b := setup(t, nil)
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: servers.Addrs()})
	defer client.Close()
	b.watch(t, client)
	ctx := t.Context()
	tx := func(between ...any) error {
		_, err := client.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.Get(ctx, "b") // slot 3300, of the first node
			p.Do(ctx, between...)
			p.Get(ctx, "b")
			return nil
		})
		return err
	}
	const first, second = 0, 1
	node := servers.Addrs()
	require.Error(t, tx("set", "b"), "the wrong number of arguments")
	require.Equal(t, []string{fail(node[first], "tx", "aborted") + " 1"}, lines(b.m, "cache_errors_total"))
	require.Empty(t, lines(b.m, "cache_operations_total", "cache_hit_rate"), "nothing was run")

	from, to := open(t, servers.Nodes[first], nil), open(t, servers.Nodes[second], nil)
	require.NoError(t, to.Do(ctx, "cluster", "setslot", 3300, "importing", from.Do(ctx, "cluster", "myid").Val()).Err())
	require.NoError(t, from.Do(ctx, "cluster", "setslot", 3300, "migrating", to.Do(ctx, "cluster", "myid").Val()).Err())
	require.ErrorIs(t, tx("set", "b", "v"), redis.Nil, "ASK is followed")
	require.Equal(t, 2.0, value(t, b.m, "cache_operations_total"+op(node[second], "get")))
	require.Equal(t, 3.0, total(t, b.m, "cache_operations_total"), "where it was run, and nowhere else")
	require.Equal(t, 0.5, value(t, b.m, `cache_hit_rate{cache_type="redis",cache_name="c"}`))
	require.Equal(t, 2.0, total(t, b.m, "cache_requests_total"))
	require.Equal(t, 2.0, batchTotal(t, b, "tx"), "one each")
	require.Equal(t, 1.0, total(t, b.m, "cache_errors_total"))
}

const nobody = ":1"

// clusterOfNobody is a client of a cluster whose one node is not there.
func clusterOfNobody(t testing.TB) *redis.ClusterClient {
	t.Helper()
	client := redis.NewClusterClient(&redis.ClusterOptions{
		MaxRedirects: 3, MinRetryBackoff: -1, MaxRetryBackoff: -1, DialerRetries: 1,
		ClusterSlots: func(context.Context) ([]redis.ClusterSlot, error) {
			return []redis.ClusterSlot{{Start: 0, End: 16383, Nodes: []redis.ClusterNode{{Addr: nobody}}}}, nil
		},
	})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// TestNodesNotesDoNotLast: what a node has counted of one call hides nothing of
// a later one, though the command be at the same address.
func TestNodesNotesDoNotLast(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	client := clusterOfNobody(t)
	b.watch(t, client)
	ctx := t.Context()
	cmd := redis.NewStringCmd(ctx, "get", "x1")
	require.Error(t, client.Process(ctx, cmd))
	require.Greater(t, value(t, b.m, fail(nobody, "get", "refused")), 1.0, "each try is counted")
	cmd.SetErr(nil)
	pipe := client.TxPipeline()
	require.NoError(t, pipe.Process(ctx, cmd), "it is queued")
	pipe.Get(ctx, "x2")
	_, err := pipe.Exec(ctx)
	require.ErrorIs(t, err, redis.ErrCrossSlot)
	require.Equal(t, 2.0, value(t, b.m, fail("", "get", "crossslot")), lines(b.m, "cache_errors_total"))
}

func TestClusterNodeKilled(t *testing.T) {
	t.Parallel()
	servers := testenv.RedisCluster(t)
	b := setup(t, nil)
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: servers.Addrs(), MaxRedirects: -1, MaxRetries: -1, DialerRetries: 1})
	defer client.Close()
	b.watch(t, client)
	ctx := t.Context()
	require.NoError(t, client.Set(ctx, "b", "v", 0).Err()) // slot 3300, of the first node
	servers.Nodes[0].Stop()
	node := servers.Addrs()[0]
	require.Error(t, client.Get(ctx, "b").Err())
	require.Equal(t, 1.0, total(t, b.m, "cache_errors_total"), "once, at its node: %v", lines(b.m, "cache_errors_total"))
	require.Equal(t, 1.0, total(t, b.m, fmt.Sprintf(`cache_errors_total{cache_name="c",node=%q,operation="get"`, node)))
	_, err := client.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.Get(ctx, "b")
		p.Set(ctx, "{b}2", "v", 0)
		return nil
	})
	require.Error(t, err)
	require.Equal(t, 2.0, total(t, b.m, "cache_errors_total"), "the transaction, once: %v", lines(b.m, "cache_errors_total"))
	require.Equal(t, 1.0, total(t, b.m, fmt.Sprintf(`cache_errors_total{cache_name="c",node=%q,operation="tx"`, node)))
	_, err = client.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.Get(ctx, "b")
		p.Get(ctx, "{b}2")
		return nil
	})
	require.Error(t, err)
	require.Equal(t, 4.0, total(t, b.m, "cache_errors_total"), "each command, once: %v", lines(b.m, "cache_errors_total"))
	require.Empty(t, lines(b.m, "cache_hit_rate"))
}

func TestRing(t *testing.T) {
	t.Parallel()
	one, two := testenv.Redis(t), testenv.Redis(t)
	b := setup(t, nil)
	ring := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"one": one.Addr(), "two": two.Addr()}, HeartbeatFrequency: 20 * time.Millisecond})
	defer ring.Close()
	b.watch(t, ring)
	ctx := t.Context()
	byNode := map[string]float64{}
	for i := range 60 {
		key := fmt.Sprint("a:", i)
		c, err := ring.GetShardClientForKey(key)
		require.NoError(t, err)
		byNode[c.Options().Addr]++
		require.ErrorIs(t, ring.Get(ctx, key).Err(), redis.Nil)
	}
	require.Len(t, byNode, 2)
	for node, n := range byNode {
		require.Equal(t, n, value(t, b.m, "cache_operations_total"+op(node, "get")))
		require.Positive(t, total(t, b.m, fmt.Sprintf(`cache_pool_connections{cache_name="c",node=%q,pool="main"`, node)))
	}
	_, err := ring.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i := range 60 {
			p.Set(ctx, fmt.Sprint("a:", i), "v", 0)
		}
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, 60.0, opTotal(t, b, "set"))
	require.Empty(t, lines(b.m, "cache_errors_total"))
	require.Zero(t, opTotal(t, b, "ping"), "heartbeats are not traffic")

	one.Stop()
	two.Stop()
	const none = `cache_errors_total{cache_name="c",node="",operation="get",error="other"}`
	require.Eventually(t, func() bool { // the ring notices one shard after the other
		require.Error(t, ring.Get(ctx, "a:1").Err())
		return value(t, b.m, none) == 1
	}, 20*time.Second, 20*time.Millisecond, "all shards are down")
}

// TestRingThatGrows: a shard is measured from its first command on.
func TestRingThatGrows(t *testing.T) {
	t.Parallel()
	one, two := testenv.Redis(t), testenv.Redis(t)
	b := setup(t, nil)
	ring := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"one": one.Addr()}, HeartbeatFrequency: time.Hour})
	defer ring.Close()
	b.watch(t, ring)
	ring.SetAddrs(map[string]string{"one": one.Addr(), "two": two.Addr()})
	const calls = 60
	for i := range calls {
		require.ErrorIs(t, ring.Get(t.Context(), fmt.Sprint("a:", i)).Err(), redis.Nil)
	}
	require.Positive(t, value(t, b.m, "cache_operations_total"+op(two.Addr(), "get")))
	require.Equal(t, float64(calls), total(t, b.m, "cache_operations_total"))
}

func TestFailover(t *testing.T) {
	t.Parallel()
	servers := testenv.RedisSentinel(t)
	b := setup(t, nil)
	client := redis.NewFailoverClient(&redis.FailoverOptions{
		MasterName: testenv.SentinelMaster, SentinelAddrs: []string{servers.Sentinel.Addr()},
	})
	defer client.Close()
	b.watch(t, client)
	ctx := t.Context()
	require.NoError(t, client.Set(ctx, "a:1", "v", 0).Err())
	require.Equal(t, 1.0, value(t, b.m, "cache_operations_total"+op(servers.Primary.Addr(), "set")), "the server, not FailoverClient")
	p, err := cachemon.NewMemoryPoller(b.m, client)
	require.NoError(t, err)
	require.NoError(t, p.Poll(ctx))
	require.Equal(t, 1.0, value(t, b.m, of("redis_connected_slaves", servers.Primary.Addr())))
	servers.Primary.Stop()
	require.Eventually(t, func() bool { return client.Set(ctx, "a:1", "w", 0).Err() == nil }, 30*time.Second, 100*time.Millisecond)
	require.Positive(t, value(t, b.m, "cache_operations_total"+op(servers.Replica.Addr(), "set")), lines(b.m, "cache_operations_total"))
	require.NoError(t, p.Poll(ctx))
	require.Equal(t, []string{of("redis_up", servers.Replica.Addr()) + " 1"}, lines(b.m, "redis_up{"), "the old one is forgotten")
}
