// Command peers runs the SDK's HTTP middleware beside those of other libraries
// in one process and prints what each costs and how each behaves.
//
//	go run . -serial 60s -parallel 40s
//	go run . -part middleware -only 'chronomon|slok'
//	go run . -part behaviour
//
// It is a module of its own, so that none of the peers shows in the module
// graph of the SDK's users.
//
// # Method
//
// Read ratios, not nanoseconds: the machine is usually shared.
//
// Serial: one thread takes all peers in turn, a short block of requests each,
// in a new order every round. Blocks in which the kernel preempted the thread
// are dropped, the rest is CPU time. A peer's overhead is the median of its
// differences to the bare handler in the same round, so that a slow moment
// falls on both; the first decile is close to a quiet machine. Each peer is
// there several times, since where in memory one happens to lie matters.
//
// Parallel: two threads, pinned to a CPU each, are led by the clock through
// slots of 3 ms. In some both serve the same endpoint of a peer, in others one
// does while the second one keeps its CPU busy with a bare handler. Only blocks
// during all of which both threads were running count. The quotient of the two
// is what sharing costs.
//
// Every handler writes the same 2,048 bytes with status 200 to a writer that
// has all methods of net/http's HTTP/1 response. Peers record into fresh
// registries, with the same 12 duration buckets where they let one choose.
//
// Scrapes and heap: every store holds the same series, a histogram, a counter
// and a gauge for each endpoint.
package main
