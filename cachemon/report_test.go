package cachemon_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/cachemon"
	"github.com/chronoretrace/chronomon/monitor"
)

func attrs(e monitor.Event) string {
	var out []string
	for a := range e.Attrs() {
		out = append(out, a.String())
	}
	return strings.Join(out, " ")
}

func TestEvents(t *testing.T) {
	t.Parallel()
	var sink collect
	b := setup(t, []monitor.Option{monitor.WithSink("s", &sink, monitor.WithKinds(monitor.KindCache))},
		cachemon.WithTraceID(func(context.Context) string { return "4bf92f35" }))
	s := &script{answer: func(args []string) string {
		if args[0] == "set" {
			return "-OOM command with secret-key-4711 not allowed\r\n"
		}
		return ""
	}}
	client := s.client(t, func(o *redis.Options) { o.Password = "hunter2" })
	b.watch(t, client)
	stop := run(t, b.m)
	ctx := t.Context()
	client.Get(ctx, "stock:daily:600519")
	client.Set(ctx, "SECRET-4711", "secret-value", 0)
	client.Eval(ctx, "return 1", []string{"lock:77"})
	_, _ = client.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.Get(ctx, "a:1")
		p.Set(ctx, "a:2", "secret-value", 0)
		return nil
	})
	client.Ping(ctx)
	stop()
	require.Len(t, sink.events, 4)
	const where = "cache=c node=192.0.2.1:6379 "
	for i, want := range []struct {
		name, attrs string
		failed      bool
	}{
		{"stock:daily:*", where + "operation=get hits=0 misses=1", false},
		{"*", where + "operation=set error=oom", true},
		{"lock:*", where + "operation=eval", false},
		{"pipeline", where + "operation=pipeline commands=2 failed=1 hits=0 misses=1 error=oom", true},
	} {
		e := sink.events[i]
		require.Equal(t, want.name, e.Name)
		require.Equal(t, want.attrs, attrs(e))
		require.Equal(t, want.failed, e.Failed)
		require.Equal(t, monitor.KindCache, e.Kind)
		require.Positive(t, e.Duration)
		require.Equal(t, "4bf92f35", e.TraceID)
	}
	require.NotContains(t, strings.ToLower(fmt.Sprint(sink.events)), "secret")
	require.NotContains(t, fmt.Sprint(sink.events), "hunter2")
}

func TestExemplars(t *testing.T) {
	t.Parallel()
	b := setup(t, nil, cachemon.WithTraceID(func(context.Context) string { return "4bf92f35" }))
	client := (&script{}).client(t, nil)
	b.watch(t, client)
	client.Get(t.Context(), "a:1")
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody)
	r.Header.Set("Accept", "application/openmetrics-text; version=1.0.0")
	b.m.Handler().ServeHTTP(w, r)
	require.Contains(t, w.Body.String(), `# {trace_id="4bf92f35"}`)
}

func TestTraceIDThatPanics(t *testing.T) {
	t.Parallel()
	b := setup(t, nil, cachemon.WithTraceID(func(context.Context) string { panic("host") }))
	client := (&script{}).client(t, nil)
	b.watch(t, client)
	require.ErrorIs(t, client.Get(t.Context(), "a:1").Err(), redis.Nil)
	require.Equal(t, 1.0, value(t, b.m, `monitor_callback_panics_total{callback="cachemon.WithTraceID"}`))
}

func TestBigValues(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	m, err := monitor.New(monitor.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	require.NoError(t, err)
	h, err := cachemon.NewHook(m, cachemon.WithBigValues(100))
	require.NoError(t, err)
	b := bench{h, m}
	big := strings.Repeat("secret", 20)
	s := &script{answer: func(args []string) string {
		switch {
		case args[0] == "get" && args[1] == "report:1":
			return bulk(big)
		case args[0] == "eval":
			return bulk(big)
		case args[0] == "mget", args[0] == "lrange":
			return array(bulk(big), bulk("x"))
		case args[0] == "hset":
			return ":1\r\n"
		case args[0] == "hgetall":
			return array(bulk("f"), bulk(big))
		}
		return ""
	}}
	client := s.client(t, nil)
	b.watch(t, client)
	ctx := t.Context()
	client.Get(ctx, "report:1")
	client.Get(ctx, "small:1")
	client.Set(ctx, "page:1", big, 0)
	client.Set(ctx, "page:2", "small", 0)
	client.Set(ctx, "page:3", []byte(big), 0)
	client.MSet(ctx, "small:1", "x", "chart:9", big)
	client.MSet(ctx, "small:1", "secret:1", "small:"+big, "x") // a long key is no value, nor is what stands before it a key
	client.Eval(ctx, "return ARGV[1]", nil, "secret:1")        // an argument is no key
	client.HSet(ctx, "user:1", "photo", big)
	client.MGet(ctx, "list:1", "list:2")
	client.LRange(ctx, "list:3", 0, -1)
	client.HGetAll(ctx, "list:4")
	require.Equal(t, []string{
		`cache_big_values_total{cache_name="c",key_pattern="chart:*"} 1`,
		`cache_big_values_total{cache_name="c",key_pattern="list:*"} 3`,
		`cache_big_values_total{cache_name="c",key_pattern="other"} 1`,
		`cache_big_values_total{cache_name="c",key_pattern="page:*"} 2`,
		`cache_big_values_total{cache_name="c",key_pattern="report:*"} 1`,
		`cache_big_values_total{cache_name="c",key_pattern="user:*"} 1`,
	}, lines(m, "cache_big_values_total"))
	require.Equal(t, 1, strings.Count(log.String(), "big cache value"), "at most one line a second")
	require.Contains(t, log.String(), "key_pattern=report:* bytes=120 threshold=100")
	require.NotContains(t, log.String(), "secret")
	require.NotContains(t, log.String(), "report:1")

	none := setup(t, nil, cachemon.WithBigValues(0))
	client2 := s.client(t, nil)
	none.watch(t, client2)
	client2.Get(ctx, "report:1")
	require.Empty(t, lines(none.m, "cache_big_values_total"))
}

// TestRulesMatchKeysOfAnyLength: as text and as bytes.
func TestRulesMatchKeysOfAnyLength(t *testing.T) {
	t.Parallel()
	b := setup(t, nil, cachemon.WithKeyPatterns("user:*:profile"))
	client := (&script{}).client(t, nil)
	b.watch(t, client)
	key := "user:" + strings.Repeat("7", 1000) + ":profile"
	client.Get(t.Context(), key)
	client.Do(t.Context(), "get", []byte(key))
	require.Equal(t, 2.0, value(t, b.m, `cache_key_requests_total{cache_name="c",key_pattern="user:*:profile",result="miss"}`))
}

func TestPatternsAreBoundedAndTheirOverflowIsCounted(t *testing.T) {
	t.Parallel()
	b := setup(t, nil, cachemon.WithKeyPatternLimit(3))
	client := (&script{}).client(t, nil)
	b.watch(t, client)
	for _, k := range []string{"red", "green", "blue", "pink", "teal"} {
		client.Get(t.Context(), k+":1")
	}
	require.Len(t, lines(b.m, "cache_key_requests_total"), 8, "three and other")
	require.Equal(t, 2.0, value(t, b.m, `monitor_label_overflow_total{metric="cache_key_requests_total",label="key_pattern"}`))

	listed := strings.Fields("alder apple ash aspen bay beech birch box cedar cherry elder elm fig fir hazel holly juniper larch laurel lime " +
		"maple oak olive palm peach pear pine plane plum poplar quince rowan spruce teak walnut willow yew")
	words := setup(t, nil, cachemon.WithKeyWords(listed...))
	words.watch(t, client)
	for _, word := range listed {
		client.Get(t.Context(), word+":1")
	}
	require.Len(t, lines(words.m, "cache_key_requests_total"), 2*len(listed), "as many as are listed")

	none := setup(t, nil, cachemon.WithoutKeyPatterns())
	client2 := (&script{}).client(t, nil)
	none.watch(t, client2)
	client2.Get(t.Context(), "a:1")
	require.Empty(t, lines(none.m, "cache_key_requests_total"))
	require.Equal(t, 0.0, value(t, none.m, `cache_hit_rate{cache_type="redis",cache_name="c"}`))
}
