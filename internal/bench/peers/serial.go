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

// measureSerial lets one thread take all handlers in turn, in a new order each
// round, so that a slow moment of the machine falls on all of them. The rounds
// take a peer's instances in turn.
func measureSerial(callers [][]*caller, d time.Duration) rounds {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer holdGC()()
	runtime.GC()

	r := make(rounds, len(callers))
	order := rand.New(rand.NewPCG(1, 2))
	end := time.Now().Add(d)
	for round := 0; time.Now().Before(end); round++ {
		for _, i := range order.Perm(len(callers)) {
			r[i] = append(r[i], serialBlockOf(callers[i][round%instances]))
		}
		collect()
	}
	return r
}

func serialBlockOf(c *caller) float64 {
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
