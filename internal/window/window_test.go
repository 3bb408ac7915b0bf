package window_test

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chronoretrace/chronomon/internal/window"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const span = 5 * time.Minute

func TestSumForgets(t *testing.T) {
	t.Parallel()
	c := window.New(span, time.Hour)
	at := time.Hour
	require.Zero(t, c.Sum(at))
	c.Add(at, 0, 0, 3)
	c.Add(at, 1, 1, 1)
	require.Equal(t, window.Totals{3, 1}, c.Sum(at))
	require.Equal(t, window.Totals{3, 1}, c.Sum(at+span-span/window.Slots-1), "all but a slot of the span")
	require.Equal(t, window.Totals{}, c.Sum(at+span), "never more than the span")
	require.Equal(t, window.Totals{3, 1}, c.Totals(), "the totals stay")
	c.Add(at+24*time.Hour, 0, 0, 1)
	require.Equal(t, window.Totals{1}, c.Sum(at+24*time.Hour), "a long silence is no traffic")
}

// TestSumAgainstList holds the sums to a list of all that was added.
func TestSumAgainstList(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 7))
	width := span / window.Slots
	for range 200 {
		at := time.Duration(r.Int64N(int64(time.Hour)))
		c := window.New(span, at)
		type event struct {
			slot int64
			n    uint64
		}
		var all []event
		for range 100 {
			at += time.Duration(r.Int64N(int64(span) / (1 + r.Int64N(40))))
			if r.IntN(4) > 0 {
				n := uint64(r.IntN(9))
				c.Add(at, window.Lane(r.Uint32()), 2, n)
				all = append(all, event{int64(at / width), n})
			}
			var want uint64
			for _, e := range all {
				if e.slot > int64(at/width)-window.Slots {
					want += e.n
				}
			}
			require.Equal(t, want, c.Sum(at)[2])
		}
	}
}

func TestConcurrentAddsAreAllCounted(t *testing.T) {
	t.Parallel()
	c := window.New(time.Second, 0)
	var all sync.WaitGroup
	for w := range 8 {
		all.Go(func() {
			for i := range 10_000 {
				c.Add(time.Duration(i)*time.Millisecond, window.Lane(w), 0, 1)
				if i%100 == 0 {
					c.Sum(time.Duration(i) * time.Millisecond)
				}
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 80_000, c.Totals()[0])
	require.Zero(t, c.Sum(time.Hour))
}

func TestSeries(t *testing.T) {
	t.Parallel()
	s := window.NewSeries(span)
	_, ok := s.Read(0, window.Totals{1000})
	require.False(t, ok, "what was before the first reading is not known")
	for i := 1; i <= 100; i++ {
		got, ok := s.Read(time.Duration(i)*time.Minute, window.Totals{1000 + uint64(i)})
		require.True(t, ok)
		require.EqualValues(t, min(i, 5), got[0], "minute %d", i)
	}
	_, ok = s.Read(101*time.Minute, window.Totals{3})
	require.False(t, ok, "the counter began again")
	got, ok := s.Read(102*time.Minute, window.Totals{7})
	require.True(t, ok)
	require.EqualValues(t, 4, got[0])
	got, _ = s.Read(30*time.Hour, window.Totals{9})
	require.EqualValues(t, 2, got[0], "since the newest reading older than the span")
}

func TestSeriesIsBounded(t *testing.T) {
	t.Parallel()
	s := window.NewSeries(span)
	for i := range 100_000 {
		got, _ := s.Read(time.Duration(i)*time.Millisecond, window.Totals{uint64(i)})
		require.InDelta(t, i, got[0], 1)
	}
	got, _ := s.Read(span+50*time.Second, window.Totals{350_000})
	require.InDelta(t, 300_000, got[0], 3000)
}

func BenchmarkAdd(b *testing.B) {
	c := window.New(span, 0)
	b.ReportAllocs()
	for b.Loop() {
		c.Add(time.Second, 0, 0, 1)
	}
}
