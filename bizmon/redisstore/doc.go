// Package redisstore shares the counts of active users across a fleet through
// Redis or Valkey.
//
//	store, err := redisstore.New(redis.NewClient(&redis.Options{Addr: addr}))
//	if err != nil {
//		return err
//	}
//	biz, err := bizmon.New(m, bizmon.WithSketchStore(store, 10*time.Second))
//	if err != nil {
//		return err
//	}
//	return m.Run(ctx, biz)
//
// A client that is given ContextTimeoutEnabled lets go of a Redis that hangs when
// an exchange has taken its time; any other one after its own timeouts and
// retries. No call of the host waits for either.
//
// # What Redis holds
//
// Redis's own HyperLogLogs, four for each slot of time, since one of ours has
// four times the registers of one of Redis's. Redis merges them itself, by
// PFMERGE, so that no process can undo what another one did, and redis-cli counts
// them as well: the users of a day are the sum of
//
//	PFCOUNT {chronomon}:users/1d/1772380800:0
//	PFCOUNT {chronomon}:users/1d/1772380800:1
//	…
//
// A site takes 76 slots, of 48 KiB at most each, 3.6 MiB in all; they expire by
// themselves when no window reaches back to them. An exchange moves the slots that
// have changed, usually four, each way.
//
// All keys begin with {prefix}, which keeps them on one node of a Redis Cluster.
// The store writes nothing else, and reads nothing that it has not written: a key
// of another type there is an error, and stays what it is.
package redisstore
