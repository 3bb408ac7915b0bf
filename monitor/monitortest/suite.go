package monitortest

import (
	"fmt"
	"runtime/debug"
	"testing"
	"time"
)

// check is one thing that a conformance suite wants. run returns what is wrong.
type check struct {
	name string
	run  func(t testing.TB) error
}

// runChecks runs each check as a subtest.
func runChecks(t *testing.T, checks []check) {
	t.Helper()
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			if err := c.run(t); err != nil {
				t.Error(err)
			}
		})
	}
}

// misconduct is what a call did instead of returning: an error of the suite's,
// not of what is tested.
type misconduct struct{ error }

// bounded calls f, which is somebody else's, and wants it back within the time
// that this package has patience for. Otherwise, or after a panic, the error is
// a misconduct.
func bounded[T any](what string, f func() (T, error)) (T, error) {
	type result struct {
		v   T
		err error
	}
	done := make(chan result, 1)
	go func() {
		r := result{err: misconduct{fmt.Errorf("%s ended its goroutine", what)}}
		defer func() {
			if v := recover(); v != nil {
				r.err = misconduct{fmt.Errorf("%s panicked: %v\n%s", what, v, debug.Stack())}
			}
			done <- r
		}()
		r.v, r.err = f()
	}()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case r := <-done:
		return r.v, r.err
	case <-timer.C:
		var none T
		return none, misconduct{fmt.Errorf("%s did not return within %v", what, patience)}
	}
}
