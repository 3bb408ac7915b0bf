package cachemon

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/internal/window"
	"github.com/chronoretrace/chronomon/monitor"
)

// Stats is what a cache in the process says of itself. Hits to Evictions are
// totals since it was made; what a cache does not know stays 0.
type Stats struct {
	Hits, Misses             uint64
	Sets, Deletes, Evictions uint64
	Entries                  int64 // negative: not known
	Bytes                    int64 // negative: not known
}

// Tracker measures one cache in the process: by being told of each look-up and
// change, or by reading what the cache counts itself ([WithStats]). It is safe
// for concurrent use. One that is nil or closed, or of a monitor that is off,
// does nothing.
type Tracker struct {
	cache  *cache
	closed atomic.Bool
}

type trackerConfig struct {
	cacheType string
	window    time.Duration
	stats     func() Stats
	nilStats  bool
}

// WithStats reads the cache's own numbers when metrics are scraped, at most
// every 100 ms: several scrapes at a time share a reading. The hit rate is then
// that between scrapes, over the window or the time since the last one, whichever
// is longer; the first scrape has none. f may be called concurrently with itself
// and must not block. What the tracker is told comes on top.
//
// A cache of otter v2 counts only if it is told to:
//
//	cache := otter.Must(&otter.Options[string, []byte]{
//		MaximumSize:   10_000,
//		StatsRecorder: stats.NewCounter(),
//	})
//	tracker, err := cachemon.NewTracker(m, "charts", cachemon.WithCacheType("otter"),
//		cachemon.WithStats(func() cachemon.Stats {
//			s := cache.Stats()
//			return cachemon.Stats{
//				Hits: s.Hits, Misses: s.Misses, Evictions: s.Evictions,
//				Entries: int64(cache.EstimatedSize()), Bytes: -1,
//			}
//		}))
func WithStats(f func() Stats) TrackerOption {
	return trackerOption(func(c *trackerConfig) { c.stats, c.nilStats = f, f == nil })
}

// NewTracker returns a tracker for the cache of that name, which no other
// tracker on the registry has. There may be as many names as the monitor's label
// limit says, those that were given back included: an error says that there are
// more.
func NewTracker(m *monitor.Monitor, name string, opts ...TrackerOption) (*Tracker, error) {
	c := &trackerConfig{cacheType: "local", window: 5 * time.Minute}
	for _, o := range opts {
		if o != nil {
			o.applyTracker(c)
		}
	}
	var p problems
	p.monitor(m)
	p.label("NewTracker name", name)
	p.label("WithCacheType", c.cacheType)
	p.window(c.window)
	if c.nilStats {
		p.bad("WithStats", nil, "a function")
	}
	if err := p.err(); err != nil {
		return nil, err
	}
	t, err := openTable(m.Instruments(), catalog.CacheOperationDuration.Buckets)
	if err != nil {
		return nil, err
	}
	if m.Off() {
		return &Tracker{}, nil
	}
	own, err := t.claim(c.cacheType, name, c.window, func(own *cache) {
		own.local = true
		if c.stats != nil {
			own.reader = &statsReader{m: m, stats: c.stats, series: window.NewSeries(c.window)}
		}
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", monitor.ErrInvalidOption, wrap("track", name, err))
	}
	return &Tracker{cache: own}, nil
}

func (tr *Tracker) off() bool { return tr == nil || tr.cache == nil || tr.closed.Load() }

// Hit notes that a key was looked up and was there.
func (tr *Tracker) Hit() { tr.count(countHit, 1) }

// Miss notes that a key was looked up and was not there.
func (tr *Tracker) Miss() { tr.count(countMiss, 1) }

// Look is Hit or Miss, by what a cache's Get says.
func (tr *Tracker) Look(found bool) {
	if found {
		tr.count(countHit, 1)
	} else {
		tr.count(countMiss, 1)
	}
}

// Set notes that an entry was put into the cache.
func (tr *Tracker) Set() { tr.count(countSet, 1) }

// Delete notes that an entry was taken out of the cache by its user.
func (tr *Tracker) Delete() { tr.count(countDelete, 1) }

// Evict notes that n entries left the cache to make room or because of their age.
func (tr *Tracker) Evict(n int) { tr.count(countEvict, n) }

func (tr *Tracker) count(i, n int) {
	if tr.off() || n <= 0 {
		return
	}
	w := getWorker()
	tr.cache.window.Add(tr.cache.table.now(), w.lane, i, uint64(n))
	w.release()
}

// Close ends the counting and gives the name back. What the tracker was told
// stays in the metrics, what was read from the cache goes.
func (tr *Tracker) Close() {
	if !tr.off() && !tr.closed.Swap(true) {
		tr.cache.table.release(tr.cache)
	}
}

// statsReader reads a cache's own numbers, which may be a costly thing, once a
// scrape: what is read is good for a moment.
type statsReader struct {
	m     *monitor.Monitor
	stats func() Stats

	mu     sync.Mutex
	series *window.Series // guarded by mu
	last   Stats          // guarded by mu
	grown  window.Totals  // guarded by mu
	ready  bool           // guarded by mu; last is valid
	at     time.Duration  // guarded by mu
}

// fresh is how long a reading is good for: a scrape's families are computed one
// after the other, from one reading.
const fresh = 100 * time.Millisecond

// read returns the numbers and by how much hits and misses have grown lately.
func (r *statsReader) read(now time.Duration) (Stats, window.Totals) {
	r.mu.Lock()
	if r.ready && now-r.at < fresh {
		defer r.mu.Unlock()
		return r.last, r.grown
	}
	r.mu.Unlock()
	s, err := r.call() // the host's code: not under the lock

	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		return r.last, r.grown
	}
	r.grown, _ = r.series.Read(now, window.Totals{countHit: s.Hits, countMiss: s.Misses})
	r.last, r.at, r.ready = s, now, true
	return r.last, r.grown
}

func (r *statsReader) call() (s Stats, err error) {
	defer r.m.Guard("cachemon.WithStats", &err)
	return r.stats(), nil
}

// locals calls f with each cache in the process and the latest that it said of
// itself.
func (t *table) locals(f func(c *cache, s Stats)) {
	now := t.now()
	for _, c := range t.all() {
		if !c.local {
			continue
		}
		t.mu.Lock()
		r := c.reader
		t.mu.Unlock()
		s := Stats{Entries: -1, Bytes: -1}
		if r != nil {
			s, _ = r.read(now)
		}
		f(c, s)
	}
}

// showReaders makes what caches in the process say of themselves metrics.
func (t *table) showReaders() error {
	return errors.Join(
		t.set.Func(catalog.CacheChanges, func(maker instrument.LabelMaker) instrument.Func {
			s := newSeries(maker)
			return func(yield instrument.Yield) {
				t.locals(func(c *cache, st Stats) {
					n := c.totals()
					n[countSet] += st.Sets
					n[countDelete] += st.Deletes
					n[countEvict] += st.Evictions
					for i := countSet; i <= countEvict; i++ {
						yield(s.labels(c.typ, c.name, changes[i]), float64(n[i]))
					}
				})
			}
		}),
		t.set.Func(catalog.CacheEntries, func(maker instrument.LabelMaker) instrument.Func {
			s := newSeries(maker)
			return func(yield instrument.Yield) {
				t.locals(func(c *cache, st Stats) {
					if st.Entries >= 0 {
						yield(s.labels(c.typ, c.name), float64(st.Entries))
					}
				})
			}
		}),
		t.set.Func(catalog.CacheMemoryUsage, func(maker instrument.LabelMaker) instrument.Func {
			s := newSeries(maker)
			return func(yield instrument.Yield) {
				t.locals(func(c *cache, st Stats) {
					if st.Bytes >= 0 {
						yield(s.labels(c.typ), float64(st.Bytes))
					}
				})
				t.memory(func(typ string, bytes float64) { yield(s.labels(typ), bytes) })
			}
		}),
	)
}
