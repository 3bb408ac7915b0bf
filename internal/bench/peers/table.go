package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// A table prints itself as aligned Markdown.
type table struct {
	head    []string
	numbers int // how many of the last columns are aligned to the right
	rows    [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) print(w io.Writer) {
	width := make([]int, len(t.head))
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	t.line(w, t.head, width)
	rule := make([]string, len(t.head))
	for i := range rule {
		rule[i] = strings.Repeat("-", width[i])
		if t.number(i) {
			rule[i] = rule[i][1:] + ":"
		}
	}
	t.line(w, rule, width)
	for _, row := range t.rows {
		t.line(w, row, width)
	}
	fmt.Fprintln(w)
}

func (t *table) number(column int) bool { return column >= len(t.head)-t.numbers }

func (t *table) line(w io.Writer, cells []string, width []int) {
	for i, cell := range cells {
		pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
		if t.number(i) {
			cell = pad + cell
		} else {
			cell += pad
		}
		fmt.Fprintf(w, "| %s ", cell)
	}
	fmt.Fprintln(w, "|")
}
