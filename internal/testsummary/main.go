package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	allowFile := flag.String("allow", "", "`file` of the tests that may be skipped")
	strict := flag.Bool("strict", false, "fail when another test was skipped")
	flag.Parse()

	allowed, err := readAllowed(*allowFile)
	if err != nil {
		fmt.Fprintln(os.Stderr, "testsummary:", err)
		os.Exit(2)
	}
	r := newReport(os.Stdout, allowed)
	if err := r.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "testsummary:", err)
		os.Exit(2)
	}
	r.demandTests()
	r.printSkips(*strict)
	if r.failed {
		os.Exit(1)
	}
}
