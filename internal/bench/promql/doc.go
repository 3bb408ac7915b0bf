// Command promql holds monitor/history against the Prometheus engine's own
// storage and against a Prometheus server.
//
//	go test ./...                                  # the engine's conformance corpus, and each part in short
//	go run . -part rules                           # CPU time of 1,000 rules over 10,000 series, 8 min
//	go run . -part rules -server ../../../.bin/servers/prometheus-v0.310.0
//	go run . -part compression -live 5m            # bytes per sample, of recorded and of live series
//	go run . -part queries                         # a month of a watched expression, and the platform's rules
//
// It is a module of its own: Prometheus's tsdb brings the SDKs of three clouds.
//
// # Conformance
//
// The corpus that ships with the engine's module, package promqltest, runs on
// history's store. What is left out is named, with the reason, in excluded.
//
// # Rules
//
// This process shows 10,000 series; a server scrapes them every 5 s, and our
// history collects them as often. After a warm-up, long enough to fill the rules'
// ranges, both go on for a while without rules and then for a while with them.
// What rules cost is the difference of the CPU time of the whole process, its
// garbage collector included, for each cycle: that takes what scraping, being
// scraped, and storing cost out of both figures. To ours the CPU time of our own
// collection is added, to the server's nothing.
//
// A fiftieth of the rules looks at all endpoints, the rest at one each. Of what
// an expression asks for several rules may want the same, with other labels or
// another time to wait: 740 of the 1,000 expressions are different. The second
// figure of ours computes equal ones as often as they are asked for. Both sides
// write ALERTS and ALERTS_FOR_STATE for what fires; the rules have no
// annotations, since ours has no templates yet.
//
// # Compression
//
// The same samples go into a history, and into a block of Prometheus's tsdb; of
// both the bytes of the chunks are counted, without labels and index. The
// recorded series are those of the Numenta Anomaly Benchmark, looked for under
// CHRONOMON_SHARED or in a folder "shared" beside one of the folders above. The
// live ones are this process's, scraped by a real server.
//
// # Queries
//
// A month of a watched expression is recorded in the time it takes to compute
// it. The platform's rules are asked for over the 10,000 series that they select
// from; they are looked for as above.
package main
