// Package recordfile keeps checksummed records in the numbered files of a
// directory that has one writer: snapshots of a state, and logs of what was
// written since. What the records say is the caller's: internal/journal has state
// by key in them, monitor/history series.
//
// A crash leaves the newest log cut off within a record: that is told from
// damage. After damage the next record is found again, so that the rest loads;
// the file is set aside when a new snapshot has what was read of it.
package recordfile
