// Package journal keeps state by key on disk, so that it survives the process:
// alert state, silences, approvals, the delivery ledger, audit.
//
//	store, err := journal.Open(journal.Config{Dir: dir})
//	if err != nil {
//		return err
//	}
//	defer store.Close()
//	err = journal.PutJSON(ctx, store, "silence/42", silence)
//
// A write is durable before it returns; writers that come at the same time
// share one fsync. All of a write's changes are there after a crash, or none.
// The state is held in memory too, and bounded.
//
// # Files
//
// A directory has one writer, by a lock that ends with the process. It holds
// one snapshot of the state, the log of what was written since, and nothing
// else: when the log outgrows the state it is compacted into a new snapshot,
// which replaces the old one by a rename. Both are records behind a versioned
// header; each record has checksums of its own, which cover the file's number.
//
// What a crash leaves of an unfinished write is cut off: nobody was told that
// it was there. Anything else that cannot be read is damage: it is reported,
// the file is kept aside under the suffix .damaged, and all other records load.
package journal
