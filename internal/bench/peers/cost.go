package main

import (
	"fmt"
	"math"
	"regexp"
	"time"
)

// A cost is what a peer adds to its bare handler; for a bare handler it is the
// handler's own.
type cost struct {
	peer     peer
	serial   float64 // ns, median
	spread   float64 // ± ns
	quiet    float64 // ns, first decile
	parallel float64 // ns, both CPUs on one endpoint
	alone    float64 // ns, the same harness with one CPU on it
	bytes    float64
	allocs   float64
	blocks   int     // kept in serial
	dropped  float64 // share
}

const (
	allocRuns = 2000
	// instances of a peer are measured in turn: where in memory one happens to
	// lie makes some per cent of difference.
	instances = 5
)

// measure prices all peers that match, each against its bare handler.
func measure(only *regexp.Regexp, serial, parallel time.Duration) ([]cost, error) {
	chosen := choose(peers(), only)
	if len(chosen) == 0 {
		return nil, fmt.Errorf("no middleware's name matches %q", only)
	}
	index := make(map[string]int)
	callers := make([][]*caller, len(chosen))
	duos := make([][]duo, len(chosen))
	for range instances {
		for i, p := range chosen {
			index[p.name] = i
			callers[i] = append(callers[i], newCaller(p.serve()))
			shared := p.serve()
			duos[i] = append(duos[i], duo{newCaller(shared), newCaller(shared)})
		}
	}
	costs := make([]cost, len(chosen))
	for i, p := range chosen {
		costs[i].peer = p
		costs[i].bytes, costs[i].allocs = allocated(allocRuns, func() { callers[i][0].call(allocRuns) })
	}
	r := measureSerial(callers, serial)
	c, err := measureParallel(duos, duo{newCaller(stockHandler), newCaller(stockHandler)}, parallel)
	for i, p := range chosen {
		costs[i].fill(r, i, index[p.over])
		costs[i].parallel, costs[i].alone = median(c.together[i]), median(c.alone[i])
	}
	for i, p := range chosen {
		if p.over == "" {
			continue
		}
		bare := costs[index[p.over]]
		costs[i].parallel -= bare.parallel
		costs[i].alone -= bare.alone
		costs[i].bytes -= bare.bytes
		costs[i].allocs -= bare.allocs
	}
	return costs, err
}

func (c *cost) fill(r rounds, i, bare int) {
	kept := r.kept(i)
	c.blocks = len(kept)
	c.dropped = 1 - float64(len(kept))/float64(max(len(r[i]), 1))
	if c.peer.over == "" {
		c.serial, c.spread, c.quiet = median(kept), medianError(kept), quantile(kept, 0.1)
		return
	}
	over := r.over(i, bare)
	c.serial, c.spread = median(over), medianError(over)
	c.quiet = quantile(kept, 0.1) - quantile(r.kept(bare), 0.1)
}

// choose keeps the peers whose name matches and the bare handlers they need.
func choose(all []peer, only *regexp.Regexp) []peer {
	needed := make(map[string]bool)
	for _, p := range all {
		if only.MatchString(p.name) {
			needed[p.name], needed[p.over] = true, true
		}
	}
	var chosen []peer
	for _, p := range all {
		if needed[p.name] {
			chosen = append(chosen, p)
		}
	}
	return chosen
}

// find returns the named peer's cost, all NaN if it was not measured.
func find(costs []cost, name string) cost {
	for _, c := range costs {
		if c.peer.name == name {
			return c
		}
	}
	nan := math.NaN()
	return cost{serial: nan, quiet: nan, parallel: nan, alone: nan, bytes: nan, allocs: nan}
}
