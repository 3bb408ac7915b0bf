// Package cachemon measures caches: Redis through go-redis, and caches in the
// process. It emits their hit rate and memory, and what explains the two:
// durations, errors, pools, key patterns, big values, the server's own facts.
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
// # Metrics
//
// Of what a [Hook] watches:
//
//	cache_operations_total{cache_name,node,operation}                counter
//	cache_operation_duration_seconds{cache_name,node,operation}      histogram, see WithBuckets
//	cache_batch_duration_seconds{cache_name,node,operation}          histogram, the same buckets
//	cache_errors_total{cache_name,node,operation,error}              counter
//	cache_key_requests_total{cache_name,key_pattern,result}          counter of keys
//	cache_big_values_total{cache_name,key_pattern}                   counter
//	cache_dial_duration_seconds{cache_name,node}                     histogram, 100 µs to 5 s
//	cache_dial_errors_total{cache_name,node,error}                   counter
//	cache_pool_connections{cache_name,node,pool,state}               gauge
//	cache_pool_size{cache_name,node,pool}                            gauge, the most connections
//	cache_pool_gets_total{cache_name,node,pool,result}               counter
//	cache_pool_waits_total{cache_name,node,pool}                     counter
//	cache_pool_wait_seconds_total{cache_name,node,pool}              counter
//	cache_pool_stale_total{cache_name,node,pool}                     counter
//
// Of that and of each [Tracker]:
//
//	cache_hit_rate{cache_type,cache_name}                            gauge, 0 to 1
//	cache_requests_total{cache_type,cache_name,result}               counter of keys
//
// Of each [Tracker]:
//
//	cache_changes_total{cache_type,cache_name,change}                counter of entries
//	cache_entries{cache_type,cache_name}                             gauge, with WithStats
//	cache_memory_usage_bytes{cache_type}                             gauge, with WithStats
//
// Of what a [MemoryPoller] asks, every 15 s, under the names of redis_exporter
// and the labels cache_name and node:
//
//	redis_up                                                         1, or 0: no answer
//	redis_uptime_in_seconds, redis_slowlog_length                    gauges
//	redis_memory_used_bytes, redis_memory_max_bytes                  gauges
//	redis_memory_used_rss_bytes, redis_mem_fragmentation_ratio       gauges
//	redis_connected_clients, redis_blocked_clients                   gauges
//	redis_config_maxclients, redis_connected_slaves                  gauges
//	redis_commands_processed_total, redis_connections_received_total counters
//	redis_rejected_connections_total, redis_evicted_keys_total       counters
//	redis_expired_keys_total                                         counter
//	redis_keyspace_hits_total, redis_keyspace_misses_total           counters, of all clients
//	cache_memory_usage_bytes{cache_type}                             gauge, over all primaries
//	cache_pattern_memory_bytes{cache_name,node,key_pattern}          gauge, with WithKeyMemory
//	cache_poll_errors_total{cache_name,node,error}                   counter
//
// What labels say:
//
//	cache_type   "redis" of a Hook and a MemoryPoller, "local" of a Tracker, or as WithCacheType says
//	cache_name   the name given to Watch and NewTracker; "redis" of a poller, or as WithPollName says
//	node         the server's address, as its client has it; "invalid" if that is a URL, which may
//	             hold a password; "" where none was reached; of a poller, "failover" before the
//	             server of a failover client is known, for which the client has to be watched too
//	operation    the command in small letters ("get"), "other" for one that is not known here;
//	             of a batch, and of an error that fails one as a whole, "pipeline" or "tx"
//	result       of look-ups hit or miss; of a pool hit (there was a connection), miss (one was
//	             opened) or timeout
//	key_pattern  see Keys; "other" past the limit, and where a command has no key
//	change       set, delete or evict
//	pool         main or pipeline, see PipelinePoolSize of go-redis
//	state        idle or used
//	error        timeout      no answer in time
//	             cancelled    the caller gave up
//	             pool         no connection was free in time
//	             refused      nobody listens
//	             network      the connection broke or could not be made
//	             closed       the client was closed
//	             moved        MOVED, ASK or TRYAGAIN: ask another node
//	             clusterdown  CLUSTERDOWN or MASTERDOWN
//	             crossslot    keys of several slots
//	             loading      the server reads its data
//	             readonly     a write to a replica
//	             oom          the server's memory is full
//	             noauth       NOAUTH, WRONGPASS or NOPERM
//	             busy         a script runs, or there are too many clients
//	             wrongtype    the key holds something else
//	             noscript     EVALSHA of what was not loaded
//	             conflict     a watched key changed: the transaction was not run
//	             aborted      a command was refused: the transaction was not run
//	             panic        another hook of the client panicked
//	             other        anything else
//
// Each label has at most as many values as the monitor's label limit says. Further
// nodes are "other"; a further cache_name is an error of Watch and NewTracker, since
// names are not forgotten when they are given back.
//
// # Queries
//
//	# hit rate over any time and any caches; cache_hit_rate is that of one over WithWindow
//	sum(rate(cache_requests_total{result="hit"}[1h])) / sum(rate(cache_requests_total[1h]))
//	# commands a second, by cache
//	sum by (cache_name) (rate(cache_operations_total[5m]))
//	# 99th percentile, by command
//	histogram_quantile(0.99, sum by (le, cache_name, operation) (rate(cache_operation_duration_seconds_bucket[5m])))
//	# share of commands that fail
//	sum by (cache_name) (rate(cache_errors_total{error!="moved"}[5m])) / sum by (cache_name) (rate(cache_operations_total[5m]))
//
// Worth an alert:
//
//	cache_hit_rate < 0.8
//	redis_up == 0
//	redis_memory_used_bytes / redis_memory_max_bytes > 0.9
//	rate(redis_evicted_keys_total[5m]) > 0
//	rate(cache_pool_wait_seconds_total[5m]) > 1   # commands that wait for a connection, on average
//	rate(cache_errors_total{error!~"moved|cancelled|conflict"}[5m]) > 1
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
// A client's own retries are part of the command, as is their time. A cluster
// client tries again from above the nodes: each try is an operation at its node,
// and an error if it fails, so that a call of a node that is down counts
// MaxRedirects+1 times (4 unless it is set).
//
// A failover client's node is the server it last connected to.
//
// A transaction that was not run is one error of operation "tx" and no operation,
// whatever it held. A cluster's counts where it was sent last; redirections of
// transactions are not seen.
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
// cache_batch_duration_seconds that of each pipeline and transaction as a whole:
// commands in them have no time of their own. All commands, and nothing else, are
// in cache_operations_total: its sum is what the servers were asked.
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
// nothing else would. Words are kept until a prefix has had 30 different ones;
// those that [WithKeyWords] lists, always.
// Where keys hold names of people right after a prefix ("user:alice:cart"), say
// the patterns or the words that may be shown: [WithKeyPatterns],
// [WithKeyWords]. There are at most 200 patterns ([WithKeyPatternLimit]).
//
// Values, passwords and the text of errors never become labels, log lines or
// events.
//
// # Servers
//
// A [MemoryPoller] asks INFO and SLOWLOG LEN and emits redis_exporter's names,
// so that its rules have data. The series end with Run, or with Close. A fact that
// the server does not tell is absent. redis_memory_max_bytes is absent where there
// is no limit, which makes used/max absent instead of infinite.
// cache_memory_usage_bytes is the sum of used_memory over the primaries: Redis
// does not know memory by class of key. [WithKeyMemory] estimates it from a
// sample. Where the server refuses INFO the rest is still told, and one line is
// logged.
//
// # Caches in the process
//
// A [Tracker] is told of hits and misses, or reads the cache's own statistics
// at scrape time with [WithStats], where code for otter and ristretto stands.
//
// # Cost
//
// A command costs about 200 ns and allocates nothing, once its operation and
// the pattern of its key have been seen. Pool statistics are read when metrics
// are scraped. Nothing here starts a goroutine but what the host runs.
package cachemon
