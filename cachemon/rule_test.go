package cachemon_test

import (
	"context"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// TestRepliesOfAllTypes: the rules read what go-redis makes of a reply, in
// either protocol, typed or by Do.
func TestRepliesOfAllTypes(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	do := func(v any, args ...any) redis.Cmder { c := redis.NewCmd(ctx, args...); c.SetVal(v); return c }
	set := func(c redis.Cmder, f func()) redis.Cmder { f(); return c }
	ints := redis.NewIntSliceCmd(ctx, "lrange", "a:1", 0, -1)
	floats := redis.NewFloatSliceCmd(ctx, "zrange", "a:1", 0, -1)
	pairs := redis.NewKeyValueSliceCmd(ctx, "hgetall", "a:1")
	byInt := redis.NewMapStringIntCmd(ctx, "hgetall", "a:1")
	byAny := redis.NewMapStringInterfaceCmd(ctx, "hgetall", "a:1")
	slice := redis.NewSliceCmd(ctx, "hvals", "a:1")
	text := redis.NewStringCmd(ctx, "hvals", "a:1")
	strs := redis.NewStringSliceCmd(ctx, "hmget", "a:1", "f", "g")
	truth := redis.NewBoolCmd(ctx, "hexists", "a:1", "f")
	scan := redis.NewScanCmd(ctx, nil, "smembers", "a:1")
	for name, c := range map[string]struct {
		cmd          redis.Cmder
		hits, misses float64
	}{
		"ints":              {set(ints, func() { ints.SetVal([]int64{1}) }), 1, 0},
		"floats":            {set(floats, func() { floats.SetVal(nil) }), 0, 1},
		"pairs":             {set(pairs, func() { pairs.SetVal([]redis.KeyValue{{Key: "f"}}) }), 1, 0},
		"map of ints":       {set(byInt, func() { byInt.SetVal(map[string]int64{}) }), 0, 1},
		"map of anything":   {set(byAny, func() { byAny.SetVal(map[string]any{"f": 1}) }), 1, 0},
		"slice":             {set(slice, func() { slice.SetVal([]any{1}) }), 1, 0},
		"text":              {set(text, func() { text.SetVal("") }), 0, 1},
		"strings":           {set(strs, func() { strs.SetVal([]string{"v", ""}) }), 1, 1},
		"truth":             {set(truth, func() { truth.SetVal(true) }), 1, 0},
		"Do, RESP3 map":     {do(map[any]any{"f": "v"}, "HGETALL", "a:1"), 1, 0},
		"Do, empty map":     {do(map[any]any{}, "hgetall", "a:1"), 0, 1},
		"Do, array":         {do([]any{"m"}, "smembers", "a:1"), 1, 0},
		"Do, text":          {do("m", "hvals", "a:1"), 1, 0},
		"Do, truth":         {do(false, "hexists", "a:1", "f"), 0, 1},
		"Do, number":        {do(int64(2), "exists", "a:1", "b:2", "c:3"), 2, 1},
		"Do, too many":      {do(int64(9), "exists", "a:1"), 1, 0},
		"Do, nil":           {do(nil, "get", "a:1"), 0, 1},
		"what it cannot be": {set(scan, func() { scan.SetVal([]string{"a"}, 0) }), 0, 0},
		"Do, a wrong type":  {do("x", "exists", "a:1"), 0, 0},
		"no arguments":      {do("x"), 0, 0},
		"no name":           {do("x", 7), 0, 0},
		"a key of no bytes": {do("x", "get", 42), 1, 0},
		"no key":            {do("x", "get"), 1, 0},
		"an empty name":     {do("x", ""), 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, nil)
			require.NoError(t, hookOf(t, b).ProcessHook(func(context.Context, redis.Cmder) error { return nil })(ctx, c.cmd))
			require.Equal(t, c.hits, value(t, b.m, `cache_requests_total{cache_type="redis",cache_name="c",result="hit"}`))
			require.Equal(t, c.misses, value(t, b.m, `cache_requests_total{cache_type="redis",cache_name="c",result="miss"}`))
			require.Equal(t, c.hits+c.misses, total(t, b.m, "cache_key_requests_total"))
			require.Equal(t, 1.0, total(t, b.m, "cache_operations_total"))
		})
	}
}
