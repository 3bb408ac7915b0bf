package instrument_test

import (
	"io"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
)

// TestCellsAddUp: under writers that collide, lanes that grow and scrapes of
// every kind at the same time nothing is lost and nothing is counted twice.
func TestCellsAddUp(t *testing.T) {
	t.Parallel()
	const writers, rounds, cells = 8, 20_000, 3
	r := setup(t)
	endpoints := []string{"/a", "/b", "/c"}
	bounds := catalog.APIRequestDuration.Buckets

	type books struct {
		buckets  [cells][]uint64
		sum      [cells]int64
		upgraded [cells]uint64
	}
	all := make([]books, writers)
	var work, scrapes sync.WaitGroup
	stop := make(chan struct{})
	for w := range writers {
		work.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(w)))
			var home instrument.Home
			b := &all[w]
			for i := range b.buckets {
				b.buckets[i] = make([]uint64, len(bounds)+1)
			}
			for range rounds {
				i := rng.IntN(cells) % (1 + rng.IntN(cells)) // the first one is hot
				c := r.group.Cell("GET", endpoints[i], "200")
				v := rng.Int64N(int64(40 * time.Second))
				batch := c.Begin(&home)
				batch.Observe(duration, v)
				if v%3 == 0 {
					batch.Add(upgraded, 2)
					b.upgraded[i] += 2
				}
				batch.End()
				at := 0
				for at < len(bounds) && v > int64(bounds[at]*1e9+.5) {
					at++
				}
				b.buckets[i][at]++
				b.sum[i] += v
			}
		})
	}
	scrape := func(f func()) {
		scrapes.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					f()
				}
			}
		})
	}
	scrape(func() { _ = r.set.WriteText(io.Discard, false, nil) })
	scrape(func() { _ = r.set.WriteText(io.Discard, true, nil) })
	scrape(func() { _, _ = r.reg.Gather() })
	work.Wait()
	close(stop)
	scrapes.Wait()

	text := parsed(t, write(t, r.set, false), textType)
	for i, endpoint := range endpoints {
		want := make([]uint64, len(bounds)+1)
		var sum int64
		var up, count uint64
		for _, b := range all {
			for j, n := range b.buckets[i] {
				want[j] += n
				count += n
			}
			sum += b.sum[i]
			up += b.upgraded[i]
		}
		h := find(t, r.reg, "api_request_duration_seconds", endpoint, "GET", "200").Histogram
		require.Equal(t, want, perBucket(h), endpoint)
		require.Equal(t, count, h.GetSampleCount())
		require.Equal(t, float64(sum)/1e9, h.GetSampleSum(), "integers below 2^53 add up exactly in any order")
		total := find(t, r.reg, "api_request_total", endpoint, "GET", "200").Counter
		require.Equal(t, float64(count+up), total.GetValue())
		labels := `{endpoint="` + endpoint + `", method="GET", status_code="200"}`
		require.Equal(t, float64(count+up), text.value(t, `{__name__="api_request_total", `+labels[1:]))
		require.Equal(t, float64(count), text.value(t, `{__name__="api_request_duration_seconds_count", `+labels[1:]))
	}
}

// TestScrapeIsConsistent: within one scrape the families of a group agree with
// each other, buckets with counts, and from one scrape to the next nothing
// goes back.
func TestScrapeIsConsistent(t *testing.T) {
	t.Parallel()
	r := setup(t)
	stop := make(chan struct{})
	var started, writers sync.WaitGroup
	started.Add(4)
	for range 4 {
		writers.Go(func() {
			var home instrument.Home
			c := r.group.Cell("GET", "/a", "200")
			for v := int64(0); ; v++ {
				select {
				case <-stop:
					return
				default:
					c.Observe(&home, duration, v%int64(40*time.Second))
				}
				if v == 0 {
					started.Done()
				}
			}
		})
	}
	started.Wait()
	const labels = `, endpoint="/a", method="GET", status_code="200"}`
	var last float64
	for i := range 60 {
		om := i%2 == 0
		contentType := textType
		if om {
			contentType = omType
		}
		p := parsed(t, write(t, r.set, om), contentType)
		count := p.value(t, `{__name__="api_request_duration_seconds_count"`+labels)
		total := p.value(t, `{__name__="api_request_total"`+labels)
		inf := p.value(t, `{__name__="api_request_duration_seconds_bucket", endpoint="/a", le="+Inf", method="GET", status_code="200"}`)
		require.Equal(t, count, total)
		require.Equal(t, count, inf)
		require.GreaterOrEqual(t, count, last)
		last = count
	}
	close(stop)
	writers.Wait()
	require.Positive(t, last)
}

// collide makes two writers meet in the cell once. The caller must be the only
// other user of the cell.
func collide(c *instrument.Cell) {
	var first, second instrument.Home
	before, grown := c.Collisions(), c.Grown()
	held := c.Begin(&first)
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.Observe(&second, duration, 1)
	}()
	for c.Collisions() == before && c.Grown() == grown {
		runtime.Gosched() // the other one has not arrived yet
	}
	held.Observe(duration, 1)
	held.End()
	<-done
}

// lanesFor4 makes a cell of a group that may have four lanes, whatever the
// machine has. The caller must not be parallel.
func lanesFor4(t *testing.T) (requests, *instrument.Cell) {
	t.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	r := setup(t)
	return r, r.group.Cell("GET", "/a", "200")
}

//nolint:paralleltest // GOMAXPROCS is the process's
func TestCellGrowsAfterCollisionsOnly(t *testing.T) {
	r, c := lanesFor4(t)
	var home instrument.Home
	for range 100_000 {
		c.Observe(&home, duration, 1)
	}
	// Two writers that take turns are no collision, from however many CPUs.
	turn := make(chan struct{})
	var other sync.WaitGroup
	other.Go(func() {
		var home instrument.Home
		for range turn {
			c.Observe(&home, duration, 1)
			turn <- struct{}{}
		}
	})
	for range 1000 {
		turn <- struct{}{}
		<-turn
		c.Observe(&home, duration, 1)
	}
	close(turn)
	other.Wait()
	require.False(t, c.Grown())
	require.Zero(t, c.Collisions())

	for i := range instrument.GrowAfter - 1 {
		collide(c)
		require.False(t, c.Grown())
		require.Equal(t, i+1, c.Collisions())
	}
	collide(c)
	require.True(t, c.Grown())
	require.Equal(t, 2, c.Lanes(), "a lane is made when a writer needs it")
	h := find(t, r.reg, "api_request_duration_seconds", "/a", "GET", "200").Histogram
	require.Equal(t, uint64(100_000+2000+2*instrument.GrowAfter), h.GetSampleCount(), "growing loses nothing")
}

// TestScrapesDoNotGrowCells: a reader holds a cell for a moment too; that must
// not add up to growth over the days.
//
//nolint:paralleltest // GOMAXPROCS is the process's
func TestScrapesDoNotGrowCells(t *testing.T) {
	r, c := lanesFor4(t)
	for range 3 * instrument.GrowAfter {
		collide(c)
		write(t, r.set, false)
		require.Zero(t, c.Collisions())
	}
	require.False(t, c.Grown())
}

// TestWriterKeepsItsLane: after a collision a writer moves to a lane that was
// free and stays there.
//
//nolint:paralleltest // GOMAXPROCS is the process's
func TestWriterKeepsItsLane(t *testing.T) {
	_, c := lanesFor4(t)
	for range instrument.GrowAfter {
		collide(c)
	}
	var a, b, d, e instrument.Home
	first := c.Begin(&a)
	second := c.Begin(&b)
	third := c.Begin(&d)
	fourth := c.Begin(&e)
	require.ElementsMatch(t, []int{0, 1, 2, 3}, []int{a.Lane(), b.Lane(), d.Lane(), e.Lane()})
	require.Equal(t, 1+4, c.Lanes(), "the first copy is retired, and read on")
	for _, held := range []instrument.Batch{first, second, third, fourth} {
		held.End()
	}
	before := b.Lane()
	for range 100 {
		c.Observe(&b, duration, 1)
	}
	require.Equal(t, before, b.Lane())

	// With every lane taken a fifth writer waits and is not lost.
	held := []instrument.Batch{c.Begin(&a), c.Begin(&b), c.Begin(&d), c.Begin(&e)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		var late instrument.Home
		c.Observe(&late, duration, 1)
	}()
	for range 100 {
		runtime.Gosched()
	}
	select {
	case <-done:
		require.Fail(t, "it wrote into a lane that was held")
	default:
	}
	for _, h := range held {
		h.End()
	}
	<-done
}

// TestOneCPUHasOneLane: where writers cannot collide there is nothing to grow for.
//
//nolint:paralleltest // GOMAXPROCS is the process's
func TestOneCPUHasOneLane(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	r := setup(t)
	c := r.group.Cell("GET", "/a", "200")
	runtime.GOMAXPROCS(4)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			var home instrument.Home
			for range 10_000 {
				c.Observe(&home, duration, 1)
			}
		})
	}
	all.Wait()
	require.False(t, c.Grown())
	require.Equal(t, uint64(40_000), find(t, r.reg, "api_request_duration_seconds", "/a", "GET", "200").Histogram.GetSampleCount())
}

// TestCellsAreBornOnce: writers that race for a new series get the same cell.
func TestCellsAreBornOnce(t *testing.T) {
	t.Parallel()
	r := setup(t)
	const writers, series = 8, 200
	found := make([][]*instrument.Cell, writers)
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range series {
				c := r.group.Cell("GET", "/"+string(rune('a'+i%26))+string(rune('a'+i/26)), "200")
				c.Add(&instrument.Home{}, upgraded, 1)
				found[w] = append(found[w], c)
				if i%10 == 0 {
					_ = r.set.WriteText(io.Discard, false, nil)
				}
			}
		})
	}
	all.Wait()
	for w := range writers {
		for i := range series {
			require.Same(t, found[0][i], found[w][i])
		}
	}
	p := parsed(t, write(t, r.set, false), textType)
	n := 0
	for s, v := range p.samples {
		if s[:len(`{__name__="api_request_total"`)] == `{__name__="api_request_total"` {
			require.Equal(t, "8", v, s)
			n++
		}
	}
	require.Equal(t, series, n)
}

func TestCellPanicsOnAWrongNumberOfValues(t *testing.T) {
	t.Parallel()
	r := setup(t)
	require.Panics(t, func() { r.group.Cell("GET", "/a") })
	require.Equal(t, []string{"GET", "/a", "200"}, r.group.Cell("GET", "/a", "200").Labels().Values())
}

// TestLabelListsDoNotCollide: no two lists of values are one series, however
// the values run into each other.
func TestLabelListsDoNotCollide(t *testing.T) {
	t.Parallel()
	r := setup(t)
	long := string(make([]byte, 300))
	lists := [][]string{
		{"a", "b", "c"},
		{"ab", "", "c"},
		{"", "ab", "c"},
		{"a", "", "bc"},
		{"a\x01b", "", "c"},
		{"a", "\x01b", "c"},
		{long, "a", ""},
		{long, "", "a"},
		{long + "a", "", ""},
		{"\x01a", "b", "c"},
	}
	cells := map[*instrument.Cell]int{}
	for i, l := range lists {
		c := r.group.Cell(l...)
		_, dup := cells[c]
		require.False(t, dup, "%q and %q are one series", l, lists[cells[c]])
		cells[c] = i
	}
}
