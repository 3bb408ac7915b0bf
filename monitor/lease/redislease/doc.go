// Package redislease keeps a lease in Redis or Valkey.
//
//	store, err := redislease.New(client, "alerting")
//	if err != nil {
//		return err
//	}
//	elector, err := lease.New(m, store)
//
// # What Redis holds
//
// One key, a hash, chronomon:lease:alerting, which is only touched by scripts
// (Redis 5 or later) and does not expire: the epoch has to outlive the lease. The
// time is Redis's own. Epochs are milliseconds since 1970 or one more than the
// last, whichever is greater: they grow even if Redis lost its data.
//
// # What Redis does not promise
//
// A replica that is promoted may not have heard of the last terms: then there
// can be a leader that does not know, until its next renewal, that there is
// another one. Its epoch is the smaller one, and whoever checks epochs refuses
// it once the greater one was seen. Where that is not enough, use pglease.
package redislease
