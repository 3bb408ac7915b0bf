package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// event is a line of go test -json, described by go doc test2json. The events of
// a build have an ImportPath and no Package.
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
}

// report prints the results of a test run as they come in.
type report struct {
	out     io.Writer
	allowed []allowance
	tests   map[testID]*strings.Builder // the output of what has not ended yet
	skipped []skip
	passed  int
	failed  bool
}

// testID names a test, or with an empty test a whole package.
type testID struct{ pkg, test string }

// skip is a test that was skipped.
type skip struct {
	testID
	reason string
}

func newReport(out io.Writer, allowed []allowance) *report {
	return &report{out: out, allowed: allowed, tests: map[testID]*strings.Builder{}}
}

// read reads events up to the end. What is not one is passed on.
func (r *report) read(in io.Reader) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) == nil {
				r.add(e)
			} else {
				fmt.Fprintf(r.out, "%s", line)
			}
		}
		switch err {
		case nil:
		case io.EOF:
			return nil
		default:
			return err
		}
	}
}

// add takes one event.
func (r *report) add(e event) {
	id := testID{e.Package, e.Test}
	switch e.Action {
	case "output":
		r.output(id).WriteString(e.Output)
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "build-fail":
		r.failed = true
	case "pass", "fail", "skip":
		if e.Test == "" {
			r.endPackage(id, e.Action)
		} else {
			r.endTest(id, e.Action)
		}
	}
}

// endTest prints a failed test and remembers a skipped one.
func (r *report) endTest(id testID, result string) {
	output := r.take(id)
	switch result {
	case "pass":
		r.passed++
	case "fail":
		r.failed = true
		r.print(output)
	case "skip":
		r.skipped = append(r.skipped, skip{id, reason(output)})
	}
}

// endPackage prints the line of a package. Should the package have failed, what
// it printed itself comes first, and the tests that never ended: a panic and a
// time-out end no test.
func (r *report) endPackage(id testID, result string) {
	output := r.take(id)
	if result == "fail" {
		r.failed = true
		for _, test := range slices.SortedFunc(maps.Keys(r.tests), func(a, b testID) int {
			return strings.Compare(a.test, b.test)
		}) {
			if test.pkg == id.pkg {
				r.print(r.take(test))
			}
		}
		r.print(output)
		return
	}
	for line := range strings.Lines(output) {
		if strings.HasPrefix(line, "ok  \t") || strings.HasPrefix(line, "?   \t") {
			fmt.Fprint(r.out, line)
		}
	}
}

// print prints output without the lines that only mark progress.
func (r *report) print(output string) {
	for line := range strings.Lines(output) {
		if !strings.HasPrefix(line, "=== ") {
			fmt.Fprint(r.out, line)
		}
	}
}

// demandTests fails a run in which no test passed, or that left one unfinished:
// nothing was shown by it.
func (r *report) demandTests() {
	if r.passed == 0 {
		fmt.Fprintln(r.out, "FAIL: no test has passed")
		r.failed = true
	}
	for id := range r.tests {
		if id.test != "" {
			fmt.Fprintf(r.out, "FAIL: %s %s did not end\n", id.pkg, id.test)
			r.failed = true
		}
	}
}

// printSkips lists the skipped tests. When strict, it fails the run for those
// that are not allowed.
func (r *report) printSkips(strict bool) {
	for _, s := range r.skipped {
		verdict := "skipped"
		if strict && !r.allows(s.test) {
			verdict = "FAIL: skipped, which is not allowed"
			r.failed = true
		}
		fmt.Fprintf(r.out, "%s: %s %s: %s\n", verdict, s.pkg, s.test, s.reason)
	}
}

// output returns where the output of a running test is kept.
func (r *report) output(id testID) *strings.Builder {
	if r.tests[id] == nil {
		r.tests[id] = new(strings.Builder)
	}
	return r.tests[id]
}

// take returns the output of a test, which has ended.
func (r *report) take(id testID) string {
	output := r.output(id).String()
	delete(r.tests, id)
	return output
}

// reason returns what a skipped test said.
func reason(output string) string {
	var said []string
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "=== ") && !strings.HasPrefix(line, "--- ") {
			said = append(said, line)
		}
	}
	return strings.Join(said, " ")
}
