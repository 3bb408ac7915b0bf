//go:build race

package instrument_test

// raced says that the race detector is on, under which allocations and memory
// cannot be measured.
const raced = true
