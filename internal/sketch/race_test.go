//go:build race

package sketch_test

// raced says that the race detector is on, under which allocations cannot be
// measured.
const raced = true
