package cachemon_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/cachemon"
	"github.com/chronoretrace/chronomon/monitor"
)

// grab takes the hook that Watch puts on a client, to call it alone.
type grab struct {
	redis.UniversalClient
	hook redis.Hook
}

func (g *grab) AddHook(h redis.Hook) { g.hook = h }

func hookOf(t testing.TB, b bench) redis.Hook {
	t.Helper()
	g := &grab{}
	b.watch(t, g)
	return g.hook
}

func answered(_ context.Context, _ redis.Cmder) error        { return nil }
func missing(_ context.Context, _ redis.Cmder) error         { return redis.Nil }
func answeredBatch(_ context.Context, _ []redis.Cmder) error { return nil }
func get(ctx context.Context, key string) *redis.StringCmd {
	cmd := redis.NewStringCmd(ctx, "get", key)
	cmd.SetVal("value")
	return cmd
}

func TestAllocsPerCommand(t *testing.T) {
	if raceEnabled {
		t.Skip("allocations are counted without the race detector")
	}
	ctx := t.Context()
	hook := hookOf(t, setup(t, nil))
	ruled := hookOf(t, setup(t, nil, cachemon.WithKeyPatterns("user:*:profile")))
	strict := hookOf(t, setup(t, nil, cachemon.WithKeyPatternLimit(1)))
	mget := redis.NewSliceCmd(ctx, "mget", "stock:daily:1", "stock:daily:2", "user:7:profile")
	mget.SetVal([]any{"a", nil, "b"})
	set := redis.NewStatusCmd(ctx, "set", "stock:daily:600519", make([]byte, 1024))
	uuid := get(ctx, "session:550e8400-e29b-41d4-a716-446655440000")
	upper := redis.NewCmd(ctx, "GET", []byte("stock:daily:600519"))
	upper.SetVal("v")
	for name, c := range map[string]struct {
		hook redis.Hook
		next redis.ProcessHook
		cmd  redis.Cmder
	}{
		"hit":            {hook, answered, get(ctx, "stock:daily:600519")},
		"miss":           {hook, missing, get(ctx, "stock:daily:600519")},
		"uuid":           {hook, answered, uuid},
		"mget":           {hook, answered, mget},
		"set":            {hook, answered, set},
		"bytes by Do":    {hook, answered, upper},
		"ping":           {hook, answered, redis.NewStatusCmd(ctx, "ping")},
		"a long key":     {ruled, answered, get(ctx, "user:"+strings.Repeat("7", 1000)+":profile")},
		"past the limit": {strict, answered, get(ctx, "stock:daily:600519")},
	} {
		t.Run(name, func(t *testing.T) {
			process := c.hook.ProcessHook(c.next)
			_ = strict.ProcessHook(answered)(ctx, get(ctx, "first:1"))
			require.Zero(t, testing.AllocsPerRun(1000, func() { _ = process(ctx, c.cmd) }))
		})
	}
	t.Run("pipeline", func(t *testing.T) {
		cmds := tenGets(ctx)
		pipeline := hook.ProcessPipelineHook(answeredBatch)
		require.Zero(t, testing.AllocsPerRun(1000, func() { _ = pipeline(ctx, cmds) }))
	})
	t.Run("tracker", func(t *testing.T) {
		b := setup(t, nil)
		off := setup(t, []monitor.Option{monitor.WithDisabled()})
		for _, m := range []*monitor.Monitor{b.m, off.m} {
			tr, err := cachemon.NewTracker(m, "l1")
			require.NoError(t, err)
			require.Zero(t, testing.AllocsPerRun(1000, func() {
				tr.Hit()
				tr.Miss()
				tr.Set()
				tr.Delete()
				tr.Evict(2)
				tr.Look(true)
			}))
		}
	})
}

func tenGets(ctx context.Context) (cmds []redis.Cmder) {
	for i := range 10 {
		cmds = append(cmds, get(ctx, fmt.Sprintf("stock:daily:6005%02d", i)))
	}
	return cmds
}

func BenchmarkHook(b *testing.B) {
	ctx := b.Context()
	hook := hookOf(b, setup(b, nil))
	process := hook.ProcessHook(answered)
	b.Run("get", func(b *testing.B) {
		cmd := get(ctx, "stock:daily:600519")
		b.ReportAllocs()
		for b.Loop() {
			_ = process(ctx, cmd)
		}
	})
	b.Run("get both cores", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			cmd := get(ctx, "stock:daily:600519")
			for pb.Next() {
				_ = process(ctx, cmd)
			}
		})
	})
	b.Run("set", func(b *testing.B) {
		cmd := redis.NewStatusCmd(ctx, "set", "stock:daily:600519", make([]byte, 1024))
		b.ReportAllocs()
		for b.Loop() {
			_ = process(ctx, cmd)
		}
	})
	b.Run("pipeline of ten", func(b *testing.B) {
		cmds := tenGets(ctx)
		pipeline := hook.ProcessPipelineHook(answeredBatch)
		b.ReportAllocs()
		for b.Loop() {
			_ = pipeline(ctx, cmds)
		}
	})
}
