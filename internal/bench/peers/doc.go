// Command peers runs the SDK's HTTP middleware, its tracer for PostgreSQL and
// its hook for Redis beside those of other libraries in one process and prints
// what each costs and how each behaves.
//
//	go run . -serial 60s -parallel 40s
//	go run . -part middleware -only 'chronomon|slok'
//	go run . -part behaviour
//	go run . -part db,cache -hooks 60s
//	go run . -part server -server 120s
//	go run -tags oracle . -part sql -corpus postgres/src/test/regress/sql
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
//
// Tracers and hooks: what pgx or go-redis calls, with a real connection that is
// idle, or a client whose innermost hook answers; serial as above. An allocating
// peer's garbage is part of its price, so there is a second number, the CPU time
// of the whole process while the collector works, with the small heap of this
// program. A service with more live memory collects less often.
//
// Servers: PostgreSQL and Redis are started on loopback. Slices of a tenth of a
// second alternate: bare, with the hook, with the hook, bare. Capacity is what
// the CPU time of client and server allows; a second bare client shows what the
// comparison resolves.
//
// SQL: statements are taken from scripts that the caller has, such as
// PostgreSQL's regression suite, and judged by PostgreSQL's own parser, which
// needs cgo and the build tag oracle.
package main
