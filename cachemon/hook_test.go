package cachemon_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/cachemon"
	"github.com/chronoretrace/chronomon/monitor"
)

// at is the labels of an operation at the scripted server.
func at(operation string) string {
	return `{cache_name="c",node="192.0.2.1:6379",operation="` + operation + `"}`
}

func TestLookUpsByRule(t *testing.T) {
	t.Parallel()
	type counts struct{ hits, misses float64 }
	for name, c := range map[string]struct {
		reply string
		call  func(ctx context.Context, c *redis.Client) error
		want  counts
	}{
		"GET hit":                   {bulk("v"), func(ctx context.Context, c *redis.Client) error { return c.Get(ctx, "a:1").Err() }, counts{1, 0}},
		"GET empty string is a hit": {bulk(""), func(ctx context.Context, c *redis.Client) error { return c.Get(ctx, "a:1").Err() }, counts{1, 0}},
		"GET miss":                  {null, func(ctx context.Context, c *redis.Client) error { return c.Get(ctx, "a:1").Err() }, counts{0, 1}},
		"GET by Do":                 {null, func(ctx context.Context, c *redis.Client) error { return c.Do(ctx, "GET", "a:1").Err() }, counts{0, 1}},
		"Get by Do, mixed case":     {bulk("v"), func(ctx context.Context, c *redis.Client) error { return c.Do(ctx, "Get", []byte("a:1")).Err() }, counts{1, 0}},
		"GETEX":                     {null, func(ctx context.Context, c *redis.Client) error { return c.GetEx(ctx, "a:1", 0).Err() }, counts{0, 1}},
		"HGET miss":                 {null, func(ctx context.Context, c *redis.Client) error { return c.HGet(ctx, "a:1", "f").Err() }, counts{0, 1}},
		"MGET in part":              {array(bulk("v"), null, bulk(""), null), func(ctx context.Context, c *redis.Client) error { return c.MGet(ctx, "a:1", "b:2", "c:3", "d:4").Err() }, counts{2, 2}},
		"MGET by Do":                {array(bulk("v"), null), func(ctx context.Context, c *redis.Client) error { return c.Do(ctx, "mget", "a:1", "b:2").Err() }, counts{1, 1}},
		"HMGET in part":             {array(null, bulk("v"), bulk("v")), func(ctx context.Context, c *redis.Client) error { return c.HMGet(ctx, "a:1", "x", "y", "z").Err() }, counts{2, 1}},
		"HGETALL empty":             {"*0\r\n", func(ctx context.Context, c *redis.Client) error { return c.HGetAll(ctx, "a:1").Err() }, counts{0, 1}},
		"HGETALL":                   {array(bulk("f"), bulk("v")), func(ctx context.Context, c *redis.Client) error { return c.HGetAll(ctx, "a:1").Err() }, counts{1, 0}},
		"HGETALL by Do, empty":      {"*0\r\n", func(ctx context.Context, c *redis.Client) error { return c.Do(ctx, "hgetall", "a:1").Err() }, counts{0, 1}},
		"SMEMBERS empty":            {"*0\r\n", func(ctx context.Context, c *redis.Client) error { return c.SMembers(ctx, "a:1").Err() }, counts{0, 1}},
		"SMEMBERS as map":           {array(bulk("m")), func(ctx context.Context, c *redis.Client) error { return c.SMembersMap(ctx, "a:1").Err() }, counts{1, 0}},
		"LRANGE empty":              {"*0\r\n", func(ctx context.Context, c *redis.Client) error { return c.LRange(ctx, "a:1", 0, -1).Err() }, counts{0, 1}},
		"ZRANGE WITHSCORES":         {array(bulk("m"), bulk("1")), func(ctx context.Context, c *redis.Client) error { return c.ZRangeWithScores(ctx, "a:1", 0, -1).Err() }, counts{1, 0}},
		"EXISTS by key":             {":2\r\n", func(ctx context.Context, c *redis.Client) error { return c.Exists(ctx, "a:1", "b:2", "c:3").Err() }, counts{2, 1}},
		"HEXISTS":                   {":0\r\n", func(ctx context.Context, c *redis.Client) error { return c.HExists(ctx, "a:1", "f").Err() }, counts{0, 1}},
		"GEOPOS":                    {array("*-1\r\n", array(bulk("1"), bulk("2"))), func(ctx context.Context, c *redis.Client) error { return c.GeoPos(ctx, "a:1", "x", "y").Err() }, counts{1, 1}},
		"a rule of the host":        {":1\r\n", func(ctx context.Context, c *redis.Client) error { return c.Touch(ctx, "a:1").Err() }, counts{1, 0}},
		"a rule taken out":          {null, func(ctx context.Context, c *redis.Client) error { return c.LIndex(ctx, "a:1", 0).Err() }, counts{0, 0}},
		"writes never count":        {null, func(ctx context.Context, c *redis.Client) error { return c.SetNX(ctx, "a:1", "v", 0).Err() }, counts{0, 0}},
		"SET GET never counts": {null, func(ctx context.Context, c *redis.Client) error {
			return c.SetArgs(ctx, "a:1", "v", redis.SetArgs{Get: true}).Err()
		}, counts{0, 0}},
		"GETDEL never counts":  {null, func(ctx context.Context, c *redis.Client) error { return c.GetDel(ctx, "a:1").Err() }, counts{0, 0}},
		"a queue never counts": {null, func(ctx context.Context, c *redis.Client) error { return c.LPop(ctx, "a:1").Err() }, counts{0, 0}},
		"a failed GET":         {"-ERR no\r\n", func(ctx context.Context, c *redis.Client) error { return c.Get(ctx, "a:1").Err() }, counts{0, 0}},
		"WRONGTYPE":            {"-WRONGTYPE no\r\n", func(ctx context.Context, c *redis.Client) error { return c.Get(ctx, "a:1").Err() }, counts{0, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, nil, cachemon.WithRule("touch", cachemon.CountNumber), cachemon.WithRule("LINDEX", cachemon.CountNone))
			s := &script{answer: func(args []string) string {
				if len(args) > 1 && args[1] == "a:1" {
					return c.reply
				}
				return ""
			}}
			client := s.client(t, nil)
			bare := c.call(t.Context(), client)
			b.watch(t, client)
			require.Equal(t, bare, c.call(t.Context(), client), "the host sees no difference")
			require.Equal(t, c.want, counts{
				value(t, b.m, `cache_requests_total{cache_type="redis",cache_name="c",result="hit"}`),
				value(t, b.m, `cache_requests_total{cache_type="redis",cache_name="c",result="miss"}`),
			})
			sum := c.want.hits + c.want.misses
			require.Equal(t, sum, total(t, b.m, "cache_key_requests_total"), "by pattern: %v", lines(b.m, "cache_key_requests_total"))
			rate := value(t, b.m, `cache_hit_rate{cache_type="redis",cache_name="c"}`)
			if sum == 0 {
				require.Equal(t, -1.0, rate, "absent, not 0")
			} else {
				require.Equal(t, c.want.hits/sum, rate)
			}
			require.Equal(t, 1.0, total(t, b.m, "cache_operations_total"))
			if strings.HasPrefix(c.reply, "-") {
				require.Equal(t, 1.0, total(t, b.m, "cache_errors_total"))
			} else {
				require.Empty(t, lines(b.m, "cache_errors_total"), "a miss is no error")
			}
		})
	}
}

func TestKeysCountByTheirOwnPattern(t *testing.T) {
	t.Parallel()
	b := setup(t, nil, cachemon.WithKeyPatterns("leaderboard", "user:*:profile"))
	s := &script{answer: func(args []string) string {
		switch args[0] {
		case "mget":
			return array(bulk("v"), null, bulk("v"), null)
		case "exists":
			return ":1\r\n"
		}
		return ""
	}}
	client := s.client(t, nil)
	b.watch(t, client)
	ctx := t.Context()
	require.NoError(t, client.MGet(ctx, "stock:daily:600519", "stock:daily:000001", "leaderboard", "user:alice:profile").Err())
	require.NoError(t, client.Exists(ctx, "stock:daily:1", "stock:daily:2").Err())
	require.NoError(t, client.Exists(ctx, "stock:daily:1", "leaderboard").Err())
	require.Equal(t, []string{
		`cache_key_requests_total{cache_name="c",key_pattern="leaderboard",result="hit"} 1`,
		`cache_key_requests_total{cache_name="c",key_pattern="leaderboard",result="miss"} 0`,
		`cache_key_requests_total{cache_name="c",key_pattern="other",result="hit"} 1`,
		`cache_key_requests_total{cache_name="c",key_pattern="other",result="miss"} 1`,
		`cache_key_requests_total{cache_name="c",key_pattern="stock:daily:*",result="hit"} 2`,
		`cache_key_requests_total{cache_name="c",key_pattern="stock:daily:*",result="miss"} 2`,
		`cache_key_requests_total{cache_name="c",key_pattern="user:*:profile",result="hit"} 0`,
		`cache_key_requests_total{cache_name="c",key_pattern="user:*:profile",result="miss"} 1`,
	}, lines(b.m, "cache_key_requests_total"))
}

// TestSetUpIsNotCounted: what go-redis sends by itself to set up a connection,
// and pings, are neither operations nor errors, refused or not.
func TestSetUpIsNotCounted(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	s := &script{}
	client := s.client(t, func(o *redis.Options) {
		o.Protocol, o.Username, o.Password, o.DB, o.ClientName = 3, "app", "hunter2", 3, "svc"
	})
	b.watch(t, client)
	ctx := t.Context()
	require.ErrorIs(t, client.Get(ctx, "a:1").Err(), redis.Nil)
	require.NoError(t, client.Ping(ctx).Err())
	var names []string
	for _, args := range s.seen {
		names = append(names, strings.ToLower(args[0]))
	}
	require.Contains(t, names, "hello")
	require.Contains(t, names, "auth")
	require.Contains(t, names, "client")
	require.Contains(t, names, "select")
	require.Equal(t, []string{`cache_operations_total` + at("get") + " 1"}, lines(b.m, "cache_operations_total"))
	require.Empty(t, lines(b.m, "cache_errors_total"))
	require.Equal(t, 1.0, value(t, b.m, `cache_dial_duration_seconds_count{cache_name="c",node="192.0.2.1:6379"}`))
	require.NotContains(t, strings.Join(lines(b.m, ""), "\n"), "hunter2")
}

func TestBlockingCommandsAreNotTimed(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	s := &script{answer: func(args []string) string {
		if args[0] == "xread" || args[0] == "blpop" || args[0] == "bzmpop" {
			return "*-1\r\n"
		}
		return ""
	}}
	client := s.client(t, nil)
	b.watch(t, client)
	ctx := t.Context()
	require.ErrorIs(t, client.BLPop(ctx, time.Second, "q").Err(), redis.Nil)
	require.ErrorIs(t, client.XRead(ctx, &redis.XReadArgs{Streams: []string{"s", "0"}, Block: time.Second}).Err(), redis.Nil)
	require.ErrorIs(t, client.XRead(ctx, &redis.XReadArgs{Streams: []string{"s", "0"}, Block: -1}).Err(), redis.Nil)
	require.Equal(t, []string{
		`cache_operations_total` + at("blpop") + " 1", `cache_operations_total` + at("xread") + " 2",
	}, lines(b.m, "cache_operations_total"))
	require.Equal(t, []string{`cache_operation_duration_seconds_count` + at("xread") + " 1"}, lines(b.m, "cache_operation_duration_seconds_count"))
	require.Empty(t, lines(b.m, "cache_errors_total"))
	require.Empty(t, lines(b.m, "cache_hit_rate"))
}

func TestErrorsByKind(t *testing.T) {
	t.Parallel()
	for kind, reply := range map[string]string{
		"loading": "-LOADING Redis is loading the dataset in memory\r\n", "readonly": "-READONLY You can't write against a read only replica.\r\n",
		"oom": "-OOM command not allowed when used memory > 'maxmemory'.\r\n", "noauth": "-NOAUTH Authentication required.\r\n",
		"busy": "-BUSY Redis is busy running a script.\r\n", "clusterdown": "-CLUSTERDOWN The cluster is down\r\n",
		"wrongtype": "-WRONGTYPE Operation against a key\r\n", "noscript": "-NOSCRIPT No matching script.\r\n",
		"other": "-ERR secret-key-4711 is bad\r\n", "network": "close", "crossslot": "-CROSSSLOT Keys in request\r\n",
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			b := setup(t, nil)
			s := &script{answer: func(args []string) string {
				if args[0] == "set" {
					return reply
				}
				return ""
			}}
			client := s.client(t, nil)
			b.watch(t, client)
			require.Error(t, client.Set(t.Context(), "secret-key-4711", "secret-value", 0).Err())
			require.Equal(t, []string{
				`cache_errors_total{cache_name="c",node="192.0.2.1:6379",operation="set",error="` + kind + `"} 1`,
			}, lines(b.m, "cache_errors_total"))
			require.Equal(t, 1.0, value(t, b.m, "cache_operations_total"+at("set")), "a failed command is an operation too")
			require.NotContains(t, strings.Join(lines(b.m, ""), "\n"), "secret")
		})
	}
	t.Run("MOVED is no operation", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		s := &script{answer: func(args []string) string {
			if args[0] == "get" {
				return "-MOVED 1 127.0.0.1:1\r\n"
			}
			return ""
		}}
		client := s.client(t, nil)
		b.watch(t, client)
		require.Error(t, client.Get(t.Context(), "a:1").Err())
		require.Equal(t, 1.0, total(t, b.m, "cache_errors_total"))
		require.Empty(t, lines(b.m, "cache_operations_total"))
	})
	t.Run("cancelled and timeout", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		hang := make(chan struct{})
		s := &script{answer: func(args []string) string {
			if args[0] == "get" {
				<-hang
				return "close"
			}
			return ""
		}}
		client := s.client(t, func(o *redis.Options) { o.ContextTimeoutEnabled = true; o.ReadTimeout = 20 * time.Millisecond })
		b.watch(t, client)
		require.Error(t, client.Get(t.Context(), "a:1").Err())
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, client.Get(ctx, "a:1").Err(), context.Canceled)
		close(hang)
		require.Equal(t, []string{
			`cache_errors_total{cache_name="c",node="192.0.2.1:6379",operation="get",error="cancelled"} 1`,
			`cache_errors_total{cache_name="c",node="192.0.2.1:6379",operation="get",error="timeout"} 1`,
		}, lines(b.m, "cache_errors_total"))
	})
	t.Run("refused, once", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1, DialerRetries: 1})
		t.Cleanup(func() { _ = client.Close() })
		b.watch(t, client)
		require.Error(t, client.Get(t.Context(), "a:1").Err())
		require.Equal(t, []string{
			`cache_errors_total{cache_name="c",node="127.0.0.1:1",operation="get",error="refused"} 1`,
		}, lines(b.m, "cache_errors_total"))
		require.Equal(t, 1.0, value(t, b.m, `cache_dial_errors_total{cache_name="c",node="127.0.0.1:1",error="refused"}`))
		require.NoError(t, client.Close())
		require.Error(t, client.Get(t.Context(), "a:1").Err())
		require.Equal(t, 1.0, value(t, b.m, `cache_errors_total{cache_name="c",node="127.0.0.1:1",operation="get",error="closed"}`))
	})
}

// panicky is a hook of the host's that panics.
type panicky struct{}

func (panicky) DialHook(next redis.DialHook) redis.DialHook { return next }
func (panicky) ProcessHook(redis.ProcessHook) redis.ProcessHook {
	return func(context.Context, redis.Cmder) error { panic("host") }
}

func (panicky) ProcessPipelineHook(redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(context.Context, []redis.Cmder) error { panic("host") }
}

func TestAPanicOfAnotherHookGoesOn(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	client := (&script{}).client(t, nil)
	b.watch(t, client)
	client.AddHook(panicky{})
	ctx := t.Context()
	require.PanicsWithValue(t, "host", func() { client.Get(ctx, "a:1") })
	require.PanicsWithValue(t, "host", func() {
		_, _ = client.Pipelined(ctx, func(p redis.Pipeliner) error { p.Get(ctx, "a:1"); return nil })
	})
	require.Equal(t, []string{
		`cache_errors_total{cache_name="c",node="192.0.2.1:6379",operation="get",error="panic"} 1`,
		`cache_errors_total{cache_name="c",node="192.0.2.1:6379",operation="pipeline",error="panic"} 1`,
	}, lines(b.m, "cache_errors_total"))

	b = setup(t, nil)
	cluster := clusterOfNobody(t)
	b.watch(t, cluster)
	require.NoError(t, cluster.ForEachShard(ctx, func(_ context.Context, c *redis.Client) error { c.AddHook(panicky{}); return nil }))
	require.PanicsWithValue(t, "host", func() {
		_, _ = cluster.TxPipelined(ctx, func(p redis.Pipeliner) error { p.Get(ctx, "a:1"); return nil })
	})
	require.Equal(t, []string{fail(nobody, "tx", "panic") + " 1"}, lines(b.m, "cache_errors_total"))
	require.Empty(t, lines(b.m, "cache_operations_total"))
}

func TestEdges(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	client := (&script{}).client(t, nil)
	b.watch(t, client)
	client.Get(t.Context(), "a:1")
	require.Empty(t, b.m.Edges())
	ctx := monitor.ContextWithCaller(t.Context(), monitor.CallerName("/stocks"))
	client.Get(ctx, "a:1")
	_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error { p.Get(ctx, "a:1"); return nil })
	require.ErrorIs(t, err, redis.Nil)
	e := b.m.Edges()
	require.Len(t, e, 1)
	require.Equal(t, "/stocks cache c 2", strings.Join([]string{e[0].Caller, e[0].Kind, e[0].Name, "2"}, " "))
	require.EqualValues(t, 2, e[0].Count)
}

func TestDisabledMonitorLeavesTheClientAlone(t *testing.T) {
	t.Parallel()
	b := setup(t, []monitor.Option{monitor.WithDisabled()})
	client := (&script{}).client(t, nil)
	w := b.watch(t, client)
	b.watch(t, client) // nothing is taken
	require.ErrorIs(t, client.Get(t.Context(), "a:1").Err(), redis.Nil)
	w.Close()
	_, err := b.Watch("c", nil)
	require.ErrorIs(t, err, monitor.ErrInvalidOption)
}

// odd is a client of the host's own, of a type that cannot be compared.
type odd struct {
	redis.UniversalClient
	_ []int
}

func TestWatchTakesAnyClient(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	client := (&script{}).client(t, nil)
	w := b.watch(t, odd{UniversalClient: client})
	require.ErrorIs(t, client.Get(t.Context(), "a:1").Err(), redis.Nil)
	require.Equal(t, 1.0, total(t, b.m, "cache_operations_total"))
	w.Close()
}

// TestAddressesWithPasswords: a URL in the place of an address is a mistake, and
// no label, log line or error has it.
func TestAddressesWithPasswords(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{
		"redis://user:topsecret@127.0.0.1:1", "redis://user:12/topsecret@127.0.0.1:1", "user:topsecret@127.0.0.1:1", "127.0.0.1:1?password=topsecret",
	} {
		client := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1, DialerRetries: 1})
		m, p, log := poll(t, client)
		h, err := cachemon.NewHook(m)
		require.NoError(t, err)
		bench{h, m}.watch(t, client)
		require.Error(t, client.Get(t.Context(), "a:1").Err())
		require.Equal(t, 1.0, total(t, m, `cache_errors_total{cache_name="c",node="invalid",operation="get"`))
		err = p.Poll(t.Context())
		require.ErrorContains(t, err, "redis.ParseURL")
		require.Equal(t, 0.0, value(t, m, of("redis_up", "invalid")))
		require.NotContains(t, strings.Join(lines(m, ""), "\n")+log.String()+err.Error(), "topsecret")
		require.NoError(t, client.Close())
	}
}

func TestSocketsAreAddresses(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	client := redis.NewClient(&redis.Options{Addr: "/no/such.sock", MaxRetries: -1, DialerRetries: 1})
	defer client.Close()
	b.watch(t, client)
	require.Error(t, client.Get(t.Context(), "a:1").Err())
	require.Equal(t, 1.0, total(t, b.m, `cache_errors_total{cache_name="c",node="/no/such.sock",operation="get"`))
}

func TestWatchRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	one, two := (&script{}).client(t, nil), (&script{}).client(t, nil)
	w := b.watch(t, one)
	for want, call := range map[string]func() (*cachemon.Watch, error){
		"client = <nil>":               func() (*cachemon.Watch, error) { return b.Watch("x", nil) },
		"client = <nil>: want":         func() (*cachemon.Watch, error) { return b.Watch("x", (*redis.Client)(nil)) },
		"a client":                     func() (*cachemon.Watch, error) { return b.Watch("x", (*redis.ClusterClient)(nil)) },
		"want a client":                func() (*cachemon.Watch, error) { return b.Watch("x", (*redis.Ring)(nil)) },
		"Watch client = <nil>":         func() (*cachemon.Watch, error) { return b.Watch("x", (*redis.AutoPipeliner)(nil)) },
		`name = ""`:                    func() (*cachemon.Watch, error) { return b.Watch("", two) },
		`watch "c": the name is taken`: func() (*cachemon.Watch, error) { return b.Watch("c", two) },
		`watched already, as "c"`:      func() (*cachemon.Watch, error) { return b.Watch("d", one) },
	} {
		_, err := call()
		require.ErrorIs(t, err, monitor.ErrInvalidOption, want)
		require.ErrorContains(t, err, want)
	}
	other, err := cachemon.NewHook(b.m)
	require.NoError(t, err)
	_, err = other.Watch("c", two)
	require.ErrorContains(t, err, "taken", "names belong to the registry")

	client := one
	client.Get(t.Context(), "a:1")
	w.Close()
	w.Close()
	client.Get(t.Context(), "a:1")
	client.Set(t.Context(), "a:1", "v", 0)
	require.Equal(t, 1.0, total(t, b.m, "cache_operations_total"), "closed: nothing more is counted")
	require.Empty(t, lines(b.m, "cache_pool_connections"))
	_, err = b.Watch("c", two)
	require.NoError(t, err, "the name is free again")
}
