// Package cachemon measures caches: Redis through go-redis, and caches in the
// process. It emits the cache metrics of Section 6.1 and what explains them.
//
//	hook, err := cachemon.NewHook(m)
//	if err != nil {
//		return err
//	}
//	rdb := redis.NewClient(&redis.Options{Addr: "redis:6379"})
//	if _, err := hook.Watch("quotes", rdb); err != nil {
//		return err
//	}
//	poller, err := cachemon.NewMemoryPoller(m, rdb)
//	if err != nil {
//		return err
//	}
//	return m.Run(ctx, poller)
//
// # Clients
//
// [Hook.Watch] takes a Client, a ClusterClient, a Ring or a failover client.
// Commands are counted where they are sent, under the node that answers, so
// that a call is counted once, hooks reach what runs inside Watch and Conn, and
// a cluster's node has its own name. What a cluster client sends to several
// nodes (DBSIZE, the parts of a pipeline) counts at each. A reply MOVED or ASK
// is an error of kind "moved" at the node that gave it, and no operation. What
// reaches no node at all counts under an empty node.
//
// A failover client's node is the server it last connected to.
//
// # Hits and misses
//
// By a table of commands: GET, HGET, GETEX and their like count one look-up,
// MGET and HMGET one for each element, EXISTS one for each key, HGETALL,
// SMEMBERS, LRANGE and the sorted ranges a miss where the reply is empty. A nil
// reply is a miss and never an error. Writes never count, nor do queues (LPOP)
// and reads that ask something else (TTL). [WithRule] changes the table.
// Commands in pipelines and transactions count as if they were alone.
//
// cache_hit_rate covers a sliding window ([WithWindow]); where nothing was
// looked up in it the series is absent, so that a quiet night raises no alert.
// The two counters behind it are in cache_requests_total.
//
// # Time
//
// cache_operation_duration_seconds has the time of each command sent by itself,
// and of each pipeline ("pipeline") and transaction ("tx") as a whole: commands
// in them have no time of their own, and are in cache_operations_total only.
// Commands that block on purpose (BLPOP, XREAD BLOCK) are counted and not timed.
// What go-redis sends by itself to set up a connection (HELLO, AUTH, CLIENT
// SETINFO), subscriptions and PING are left out of everything: connecting is in
// cache_dial_duration_seconds and cache_dial_errors_total.
//
// # Keys
//
// Keys never leave the process. What is shown is their pattern: "stock:daily:*"
// for "stock:daily:600519". Digits, dates, UUIDs, hashes, symbols in capitals
// and all that is no plain word become "*", and so does the last word where
// nothing else would. Words are kept until a prefix has had 30 different ones.
// Where keys hold names of people right after a prefix ("user:alice:cart"), say
// the patterns or the words that may be shown: [WithKeyPatterns],
// [WithKeyWords]. There are at most 200 patterns ([WithKeyPatternLimit]).
//
// Values, passwords and the text of errors never become labels, log lines or
// events.
//
// # Servers
//
// A [MemoryPoller] asks INFO and SLOWLOG LEN and emits redis_exporter's names
// (redis_up, redis_memory_used_bytes, …), so that its rules have data, with
// the labels cache_name and node. redis_memory_max_bytes is absent where there
// is no limit, which makes used/max absent instead of infinite.
// cache_memory_usage_bytes is the sum of used_memory over the primaries: Redis
// does not know memory by class of key. [WithKeyMemory] estimates it from a
// sample. Where the server refuses INFO the rest is still told, and one line is
// logged.
//
// # Caches in the process
//
// A [Tracker] is told of hits and misses, or reads the cache's own statistics
// at scrape time with [WithStats]: the examples do so for caches in the manner
// of ristretto and otter.
//
// # Cost
//
// A command costs about 200 ns and allocates nothing, once its operation and
// the pattern of its key have been seen. Pool statistics are read when metrics
// are scraped. Nothing here starts a goroutine but what the host runs.
package cachemon
