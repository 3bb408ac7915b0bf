// Command testsummary reads the events of a test run and says what a reader of
// a CI log wants to know: the output of the tests that failed, go test's own
// line for each package, and each test that was skipped, with its reason.
//
//	go test -json ./... | go run ./internal/testsummary -allow scripts/allowed-skips.txt
//
// A line of the file of allowed skips holds the name of a test, as a pattern of
// path.Match, and why it may be skipped. With -strict, any other skip fails the
// run: a test that silently stops running is a test that is lost.
package main
