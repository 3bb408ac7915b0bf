package history

import (
	"time"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
)

// dropReason says why a sample was not taken.
type dropReason uint8

const (
	dropSeriesLimit dropReason = iota
	dropOutOfOrder
	dropDuplicate
	dropAhead
	dropInvalid
	dropReasons
)

func (r dropReason) String() string {
	return [...]string{"series_limit", "out_of_order", "duplicate", "ahead", "invalid"}[r]
}

// evictReason says why something was given up.
type evictReason uint8

const (
	evictRetention evictReason = iota
	evictSize
	evictLimit
	evictClock
	evictReasons
)

func (r evictReason) String() string {
	return [...]string{"retention", "storage_size", "series_limit", "clock"}[r]
}

// counts are the store's counters. They are collected here while a batch is
// written, and shown when it ends.
type counts struct {
	shown                   *counters
	samples                 uint64
	dropped                 [dropReasons]uint64
	samplesGone, seriesGone [evictReasons]uint64
}

func (c *counts) drop(why dropReason)                   { c.dropped[why]++ }
func (c *counts) evictSamples(why evictReason, n int64) { c.samplesGone[why] += uint64(n) }
func (c *counts) evictSeries(why evictReason, n int64)  { c.seriesGone[why] += uint64(n) }

// flush shows what was counted.
func (c *counts) flush() {
	if c.shown == nil {
		return
	}
	add := func(cell *instrument.Cell, n *uint64) {
		if *n > 0 {
			cell.Add(&instrument.Home{}, 0, *n)
			*n = 0
		}
	}
	add(c.shown.samples, &c.samples)
	for i := range c.dropped {
		add(c.shown.dropped[i], &c.dropped[i])
	}
	for i := range c.samplesGone {
		add(c.shown.samplesGone[i], &c.samplesGone[i])
		add(c.shown.seriesGone[i], &c.seriesGone[i])
	}
}

// counters are the history's own instruments.
type counters struct {
	samples, shared         *instrument.Cell
	dropped                 [dropReasons]*instrument.Cell
	samplesGone, seriesGone [evictReasons]*instrument.Cell
	collected, failed       *instrument.Cell
	collections, queries    *instrument.Group // of durations
	watchFailures           *instrument.Group
	watchMissed             *instrument.Group
}

func newCounters(set *instrument.Set) (*counters, error) {
	c := &counters{}
	var samples, shared, dropped, samplesGone, seriesGone, collections *instrument.Group
	for _, g := range []struct {
		metric catalog.Metric
		group  **instrument.Group
	}{
		{catalog.HistorySamples, &samples},
		{catalog.HistoryShared, &shared},
		{catalog.HistoryDropped, &dropped},
		{catalog.HistoryEvictedSamples, &samplesGone},
		{catalog.HistoryEvictedSeries, &seriesGone},
		{catalog.HistoryCollections, &collections},
		{catalog.HistoryWatchFailures, &c.watchFailures},
		{catalog.HistoryWatchMissed, &c.watchMissed},
	} {
		var err error
		if *g.group, err = set.Counters(g.metric); err != nil {
			return nil, err
		}
	}
	c.samples, c.shared = samples.Cell(), shared.Cell()
	for i := range c.dropped {
		c.dropped[i] = dropped.Cell(dropReason(i).String())
	}
	for i := range c.samplesGone {
		c.samplesGone[i] = samplesGone.Cell(evictReason(i).String())
		c.seriesGone[i] = seriesGone.Cell(evictReason(i).String())
	}
	c.collected, c.failed = collections.Cell("ok"), collections.Cell("failed")
	var err error
	if c.collections, err = newDurations(set, catalog.HistoryCollectionDuration); err != nil {
		return nil, err
	}
	c.queries, err = newDurations(set, catalog.HistoryQueryDuration)
	return c, err
}

// diskCounters are the instruments of a history that has a directory.
type diskCounters struct {
	writes, snapshots [2]*instrument.Cell // ok and failed
	damaged           *instrument.Cell
}

func newDiskCounters(set *instrument.Set) (*diskCounters, error) {
	c := &diskCounters{}
	for _, g := range []struct {
		metric catalog.Metric
		cells  *[2]*instrument.Cell
	}{
		{catalog.HistoryDiskWrites, &c.writes},
		{catalog.HistorySnapshots, &c.snapshots},
	} {
		group, err := set.Counters(g.metric)
		if err != nil {
			return nil, err
		}
		*g.cells = [2]*instrument.Cell{group.Cell("ok"), group.Cell("failed")}
	}
	damaged, err := set.Counters(catalog.HistoryDamaged)
	if err != nil {
		return nil, err
	}
	c.damaged = damaged.Cell()
	return c, nil
}

// show shows how large the files are.
func (d *disk) show(set *instrument.Set) error {
	return set.Func(catalog.HistoryDiskBytes, func(labels instrument.LabelMaker) instrument.Func {
		var names [diskParts]*instrument.Labels
		for p := range diskParts {
			names[p] = labels(p.String())
		}
		return func(yield instrument.Yield) {
			for p := range diskParts {
				yield(names[p], float64(d.used[p].Load()))
			}
		}
	})
}

func (c *diskCounters) wrote(err error) { countResult(&c.writes, err) }
func (c *diskCounters) saved(err error) { countResult(&c.snapshots, err) }
func (c *diskCounters) damage(n int)    { c.damaged.Add(&instrument.Home{}, 0, uint64(n)) }

func countResult(cells *[2]*instrument.Cell, err error) {
	i := 0
	if err != nil {
		i = 1
	}
	cells[i].Add(&instrument.Home{}, 0, 1)
}

// newDurations makes a group of one histogram of nanoseconds.
func newDurations(set *instrument.Set, m catalog.Metric) (*instrument.Group, error) {
	g := set.NewGroup(m.Name, instrument.Spec{
		Labels: m.Labels, Histograms: []instrument.HistogramSpec{{Bounds: m.Buckets, Scale: 1e-9}},
	})
	return g, set.Histogram(m, g, 0)
}

// query counts a query and how long it took.
func (c *counters) query(result string, took time.Duration) {
	if c != nil {
		c.queries.Cell(result).Observe(&instrument.Home{}, 0, int64(took))
	}
}

// show shows what the store holds.
func show(set *instrument.Set, st *store) error {
	p := &st.published
	for _, g := range []struct {
		metric catalog.Metric
		value  func() (float64, bool)
	}{
		{catalog.HistorySeries, func() (float64, bool) { return float64(p.series.Load()), true }},
		{catalog.HistoryStoredSamples, func() (float64, bool) { return float64(p.samples.Load()), true }},
		{catalog.HistoryChunkBytes, func() (float64, bool) { return float64(p.chunkBytes.Load()), true }},
		{catalog.HistoryStorageBytes, func() (float64, bool) { return float64(p.storageBytes.Load()), true }},
		{catalog.HistoryStorageLimit, func() (float64, bool) { return float64(st.limits.bytes), true }},
		{catalog.HistoryBytesPerSample, p.bytesPerSample},
		{catalog.HistoryCompression, func() (float64, bool) {
			const plain = 16 // a time and a value, 8 bytes each
			b, ok := p.bytesPerSample()
			return 1 - b/plain, ok
		}},
	} {
		err := set.Func(g.metric, func(labels instrument.LabelMaker) instrument.Func {
			l := labels()
			return func(yield instrument.Yield) {
				if v, ok := g.value(); ok {
					yield(l, v)
				}
			}
		})
		if err != nil {
			return err
		}
	}
	return set.Func(catalog.HistoryOldest, func(labels instrument.LabelMaker) instrument.Func {
		names := [tiers]*instrument.Labels{labels("raw"), labels("long")}
		return func(yield instrument.Yield) {
			for i := range names {
				if t := p.oldest[i].Load(); t != 0 {
					yield(names[i], float64(t)/1000)
				}
			}
		}
	})
}

// bytesPerSample is absent while there is no sample.
func (p *published) bytesPerSample() (float64, bool) {
	n := p.samples.Load()
	return float64(p.chunkBytes.Load()) / float64(n), n > 0
}
