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
//	PFCOUNT {chronomon}:users/1d/1772409600:0
//	PFCOUNT {chronomon}:users/1d/1772409600:1
//	…
//
// where a day is that date's midnight in UTC, in whatever zone the site's day is. A
// site takes 76 slots, of 48 KiB at most each, 3.6 MiB in all; they expire by
// themselves when no window reaches back to them. An exchange moves the slots that
// have changed, usually four, each way; every ten minutes each process reads them
// all, and writes again what Redis has lost.
//
// {prefix}:key notes of which pseudonym key the sketches are. It is kept for forty
// days after the last exchange of the last process.
//
// All keys begin with {prefix}, which keeps them on one node of a Redis Cluster.
// The store writes nothing else, and reads nothing that it has not written: a key
// there that holds something else is an error, stays what it is, and keeps no other
// slot from being shared.
package redisstore
