package main

import (
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"
)

const (
	slotLength = 3 * time.Millisecond
	slotWarm   = 300 * time.Microsecond // at the start of a slot, not counted
	blockAim   = 40 * time.Microsecond
	threads    = 2
)

// A turn says who serves in a slot: both threads the peer, or one of them the
// peer and the other the bare handler, which shares nothing. That prices what
// sharing costs, and not what a busy second CPU costs.
type turn int

const (
	together turn = iota
	firstAlone
	secondAlone
)

func (t turn) has(thread int) bool {
	return t == together || (t == firstAlone) == (thread == 0)
}

// A slot is a few milliseconds that the clock gives to one peer.
type slot struct {
	peer int
	turn turn
}

// A block is a short run of requests by one thread within a slot.
type block struct {
	from, to  time.Duration // since the start of the cycle
	ns        float64       // wall time per request
	preempted bool
}

// A duo is two callers of each peer's one handler, one per thread.
type duo [threads]*caller

// contention holds wall nanoseconds per request, by peer.
type contention struct {
	together [][]float64
	alone    [][]float64
}

// measureParallel runs two pinned threads in lock-step through slots. Wall time
// counts, since waiting for a lock is part of the price; blocks in which the
// kernel gave the CPU to somebody else do not. The cycles take a peer's
// instances in turn. With one CPU nothing is measured.
func measureParallel(duos [][]duo, idle duo, d time.Duration) (contention, error) {
	c := contention{together: make([][]float64, len(duos)), alone: make([][]float64, len(duos))}
	list := cpus()
	if len(list) < threads {
		return c, nil
	}
	defer holdGC()()
	sizes := make([]int, len(duos))
	for i, copies := range duos {
		sizes[i] = blockSize(copies[0][0])
	}
	idleSize := blockSize(idle[0])

	order := rand.New(rand.NewPCG(3, 4))
	end := time.Now().Add(d)
	for cycle := 0; time.Now().Before(end); cycle++ {
		runtime.GC()
		slots := plan(len(duos), order)
		start := time.Now().Add(slotLength) // both are there by then
		var done [threads][][]block
		var failed [threads]error
		var wg sync.WaitGroup
		for thread := range threads {
			wg.Go(func() {
				if failed[thread] = pin(list[thread]); failed[thread] != nil {
					return
				}
				done[thread] = walk(slots, start, func(s slot) (*caller, int) {
					if s.turn.has(thread) {
						return duos[s.peer][cycle%instances][thread], sizes[s.peer]
					}
					return idle[thread], idleSize
				})
			})
		}
		wg.Wait()
		if err := errors.Join(failed[:]...); err != nil {
			return c, err
		}
		for i, s := range slots {
			c.add(s, done[0][i], done[1][i])
		}
	}
	return c, nil
}

// plan shuffles one cycle: each peer twice together and once alone per thread.
func plan(peers int, order *rand.Rand) []slot {
	var slots []slot
	for p := range peers {
		slots = append(slots, slot{p, together}, slot{p, together}, slot{p, firstAlone}, slot{p, secondAlone})
	}
	order.Shuffle(len(slots), func(i, j int) { slots[i], slots[j] = slots[j], slots[i] })
	return slots
}

// walk goes through the slots by the clock.
func walk(slots []slot, start time.Time, pick func(slot) (*caller, int)) [][]block {
	done := make([][]block, len(slots))
	for i := range done {
		done[i] = make([]block, 0, 2*int(slotLength/blockAim))
	}
	for {
		now := time.Since(start)
		at := int(now / slotLength)
		switch {
		case now < 0:
			continue
		case at >= len(slots):
			return done
		}
		c, size := pick(slots[at])
		before := threadUsage()
		from := time.Since(start)
		c.call(size)
		to := time.Since(start)
		after := threadUsage()
		if from%slotLength < slotWarm || int(to/slotLength) != at || len(done[at]) == cap(done[at]) {
			continue
		}
		done[at] = append(done[at], block{
			from: from, to: to,
			ns:        float64(to-from) / float64(size),
			preempted: after.preempted != before.preempted,
		})
	}
}

// add sorts one slot's blocks into those with company and those without.
func (c *contention) add(s slot, first, second []block) {
	switch s.turn {
	case together:
		c.together[s.peer] = append(c.together[s.peer], accompanied(first, second)...)
		c.together[s.peer] = append(c.together[s.peer], accompanied(second, first)...)
	case firstAlone:
		c.alone[s.peer] = append(c.alone[s.peer], accompanied(first, second)...)
	case secondAlone:
		c.alone[s.peer] = append(c.alone[s.peer], accompanied(second, first)...)
	}
}

// accompanied returns the cost of those of mine during all of which the other
// thread was running too.
func accompanied(mine, others []block) []float64 {
	var kept []float64
	at := 0
	for _, m := range mine {
		for at < len(others) && others[at].to <= m.from {
			at++
		}
		if m.preempted || at == len(others) || others[at].from > m.from {
			continue
		}
		whole := false
		for i := at; i < len(others) && !others[i].preempted; i++ {
			if others[i].to >= m.to {
				whole = true
				break
			}
		}
		if whole {
			kept = append(kept, m.ns)
		}
	}
	return kept
}

// blockSize is how many requests take about blockAim.
func blockSize(c *caller) int {
	const probe = 200
	c.call(probe)
	start := time.Now()
	c.call(probe)
	each := time.Since(start) / probe
	return min(max(int(blockAim/max(each, 1)), 5), 1000)
}
