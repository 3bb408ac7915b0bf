package main

import (
	"fmt"
	"io"
	"math"
)

// reference names the peer that a group's ratios are to.
var reference = map[string]struct{ slok, ours string }{
	aroundMux:  {slokMux, oursMux},
	perRoute:   {slokRoute, oursRoute},
	frameworks: {slokMux, oursMux}, // one framework has no slok; ServeMux's stands for all
}

// printCosts prints one table per group.
func printCosts(w io.Writer, costs []cost) {
	for _, group := range []string{aroundMux, perRoute, frameworks} {
		slok, ours := find(costs, reference[group].slok), find(costs, reference[group].ours)
		t := table{
			head: []string{
				group, "serial ns", "±", "first decile", "÷ slok", "÷ ours",
				"both CPUs ns", "÷ slok", "÷ ours", "both ÷ alone", "B/op", "allocs/op",
			},
			numbers: 11,
		}
		for _, c := range costs {
			if c.peer.group != group {
				continue
			}
			cells := []string{c.peer.name, ns(c.serial), ns(c.spread), ns(c.quiet)}
			if c.peer.over == "" {
				cells = append(cells, "", "", ns(c.parallel), "", "", ratio(c.parallel, c.alone))
			} else {
				cells = append(cells, ratio(c.serial, slok.serial), ratio(c.serial, ours.serial),
					ns(c.parallel), ratio(c.parallel, slok.parallel), ratio(c.parallel, ours.parallel), ratio(c.parallel, c.alone))
			}
			t.add(append(cells, fmt.Sprint(c.bytes), fmt.Sprint(c.allocs))...)
		}
		if len(t.rows) > 0 {
			t.print(w)
		}
	}
	if len(costs) > 0 {
		fmt.Fprintf(w, "A peer's row is what it adds to the bare row of its group. Serial: thread CPU time, %d blocks of %d requests, %.0f %% dropped as preempted. "+
			"Both CPUs: wall time per request on each of two pinned threads.\nThe collector runs between blocks; in a service an allocating peer pays about as much again for it.\n\n",
			costs[0].blocks, serialBlock, 100*costs[0].dropped)
	}
}

// ns prints a number of nanoseconds, one decimal where that says something.
func ns(v float64) string {
	switch {
	case math.IsNaN(v):
		return "–"
	case math.Abs(v) < 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.0f", v)
	}
}

func ratio(a, b float64) string {
	switch r := a / b; {
	case math.IsNaN(r):
		return "–"
	case r < 10:
		return fmt.Sprintf("%.2f", r)
	default:
		return fmt.Sprintf("%.0f", r)
	}
}
