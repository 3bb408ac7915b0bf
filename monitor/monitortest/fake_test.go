package monitortest_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeT is a test whose failure is what is tested.
type fakeT struct {
	testing.TB
	ctx context.Context

	mu       sync.Mutex
	log      strings.Builder // guarded by mu
	failed   bool            // guarded by mu
	cleanups []func()        // guarded by mu
}

// fail runs f as a test and returns whether it failed and what it said.
func fail(t *testing.T, f func(t testing.TB)) (failed bool, log string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ft := &fakeT{TB: t, ctx: ctx}
	run := func(f func()) {
		done := make(chan any)
		go func() {
			defer close(done)
			f()
		}()
		<-done
	}
	run(func() { f(ft) })
	cancel() // as a test's context is before its cleanups run
	for _, cleanup := range slices.Backward(ft.cleanups) {
		run(cleanup)
	}
	ft.mu.Lock()
	defer ft.mu.Unlock()
	return ft.failed, ft.log.String()
}

func (t *fakeT) Context() context.Context { return t.ctx }
func (t *fakeT) Helper()                  {}

func (t *fakeT) Cleanup(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cleanups = append(t.cleanups, f)
}

func (t *fakeT) say(failed bool, format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failed = t.failed || failed
	fmt.Fprintf(&t.log, format+"\n", args...)
}

func (t *fakeT) Errorf(format string, args ...any) { t.say(true, format, args...) }

func (t *fakeT) Fatalf(format string, args ...any) {
	t.say(true, format, args...)
	runtime.Goexit()
}

func TestFakeT(t *testing.T) {
	t.Parallel()
	failed, log := fail(t, func(t testing.TB) {
		t.Cleanup(func() { t.Errorf("cleaned %d", 1) })
		func() { t.Fatalf("fatal") }()
		t.Errorf("not reached")
	})
	require.True(t, failed)
	require.Equal(t, "fatal\ncleaned 1\n", log)
}
