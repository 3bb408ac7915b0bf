package testenv_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// observed is a test that fails, skips and logs without doing so to the one that
// watches it.
type observed struct {
	testing.TB
	failed, skipped bool
	log             strings.Builder
	cleanups        []func()
}

// observe runs fn as such a test, to its end and through its clean-ups.
func observe(t *testing.T, fn func(t testing.TB)) *observed {
	t.Helper()
	o := &observed{TB: t}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer o.cleanup()
		fn(o)
	}()
	<-ended
	return o
}

func (o *observed) cleanup() {
	for i := range o.cleanups {
		o.cleanups[len(o.cleanups)-1-i]()
	}
}

func (o *observed) Helper()                         {}
func (o *observed) Failed() bool                    { return o.failed }
func (o *observed) Cleanup(fn func())               { o.cleanups = append(o.cleanups, fn) }
func (o *observed) Logf(format string, args ...any) { fmt.Fprintf(&o.log, format+"\n", args...) }

func (o *observed) Errorf(format string, args ...any) {
	o.failed = true
	o.Logf(format, args...)
}

func (o *observed) Fatalf(format string, args ...any) {
	o.Errorf(format, args...)
	runtime.Goexit()
}

func (o *observed) Skipf(format string, args ...any) {
	o.skipped = true
	o.Logf(format, args...)
	runtime.Goexit()
}
