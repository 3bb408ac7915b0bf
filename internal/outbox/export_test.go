package outbox

// Overlap is the length of the longest end of a that b begins with.
func Overlap(a, b []uint64) int { return overlap(a, b) }
