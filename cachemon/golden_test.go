package cachemon_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/cachemon"
)

var update = flag.Bool("update", false, "rewrite testdata")

// TestNames: the names and labels of everything that is emitted are a promise.
// Values are left out, since many are times.
func TestNames(t *testing.T) {
	t.Parallel()
	b := setup(t, nil, cachemon.WithBigValues(10))
	s := &script{answer: func(args []string) string {
		switch strings.ToLower(args[0]) {
		case "info":
			var all []string
			for _, field := range []string{
				"role:master", "uptime_in_seconds", "used_memory", "maxmemory", "used_memory_rss", "mem_fragmentation_ratio", "connected_clients",
				"blocked_clients", "maxclients", "connected_slaves", "total_commands_processed", "total_connections_received", "rejected_connections",
				"keyspace_hits", "keyspace_misses", "evicted_keys", "expired_keys",
			} {
				all = append(all, field+":1")
			}
			return bulk(strings.Join(all, "\r\n"))
		case "slowlog", "memory", "dbsize":
			return ":1\r\n"
		case "scan":
			return array(bulk("0"), array(bulk("stock:daily:600519")))
		case "mget":
			return array(bulk("a value of some length"), null)
		case "exec":
			return array("+OK\r\n")
		case "set":
			return "+QUEUED\r\n"
		case "blpop":
			return "*-1\r\n"
		case "incr":
			return "-OOM no\r\n"
		}
		return ""
	}}
	client := s.client(t, nil)
	b.watch(t, client)
	ctx := t.Context()
	client.MGet(ctx, "stock:daily:600519", "stock:daily:000001")
	client.Incr(ctx, "n:1")
	client.BLPop(ctx, 0, "queue")
	_, _ = client.Pipelined(ctx, func(p redis.Pipeliner) error { p.Get(ctx, "user:7:profile"); return nil })
	_, _ = client.TxPipelined(ctx, func(p redis.Pipeliner) error { p.Set(ctx, "user:7:profile", "v", 0); return nil })
	_, err := cachemon.NewTracker(b.m, "l1", cachemon.WithStats(func() cachemon.Stats { return cachemon.Stats{Hits: 1} }))
	require.NoError(t, err)
	p, err := cachemon.NewMemoryPoller(b.m, client, cachemon.WithKeyMemory(10))
	require.NoError(t, err)
	require.NoError(t, p.Poll(ctx))
	down := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1, DialerRetries: 1})
	defer down.Close()
	_, err = b.Watch("down", down)
	require.NoError(t, err)
	require.Error(t, down.Get(ctx, "a:1").Err())
	dp, err := cachemon.NewMemoryPoller(b.m, down, cachemon.WithPollName("down"))
	require.NoError(t, err)
	require.Error(t, dp.Poll(ctx))

	var got []string
	for _, l := range lines(b.m, "cache_", "redis_", "# TYPE cache_", "# TYPE redis_") {
		if !strings.HasPrefix(l, "#") {
			l = l[:strings.LastIndexByte(l, ' ')]
		}
		if name, _, _ := strings.Cut(l, "{"); !strings.HasSuffix(name, "_bucket") && !strings.HasSuffix(name, "_sum") {
			got = append(got, l)
		}
	}
	slices.Sort(got)
	text := strings.Join(got, "\n") + "\n"
	file := filepath.Join("testdata", "names.txt")
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), text)
}

// TestDocNamesEveryMetric: and every kind of error.
func TestDocNamesEveryMetric(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	names, err := os.ReadFile(filepath.Join("testdata", "names.txt"))
	require.NoError(t, err)
	kinds, err := os.ReadFile("kind.go")
	require.NoError(t, err)
	for _, metric := range regexp.MustCompile(`(?m)^# TYPE (\w+)`).FindAllStringSubmatch(string(names), -1) {
		require.Contains(t, string(doc), metric[1])
	}
	for _, kind := range regexp.MustCompile(`(?m)^\tkind\w+ += "(\w+)"`).FindAllStringSubmatch(string(kinds), -1) {
		require.Regexp(t, `(?m)^//\t(error)? +`+kind[1]+` +\w`, string(doc))
	}
}
