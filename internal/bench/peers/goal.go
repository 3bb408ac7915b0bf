package main

import (
	"fmt"
	"io"
	"math"
)

// A goal is a limit for something measured: an upper one, or the least.
type goal struct {
	what  string
	value float64
	limit float64
	unit  string
	least bool
}

func (g goal) verdict() string {
	switch {
	case math.IsNaN(g.value):
		return "not measured"
	case g.value == g.limit, (g.value > g.limit) == g.least:
		return "met"
	default:
		return "not met"
	}
}

func printGoals(w io.Writer, goals []goal) {
	t := table{head: []string{"goal", "limit", "measured", ""}}
	for _, g := range goals {
		sign := "≤"
		if g.least {
			sign = "≥"
		}
		t.add(g.what, fmt.Sprintf("%s %.2f%s", sign, g.limit, g.unit), fmt.Sprintf("%.2f%s", g.value, g.unit), g.verdict())
	}
	t.print(w)
}

// middlewareGoals are what the middleware is held to on any machine: ratios to
// the best ready-made net/http middleware in the same run.
func middlewareGoals(costs []cost) []goal {
	mux, muxSizes, slokM := find(costs, oursMux), find(costs, oursSizes), find(costs, slokMux)
	route, routeSizes, slokR := find(costs, oursRoute), find(costs, oursSizesRoute), find(costs, slokRoute)
	return []goal{
		{"serial, around a mux", mux.serial / slokM.serial, 0.20, " × slok", false},
		{"serial, one route", route.serial / slokR.serial, 0.20, " × slok", false},
		{"serial, around a mux, with sizes", muxSizes.serial / slokM.serial, 0.22, " × slok", false},
		{"serial, one route, with sizes", routeSizes.serial / slokR.serial, 0.22, " × slok", false},
		{"both CPUs on one endpoint", route.parallel / slokR.parallel, 0.17, " × slok", false},
		{"both CPUs ÷ one CPU", route.parallel / route.alone, 1.1, "", false},
		{"both CPUs ÷ one CPU, with sizes", routeSizes.parallel / routeSizes.alone, 1.1, "", false},
		{"bytes allocated per request", max(mux.bytes, route.bytes, muxSizes.bytes, routeSizes.bytes), 0, " B", false},
		{"allocations per request", max(mux.allocs, route.allocs, muxSizes.allocs, routeSizes.allocs), 0, "", false},
	}
}
