package cachemon_test

import (
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// TestPipeline: every command of a pipeline is counted with its own outcome,
// the whole is timed.
func TestPipeline(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	s := &script{answer: func(args []string) string {
		switch {
		case args[0] == "get" && args[1] == "a:1":
			return bulk("v")
		case args[0] == "mget":
			return array(bulk("v"), null)
		case args[0] == "incr":
			return "-WRONGTYPE no\r\n"
		}
		return ""
	}}
	client := s.client(t, nil)
	b.watch(t, client)
	ctx := t.Context()
	_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.Get(ctx, "a:1")
		p.Get(ctx, "a:2")
		p.MGet(ctx, "a:1", "a:2")
		p.Set(ctx, "a:3", "v", 0)
		p.Incr(ctx, "a:1")
		p.HGetAll(ctx, "h:1")
		p.Ping(ctx)
		return nil
	})
	require.ErrorIs(t, err, redis.Nil, "the first error, as without us")
	require.Equal(t, []string{
		`cache_operations_total` + at("get") + " 2", `cache_operations_total` + at("hgetall") + " 1",
		`cache_operations_total` + at("incr") + " 1", `cache_operations_total` + at("mget") + " 1",
		`cache_operations_total` + at("set") + " 1",
	}, lines(b.m, "cache_operations_total"), "their sum is what the host asked")
	require.Equal(t, []string{`cache_batch_duration_seconds_count` + at("pipeline") + " 1"}, lines(b.m, "cache_batch_duration_seconds_count"))
	require.Empty(t, lines(b.m, "cache_operation_duration_seconds_count"))
	require.Equal(t, []string{
		`cache_errors_total{cache_name="c",node="192.0.2.1:6379",operation="incr",error="wrongtype"} 1`,
	}, lines(b.m, "cache_errors_total"))
	require.Equal(t, []string{
		`cache_requests_total{cache_type="redis",cache_name="c",result="hit"} 2`,
		`cache_requests_total{cache_type="redis",cache_name="c",result="miss"} 3`,
	}, lines(b.m, "cache_requests_total"))
	require.Equal(t, []string{
		`cache_key_requests_total{cache_name="c",key_pattern="a:*",result="hit"} 2`,
		`cache_key_requests_total{cache_name="c",key_pattern="a:*",result="miss"} 2`,
		`cache_key_requests_total{cache_name="c",key_pattern="h:*",result="hit"} 0`,
		`cache_key_requests_total{cache_name="c",key_pattern="h:*",result="miss"} 1`,
	}, lines(b.m, "cache_key_requests_total"))
}

func TestPipelineThatCannotBeSent(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1, DialerRetries: 1})
	t.Cleanup(func() { _ = client.Close() })
	b.watch(t, client)
	ctx := t.Context()
	_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.Get(ctx, "a:1")
		p.Get(ctx, "a:2")
		p.Set(ctx, "a:2", "v", 0)
		return nil
	})
	require.Error(t, err)
	require.Equal(t, []string{
		`cache_errors_total{cache_name="c",node="127.0.0.1:1",operation="get",error="refused"} 2`,
		`cache_errors_total{cache_name="c",node="127.0.0.1:1",operation="set",error="refused"} 1`,
	}, lines(b.m, "cache_errors_total"), "each command failed, once")
	require.Empty(t, lines(b.m, "cache_hit_rate"))
}

func TestTransaction(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	exec := array(bulk("v"), null)
	s := &script{}
	s.answer = func(args []string) string {
		switch args[0] {
		case "get", "hget":
			return "+QUEUED\r\n"
		case "exec":
			s.mu.Lock()
			defer s.mu.Unlock()
			return exec
		}
		return ""
	}
	client := s.client(t, nil)
	b.watch(t, client)
	ctx := t.Context()
	tx := func() error {
		_, err := client.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.Get(ctx, "a:1")
			p.HGet(ctx, "h:1", "f")
			return nil
		})
		return err
	}
	require.ErrorIs(t, tx(), redis.Nil)
	require.Equal(t, []string{
		`cache_operations_total` + at("get") + " 1", `cache_operations_total` + at("hget") + " 1",
	}, lines(b.m, "cache_operations_total"))
	require.Equal(t, 1.0, value(t, b.m, `cache_batch_duration_seconds_count`+at("tx")))
	require.Equal(t, []string{
		`cache_requests_total{cache_type="redis",cache_name="c",result="hit"} 1`,
		`cache_requests_total{cache_type="redis",cache_name="c",result="miss"} 1`,
	}, lines(b.m, "cache_requests_total"))
	require.Empty(t, lines(b.m, "cache_errors_total"))

	s.mu.Lock()
	exec = "*-1\r\n"
	s.mu.Unlock()
	require.ErrorIs(t, tx(), redis.TxFailedErr)
	require.Equal(t, []string{
		`cache_errors_total{cache_name="c",node="192.0.2.1:6379",operation="tx",error="conflict"} 1`,
	}, lines(b.m, "cache_errors_total"), "a watched key changed: no command was done")
	require.Equal(t, 1.0, value(t, b.m, `cache_operations_total`+at("get")))
	require.Equal(t, 2.0, value(t, b.m, `cache_batch_duration_seconds_count`+at("tx")))
}

// TestTransactionThatWasNotRun: it fails as a whole, once.
func TestTransactionThatWasNotRun(t *testing.T) {
	t.Parallel()
	for kind, answer := range map[string]func(args []string) string{
		"aborted": func(args []string) string {
			switch args[0] {
			case "get":
				return "+QUEUED\r\n"
			case "incr":
				return "-ERR wrong number of arguments\r\n"
			case "exec":
				return "-EXECABORT Transaction discarded because of previous errors.\r\n"
			}
			return ""
		},
		"network": func(args []string) string {
			if args[0] == "multi" {
				return "close"
			}
			return ""
		},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			b := setup(t, nil)
			client := (&script{answer: answer}).client(t, nil)
			b.watch(t, client)
			ctx := t.Context()
			_, err := client.TxPipelined(ctx, func(p redis.Pipeliner) error { p.Get(ctx, "a:1"); p.Do(ctx, "incr"); return nil })
			require.Error(t, err)
			require.Equal(t, []string{
				`cache_errors_total{cache_name="c",node="192.0.2.1:6379",operation="tx",error="` + kind + `"} 1`,
			}, lines(b.m, "cache_errors_total"))
			require.Empty(t, lines(b.m, "cache_operations_total", "cache_hit_rate"))
		})
	}
}

// TestWatchedTransaction: hooks reach what is inside Client.Watch, once.
func TestWatchedTransaction(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	s := &script{answer: func(args []string) string {
		if args[0] == "exec" {
			return array("+OK\r\n")
		}
		return ""
	}}
	client := s.client(t, nil)
	b.watch(t, client)
	ctx := t.Context()
	require.NoError(t, client.Watch(ctx, func(tx *redis.Tx) error {
		require.ErrorIs(t, tx.Get(ctx, "a:1").Err(), redis.Nil)
		_, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error { p.Set(ctx, "a:1", "v", 0); return nil })
		return err
	}, "a:1"))
	require.Equal(t, []string{
		`cache_operations_total` + at("get") + " 1", `cache_operations_total` + at("set") + " 1",
	}, lines(b.m, "cache_operations_total"))
	require.Equal(t, 1.0, value(t, b.m, `cache_batch_duration_seconds_count`+at("tx")))
}

func TestConnIsMeasuredOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	client := (&script{}).client(t, nil)
	b.watch(t, client)
	conn := client.Conn()
	defer conn.Close()
	require.ErrorIs(t, conn.Get(t.Context(), "a:1").Err(), redis.Nil)
	require.Equal(t, []string{`cache_operations_total` + at("get") + " 1"}, lines(b.m, "cache_operations_total"))
}
