package main

import (
	"math"
	"math/rand/v2"
	"runtime"
	"time"
)

const (
	serialBlock = 200 // requests of one peer in a row
	serialWarm  = 10  // untimed ones before them
)

// rounds holds nanoseconds per request: by peer, then by round. A preempted
// block is NaN.
type rounds [][]float64

// A doer does a thing n times.
type doer interface{ call(n int) }

// measureSerial lets one thread take all peers in turn, in a new order each
// round, so that a slow moment of the machine falls on all of them. The rounds
// take a peer's instances in turn.
func measureSerial[T doer](peers [][]T, d time.Duration) rounds {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer holdGC()()
	runtime.GC()

	r := make(rounds, len(peers))
	order := rand.New(rand.NewPCG(1, 2))
	end := time.Now().Add(d)
	for round := 0; time.Now().Before(end); round++ {
		for _, i := range order.Perm(len(peers)) {
			r[i] = append(r[i], serialBlockOf(peers[i][round%instances]))
		}
		collect()
	}
	return r
}

func serialBlockOf(c doer) float64 {
	c.call(serialWarm)
	from := threadUsage()
	c.call(serialBlock)
	to := threadUsage()
	if to.preempted != from.preempted {
		return math.NaN()
	}
	return float64(to.cpu-from.cpu) / serialBlock
}

// kept returns one peer's valid blocks.
func (r rounds) kept(peer int) []float64 {
	kept := make([]float64, 0, len(r[peer]))
	for _, v := range r[peer] {
		if !math.IsNaN(v) {
			kept = append(kept, v)
		}
	}
	return kept
}

// over returns a peer's cost above that of its bare handler, round by round.
func (r rounds) over(peer, bare int) []float64 {
	diff := make([]float64, 0, len(r[peer]))
	for i, v := range r[peer] {
		if d := v - r[bare][i]; !math.IsNaN(d) {
			diff = append(diff, d)
		}
	}
	return diff
}

// collectedBlock is long enough for an allocating peer's garbage to be
// collected some times over.
const collectedBlock = 60 * time.Millisecond

// measureCollected lets all peers take turns while the collector works as it
// does in a service, and counts the CPU time of the whole process.
func measureCollected[T doer](peers [][]T, d time.Duration) rounds {
	r := make(rounds, len(peers))
	order := rand.New(rand.NewPCG(5, 6))
	end := time.Now().Add(d)
	for round := 0; round == 0 || time.Now().Before(end); round++ {
		for _, i := range order.Perm(len(peers)) {
			runtime.GC()
			did, calls := peers[i][round%instances], 0
			from, start := processCPU(), time.Now()
			for time.Since(start) < collectedBlock {
				did.call(serialBlock)
				calls += serialBlock
			}
			r[i] = append(r[i], float64(processCPU()-from)/float64(calls))
		}
	}
	return r
}
