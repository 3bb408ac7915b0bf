package instrument_test

import (
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
)

func TestLimiter(t *testing.T) {
	t.Parallel()
	overflows := 0
	l := instrument.NewLimiter(2, func() { overflows++ })
	for _, c := range []struct {
		value, want string
		overflows   int
	}{
		{"a", "a", 0},
		{"a", "a", 0},
		{instrument.Other, instrument.Other, 0}, // takes no room
		{"b", "b", 0},
		{"c", instrument.Other, 1},
		{"c", instrument.Other, 2}, // each use is counted
		{"a", "a", 2},
		{instrument.Other, instrument.Other, 2},
		{"", instrument.Other, 3},
	} {
		require.Equal(t, c.want, l.Value(c.value), "%q", c.value)
		require.Equal(t, c.overflows, overflows, "%q", c.value)
	}
}

// TestLimiterIsExactUnderConcurrency: never more values pass than may, never
// fewer, and every use of another one is counted.
func TestLimiterIsExactUnderConcurrency(t *testing.T) {
	t.Parallel()
	const limit, writers, values = 50, 8, 400
	var overflows atomic.Int64
	l := instrument.NewLimiter(limit, func() { overflows.Add(1) })
	var passed sync.Map
	var refused atomic.Int64
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range values {
				v := strconv.Itoa((i*7 + w*53) % values) // each in an order of its own
				if l.Allow(v) {
					passed.Store(v, true)
				} else {
					refused.Add(1)
				}
			}
		})
	}
	all.Wait()
	n := 0
	passed.Range(func(v, _ any) bool {
		n++
		require.True(t, l.Allow(v.(string)), "what passed once passes always")
		return true
	})
	require.Equal(t, limit, n)
	require.Equal(t, refused.Load(), overflows.Load())
	require.Positive(t, refused.Load())
}

// TestGroupIsBounded: past the limit series become "other", and the counter
// says of which metric and label.
func TestGroupIsBounded(t *testing.T) {
	t.Parallel()
	const limit, writers = 20, 4
	r := setup(t, labelLimit(limit))
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			var home instrument.Home
			for i := range 100 {
				r.group.Cell("GET", fmt.Sprintf("/%d", i), "200").Observe(&home, duration, 1)
			}
		})
	}
	all.Wait()
	p := parsed(t, write(t, r.set, false), textType)
	var total float64
	series := 0
	for i := range 100 {
		s := fmt.Sprintf(`{__name__="api_request_total", endpoint="/%d", method="GET", status_code="200"}`, i)
		if _, ok := p.samples[s]; ok {
			series++
			total += p.value(t, s)
		}
	}
	require.Equal(t, limit, series)
	other := p.value(t, `{__name__="api_request_total", endpoint="other", method="GET", status_code="200"}`)
	require.InDelta(t, writers*100, total+other, 0, "nothing is lost")
	require.InDelta(t, writers*(100-limit), other, 0)
	overflow := p.value(t, `{__name__="monitor_label_overflow_total", label="endpoint", metric="api_request_total"}`)
	require.InDelta(t, writers*(100-limit), overflow, 0)
	require.Len(t, p.types, 3, "no other label overflowed: %v", p.samples)
}

// TestOverflowOfTheOverflowCounter: with more overflowing metrics than the
// limit allows values the counter of overflows overflows itself, and has to
// bear it. Where it does not the stack does, which nothing can recover from:
// hence the process of its own.
func TestOverflowOfTheOverflowCounter(t *testing.T) {
	t.Parallel()
	if os.Getenv("CHRONOMON_TEST_OVERFLOW") == "" {
		exe, err := os.Executable()
		require.NoError(t, err)
		cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestOverflowOfTheOverflowCounter$", "-test.count=1")
		cmd.Env = append(os.Environ(), "CHRONOMON_TEST_OVERFLOW=1")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out[:min(len(out), 2000)])
		return
	}
	debug.SetMaxStack(1 << 20) // so that it is found soon
	r := setup(t, labelLimit(1))
	for _, m := range []catalog.Metric{catalog.ChangeMarkers, catalog.MonitorCallbackPanics, catalog.MonitorEvents} {
		g, err := r.set.Counters(m)
		require.NoError(t, err)
		for _, v := range []string{"a", "b", "c"} {
			g.Cell(v).Add(&instrument.Home{}, 0, 1)
		}
	}
	p := parsed(t, write(t, r.set, false), textType)
	require.InDelta(t, 2, p.value(t, `{__name__="monitor_events_total", kind="other"}`), 0)
	require.InDelta(t, 2, p.value(t, `{__name__="monitor_label_overflow_total", label="kind", metric="change_markers_total"}`), 0,
		"two uses of further values")
}
