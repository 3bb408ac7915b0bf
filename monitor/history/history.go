package history

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/internal/recordfile"
	"github.com/chronoretrace/chronomon/monitor"
)

// DB keeps what was measured and answers PromQL over it: a monitor.Runner and a
// monitor.Querier. It is safe for concurrent use.
type DB struct {
	m         *monitor.Monitor
	interval  time.Duration
	since     time.Time
	store     *store
	exemplars *exemplars
	metadata  *metadata
	collector *collector
	engine    *engine
	counters  *counters // nil when the monitor is off

	thresholds thresholds

	stepping sync.Mutex // held by Sample
	swept    int64      // guarded by stepping; when retention was last enforced
	watches  *watches
}

var (
	_ monitor.Runner  = (*DB)(nil)
	_ monitor.Querier = (*DB)(nil)
)

// ErrOutOfOrder is returned for a sample that is older than its series' newest.
var ErrOutOfOrder = errors.New("out of order")

// ErrNoRoom is returned for a sample of a new series when the series limit or
// the storage size is reached.
var ErrNoRoom = errors.New("no room for another series")

// New returns a history of m's registry. It collects nothing yet; with
// [WithStoragePath] it reads the directory, and has it until Run ends or Close. A
// registry has one history. Every option that is out of range is named in the error, which
// wraps [monitor.ErrInvalidOption] for each.
func New(m *monitor.Monitor, opts ...Option) (*DB, error) {
	c, err := newConfig(opts)
	if m == nil {
		err = errors.Join(fmt.Errorf("history: %w: monitor = nil: want a monitor", monitor.ErrInvalidOption), err)
	}
	if err != nil {
		return nil, err
	}
	db := &DB{m: m, interval: c.interval, since: m.Now().UTC(), engine: newEngine(c, m.Logger()), watches: &watches{lookback: c.lookback}}
	db.exemplars = newExemplars(c.exemplars)
	db.metadata = &metadata{families: map[string]Metadata{}}
	if err := db.open(c); err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	db.collector = newCollector(m, db, c.labels)
	var errs []error
	for _, w := range c.watches {
		errs = append(errs, db.Watch(w.name, w.expr, w.step))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if m.Off() {
		return db, nil
	}
	if c.path != "" {
		if err := db.onDisk(c); err != nil {
			return nil, fmt.Errorf("history: open %s: %w", c.path, err)
		}
	}
	if err := m.AddSnapshotter(db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// open makes the store and shows it in the registry.
func (db *DB) open(c *config) error {
	l := limits{
		series: c.series, bytes: c.storage,
		retention: [tiers]int64{raw: c.retention.Milliseconds(), long: c.longTerm.Milliseconds()},
		lookback:  c.lookback.Milliseconds(),
	}
	if db.m.Off() {
		db.store = newStore(l, counts{})
		return nil
	}
	set := db.m.Instruments()
	var err error
	if db.counters, err = instrument.Share(set, "history counters", func() (*counters, error) { return newCounters(set) }); err != nil {
		return err
	}
	st := newStore(l, counts{shown: db.counters})
	db.store = st
	shown, err := instrument.Share(set, "history", func() (*store, error) { return st, show(set, st) })
	if err == nil && shown != st {
		err = errors.New("the registry has a history already")
	}
	return err
}

// onDisk opens the directory.
func (db *DB) onDisk(c *config) (err error) {
	d := &disk{dir: recordfile.Dir(c.path), log: db.m.Logger(), syncs: c.sync, segment: c.segment, least: c.logs, longest: c.storage + 2*c.logs, wake: make(chan struct{}, 1)}
	if d.counters, err = newDiskCounters(db.m.Instruments(), d); err != nil {
		return err
	}
	return db.openDisk(d)
}

// Run collects the registry every interval until ctx is done: at once, and then
// at the full multiples of the interval. With [WithStoragePath] it then writes a
// snapshot: see [DB.Close].
func (db *DB) Run(ctx context.Context) error {
	if db.m.Off() {
		<-ctx.Done()
		return ctx.Err()
	}
	var maintained sync.WaitGroup
	if db.store.disk != nil {
		maintained.Go(func() { db.keep(ctx) })
	}
	db.run(ctx)
	maintained.Wait()
	if err := db.Close(); err != nil {
		return err
	}
	return ctx.Err()
}

func (db *DB) run(ctx context.Context) {
	var wrong bool
	for at := db.m.Now(); ; {
		if err, _ := db.step(ctx, at); (err != nil) != wrong && ctx.Err() == nil {
			if wrong = err != nil; wrong {
				db.m.Logger().Warn("history: collection is incomplete", "error", err)
			} else {
				db.m.Logger().Info("history: collection is complete again")
			}
		}
		now := db.m.Now()
		planned := now.Truncate(db.interval).Add(db.interval)
		timer := time.NewTimer(planned.Sub(now))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		at = aligned(db.m.Now(), planned, db.interval)
	}
}

// aligned returns the planned time if it has only just passed: steps of equal
// length compress far better.
func aligned(now, planned time.Time, interval time.Duration) time.Time {
	if late := now.Sub(planned); late >= 0 && late <= interval/100 {
		return planned
	}
	return now
}

// Sample is what Run does every interval: it collects the registry as of now,
// evaluates the watched expressions that are due, and gives up what is past its
// retention. Unless Run runs, it writes the files that are due, too. What could
// be collected is kept beside an error. Times must increase from call to call.
// A collector of the registry must not wait for the history: it may ask Err, and
// not Append, Watch or Snapshot.
func (db *DB) Sample(ctx context.Context, now time.Time) error {
	if db.m.Off() {
		return nil
	}
	return errors.Join(db.step(ctx, now))
}

// step is Sample, and tells what is missing of the collection from what is
// missing of the watched expressions, which say so in the log themselves.
func (db *DB) step(ctx context.Context, now time.Time) (collected, watched error) {
	db.stepping.Lock()
	defer db.stepping.Unlock()
	begin := time.Now()
	err := db.collect(millis(now))
	db.counters.collections.Cell().Observe(&instrument.Home{}, 0, int64(time.Since(begin)))
	result := db.counters.collected
	if err != nil {
		result = db.counters.failed
	}
	result.Add(&instrument.Home{}, 0, 1)
	watched = db.evaluateWatches(ctx, now)
	db.upkeep(now)
	return err, watched
}

// collect writes one collection.
func (db *DB) collect(now int64) (err error) {
	st := db.store
	st.writing.Lock()
	defer st.writing.Unlock()
	if now <= db.collector.last {
		return fmt.Errorf("history: collect at %s: %w: the last one was at %s", when(now), ErrOutOfOrder, when(db.collector.last))
	}
	err = db.collector.collect(now)
	st.commit(now)
	if db.swept == 0 || now-db.swept >= sweepEvery.Milliseconds() || st.size() > st.limits.bytes {
		db.swept = now
		st.retain(now)
		db.exemplars.trim(now - st.limits.retention[raw])
	}
	return err
}

// sweepEvery is how often the retention is enforced.
const sweepEvery = time.Minute

// Append writes samples of an engine's own series, such as ALERTS, into the raw
// tier. A series ends with a sample whose value is [Stale]; without that, queries
// see its last value for the lookback. Samples of a series must come in order of
// time. Those that cannot be taken are counted and named in the error by
// [ErrOutOfOrder] or [ErrNoRoom]; the others are written.
func (db *DB) Append(samples ...monitor.Sample) error {
	if db.m.Off() || len(samples) == 0 {
		return nil
	}
	err := db.appendAll(samples)
	db.upkeep(db.m.Now())
	return err
}

// upkeep sees to the directory, or has Run do it.
func (db *DB) upkeep(now time.Time) {
	if d := db.store.disk; d != nil && !d.woken() {
		db.maintain(millis(now))
	}
}

func (db *DB) appendAll(samples []monitor.Sample) error {
	st := db.store
	st.writing.Lock()
	defer st.writing.Unlock()
	var errs []error
	newest := millis(samples[0].Time)
	for _, s := range samples {
		newest = max(newest, millis(s.Time))
		if err := db.appendSample(s); err != nil {
			errs = append(errs, fmt.Errorf("history: append %s: %w", s.Labels, err))
		}
	}
	st.commit(newest)
	if st.size() > st.limits.bytes {
		st.shrink(newest)
	}
	return errors.Join(errs...)
}

func (db *DB) appendSample(sample monitor.Sample) error {
	l, err := seriesLabels(sample.Labels)
	if err != nil {
		db.store.counts.drop(dropInvalid)
		return err
	}
	s := db.store.get(l, raw, millis(sample.Time))
	if s == nil {
		db.store.counts.drop(dropSeriesLimit)
		return ErrNoRoom
	}
	late := db.store.counts.dropped[dropOutOfOrder]
	db.store.append(s, millis(sample.Time), sample.Value)
	if db.store.counts.dropped[dropOutOfOrder] > late {
		return ErrOutOfOrder
	}
	return nil
}

func when(ms int64) string { return rfc3339(time.UnixMilli(ms)) }

func rfc3339(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
