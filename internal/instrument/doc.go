// Package instrument holds the SDK's own metric instruments: cells of
// histograms and counters that are written under one short lock per CPU and
// stay ordinary collectors of a Prometheus registry.
//
// # Why not client_golang's
//
// A contended client_golang histogram costs 14 times an uncontended one with
// two CPUs already: three or four atomic read-modify-writes share cache lines
// between all CPUs. A [Cell] starts with one copy of its numbers and grows one
// more per lane, at most one per CPU, once writers have been seen to collide.
// Everything that one request adds to (duration, sizes, counters) stands in one
// cell and is written under one lock; what can be derived is not written at
// all: a total is the histogram's count.
//
// # Parts
//
// A [Group] has cells with the same labels. A [Set] gives the groups' parts
// names from the catalogue, one [Family] per name and profile, registers each
// as a prometheus.Collector, and writes all of them as text far cheaper than
// gathering them: each label set is rendered once, when the series is born.
package instrument
