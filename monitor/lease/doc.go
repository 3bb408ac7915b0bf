// Package lease makes one of several replicas the leader, and keeps one that
// was paused from acting as if it still were.
//
//	store, err := pglease.New(pool, "alerting") // or redislease.New(client, "alerting")
//	if err != nil {
//		return err
//	}
//	elector, err := lease.New(m, store)
//	if err != nil {
//		return err
//	}
//	return m.Run(ctx, elector, engine)
//
// An engine asks before each step, and does the step with the context that it
// gets:
//
//	if ctx, ok := elector.Context(ctx); ok {
//		engine.Evaluate(ctx, now)
//	}
//
// # What it promises
//
// A lease is held for a time (15 s by default), which its holder renews in
// thirds of it. When the holder is gone another replica takes over within twice
// that time. The times are the store's clock's; each replica measures its own
// part with a clock that is not set, and stops a tenth of the lease early.
//
// That is not enough for a process that is frozen between asking and acting:
// when it wakes up another one leads. So each term has an epoch, a number that
// only ever grows, and what the leader writes is checked against it where it is
// written: pgstore does so in the statement that writes, see its WithLease.
// Where a statement cannot, [Elector.Check] asks the store just before.
//
// A store that is down, frozen or answers nonsense is asked again and again:
// nobody leads after the lease time at the latest, and somebody does, in a
// greater epoch, when it is back (leasetest.TestOutage holds a store to that).
//
// # Metrics
//
//	name                        labels             unit
//	monitor_lease_leader        lease              1 or 0, a gauge
//	monitor_lease_epoch         lease              the last term's, 0 before the first, a gauge
//	monitor_lease_terms_total   lease, reason      terms that ended, a counter
//	monitor_lease_errors_total  lease, operation   calls of the store, a counter
//
// The labels' values:
//
//	lease      the store's name for it
//	reason     released (asked to end), lost (another one has it), expired (not
//	           renewed in time), failed (what WithLead runs did)
//	operation  acquire, renew, release
package lease
