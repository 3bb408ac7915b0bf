//go:build !race

package bizmon_test

// raced says that the race detector is on, under which allocations cannot be
// measured.
const raced = false
