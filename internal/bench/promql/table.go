package main

import (
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"
)

// A table prints itself as aligned Markdown. All columns but the first are
// aligned to the right.
type table struct {
	head []string
	rows [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) print(w io.Writer) {
	width := make([]int, len(t.head))
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	rule := make([]string, len(t.head))
	for i := range rule {
		rule[i] = strings.Repeat("-", width[i])
		if i > 0 {
			rule[i] = rule[i][1:] + ":"
		}
	}
	for _, row := range append([][]string{t.head, rule}, t.rows...) {
		for i, cell := range row {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if i > 0 {
				cell = pad + cell
			} else {
				cell += pad
			}
			fmt.Fprintf(w, "| %s ", cell)
		}
		fmt.Fprintln(w, "|")
	}
	fmt.Fprintln(w)
}

// A goal is an upper limit for something measured.
type goal struct {
	what         string
	value, limit float64
	unit         string
}

func printGoals(w io.Writer, goals []goal) {
	if len(goals) == 0 {
		return
	}
	t := table{head: []string{"goal", "limit", "measured", ""}}
	for _, g := range goals {
		verdict := "not met"
		switch {
		case math.IsNaN(g.value):
			verdict = "not measured"
		case g.value <= g.limit:
			verdict = "met"
		}
		t.add(g.what, fmt.Sprintf("%.4g%s", g.limit, g.unit), fmt.Sprintf("%.4g%s", g.value, g.unit), verdict)
	}
	t.print(w)
}
