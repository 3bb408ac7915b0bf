package cachemon_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/testenv"
)

func poolOf(metric, node, more string) string {
	return fmt.Sprintf(`%s{cache_name="c",node=%q,pool="main"%s}`, metric, node, more)
}

// TestPoolWaits: a pool that is too small shows, alone and inside a ring, whose
// own statistics go-redis sums up without a node.
func TestPoolWaits(t *testing.T) {
	t.Parallel()
	s := testenv.Redis(t)
	for name, open := range map[string]func(size int, timeout time.Duration) redis.UniversalClient{
		"client": func(size int, timeout time.Duration) redis.UniversalClient {
			return redis.NewClient(&redis.Options{Addr: s.Addr(), PoolSize: size, PoolTimeout: timeout, MaxRetries: -1})
		},
		"ring": func(size int, timeout time.Duration) redis.UniversalClient {
			return redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"a": s.Addr()}, PoolSize: size, PoolTimeout: timeout, MaxRetries: -1, HeartbeatFrequency: time.Hour})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, nil)
			client := open(1, 100*time.Millisecond)
			defer client.Close()
			b.watch(t, client)
			ctx := t.Context()
			node := s.Addr()
			for range 3 {
				client.Get(ctx, "a:1")
			}
			require.Positive(t, value(t, b.m, poolOf("cache_pool_gets_total", node, `,result="hit"`)))
			require.Zero(t, value(t, b.m, poolOf("cache_pool_waits_total", node, "")), "there was a connection each time")
			require.Zero(t, value(t, b.m, poolOf("cache_pool_wait_seconds_total", node, "")))
			var all sync.WaitGroup
			all.Go(func() { client.BLPop(ctx, time.Second, "queue:"+name) })
			require.Eventually(t, func() bool {
				return value(t, b.m, poolOf("cache_pool_connections", node, `,state="used"`)) == 1
			}, 5*time.Second, 5*time.Millisecond)
			require.ErrorIs(t, client.Get(ctx, "a:1").Err(), redis.ErrPoolTimeout)
			all.Wait()
			require.Equal(t, []string{fail(node, "get", "pool") + " 1"}, lines(b.m, "cache_errors_total"))
			require.Equal(t, 1.0, value(t, b.m, poolOf("cache_pool_gets_total", node, `,result="timeout"`)))
			require.Equal(t, 1.0, value(t, b.m, poolOf("cache_pool_size", node, "")))

			all.Go(func() { client.BLPop(ctx, 20*time.Millisecond, "queue:"+name) })
			require.Eventually(t, func() bool {
				client.Get(ctx, "a:1")
				return value(t, b.m, poolOf("cache_pool_waits_total", node, "")) > 0
			}, 5*time.Second, time.Millisecond)
			all.Wait()
			require.Positive(t, value(t, b.m, poolOf("cache_pool_wait_seconds_total", node, "")))
			require.Equal(t, 0.0, value(t, b.m, poolOf("cache_pool_stale_total", node, "")))
		})
	}
}

// TestAutoPipeline: what the client merges into pipelines by itself is counted
// command by command.
func TestAutoPipeline(t *testing.T) {
	t.Parallel()
	s := testenv.Redis(t)
	b := setup(t, nil)
	client := open(t, s, nil)
	b.watch(t, client)
	ctx := t.Context()
	ap, err := client.AutoPipeline()
	require.NoError(t, err)
	defer ap.Close()
	const workers, calls = 4, 100
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for i := range calls {
				ap.Set(ctx, fmt.Sprint("a:", i), "v", 0)
				ap.Get(ctx, fmt.Sprint("a:", i))
				ap.Get(ctx, fmt.Sprint("none:", i))
			}
		})
	}
	all.Wait()
	require.Equal(t, float64(workers*calls), value(t, b.m, "cache_operations_total"+op(s.Addr(), "set")))
	require.Equal(t, float64(2*workers*calls), value(t, b.m, "cache_operations_total"+op(s.Addr(), "get")))
	require.Equal(t, 0.5, value(t, b.m, `cache_hit_rate{cache_type="redis",cache_name="c"}`))
	require.Empty(t, lines(b.m, "cache_errors_total"))
}

// TestWatchedWhileInUse: a client may be in use, and scraped, while watching
// begins and ends, with connections being made by itself.
func TestWatchedWhileInUse(t *testing.T) {
	t.Parallel()
	s := testenv.Redis(t)
	b := setup(t, nil)
	client := open(t, s, func(o *redis.Options) { o.MinIdleConns = 4 })
	ctx := t.Context()
	stop := make(chan struct{})
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					client.Get(ctx, "a:1")
				}
			}
		})
	}
	for range 20 {
		w, err := b.Watch("c", client)
		require.NoError(t, err)
		lines(b.m, "cache_")
		w.Close()
	}
	close(stop)
	all.Wait()
	require.Empty(t, lines(b.m, "cache_errors_total"))
}
