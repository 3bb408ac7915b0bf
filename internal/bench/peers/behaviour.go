package main

import (
	"context"
	"fmt"
	"io"

	"github.com/chronoretrace/chronomon/internal/httpcases"
)

// A scoreboard is the findings of every case, a column per subject.
type scoreboard struct {
	subjects []string
	cases    []string
	findings [][]httpcases.Finding // by case, then subject
}

// judge plays every case with every subject, one after the other.
func judge(ctx context.Context, setups []httpcases.Setup) scoreboard {
	var b scoreboard
	for _, c := range httpcases.Cases() {
		row := make([]httpcases.Finding, 0, len(setups))
		for _, setup := range setups {
			row = append(row, c.Run(ctx, setup))
		}
		b.cases = append(b.cases, c.Name)
		b.findings = append(b.findings, row)
	}
	for _, f := range b.findings[0] {
		b.subjects = append(b.subjects, f.Subject)
	}
	return b
}

// wrong lists what the subject in that column got wrong.
func (b scoreboard) wrong(column int) []httpcases.Finding {
	var list []httpcases.Finding
	for _, row := range b.findings {
		if row[column].Verdict == httpcases.Wrong {
			list = append(list, row[column])
		}
	}
	return list
}

func (b scoreboard) print(w io.Writer) {
	t := table{head: append([]string{"case"}, b.subjects...)}
	for i, row := range b.findings {
		cells := []string{b.cases[i]}
		for _, f := range row {
			cells = append(cells, f.String())
		}
		t.add(cells...)
	}
	cells := []string{"**right in**"}
	for column := range b.subjects {
		right, judged := 0, 0
		for _, row := range b.findings {
			switch row[column].Verdict {
			case httpcases.Right:
				right++
				judged++
			case httpcases.Wrong:
				judged++
			}
		}
		cells = append(cells, fmt.Sprintf("%d of %d", right, judged))
	}
	t.add(cells...)
	t.print(w)
}
